//! A plan for people: a sentence, the tables it changes, the conflicts, and what to do next.

use stratigraph_engine::diff::Way;
use stratigraph_engine::merge::{MergeOutcome, MergeWay, TableMerge};
use stratigraph_engine::{CommitId, Graph};

use super::conflicts;
use super::found::Found;
use super::given::Given;
use crate::cli::error::CliError;
use crate::cli::output::Out;
use crate::cli::text_table::{Align, TextTable};
use crate::recovery::tail;
use crate::theme::Role;

/// Prints the plan.
pub(super) async fn print(graph: &Graph, found: &Found, given: &Given, out: &mut Out) -> Result<(), CliError> {
    let sentence = sentence(found, out.theme().arrow(), short_id);
    out.line(&out.cell(Role::Title, &sentence).painted)?;
    out.line("")?;
    print_tables(&found.tables, out)?;
    print_unused(found, given, out)?;
    conflicts::print(graph, found, given, out).await?;
    match (found.open.len(), found.decided) {
        (0, 0) => Ok(()),
        (open, decided) => {
            out.line("")?;
            out.line(&totals(open, decided))
        }
    }
}

/// The end of an id: nearly always unique, and where it is not, a command that is given it lists the commits it could mean.
fn short_id(id: CommitId) -> String {
    tail(&id.to_string(), 6).to_owned()
}

/// `merge: budget (2CP0FV) → main (7H2K9Q), last common commit 9ZZZZZ`.
fn sentence(found: &Found, arrow: &str, short: impl Fn(CommitId) -> String) -> String {
    let (plan, heads) = (&found.plan, found.plan.heads());
    let side = |name, head| format!("{name} ({})", short(head));
    let (source, target) = (side(plan.source(), heads.source), side(plan.target(), heads.target));
    let base = short(heads.base);
    let others: Vec<String> = plan.other_bases().iter().map(|id| short(*id)).collect();
    let others = if others.is_empty() { String::new() } else { format!("; others are {}", others.join(", ")) };
    match plan.outcome() {
        outcome @ MergeOutcome::AlreadyUpToDate => format!("{outcome}: {target} has every commit of {source}"),
        outcome @ (MergeOutcome::FastForward | MergeOutcome::Merged) => {
            format!("{outcome}: {source}{arrow}{target}, last common commit {base}{others}")
        }
    }
}

/// Prints the tables that change; the others are counted.
pub(super) fn print_tables(tables: &[TableMerge], out: &mut Out) -> Result<(), CliError> {
    let right = |title| (title, Align::Right);
    let mut shown = TextTable::new(&[
        ("table", Align::Left),
        ("change", Align::Left),
        right("appends"),
        right("upserts"),
        right("deletes"),
        right("conflicts"),
        ("", Align::Left),
    ]);
    let (changed, untouched): (Vec<_>, Vec<_>) = tables.iter().partition(|table| is_shown(table));
    for table in &changed {
        let count = |count: u64| out.cell(Role::Text, &count.to_string());
        let walked = table.compared == Some(Way::Walk);
        shown.row(vec![
            out.cell(Role::Text, &table.key.to_string()),
            out.cell(Role::Changed, &table.way.to_string()),
            count(table.appends),
            count(table.upserts),
            count(table.deletes),
            if table.conflicts > 0 { count(table.conflicts) } else { out.cell(Role::Text, "") },
            out.cell(Role::Dim, if walked { "every row was compared" } else { "" }),
        ]);
    }
    shown.write(out)?;
    let folded = match (changed.len(), untouched.len()) {
        (_, 0) => return Ok(()),
        (0, _) => "no table changes".to_owned(),
        (_, 1) => "1 table unchanged".to_owned(),
        (_, count) => format!("{count} tables unchanged"),
    };
    out.line(&out.cell(Role::Dim, &folded).painted)
}

fn is_shown(table: &TableMerge) -> bool {
    table.way != MergeWay::Untouched || table.conflicts > 0
}

fn print_unused(found: &Found, given: &Given, out: &mut Out) -> Result<(), CliError> {
    let unused = found.unused();
    if unused.is_empty() {
        return Ok(());
    }
    out.line("")?;
    out.line(&out.cell(Role::Title, "decisions that are not used").painted)?;
    for stale in unused {
        let line = out.cell(Role::Text, &format!("  {}: {}", given.name(stale.decision), stale.reason)).painted;
        out.line(&line)?;
    }
    Ok(())
}

/// `1 conflict is open, 2 are decided`.
fn totals(open: usize, decided: usize) -> String {
    let opened = match open {
        0 => "no conflict is open".to_owned(),
        1 => "1 conflict is open".to_owned(),
        _ => format!("{open} conflicts are open"),
    };
    match decided {
        0 => opened,
        1 => format!("{opened}, 1 is decided"),
        _ => format!("{opened}, {decided} are decided"),
    }
}
