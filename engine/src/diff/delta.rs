//! The changed rows, where metadata tells them.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::UInt64Type;

use super::Detail;
use super::emit::{Emitter, Located};
use crate::error::Result;
use crate::progress::Progress;
use crate::read::Blobs;
use crate::storage::{Candidates, ID, ROW_ADDRESS, Table};
use crate::value::{Row, Value};

/// More changed rows than this are left to the ordered walk, which needs no list of them.
const CANDIDATES: usize = 200_000;
/// Rows fetched at once.
const CHUNK_ROWS: usize = 512;
/// Ids fetched at once.
const CHUNK_IDS: usize = 8192;

/// Addresses of the rows of one id, in the table of each side.
#[derive(Default)]
struct Pair {
    from: Vec<u64>,
    to: Vec<u64>,
}

impl Pair {
    /// Whether the rows are needed whole.
    fn is_read(&self, detail: Detail) -> bool {
        match detail {
            Detail::All => true,
            Detail::BothSides => !self.from.is_empty() && !self.to.is_empty(),
        }
    }
}

/// The candidates of both sides by id; none if they cannot be told, which is said in the progress log.
pub(super) async fn candidates(from: &Table, to: &Table, shared: u64, progress: &Progress) -> Result<Option<Changed>> {
    match from.changed_rows(to, shared, CANDIDATES).await? {
        Candidates::Unknown(reason) => {
            progress.message(format!("reading both sides of {} in full: {reason}", to.uri()));
            Ok(None)
        }
        Candidates::Known { from: old, to: new } => {
            let mut pairs: BTreeMap<String, Pair> = BTreeMap::new();
            for (id, row) in ids(from, &old, progress).await? {
                pairs.entry(id).or_default().from.push(row);
            }
            for (id, row) in ids(to, &new, progress).await? {
                pairs.entry(id).or_default().to.push(row);
            }
            Ok(Some(Changed { pairs }))
        }
    }
}

/// Rows that can differ, by id.
pub(super) struct Changed {
    pairs: BTreeMap<String, Pair>,
}

impl Changed {
    /// Fetches and compares them in order of id, a bounded number at a time.
    pub(super) async fn send(
        self,
        from: &Table,
        to: &Table,
        detail: Detail,
        emitter: &mut Emitter<'_>,
        progress: &Progress,
    ) -> Result<()> {
        let total = self.pairs.len() as u64;
        let mut pairs = self.pairs.into_iter().peekable();
        let id_only: Arc<[Arc<str>]> = Arc::new([Arc::from(ID)]);
        let mut done = 0;
        while pairs.peek().is_some() {
            progress.check()?;
            let chunk: Vec<(String, Pair)> = pairs.by_ref().take(CHUNK_ROWS).collect();
            let whole = chunk.iter().filter(|(_, pair)| pair.is_read(detail));
            let old: Vec<u64> = whole.clone().flat_map(|(_, pair)| pair.from.iter().copied()).collect();
            let new: Vec<u64> = whole.flat_map(|(_, pair)| pair.to.iter().copied()).collect();
            let (mut before, mut after) = (rows(from, &old).await?, rows(to, &new).await?);
            for (id, pair) in &chunk {
                let (before, after) = if pair.is_read(detail) {
                    (before.remove(id).unwrap_or_default(), after.remove(id).unwrap_or_default())
                } else {
                    (named(&id_only, id, &pair.from), named(&id_only, id, &pair.to))
                };
                emitter.rows(id, before, after).await?;
            }
            done += chunk.len() as u64;
            progress.advance(done, Some(total), "rows");
        }
        Ok(())
    }
}

async fn ids(table: &Table, addresses: &[u64], progress: &Progress) -> Result<Vec<(String, u64)>> {
    let mut found = Vec::with_capacity(addresses.len());
    for chunk in addresses.chunks(CHUNK_IDS) {
        progress.check()?;
        let batch = table.take(chunk, &[ID.to_owned()], Blobs::Described).await?;
        let (ids, rows) = (batch[ID].as_string::<i32>(), batch[ROW_ADDRESS].as_primitive::<UInt64Type>());
        found.extend(ids.iter().zip(rows.values()).map(|(id, &row)| (id.unwrap_or_default().to_owned(), row)));
    }
    Ok(found)
}

/// Rows of which only the id is told.
fn named(columns: &Arc<[Arc<str>]>, id: &str, addresses: &[u64]) -> Vec<Located> {
    let row = || Row::new(columns.clone(), vec![Value::from(id)]);
    addresses.iter().map(|&address| Located { row: row(), address }).collect()
}

/// The rows at these addresses, by their ids; blobs have digests.
pub(crate) async fn rows(table: &Table, addresses: &[u64]) -> Result<BTreeMap<String, Vec<Located>>> {
    let mut found: BTreeMap<String, Vec<Located>> = BTreeMap::new();
    if addresses.is_empty() {
        return Ok(found);
    }
    let columns: Vec<String> = table.schema().fields().iter().map(|field| field.name().clone()).collect();
    let batch = table.take(addresses, &columns, Blobs::Digested).await?;
    let ids = batch[ID].as_string::<i32>().clone();
    let addresses = batch[ROW_ADDRESS].as_primitive::<UInt64Type>().clone();
    let batch = batch.project(&(0..columns.len()).collect::<Vec<_>>()).expect("the columns asked for come first");
    let names = Row::columns_of(&batch);
    for index in 0..batch.num_rows() {
        let row = Row::from_batch(&names, &batch, index);
        found.entry(ids.value(index).to_owned()).or_default().push(Located { row, address: addresses.value(index) });
    }
    Ok(found)
}
