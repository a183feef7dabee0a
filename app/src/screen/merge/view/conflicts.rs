//! The tree of conflicts.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use stratigraph_engine::merge::{Conflict, ConflictDetail, Scope};
use stratigraph_widgets::tree::{self, Fold, FoldRow, TreeRow, TreeStyle};
use stratigraph_widgets::width::escape;

use super::failure_text;
use crate::action::TermKind;
use crate::screen::merge::deciding::{Deciding, Standing};
use crate::screen::merge::resolve::from_sign;
use crate::screen::merge::tree::{Name, Node, fits};
use crate::screen::merge::{CONFLICTS, Merge, PREVIEW_SLOT, is_reading, words};
use crate::screen::{ScreenId, first_line};
use crate::state::{Arrangement, Shared};
use crate::theme::Role;
use crate::view::{Canvas, Target};

pub(super) fn draw(screen: &Merge, shared: &Shared, panes: &Arrangement, canvas: &mut Canvas<'_, '_>) {
    let Some(deciding) = &screen.deciding else { return };
    let mut title = "Conflicts".to_owned();
    let (dot, ellipsis) = (shared.theme.dot(), shared.theme.symbols().ellipsis);
    if is_reading(shared, PREVIEW_SLOT) {
        title = format!("{title}{dot}comparing again{ellipsis}");
    } else if !deciding.is_current() && deciding.problem.is_none() && screen.unchecked.is_none() {
        title = format!("{title}{dot}checking{ellipsis}");
    }
    let Some(inner) = canvas.pane(panes, CONFLICTS, &title) else { return };
    let (head, list) = first_line(inner);
    let (text, role) = headline(screen, deciding, shared);
    canvas.line(head, text, role);
    let nodes = screen.tree.nodes();
    if nodes.is_empty() {
        let text = if screen.tree.conflicts().is_empty() { "no conflict" } else { "no conflict fits the filter" };
        canvas.line(list, text, Role::Dim);
    }
    draw_tree(screen, deciding, shared, (list, panes.focus == CONFLICTS), canvas);
}

/// Draws the rows on view, below the groups they are in.
fn draw_tree(
    screen: &Merge,
    deciding: &Deciding,
    shared: &Shared,
    (list, focused): (Rect, bool),
    canvas: &mut Canvas<'_, '_>,
) {
    let nodes = screen.tree.nodes();
    let window = screen.tree.cursor.window(nodes.len(), usize::from(list.height));
    let above = screen.tree.groups_of(window.start);
    let row = |at: usize| {
        let node = &nodes[at];
        let text = text(screen, deciding, node, shared, canvas);
        FoldRow { row: TreeRow { depth: node.name.depth(), id: node.name.clone(), text }, fold: fold(screen, node) }
    };
    let rows = above.iter().copied().chain(window.clone()).map(row).collect();
    let selected = screen.tree.cursor.row.checked_sub(window.start).map(|row| above.len() + row);
    let style = TreeStyle {
        base: canvas.style(Role::Text),
        selected: canvas.style(if focused { Role::Selected } else { Role::SelectedElsewhere }),
    };
    let symbols = shared.theme.symbols();
    let drawn = tree::render_from(rows, above.len(), selected, (list, canvas.buffer()), symbols, style);
    debug_assert!(drawn.is_ok(), "BUG: two rows have the same name");
    let search = shared.terms.matcher(ScreenId::Merge, CONFLICTS, TermKind::Search);
    for (row, y) in window.zip(list.y..list.bottom()) {
        let line = Rect { y, height: 1, ..list };
        let is_match = search.is_some_and(|matcher| {
            matches!(nodes[row].name, Name::Conflict(..))
                && fits(matcher, &screen.tree.conflicts()[nodes[row].conflict])
        });
        if is_match && row != screen.tree.cursor.row {
            let style = canvas.style(Role::Match);
            canvas.buffer().set_style(line, style);
        }
        canvas.hit(line, Target::Row { pane: CONFLICTS, index: row });
        if row == screen.tree.cursor.row && focused {
            canvas.cursor(line.x, line.y);
        }
    }
}

fn fold(screen: &Merge, node: &Node) -> Fold {
    match &node.name {
        Name::Conflict(..) | Name::StaleChoice(_) => Fold::Leaf,
        name if screen.tree.is_closed(name) => Fold::Closed,
        Name::Table(_) | Name::Kind(..) | Name::Stale => Fold::Open,
    }
}

