//! What can be copied and exported, and the command line that shows the same.

use stratigraph_engine::{ReadOptions, Row, Value};

use super::request::Tab;
use super::rows::Sorting;
use super::{Drill, ROWS, SQL, TYPES, Tables, position};
use crate::cli::quoted;
use crate::export::{Content, Source};
use crate::screen::{CopyChoice, PaneId};
use crate::state::Shared;

/// The lines of the copy menu for a pane.
pub(super) fn choices(tables: &Tables, pane: PaneId, shared: &Shared) -> Vec<CopyChoice> {
    if pane == TYPES {
        return tables.table.iter().map(|table| choice("table", table.to_string())).collect();
    }
    match tables.drills.last() {
        Some(Drill::Record(view)) => {
            let field = view.field(shared.pane_width(pane)).map(|(name, value)| (name.to_owned(), value));
            let cell = field.map(|(name, value)| choice(&format!("cell {name}"), value.to_string()));
            cell.into_iter().chain([record(&view.row)]).collect()
        }
        Some(Drill::RowHistory(view)) => {
            let commit = view.commit().map(|commit| choice("commit id", commit.to_string()));
            commit.into_iter().chain([choice("row id", view.id.clone())]).collect()
        }
        Some(Drill::Compare(view)) => {
            let line = view.lines().get(view.grid.state.row).copied();
            let row = line.and_then(|line| view.row(line).0);
            row.map(|row| vec![record(row)]).unwrap_or_default()
        }
        Some(Drill::Sql(_)) | None => grid_choices(tables, pane),
    }
}

fn grid_choices(tables: &Tables, pane: PaneId) -> Vec<CopyChoice> {
    let Some(grid) = tables.grid(pane) else { return Vec::new() };
    let mut choices = Vec::new();
    if let (Some(value), Some(column)) = (grid.value(), grid.column()) {
        choices.push(choice(&format!("cell {}", grid.columns()[column]), value.to_string()));
    }
    choices.extend(grid.id().map(|id| choice("id", id.to_owned())));
    choices.extend(grid.row().map(record));
    if !grid.rows().is_empty() {
        choices.push(choice(&format!("{} loaded rows as CSV", grid.rows().len()), grid.csv()));
    }
    if let Some(Drill::Sql(view)) = tables.drills.last() {
        choices.push(choice("statement", view.statement.clone()));
    }
    choices
}

fn choice(label: &str, text: String) -> CopyChoice {
    CopyChoice { label: label.to_owned(), text }
}

fn record(row: &Row) -> CopyChoice {
    choice("record as JSON", row.to_json().to_string())
}

/// What a pane exports: all rows of the table under the filter, not only those loaded; all rows of a query.
pub(super) fn content(tables: &Tables, pane: PaneId) -> Option<Content> {
    let opened = tables.opened.as_ref()?;
    match tables.drills.last() {
        Some(Drill::Sql(view)) if pane == SQL => {
            let source = Source::Query { snapshot: opened.snapshot.clone(), statement: view.statement.clone() };
            Some(Content::Read { name: "query".to_owned(), source })
        }
        None if pane == ROWS => rows_content(tables),
        Some(_) | None => None,
    }
}

fn rows_content(tables: &Tables) -> Option<Content> {
    let source = tables.source(tables.rows.filter.clone())?;
    let columns = tables.rows.grid.chosen();
    let name = source.table.to_string().replace(':', "-");
    let order = tables.rows.order().cloned();
    let remark = match &tables.rows.sorting {
        Sorting::Loaded(_) if order.is_none() => Some("all rows by id; the sort of those loaded is not exported"),
        Sorting::ById | Sorting::Loaded(_) | Sorting::All(_) => None,
    };
    let options = ReadOptions { columns, filter: source.filter, order, ..ReadOptions::default() };
    let source = Source::Table { snapshot: source.snapshot, table: source.table, options, remark };
    Some(Content::Read { name, source })
}

/// The command that shows the same, without the program's name.
pub(super) fn command_line(tables: &Tables, shared: &Shared) -> Option<String> {
    let opened = tables.opened.as_ref()?;
    let mut words: Vec<String> = Vec::new();
    let at = position::argument(opened);
    let uri = shared.uri.clone();
    match tables.drills.last() {
        Some(Drill::Sql(view)) => words.extend(["sql".to_owned(), uri, view.statement.clone(), "--at".to_owned(), at]),
        Some(Drill::RowHistory(view)) => {
            let (table, id) = (view.table.to_string(), view.id.clone());
            words.extend(["history".to_owned(), uri, table, id, "--branch".to_owned(), view.branch.clone()]);
        }
        Some(Drill::Compare(view)) => {
            let from = view.other.as_ref().map_or_else(|| view.asked.clone(), |other| position::argument(other));
            words.extend(["diff".to_owned(), uri, from, at, "--table".to_owned(), view.table.to_string()]);
        }
        Some(Drill::Record(view)) if view.table.is_some() => {
            let id = view.row.get("id").and_then(Value::as_text)?;
            let condition = format!("id = '{}'", id.replace('\'', "''"));
            words.extend(["read".to_owned(), uri, view.table.as_ref()?.to_string(), "--at".to_owned(), at]);
            words.extend(["--where".to_owned(), condition]);
        }
        Some(Drill::Record(_)) => return None,
        None => {
            let table = tables.table.as_ref()?.to_string();
            match tables.tab {
                Tab::Rows => words.extend(["read".to_owned(), uri, table, "--at".to_owned(), at]),
                Tab::Schema => words.extend(["schema".to_owned(), uri, "--at".to_owned(), at]),
                Tab::Indices | Tab::Versions => words.extend(["tables".to_owned(), uri, "--at".to_owned(), at]),
            }
            if tables.tab == Tab::Rows {
                let filter = tables.rows.filter.iter().flat_map(|filter| ["--where".to_owned(), filter.clone()]);
                let columns = tables.rows.grid.chosen().map(|names| names.join(","));
                words.extend(filter);
                words.extend(columns.into_iter().flat_map(|names| ["--columns".to_owned(), names]));
            }
        }
    }
    Some(words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "))
}
