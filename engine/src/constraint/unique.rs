//! The values of `@unique` columns occur once, and so do those of a key of several columns.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use futures::TryStreamExt;

use super::change::{Digest, Digests, Place, Stored, TableChange};
use super::problem::Problems;
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
    (kind, rule, columns): (TableType<'_>, &str, &[String]),
    table: &TableChange<'_>,
    digests: &Digests,
    problems: &mut Problems,
) -> Result<()> {
    // Rows that only go leave no value behind that was not there.
    let Some(rows) = table.rows else { return Ok(()) };
    let broken = |tuple: &str| format!("@{rule}({}) is broken: there is another {tuple}", columns.join(", "));
    let mut seen: HashMap<Digest, Option<Place>> = HashMap::new();
    // Values of a single text column can be asked for, if they are few.
    let mut texts = Some(Vec::new());
    let mut batches = rows.last();
    while let Some(batch) = batches.try_next().await? {
        committed.progress.check()?;
        add_texts(&mut texts, &batch, columns);
        each_tuple(&batch, columns, |id, tuple| {
            let place = rows.place(digests.of(id));
            if seen.insert(digests.of(&tuple), place).is_some() {
                problems.add(place, || format!("{} `{id}`: {}", kind.name(), broken(&tuple)));
            }
        });
    }
    if table.stored == Stored::Gone || seen.is_empty() {
        return Ok(());
    }
    let few = texts.and_then(|texts| ids::one_of(&columns[0], texts.iter().map(String::as_str)));
    let names: Vec<&str> = std::iter::once(ID).chain(columns.iter().map(String::as_str)).collect();
    committed
        .each(&kind.key(), &names, few, |batch| {
            each_tuple(batch, columns, |id, tuple| {
                if let Some(&place) = seen.get(&digests.of(&tuple))
                    && !table.ends(digests.of(id))
                {
                    problems.add(place, || format!("{}: {}, as in the stored row `{id}`", kind.name(), broken(&tuple)));
                }
            });
        })
        .await
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
                arrays.iter().map(|array| Value::from_array(array, row).to_json()).collect();
            see(ids.value(row), serde_json::Value::Array(values).to_string());
        }
    }
}
