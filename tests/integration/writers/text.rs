//! Rows of the model as records, as statements, and as the engine reads them.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::ipc::writer::FileWriter;
use serde_json::{Map, Value, json};

use super::model::{Id, Person, Row, SCORES, State, TIMES, Table, difference};

impl Table {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Person => "Person",
            Self::Moment => "Moment",
            Self::Likes => "Likes",
            Self::Saw => "Saw",
        }
    }

    /// A file of the table without a row.
    pub(super) fn empty_file(self, folder: &Path) -> Result<File> {
        let text = |name: &str| Field::new(name, DataType::Utf8, true);
        let columns = match self {
            Self::Person => vec![text("name"), text("nick")],
            Self::Moment => vec![Field::new("at", DataType::Timestamp(TimeUnit::Millisecond, None), true)],
            Self::Likes | Self::Saw => vec![text("src"), text("dst")],
        };
        let path = folder.join(self.name());
        let schema = Arc::new(Schema::new(columns));
        let mut writer = FileWriter::try_new(File::create(&path)?, &schema)?;
        writer.write(&RecordBatch::new_empty(schema))?;
        writer.finish()?;
        Ok(File::open(path)?)
    }
}

/// What a node is called.
fn node((table, number): Id) -> String {
    if table == Table::Moment { TIMES[number].to_owned() } else { format!("p{number}") }
}

fn ends(table: Table, src: usize, dst: usize) -> [String; 2] {
    let to = if table == Table::Likes { Table::Person } else { Table::Moment };
    [node((Table::Person, src)), node((to, dst))]
}

fn cells(person: &Person) -> Map<String, Value> {
    let Person { mail, score, team, seat, age, role, nick } = person;
    let cells = json!({
        "mail": mail, "score": score.map(|score| SCORES[score]), "team": team, "seat": seat, "age": age, "role": role, "nick": nick
    });
    cells.as_object().cloned().unwrap_or_default()
}

/// A record as a load reads it.
pub(super) fn record(id: Id, row: &Row) -> String {
    let record = match row {
        Row::Person(person) => {
            let mut data = cells(person);
            data.insert("name".to_owned(), node(id).into());
            json!({"type": "Person", "data": data})
        }
        Row::Moment => json!({"type": "Moment", "data": {"at": node(id)}}),
        Row::Edge { src, dst } => {
            let [from, to] = ends(id.0, *src, *dst);
            json!({"edge": id.0.name(), "from": from, "to": to, "data": {"id": format!("e{}", id.1)}})
        }
    };
    format!("{record}\n")
}

/// Statements that make one state of another; none where the language has none.
pub(super) fn statements(before: &State, after: &State) -> Option<String> {
    let tables = difference(before, after);
    let mut statements = Vec::new();
    for (table, (written, gone)) in &tables {
        if !written.is_empty() && !gone.is_empty() {
            return None;
        }
        for id in written {
            statements.push(written_as(*id, before.contains_key(id), &after[id])?);
        }
        for id in gone {
            statements.push(gone_as(*id, before, after)?);
        }
        // The edges of nodes that go, go with them, so that their table can get none.
        let loses = |node: Table| tables.get(&node).is_some_and(|(_, gone)| !gone.is_empty());
        let cascades = loses(Table::Person) || (*table == Table::Saw && loses(Table::Moment));
        if cascades && !written.is_empty() && matches!(table, Table::Likes | Table::Saw) {
            return None;
        }
    }
    Some(statements.join("\n"))
}

fn written_as(id: Id, is_there: bool, row: &Row) -> Option<String> {
    match row {
        Row::Person(person) => {
            let cells = cells(person);
            if is_there {
                let cells: Vec<String> = cells.iter().map(|(name, value)| format!("{name}: {value}")).collect();
                return Some(format!("update Person set {{ {} }} where name = \"{}\"", cells.join(", "), node(id)));
            }
            let cells = cells.iter().filter(|(_, value)| !value.is_null());
            let cells = cells.map(|(name, value)| format!("{name}: {value}"));
            let cells: Vec<String> = std::iter::once(format!("name: \"{}\"", node(id))).chain(cells).collect();
            Some(format!("insert Person {{ {} }}", cells.join(", ")))
        }
        Row::Moment => Some(format!("insert Moment {{ at: datetime(\"{}\") }}", node(id))),
        Row::Edge { .. } if is_there => None,
        Row::Edge { src, dst } => {
            let [from, to] = ends(id.0, *src, *dst);
            Some(format!("insert {} {{ from: \"{from}\", to: \"{to}\" }}", id.0.name()))
        }
    }
}

fn gone_as(id: Id, before: &State, after: &State) -> Option<String> {
    match &before[&id] {
        Row::Edge { src, dst } => {
            // All edges between two nodes go together.
            let is_alike = |(other, row): (&Id, &Row)| other.0 == id.0 && *row == before[&id];
            let [from, to] = ends(id.0, *src, *dst);
            let is_left = after.iter().any(is_alike);
            (!is_left).then(|| format!("delete {} where from = \"{from}\" and to = \"{to}\"", id.0.name()))
        }
        row => {
            let needs = |(other, row): (&Id, &Row)| match row {
                Row::Edge { src, dst } => {
                    let to = if other.0 == Table::Likes { Table::Person } else { Table::Moment };
                    id == (Table::Person, *src) || id == (to, *dst)
                }
                Row::Person(_) | Row::Moment => false,
            };
            let key = if *row == Row::Moment { "id" } else { "name" };
            (!after.iter().any(needs)).then(|| format!("delete {} where {key} = \"{}\"", id.0.name(), node(id)))
        }
    }
}

/// Whether a property of a record is what a person of the model has.
fn same_cell(read: &Value, expected: &Value) -> bool {
    match (read.as_f64(), expected.as_f64()) {
        (Some(read), Some(expected)) => read.to_bits() == expected.to_bits(),
        _ => read == expected,
    }
}

/// What is wrong with the rows of a graph that should be a state; edges have ids of their own if a mutation made them.
pub(super) fn mismatch(read: &BTreeMap<Table, Vec<Value>>, state: &State) -> Option<String> {
    let of = |table: Table| state.iter().filter(move |(id, _)| id.0 == table);
    for (table, rows) in read {
        let text = |row: &Value, column: &str| row[column].as_str().unwrap_or_default().to_owned();
        let wrong = || Some(format!("{}: {rows:?} is not {state:?}", table.name()));
        let (mut found, mut expected): (Vec<Vec<String>>, Vec<Vec<String>>) = match table {
            Table::Person | Table::Moment => (
                rows.iter().map(|row| vec![text(row, "id")]).collect(),
                of(*table).map(|(id, _)| vec![node(*id)]).collect(),
            ),
            Table::Likes | Table::Saw => {
                let ends_of = |(id, row): (&Id, &Row)| match row {
                    Row::Edge { src, dst } => ends(id.0, *src, *dst).to_vec(),
                    Row::Person(_) | Row::Moment => Vec::new(),
                };
                (
                    rows.iter().map(|row| vec![text(row, "src"), text(row, "dst")]).collect(),
                    of(*table).map(ends_of).collect(),
                )
            }
        };
        found.sort();
        expected.sort();
        if found != expected {
            return wrong();
        }
        for (id, row) in of(*table) {
            let Row::Person(person) = row else { continue };
            let read = rows.iter().find(|row| text(row, "id") == node(*id))?;
            if !cells(person).iter().all(|(name, value)| same_cell(&read[name], value)) {
                return wrong();
            }
        }
    }
    None
}
