//! What the statements so far have made of a table: rows that are not stored yet.

use std::collections::{HashMap, HashSet};

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow_schema::SchemaRef;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};

use crate::constraint::{Digest, Digests, Place, TableRows};
use crate::error::Result;
use crate::storage::ID;
use crate::write::{Spool, SpoolError, SpoolWriter};

/// Bytes of rows that are kept in memory; more go to a temporary file.
const MEMORY_BYTES: usize = 8 << 20;

/// New rows of one table, the last of each id counts.
#[derive(Debug)]
pub(super) struct PendingRows {
    schema: SchemaRef,
    /// Rows that did not fit into memory, earliest first.
    spooled: Vec<Spool>,
    recent: Vec<RecordBatch>,
    recent_bytes: usize,
    /// Number of rows, those that were replaced included.
    rows: u64,
    ids: HashMap<Digest, (u64, Place)>,
    replaced: Vec<u64>,
    /// Whether stored rows with the same ids are replaced; else no stored row has one of the ids.
    pub(super) replaces: bool,
}

impl PendingRows {
    /// No rows yet.
    pub(super) fn new(schema: SchemaRef) -> Self {
        Self {
            schema,
            spooled: Vec::new(),
            recent: Vec::new(),
            recent_bytes: 0,
            rows: 0,
            ids: HashMap::new(),
            replaced: Vec::new(),
            replaces: false,
        }
    }

    /// Whether there is a row with an id.
    pub(super) fn has(&self, id: Digest) -> bool {
        self.ids.contains_key(&id)
    }

    /// Adds rows; they replace earlier ones with the same ids.
    pub(super) fn push(&mut self, batch: RecordBatch, place: Place, digests: &Digests) -> Result<(), SpoolError> {
        for id in batch[ID].as_string::<i32>().iter().flatten() {
            if let Some((earlier, _)) = self.ids.insert(digests.of(id), (self.rows, place)) {
                self.replaced.push(earlier);
            }
            self.rows += 1;
        }
        self.recent_bytes += batch.get_array_memory_size();
        self.recent.push(batch);
        if self.recent_bytes > MEMORY_BYTES { self.spill() } else { Ok(()) }
    }

    fn spill(&mut self) -> Result<(), SpoolError> {
        let mut file = SpoolWriter::create(self.schema.clone())?;
        for batch in self.recent.drain(..) {
            file.write(&batch)?;
        }
        self.recent_bytes = 0;
        self.spooled.push(file.finish()?);
        Ok(())
    }

    /// The rows as they are now, without those that were replaced; what is added later does not come.
    pub(super) fn now(&self) -> BoxStream<'static, Result<RecordBatch>> {
        let spooled = self.spooled.clone();
        let recent = self.recent.clone();
        let replaced: HashSet<u64> = self.replaced.iter().copied().collect();
        let spooled = futures::stream::iter(spooled).flat_map(|spool| spool.batches());
        let mut end = 0;
        let last = move |batch: RecordBatch| {
            let start = end;
            end += batch.num_rows() as u64;
            let kept: BooleanArray = (start..end).map(|row| Some(!replaced.contains(&row))).collect();
            filter_record_batch(&batch, &kept).expect("one truth for each row")
        };
        spooled.chain(futures::stream::iter(recent.into_iter().map(Ok))).map_ok(last).boxed()
    }

    /// All rows in one file; none if there are none.
    pub(super) async fn finish(mut self, digests: &Digests) -> Result<Option<TableRows>> {
        if self.ids.is_empty() {
            return Ok(None);
        }
        if self.spooled.is_empty() && self.replaced.is_empty() {
            self.spill()?;
        }
        let (spool, ids) = match self.spooled.as_slice() {
            [spool] if self.recent.is_empty() && self.replaced.is_empty() => (spool.clone(), self.ids),
            _ => {
                let mut file = SpoolWriter::create(self.schema.clone())?;
                let mut batches = self.now();
                let mut ids = HashMap::with_capacity(self.ids.len());
                while let Some(batch) = batches.try_next().await? {
                    for id in batch[ID].as_string::<i32>().iter().flatten() {
                        let digest = digests.of(id);
                        let (_, place) = self.ids[&digest];
                        ids.insert(digest, (ids.len() as u64, place));
                    }
                    file.write(&batch)?;
                }
                (file.finish()?, ids)
            }
        };
        Ok(Some(TableRows { spool, ids, replaced: Vec::new(), has_given_ids: self.replaces }))
    }
}
