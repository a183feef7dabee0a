//! The two lists of branches, and what lies between the chosen ones.

use ratatui::layout::Rect;
use stratigraph_widgets::width::{Align, escape, width};

use super::{TextLine, column, text, wrapped};
use crate::action::TermKind;
use crate::screen::merge::choose::End;
use crate::screen::merge::request::{Between, BranchLine, End as Head};
use crate::screen::merge::{BETWEEN, BETWEEN_SLOT, BRANCHES_SLOT, Merge, SOURCE, TARGET, is_reading, words};
use crate::screen::{PaneId, ScreenId, first_line};
use crate::state::{Arrangement, Shared};
use crate::theme::Role;
use crate::view::{Canvas, Target, age};

pub(super) fn draw(screen: &Merge, shared: &Shared, panes: &Arrangement, canvas: &mut Canvas<'_, '_>) {
    draw_list(screen, (End::Source, SOURCE, "merge this branch"), shared, panes, canvas);
    draw_list(screen, (End::Target, TARGET, "into this branch"), shared, panes, canvas);
    let title = match screen.choose.pair() {
        Some(pair) => format!("{}{}{}", pair.source, shared.theme.arrow(), pair.target),
        None => "what lies between".to_owned(),
    };
    if let Some(inner) = canvas.pane(panes, BETWEEN, &title) {
        let lines = wrapped(between(screen, shared), usize::from(inner.width));
        text(&lines, crate::cursor::Cursor::default(), inner, canvas);
    }
}

fn draw_list(
    screen: &Merge,
    (end, pane, title): (End, PaneId, &str),
    shared: &Shared,
    panes: &Arrangement,
    canvas: &mut Canvas<'_, '_>,
) {
    let chosen = screen.choose.chosen(end).map(|name| format!("{}{name}", shared.theme.dot())).unwrap_or_default();
    let Some(inner) = canvas.pane(panes, pane, &format!("{title}{chosen}")) else { return };
    if screen.choose.branches.is_none() {
        let reading = if is_reading(shared, BRANCHES_SLOT) { "reading the branches" } else { "no branches were read" };
        canvas.line(inner, reading, Role::Dim);
        return;
    }
    let filter = shared.terms.matcher(ScreenId::Merge, pane, TermKind::Filter);
    let left = screen.choose.left(filter);
    let (head, list) = first_line(inner);
    let names = left.iter().map(|branch| width(branch.name.as_str())).max().unwrap_or(0);
    let names = names.clamp(6, usize::from(inner.width).saturating_sub(16).max(6));
    let columns = format!("  {}  head    age", column("branch", names, Align::Left, shared.theme));
    canvas.line(head, columns, Role::Title);
    if left.is_empty() {
        canvas.line(list, "no branch fits the filter", Role::Dim);
    }
    let cursor = screen.choose.cursor(end, filter);
    for (row, y) in cursor.window(left.len(), usize::from(list.height)).zip(list.y..list.bottom()) {
        let line = Rect { y, height: 1, ..list };
        let is_chosen = Some(&left[row].name) == screen.choose.chosen(end);
        draw_branch(left[row], names, is_chosen, shared, line, canvas);
        canvas.hit(line, Target::Row { pane, index: row });
        if is_chosen {
            canvas.select(line, panes.focus == pane);
        }
    }
}

fn draw_branch(
    branch: &BranchLine,
    names: usize,
    is_chosen: bool,
    shared: &Shared,
    line: Rect,
    canvas: &mut Canvas<'_, '_>,
) {
    let symbols = shared.theme.symbols();
    let sign = if is_chosen { symbols.cursor } else { " " };
    let (head, role) = match &branch.broken {
        Some(_) => ("broken", Role::Error),
        None => (branch.head.as_deref().unwrap_or(symbols.missing), Role::Text),
    };
    let age = branch.created_at_micros.map(|micros| age(micros, shared.now.utc_micros)).unwrap_or_default();
    let actor = branch.actor.as_deref().unwrap_or_default();
    let name = column(branch.name.as_str(), names, Align::Left, shared.theme);
    canvas.line(line, format!("{sign} {name}  {head:<6} {age}  {actor}"), role);
}

