//! The row of a conflict in three states, and what the present choice makes of it. Pure.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde_json::Value as Json;
use stratigraph_engine::merge::{CellChoice, Choice, ChosenRow, Conflict, ConflictDetail, RowChoice, Side, ThreeRows};
use stratigraph_engine::{Row, Value};

use super::deciding::Deciding;

/// Column that tells rows apart.
pub(super) const ID: &str = "id";
/// Column of an edge with the node that it leads to: what is shown of it.
const END: &str = "dst";

/// What stands in the merged row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Merged {
    /// Not decided.
    Open,
    /// No row, so no cell.
    NoRow,
    /// The cell as it is there.
    From(Side),
    /// What all sides that have the row agree on.
    Agreed,
    /// What a person wrote.
    Written(Json),
}

/// One line of the view: a column of the row, or an edge of the node.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    /// Name of the column, or id of the edge.
    pub(super) name: String,
    /// Base, target, source; none where there is no row.
    pub(super) cells: [Option<Value>; 3],
    /// Whether those that are there differ.
    pub(super) differs: bool,
    /// Whether it breaks a rule, and nothing is chosen about that.
    pub(super) is_wrong: bool,
    /// What becomes of it.
    pub(super) merged: Merged,
}

/// The sides in the order in which they are shown.
pub(super) const SHOWN: [Side; 3] = [Side::Base, Side::Target, Side::Source];

/// The row as it is on a side.
pub(super) fn row(rows: &ThreeRows, side: Side) -> Option<&Row> {
    match side {
        Side::Base => rows.base.as_ref(),
        Side::Source => rows.source.as_ref(),
        Side::Target => rows.target.as_ref(),
    }
}

fn cell(rows: &ThreeRows, side: Side, column: &str) -> Option<Value> {
    row(rows, side).map(|row| row.get(column).cloned().unwrap_or(Value::Null))
}

/// Columns of a row in all states, in their order, without the id.
fn columns(rows: &ThreeRows) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for row in SHOWN.iter().filter_map(|side| row(rows, *side)) {
        for name in row.columns() {
            if **name != *ID && !names.iter().any(|known| **known == **name) {
                names.push(name.to_string());
            }
        }
    }
    names
}

/// The lines of a conflict: what is wrong first, then those that differ.
pub(super) fn lines(conflict: &Conflict, rows: &[ThreeRows], deciding: &Deciding) -> Vec<Line> {
    if let ConflictDetail::Cardinality { .. } = conflict.detail {
        return edges(conflict, rows, deciding);
    }
    let Some(own) = rows.first() else { return Vec::new() };
    let known = Known::new(conflict, deciding);
    let line = |name: String| {
        let cells = SHOWN.map(|side| cell(own, side, &name));
        let there: Vec<&Value> = cells.iter().flatten().collect();
        let differs = there.windows(2).any(|pair| pair[0] != pair[1]);
        let merged = merged(conflict, own, &name, &known);
        let is_wrong = !known.is_decided && is_wrong(conflict, &name);
        Line { name, cells, differs, is_wrong, merged }
    };
    let mut lines: Vec<Line> = columns(own).into_iter().map(line).collect();
    // What a rule names is worth seeing first.
    lines.sort_by_key(|line| (!is_wrong(conflict, &line.name), !line.differs));
    lines
}

/// What is known of the choices about a conflict's row.
struct Known {
    /// What all of them make of it.
    chosen: Option<ChosenRow>,
    /// Whether one is about this conflict.
    is_decided: bool,
    knows_changers: bool,
}

impl Known {
    fn new(conflict: &Conflict, deciding: &Deciding) -> Self {
        let key = &conflict.key;
        Self {
            chosen: deciding.row(&key.table, &key.id),
            is_decided: deciding.choice(conflict).is_some() || deciding.partial(key).is_some(),
            knows_changers: deciding.knows_changers(conflict),
        }
    }
}

