//! An id is there once; and ids as a filter.

use arrow::array::AsArray;
use futures::TryStreamExt;

use super::change::{Digests, Stored, TableChange, TableRows};
use super::problem::Problems;
use super::violation::Violation;
use super::{Committed, FEW};
use crate::error::Result;
use crate::id::TableKey;
use crate::storage::{Condition, ID, TextSet};

/// Rows that are added must not have the id of a stored one.
pub(super) async fn are_new(
    committed: &Committed<'_>,
    key: &TableKey,
    table: &TableChange<'_>,
    digests: &Digests,
    problems: &mut Problems,
) -> Result<()> {
    let Some(rows) = table.rows.filter(|rows| rows.has_given_ids && table.stored == Stored::Stay) else {
        return Ok(());
    };
    let filter = of_few(rows).await?;
    committed
        .each(key, &[ID], filter, |batch| {
            for id in batch[ID].as_string::<i32>().iter().flatten() {
                if let Some(place) = rows.place(digests.of(id)) {
                    problems.add(Some(place), || Violation::StoredId { table: key.clone(), id: id.into() });
                }
            }
        })
        .await
}

/// The rows with the ids of these; none if there are too many to be asked for.
async fn of_few(rows: &TableRows) -> Result<Option<Condition>> {
    if rows.len() > FEW {
        return Ok(None);
    }
    let batches: Vec<_> = rows.last().try_collect().await?;
    let ids: Vec<&str> = batches.iter().flat_map(|batch| batch[ID].as_string::<i32>().iter().flatten()).collect();
    Ok(one_of(ID, ids.into_iter()))
}

/// The rows whose text column has one of these values; none if there are too many to be asked for.
pub(super) fn one_of<'t>(column: &'t str, texts: impl ExactSizeIterator<Item = &'t str>) -> Option<Condition> {
    any_one_of(std::iter::once(column), texts)
}

/// The rows of which one of some text columns has one of these values; none if there are too many to be asked for.
pub(super) fn any_one_of<'t>(
    columns: impl Iterator<Item = &'t str>,
    texts: impl ExactSizeIterator<Item = &'t str>,
) -> Option<Condition> {
    let columns = columns.map(str::to_owned).collect();
    (texts.len() <= FEW).then(|| Condition::AnyOneOf { columns, values: TextSet::of(texts.map(str::to_owned)) })
}
