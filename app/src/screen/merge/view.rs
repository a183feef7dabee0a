//! Drawing: the step line, and what all panes have in common.

mod choose;
mod conflicts;
mod preview;
mod result;
mod row;

pub(super) use preview::summary_lines;
pub(super) use result::result_lines;
pub(super) use row::{FURNITURE as ROW_FURNITURE, related_lines};

use ratatui::layout::Rect;
use stratigraph_widgets::width::{Align, fit, wrap_line};

use super::{Ending, Merge, Step};
use crate::cursor::Cursor;
use crate::message::{Failure, next_step};
use crate::screen::Place;
use crate::state::{Arrangement, Shared, SizeClass};
use crate::theme::{Role, Theme};
use crate::view::Canvas;

/// A line of text.
pub(super) type TextLine = (String, Role);

/// Draws the panes that are on view.
pub(super) fn draw(screen: &Merge, shared: &Shared, panes: &Arrangement, canvas: &mut Canvas<'_, '_>) {
    match screen.step {
        Step::Choose => choose::draw(screen, shared, panes, canvas),
        Step::Preview => preview::draw(screen, shared, panes, canvas),
        Step::Resolve => {
            conflicts::draw(screen, shared, panes, canvas);
            row::draw(screen, shared, panes, canvas);
        }
        Step::Result => result::draw(screen, shared, panes, canvas),
    }
}

/// The step line: where one is, what is merged, and whether a branch moved since.
pub(super) fn place(screen: &Merge, shared: &Shared) -> Place {
    let theme = shared.theme;
    let moved = match screen.step {
        Step::Preview | Step::Resolve => screen.moved(shared),
        Step::Choose | Step::Result => Vec::new(),
    };
    let is_moved = !moved.is_empty();
    let moved: Vec<String> = moved.iter().map(ToString::to_string).collect();
    let moved = format!("{} moved: r previews again", moved.join(" and "));
    let pair = screen.pair().map(|pair| format!("{}{}{}", pair.source, theme.arrow(), pair.target));
    let small = SizeClass::of(shared.size.0, shared.size.1) <= SizeClass::Single;
    let mut parts = vec![if small { short_steps(screen) } else { steps(screen, theme) }];
    parts.extend(is_moved.then_some(moved));
    parts.extend(pair);
    Place { text: parts.join(theme.dot()), is_head: !is_moved }
}

/// `choose ─ [preview] ─ resolve ─ result`
fn steps(screen: &Merge, theme: Theme) -> String {
    let line = theme.symbols().graph.horizontal;
    let word = |step: Step| {
        let word = step.word();
        if step == screen.step { format!("[{word}]") } else { word.to_owned() }
    };
    Step::ALL.map(word).join(&format!(" {line} "))
}

/// `2/4 preview`
fn short_steps(screen: &Merge) -> String {
    let at = Step::ALL.iter().position(|step| *step == screen.step).map_or(1, |at| at + 1);
    format!("{at}/{} {}", Step::ALL.len(), screen.step.word())
}

/// Draws wrapped text, from the line that the cursor says.
fn text(lines: &[TextLine], cursor: Cursor, area: Rect, canvas: &mut Canvas<'_, '_>) {
    let first = cursor.row.min(lines.len().saturating_sub(usize::from(area.height)));
    for ((line, role), y) in lines[first..].iter().zip(area.y..area.bottom()) {
        canvas.line(Rect { y, height: 1, ..area }, line, *role);
    }
}

/// Wraps lines to a width; what is indented stays so.
fn wrapped(lines: Vec<TextLine>, columns: usize) -> Vec<TextLine> {
    let parts = |(line, role): TextLine| wrap_line(&line, columns).into_iter().map(move |part| (part, role));
    lines.into_iter().flat_map(parts).collect()
}

/// What failed, its causes and the next step.
fn failure_text(failure: &Failure) -> String {
    let chain = failure.chain.join(": ");
    match next_step(failure.kind) {
        Some(step) => format!("! {chain} ({step})"),
        None => format!("! {chain}"),
    }
}

/// A cell of a table, cut to its columns.
fn column(text: &str, columns: usize, align: Align, theme: Theme) -> String {
    fit(text, columns, align, theme.symbols().ellipsis)
}

/// The area without its last line, and that line.
fn last_line(area: Rect) -> (Rect, Rect) {
    let height = area.height.min(1);
    let rest = Rect { height: area.height - height, ..area };
    (rest, Rect { y: rest.bottom(), height, ..area })
}

/// Whether the merge is under way.
fn is_running(screen: &Merge) -> bool {
    matches!(screen.ending, Ending::Running)
}