/// What becomes of a cell, by all that was chosen for its row.
fn merged(conflict: &Conflict, rows: &ThreeRows, column: &str, known: &Known) -> Merged {
    match &known.chosen {
        Some(chosen) => of_chosen(chosen, rows, column, known.knows_changers),
        None if conflict.key.kind.is_of_a_row() => {
            match (cell(rows, Side::Source, column), cell(rows, Side::Target, column)) {
                (Some(source), Some(target)) if source == target => unnamed(rows, column, known.knows_changers),
                (_, _) => Merged::Open,
            }
        }
        None => unnamed(rows, column, known.knows_changers),
    }
}

/// Whether a column is what a rule finds wrong with the row.
fn is_wrong(conflict: &Conflict, column: &str) -> bool {
    match &conflict.detail {
        ConflictDetail::Row { .. } | ConflictDetail::Cardinality { .. } => false,
        ConflictDetail::Orphan { role, .. } => *role == column,
        ConflictDetail::Unique { columns, .. } => columns.iter().any(|named| named == column),
        ConflictDetail::Value { column: named, .. } => *named == column,
    }
}

fn of_chosen(chosen: &ChosenRow, rows: &ThreeRows, column: &str, knows_changers: bool) -> Merged {
    let from = |side| if row(rows, side).is_some() { Merged::From(side) } else { Merged::NoRow };
    match &chosen.row {
        RowChoice::From(side) => from(*side),
        RowChoice::Absent => Merged::NoRow,
        RowChoice::Restored => restored(rows),
        RowChoice::Cells(cells) => match (cells.get(column), chosen.rest) {
            (Some(CellChoice::From(side)), _) => from(*side),
            (Some(CellChoice::Value(value)), _) => Merged::Written(value.clone()),
            (None, Some(side)) if row(rows, side).is_some() => Merged::From(side),
            (None, _) => unnamed(rows, column, knows_changers),
        },
    }
}

fn restored(rows: &ThreeRows) -> Merged {
    let side = [Side::Source, Side::Target, Side::Base].into_iter().find(|side| row(rows, *side).is_some());
    side.map_or(Merged::NoRow, Merged::From)
}

/// Where a cell comes from that no choice names: from the side that changed it, if it is known which one that is.
fn unnamed(rows: &ThreeRows, column: &str, knows_changers: bool) -> Merged {
    let at = |side| cell(rows, side, column);
    match (at(Side::Base), at(Side::Source), at(Side::Target)) {
        (_, None, None) => Merged::NoRow,
        (_, Some(_), None) => Merged::From(Side::Source),
        (_, None, Some(_)) => Merged::From(Side::Target),
        (base, Some(source), Some(target)) if source == target => {
            if base.as_ref() == Some(&source) {
                Merged::Agreed
            } else {
                Merged::From(Side::Target)
            }
        }
        (_, Some(_), Some(_)) if !knows_changers => Merged::Open,
        (Some(base), Some(source), Some(_)) if source == base => Merged::From(Side::Target),
        (Some(base), Some(_), Some(target)) if target == base => Merged::From(Side::Source),
        (_, Some(_), Some(_)) => Merged::Open,
    }
}

/// Columns that both sides changed differently, as far as is known: a choice of cells has to name them.
pub(super) fn disputed(rows: &ThreeRows, knows_changers: bool) -> Vec<String> {
    columns(rows).into_iter().filter(|column| unnamed(rows, column, knows_changers) == Merged::Open).collect()
}

/// The cells that a choice stands for, so that one of them can be changed.
pub(super) fn cells_of(choice: Option<&Choice>, rows: &ThreeRows) -> BTreeMap<String, CellChoice> {
    match choice {
        Some(Choice::Cells(cells)) => cells.clone(),
        Some(Choice::Take(side)) if row(rows, *side).is_some() => {
            let differ = |column: &String| !matches!(unnamed(rows, column, true), Merged::Agreed | Merged::NoRow);
            let columns = columns(rows).into_iter().filter(differ);
            columns.map(|column| (column, CellChoice::From(*side))).collect()
        }
        Some(
            Choice::Take(_)
            | Choice::MergeCells
            | Choice::Drop
            | Choice::Keep
            | Choice::Delete
            | Choice::RestoreEnd
            | Choice::KeepRow(_)
            | Choice::Edges { .. },
        )
        | None => BTreeMap::new(),
    }
}