/// What is wrong with the choices, else how many are open.
fn headline(screen: &Merge, deciding: &Deciding, shared: &Shared) -> (String, Role) {
    let dot = shared.theme.dot();
    if let Some(problem) = &deciding.problem {
        let of = match deciding.list().get(problem.decision).map(|decision| &decision.on) {
            Some(Scope::Conflict(key)) => format!("{} {}", key.table.name, escape(&key.id)),
            Some(Scope::Rule(_)) | None => format!("choice {}", problem.decision + 1),
        };
        return (format!("! {of}, {}: {}", problem.column, problem.reason), Role::Error);
    }
    if let Some(failure) = &screen.unchecked {
        return (failure_text(failure), Role::Error);
    }
    let text = words::totals(deciding, dot);
    // What is next comes first: the counts may be cut.
    match (deciding.is_settled(), screen.moved(shared).is_empty()) {
        (true, true) => (format!("C merges{dot}{text}"), Role::Good),
        (true, false) => (format!("{}{dot}{text}", words::AGAIN), Role::Warning),
        (false, _) => (text, Role::Title),
    }
}

fn text(screen: &Merge, deciding: &Deciding, node: &Node, shared: &Shared, canvas: &Canvas<'_, '_>) -> Line<'static> {
    let counts = || match node.counts {
        (0, all) => (format!("  {all} decided"), Role::Dim),
        (open, all) => (format!("  {open} of {all} open"), Role::Warning),
    };
    let pieces = match &node.name {
        Name::Table(table) => vec![(table.to_string(), Role::Title), counts()],
        Name::Kind(_, kind) => vec![(words::kind(*kind).to_owned(), Role::Text), counts()],
        Name::Conflict(..) => match screen.tree.conflicts().get(node.conflict) {
            Some(conflict) => {
                let marks = (screen.tree.standing(node.conflict), screen.tree.is_marked(&node.name));
                of_conflict(deciding, conflict, marks, shared)
            }
            None => Vec::new(),
        },
        Name::Stale => {
            let hold = if node.counts.1 == 1 { "holds" } else { "hold" };
            let text = format!("{} that {hold} no more", words::count(node.counts.1, "choice"));
            vec![(text, Role::Warning)]
        }
        Name::StaleChoice(index) => vec![(stale(deciding, *index, shared), Role::Dim)],
    };
    pieces.into_iter().map(|(text, role)| Span::styled(text, canvas.style(role))).collect()
}

fn of_conflict(
    deciding: &Deciding,
    conflict: &Conflict,
    (standing, marked): (Standing, bool),
    shared: &Shared,
) -> Vec<(String, Role)> {
    let symbols = shared.theme.symbols();
    let (sign, role) = match standing {
        Standing::Open => ("?", Role::Warning),
        Standing::Partly => ("~", Role::Warning),
        Standing::Chosen => (symbols.not_loaded, Role::Dim),
        Standing::Decided => (symbols.good, Role::Good),
    };
    let mark = if marked { symbols.mark } else { " " };
    let id_role = if marked { Role::Marked } else { Role::Text };
    let from = from_sign(shared.theme);
    let (told, told_role) = match deciding.choice(conflict) {
        // It is decided and broken nevertheless, or one of its own.
        Some(_) if standing == Standing::Open => (conflict.detail.to_string(), Role::Warning),
        Some(choice) => (words::choice(choice, from), Role::Changed),
        None => (about(conflict), Role::Dim),
    };
    let caused = if conflict.caused_by.is_some() { " (caused)" } else { "" };
    vec![
        (mark.to_owned(), Role::Marked),
        (format!("{sign} "), role),
        (escape(&conflict.key.id).into_owned(), id_role),
        (format!("  {}", escape(&told)), told_role),
        (caused.to_owned(), Role::Warning),
    ]
}

/// What a conflict is about, shorter than its detail.
fn about(conflict: &Conflict) -> String {
    match &conflict.detail {
        ConflictDetail::Row { columns, .. } => columns.join(", "),
        detail @ (ConflictDetail::Orphan { .. }
        | ConflictDetail::Unique { .. }
        | ConflictDetail::Cardinality { .. }
        | ConflictDetail::Value { .. }) => detail.to_string(),
    }
}

/// A choice that holds for nothing, and why.
fn stale(deciding: &Deciding, index: usize, shared: &Shared) -> String {
    let reason = deciding.check().stale.iter().find(|stale| stale.decision == index).map(|stale| stale.reason.as_str());
    let Some(decision) = deciding.checked().get(index) else { return String::new() };
    let what = match &decision.on {
        Scope::Conflict(key) => format!("{} {}", key.table, key.id),
        Scope::Rule(rule) => words::rule(rule),
    };
    let choice = decision.choice.as_ref().map(|choice| words::choice(choice, from_sign(shared.theme)));
    format!("{what}: {}{}{}", choice.unwrap_or_default(), shared.theme.dot(), reason.unwrap_or_default())
}