/// The sentence, the graph, and what merging comes to.
fn between(screen: &Merge, shared: &Shared) -> Vec<TextLine> {
    let broken = screen.choose.broken();
    let mut lines: Vec<TextLine> =
        broken.map(|(name, reason)| (format!("! {name} is broken: {}", escape(reason)), Role::Error)).collect();
    if !lines.is_empty() || screen.choose.branches.is_none() {
        return lines;
    }
    if let Some(problem) = screen.choose.problem() {
        return vec![(problem, Role::Warning)];
    }
    match screen.choose.known() {
        Some(between) => {
            lines.extend(graph(between, shared));
            lines.push((String::new(), Role::Text));
            lines.extend(conclusion(between));
        }
        None if is_reading(shared, BETWEEN_SLOT) => {
            lines.push(("looking for the last common commit".to_owned(), Role::Dim));
        }
        None => lines.push(("what lies between them was not read (r reads it)".to_owned(), Role::Dim)),
    }
    lines.push((String::new(), Role::Text));
    lines.push(("others say theirs for the source, ours for the target".to_owned(), Role::Dim));
    lines
}

/// The two heads above the commit that both come from.
fn graph(between: &Between, shared: &Shared) -> Vec<TextLine> {
    let glyphs = shared.theme.symbols().graph;
    let pair = &between.pair;
    let names = width(pair.source.as_str()).max(width(pair.target.as_str()));
    let end = |lanes: String, name: &str, head: &Head| {
        let name = column(name, names, Align::Left, shared.theme);
        let own = match head.own {
            0 => "no commit of its own".to_owned(),
            own => format!("{} of its own", words::count(own, "commit")),
        };
        let age = age(head.created_at_micros, shared.now.utc_micros);
        (format!(" {lanes:<4} {name}  {}  {own}  {}", head.head, age.trim_start()), Role::Text)
    };
    let mut lines = Vec::new();
    let (tip, line) = (glyphs.tip, glyphs.vertical);
    let (source, target) = (&between.source, &between.target);
    let is_forked = source.own > 0 && target.own > 0;
    let (left, right) = if between.bases.is_empty() || is_forked {
        (format!("  {tip}"), format!("{tip} {line}"))
    } else if source.own > 0 {
        (format!("{tip}"), format!("{line}"))
    } else {
        (format!("{line}"), format!("{tip}"))
    };
    if source.own > 0 || between.bases.is_empty() {
        lines.push(end(left.clone(), pair.source.as_str(), source));
    }
    if target.own > 0 || between.bases.is_empty() {
        lines.push(end(right.clone(), pair.target.as_str(), target));
    }
    lines.extend(base(between, is_forked, shared));
    lines
}

/// The last common commit with the names of the branches that are there, and others beside it.
fn base(between: &Between, is_forked: bool, shared: &Shared) -> Vec<TextLine> {
    let glyphs = shared.theme.symbols().graph;
    let Some((id, micros)) = between.bases.first() else {
        return vec![("   no common commit".to_owned(), Role::Warning)];
    };
    let mut lines = Vec::new();
    if is_forked {
        lines.push((format!(" {}{}{}", glyphs.join[1], glyphs.horizontal, glyphs.end[0]), Role::Text));
    }
    let pair = &between.pair;
    let here: Vec<&str> = [(&pair.target, &between.target), (&pair.source, &between.source)]
        .into_iter()
        .filter(|(_, end)| end.own == 0)
        .map(|(name, _)| name.as_str())
        .collect();
    let here = if here.is_empty() { String::new() } else { format!("{}  ", here.join(", ")) };
    let age = age(*micros, shared.now.utc_micros);
    let text = format!(" {:<4} {here}{id}  last common commit  {}", glyphs.through, age.trim_start());
    lines.push((text, Role::Changed));
    if between.bases.len() > 1 {
        let others: Vec<&str> = between.bases[1..].iter().map(|(id, _)| id.as_str()).collect();
        lines.push((format!("      others, merged crosswise: {}", others.join(", ")), Role::Dim));
    }
    lines
}

fn conclusion(between: &Between) -> Vec<TextLine> {
    let pair = &between.pair;
    let (text, role) = match (between.bases.is_empty(), between.source.own, between.target.own) {
        (true, ..) => ("they cannot be merged: export one and load it into the other".to_owned(), Role::Warning),
        (false, 0, _) => (format!("{} has every commit of {}: nothing to merge", pair.target, pair.source), Role::Text),
        (false, _, 0) => (format!("a fast forward: {} did nothing since", pair.target), Role::Text),
        (false, ..) => {
            ("both did something since: rows that both changed are shown as conflicts".to_owned(), Role::Text)
        }
    };
    vec![(text, role), ("enter in the lower list previews, nothing is written".to_owned(), Role::Dim)]
}