/// The edges of a node, and what becomes of each.
fn edges(conflict: &Conflict, rows: &[ThreeRows], deciding: &Deciding) -> Vec<Line> {
    let line = |edge: &ThreeRows| {
        let end = |side| {
            let row = row(edge, side)?;
            let end = |name| row.get(name).map(ToString::to_string).unwrap_or_default();
            let (src, dst) = (end("src"), end("dst"));
            // Nearly always all edges are the node's own: then the other end is what tells them apart.
            let text = if src == conflict.key.id { format!("to {dst}") } else { format!("{src} - {dst}") };
            Some(Value::from(text.as_str()))
        };
        let chosen = deciding.row(&conflict.key.table, &edge.id);
        let merged = chosen.map_or_else(|| comes(edge), |chosen| of_chosen(&chosen, edge, END, true));
        let cells = SHOWN.map(end);
        let differs = cells.windows(2).any(|pair| pair[0] != pair[1]);
        Line { name: edge.id.clone(), cells, differs, is_wrong: false, merged }
    };
    rows.iter().map(line).collect()
}

/// What becomes of an edge without a choice: it is there if a side added it, or neither deleted it.
fn comes(edge: &ThreeRows) -> Merged {
    match (&edge.base, &edge.source, &edge.target) {
        (Some(_), _, None) | (Some(_), None, Some(_)) | (None, None, None) => Merged::NoRow,
        (None, _, _) | (Some(_), Some(_), Some(_)) => unnamed(edge, END, true),
    }
}

/// The choice after an edge was turned: what is there goes, what is gone comes back, and what the choice names it names no more. None
/// if nothing is turned any more.
pub(super) fn turned(choice: Option<&Choice>, edge: &str, is_gone: bool) -> Option<Choice> {
    let (mut drop, mut restore) = match choice {
        Some(Choice::Edges { drop, restore }) => (drop.clone(), restore.clone()),
        Some(_) | None => (Vec::new(), Vec::new()),
    };
    if drop.iter().chain(&restore).any(|id| id == edge) {
        drop.retain(|id| id != edge);
        restore.retain(|id| id != edge);
    } else if is_gone {
        restore.push(edge.to_owned());
    } else {
        drop.push(edge.to_owned());
    }
    (!drop.is_empty() || !restore.is_empty()).then_some(Choice::Edges { drop, restore })
}

/// Returns a value as a person types it: nothing for no value, text as it is where that can be typed, everything else as JSON.
pub(super) fn typed(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) if is_typed_as_it_is(text) => text.clone(),
        other => other.to_string(),
    }
}

fn is_typed_as_it_is(text: &str) -> bool {
    let is_json = matches!(serde_json::from_str(text.trim()), Ok(Json::Null | Json::String(_)));
    !text.is_empty() && !text.contains(char::is_control) && !is_json
}

/// Reads what was typed for a column of this type, as JSON. An empty input is NULL in an optional column, `null` is NULL, and a text may
/// be typed in double quotes: `"null"`, `""`, `"a\nb"`.
pub(super) fn parsed(text: &str, type_text: Option<&str>) -> Json {
    if text.is_empty() && type_text.is_some_and(|name| name.ends_with('?')) {
        return Json::Null;
    }
    match serde_json::from_str::<Json>(text.trim()) {
        Ok(value @ (Json::Null | Json::String(_))) => value,
        Ok(value) if !is_text(type_text) => value,
        Ok(_) | Err(_) => Json::String(text.to_owned()),
    }
}

/// Returns whether the values of a column of this type are typed as texts.
fn is_text(type_text: Option<&str>) -> bool {
    type_text
        .is_none_or(|name| ["String", "Date", "DateTime", "Blob", "enum"].iter().any(|text| name.starts_with(text)))
}

/// Adds a cell to a choice of cells; false if it is there already.
pub(super) fn put(cells: &mut BTreeMap<String, CellChoice>, column: &str, cell: CellChoice) -> bool {
    match cells.entry(column.to_owned()) {
        Entry::Occupied(there) if *there.get() == cell => false,
        Entry::Occupied(mut there) => {
            there.insert(cell);
            true
        }
        Entry::Vacant(slot) => {
            slot.insert(cell);
            true
        }
    }
}
