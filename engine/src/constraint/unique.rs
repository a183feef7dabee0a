//! The values of `@unique` columns occur once, and so do those of a key of several columns.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use futures::TryStreamExt;

use super::change::{Digest, Digests, Stored, TableChange, TableRows};
use super::problem::Problems;
use super::violation::{OtherRow, Violation};
use super::{Committed, FEW, ids};
use crate::error::Result;
use crate::schema::{Constraint, TableType};
use crate::storage::ID;
use crate::value::Value;

pub(super) async fn values(
    committed: &Committed<'_>,
    kind: TableType<'_>,
    table: &TableChange<'_>,
    digests: &Digests,
    problems: &mut Problems,
) -> Result<()> {
    for constraint in kind.constraints() {
        let (rule, columns) = match constraint {
            Constraint::Unique(columns) => ("unique", columns),
            Constraint::Key(columns) if !is_the_id(kind, columns) => ("key", columns),
            Constraint::Key(_) | Constraint::Index(_) | Constraint::Range { .. } | Constraint::Check { .. } => continue,
        };
        tuples(committed, (kind, rule, columns), table, digests, problems).await?;
    }
    Ok(())
}

/// Whether a key is told by the id, which is unique anyway.
fn is_the_id(kind: TableType<'_>, columns: &[String]) -> bool {
    let [column] = columns else { return false };
    let property = kind.properties().iter().find(|property| property.name == *column);
    property.is_some_and(|property| property.prop_type.scalar.has_one_text())
}

async fn tuples(
    committed: &Committed<'_>,
    (kind, rule, columns): (TableType<'_>, &'static str, &[String]),
    table: &TableChange<'_>,
    digests: &Digests,
    problems: &mut Problems,
) -> Result<()> {
    // Rows that only go leave no value behind that was not there.
    let Some(rows) = table.rows else { return Ok(()) };
    let mut clashes = Clashes { kept: Vec::new(), room: problems.room(), more: 0 };
    // Every tuple with the last row that has it.
    let mut seen: HashMap<Digest, Digest> = HashMap::new();
    // Values of a single text column can be asked for, if they are few.
    let mut texts = Some(Vec::new());
    let mut batches = rows.last();
    while let Some(batch) = batches.try_next().await? {
        committed.progress.check()?;
        add_texts(&mut texts, &batch, columns);
        each_tuple(&batch, columns, |id, tuple| {
            let row = digests.of(id);
            if let Some(earlier) = seen.insert(digests.of(&tuple), row) {
                clashes.add(row, tuple, || Other::New(earlier));
            }
        });
    }
    if table.stored != Stored::Gone && !seen.is_empty() {
        let few = texts.and_then(|texts| ids::one_of(&columns[0], texts.iter().map(String::as_str)));
        let names: Vec<&str> = std::iter::once(ID).chain(columns.iter().map(String::as_str)).collect();
        committed
            .each(&kind.key(), &names, few, |batch| {
                each_tuple(batch, columns, |id, tuple| {
                    if let Some(&row) = seen.get(&digests.of(&tuple))
                        && !table.ends(digests.of(id))
                    {
                        clashes.add(row, tuple, || Other::Stored(id.into()));
                    }
                });
            })
            .await?;
    }
    clashes.tell((kind, rule, columns), rows, digests, problems).await
}

/// Rows with equal values, as far as they will be told.
struct Clashes {
    kept: Vec<Clash>,
    room: usize,
    more: u64,
}

/// A new row has the values of another row.
struct Clash {
    row: Digest,
    tuple: String,
    other: Other,
}

/// The other row.
enum Other {
    New(Digest),
    Stored(Box<str>),
}

impl Clashes {
    fn add(&mut self, row: Digest, tuple: String, other: impl FnOnce() -> Other) {
        if self.kept.len() < self.room {
            self.kept.push(Clash { row, tuple, other: other() });
        } else {
            self.more += 1;
        }
    }

    /// Looks up what the rows are called, for which no room is taken as long as all is well.
    async fn tell(
        self,
        (kind, rule, columns): (TableType<'_>, &'static str, &[String]),
        rows: &TableRows,
        digests: &Digests,
        problems: &mut Problems,
    ) -> Result<()> {
        let names = self.names(rows, digests).await?;
        let name = |row: Digest| names.get(&row).cloned().unwrap_or_default();
        let (table, columns): (_, Arc<[String]>) = (kind.key(), columns.into());
        for Clash { row, tuple, other } in self.kept {
            problems.add(rows.place(row), || Violation::Unique {
                table: table.clone(),
                rule,
                columns: columns.clone(),
                values: tuple,
                id: name(row),
                other: match other {
                    Other::New(earlier) => OtherRow::New(name(earlier)),
                    Other::Stored(id) => OtherRow::Stored(id),
                },
            });
        }
        problems.add_more(self.more);
        Ok(())
    }

    /// The ids of the new rows among them.
    async fn names(&self, rows: &TableRows, digests: &Digests) -> Result<HashMap<Digest, Box<str>>> {
        let of_clash = |clash: &Clash| match clash.other {
            Other::New(earlier) => [clash.row, earlier],
            Other::Stored(_) => [clash.row; 2],
        };
        let wanted: HashSet<Digest> = self.kept.iter().flat_map(of_clash).collect();
        let mut names = HashMap::with_capacity(wanted.len());
        let mut batches = rows.last();
        while names.len() < wanted.len()
            && let Some(batch) = batches.try_next().await?
        {
            let ids = batch[ID].as_string::<i32>().iter().flatten().map(|id| (digests.of(id), id));
            names.extend(ids.filter(|(digest, _)| wanted.contains(digest)).map(|(digest, id)| (digest, id.into())));
        }
        Ok(names)
    }
}

/// Adds the values of the only column, if it is one of text; nothing is left of values that are too many.
fn add_texts(texts: &mut Option<Vec<String>>, batch: &RecordBatch, columns: &[String]) {
    let column = match columns {
        [column] => batch.column_by_name(column).and_then(|column| column.as_string_opt::<i32>()),
        _ => None,
    };
    *texts = texts.take().zip(column).and_then(|(mut texts, column)| {
        texts.extend(column.iter().flatten().map(str::to_owned));
        (texts.len() <= FEW).then_some(texts)
    });
}

/// Calls `see` with the id and the values of every row in which none of the columns is null.
fn each_tuple(batch: &RecordBatch, columns: &[String], mut see: impl FnMut(&str, String)) {
    let ids = batch[ID].as_string::<i32>();
    let arrays: Vec<&ArrayRef> = columns.iter().filter_map(|column| batch.column_by_name(column)).collect();
    for row in 0..batch.num_rows() {
        if arrays.iter().all(|array| array.is_valid(row)) {
            // JSON keeps the borders between values, whatever is in them.
            let values: Vec<serde_json::Value> =
                arrays.iter().map(|array| Value::from_array(array, row).compared().to_json()).collect();
            see(ids.value(row), serde_json::Value::Array(values).to_string());
        }
    }
}
