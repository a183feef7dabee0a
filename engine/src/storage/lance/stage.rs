//! Changes of a table in two steps: written where nobody sees them (staged), then committed. Nothing else commits to a table.
//!
//! | staged | Lance operation | note |
//! |---|---|---|
//! | [`Table::stage_append`] | `Append` | |
//! | [`Table::stage_insert_keyed`] | `Update` with the keys that are new | what a merge-insert of rows without a match commits, and the target is not read |
//! | [`Table::stage_upsert`] | `Update` (merge-insert on a key column) | matched rows are replaced, the others inserted; a few rows that are all new are staged as such; in a table with blobs put together from an append and a deletion |
//! | [`Table::stage_update_at`] | `Update` | a deletion and an append in one; the rows are told by their addresses |
//! | [`Table::stage_delete_at`] | `Delete` | rows are told by their addresses |
//! | [`Table::stage_delete`] | `Delete` | |
//! | [`Table::stage_overwrite`] | `Overwrite` | also with no rows |
//!
//! [`Table::compact`] has no staged way in Lance. It changes no row, and is for tables of which no version is pinned.
//!
//! Every commit skips Lance's auto-cleanup, because versions that the manifest pins must never be collected on the way.

mod at;
mod compact;
mod delete;
mod replace;

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow_schema::SchemaRef;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryStreamExt};
use lance::dataset::transaction::{Operation, Transaction, UpdateMode};
use lance::dataset::{
    CommitBuilder, InsertBuilder, MergeInsertBuilder, WhenMatched, WhenNotMatched, WriteMode, WriteParams,
};

use lance_core::datatypes::Schema as LanceSchema;
use lance_table::format::key_existence::{KeyExistenceFilter, KeyExistenceFilterBuilder, extract_key_value_from_batch};

use super::Table;
use super::matching::Condition;
use crate::error::Result;
use crate::storage::StorageError;

pub(crate) use at::Live;
pub(crate) use delete::TextSet;

/// Keys that are looked up one by one; more are a set.
const FEW: usize = 500;
/// Bytes of rows that are looked at before they are written.
const FEW_BYTES: usize = 16 << 20;

/// Field metadata of the column by which concurrent writers of the same row collide.
pub(crate) const KEY_COLUMN: &str = "lance-schema:unenforced-primary-key";

/// Rows to be written: their columns, and batches of them.
pub(crate) struct Rows {
    stream: SendableRecordBatchStream,
}

impl Rows {
    /// Rows that come as a stream; an error in it fails the write.
    pub(crate) fn stream(schema: SchemaRef, rows: BoxStream<'static, Result<RecordBatch, crate::Error>>) -> Self {
        let rows = rows.map_err(|error| datafusion::error::DataFusionError::External(Box::new(error)));
        Self { stream: Box::pin(RecordBatchStreamAdapter::new(schema, rows)) }
    }

    pub(super) fn into_stream(self) -> SendableRecordBatchStream {
        self.stream
    }

    /// Takes the rows into memory if they are few.
    async fn peek(mut self) -> Result<Peeked, datafusion::error::DataFusionError> {
        let (schema, mut batches, mut rows, mut bytes) = (self.stream.schema(), Vec::new(), 0, 0);
        while let Some(batch) = self.stream.try_next().await? {
            rows += batch.num_rows();
            bytes += batch.get_array_memory_size();
            batches.push(batch);
            if rows > FEW || bytes > FEW_BYTES {
                let rows = futures::stream::iter(batches.into_iter().map(Ok)).chain(self.stream);
                return Ok(Peeked::Many(Self { stream: Box::pin(RecordBatchStreamAdapter::new(schema, rows)) }));
            }
        }
        Ok(Peeked::Few(arrow::compute::concat_batches(&schema, &batches)?))
    }

    /// Rows that are in memory.
    pub(crate) fn batches(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        Self::stream(schema, futures::stream::iter(batches.into_iter().map(Ok)).boxed())
    }
}

/// Rows of which it is known whether they are few.
enum Peeked {
    Few(RecordBatch),
    Many(Rows),
}

/// Note of a commit: the operation whose sidecar announced it.
pub(crate) const OPERATION_ID: &str = "stratigraph:operation_id";
/// Note of a commit: the merge that it makes visible.
pub(crate) const MERGE: &str = "stratigraph:merge";

/// A change that is written and not committed. Dropping it leaves files that no version refers to.
pub(crate) struct StagedChange {
    table: Table,
    transaction: Transaction,
    commit: CommitBuilder<'static>,
}

impl StagedChange {
    fn new(table: &Table, transaction: Transaction) -> Self {
        let commit = CommitBuilder::new(table.dataset().clone()).with_skip_auto_cleanup(true);
        Self { table: table.clone(), transaction, commit }
    }

    /// The change with a note that is kept with the version it makes, as a property of its transaction.
    pub(crate) fn noting(mut self, key: &'static str, value: &str) -> Self {
        let mut notes = self.transaction.transaction_properties.map(|notes| (*notes).clone()).unwrap_or_default();
        notes.insert(key.to_owned(), value.to_owned());
        self.transaction.transaction_properties = Some(Arc::new(notes));
        self
    }

    /// Commits the change on top of the newest version, re-based if others were committed meanwhile and do not conflict.
    ///
    /// # Errors
    /// [`StorageError::Contended`] if another commit conflicts, [`StorageError::Table`] otherwise.
    pub(crate) async fn commit(self) -> Result<Table, StorageError> {
        let table = self.table;
        let commit = async { self.commit.execute(self.transaction).await.map_err(|cause| table.error(cause)) };
        let committed = table.fenced(commit).await?;
        Ok(table.committed(committed))
    }
}

/// How every dataset of a graph is written (graph-format §4.5).
pub(super) fn params(mode: WriteMode) -> WriteParams {
    WriteParams {
        mode,
        enable_stable_row_ids: true,
        data_storage_version: Some("2.2".parse().expect("it is a version of the file format")),
        auto_cleanup: None,
        skip_auto_cleanup: true,
        allow_external_blob_outside_bases: true,
        ..WriteParams::default()
    }
}

impl Table {
    /// Stages rows to be added.
    ///
    /// # Errors
    /// [`StorageError::Table`]; an error of the rows themselves is passed on as its cause.
    pub(crate) async fn stage_append(&self, rows: Rows) -> Result<StagedChange, StorageError> {
        self.stage_insert(rows, WriteMode::Append).await
    }

    /// Stages a new content: all columns and rows are replaced.
    ///
    /// # Errors
    /// As [`Table::stage_append`].
    pub(crate) async fn stage_overwrite(&self, rows: Rows) -> Result<StagedChange, StorageError> {
        self.stage_insert(rows, WriteMode::Overwrite).await
    }

    async fn stage_insert(&self, rows: Rows, mode: WriteMode) -> Result<StagedChange, StorageError> {
        let params = params(mode);
        let insert = InsertBuilder::new(self.dataset().clone()).with_params(&params);
        let transaction = insert.execute_uncommitted_stream(rows.stream).await.map_err(|cause| self.error(cause))?;
        Ok(StagedChange::new(self, transaction))
    }

    /// Stages rows whose values in the column `key` are not stored yet, which the caller knows of this version. If it is the
    /// key column, concurrent commits that insert one of the keys, or may do so, conflict.
    ///
    /// # Errors
    /// As [`Table::stage_append`].
    pub(crate) async fn stage_insert_keyed(&self, key: &str, rows: RecordBatch) -> Result<StagedChange, StorageError> {
        let schema = self.dataset().schema();
        let is_key = schema.unenforced_primary_key().iter().map(|field| field.name.as_str()).eq([key]);
        let keys = is_key.then(|| key_filter(schema, key, &rows)).transpose().map_err(|cause| self.error(cause))?;
        let mut staged = self.stage_append(Rows::batches(rows.schema(), vec![rows])).await?;
        if let Operation::Append { fragments } = staged.transaction.operation {
            staged.transaction.operation = Operation::Update {
                removed_fragment_ids: Vec::new(),
                updated_fragments: Vec::new(),
                new_fragments: fragments,
                fields_modified: Vec::new(),
                compacted_sstables: Vec::new(),
                fields_for_preserving_frag_bitmap: field_ids(self.dataset().schema()),
                update_mode: Some(UpdateMode::RewriteRows),
                inserted_rows_filter: keys,
                updated_fragment_offsets: None,
            };
        }
        Ok(staged)
    }

    /// Stages rows that replace those with an equal value in the column `key`, or are added.
    ///
    /// # Errors
    /// As [`Table::stage_append`]; also if two of the rows have the same key.
    pub(crate) async fn stage_upsert(&self, key: &str, rows: Rows) -> Result<StagedChange> {
        self.fenced(self.staged_upsert(key, rows).boxed()).await
    }

    async fn staged_upsert(&self, key: &str, rows: Rows) -> Result<StagedChange> {
        if self.has_blobs() {
            return Ok(self.stage_replace(key, rows).await?);
        }
        let error = |cause| self.error(cause);
        let rows = match rows.peek().await.map_err(|cause| self.error(cause.into()))? {
            Peeked::Few(rows) if self.lacks(key, &rows).boxed().await? => {
                return Ok(self.stage_insert_keyed(key, rows).await?);
            }
            Peeked::Few(rows) => Rows::batches(rows.schema(), vec![rows]),
            Peeked::Many(rows) => rows,
        };
        self.check_deletions(self.dataset().fragments()).await?;
        let mut merge = MergeInsertBuilder::try_new(self.dataset().clone(), vec![key.to_owned()]).map_err(error)?;
        merge
            .when_matched(WhenMatched::UpdateAll)
            .when_not_matched(WhenNotMatched::InsertAll)
            .use_index(false)
            .skip_auto_cleanup(true);
        let staged = merge.try_build().map_err(error)?.execute_uncommitted(rows.stream).await.map_err(error)?;
        let mut change = StagedChange::new(self, staged.transaction);
        if let Some(affected) = staged.affected_rows {
            change.commit = change.commit.with_affected_rows(affected);
        }
        Ok(change)
    }

    /// Whether no stored row has the key of one of these, and they have different ones.
    async fn lacks(&self, key: &str, rows: &RecordBatch) -> Result<bool> {
        let Some(keys) = rows[key].as_string_opt::<i32>() else { return Ok(false) };
        let different: HashSet<&str> = keys.iter().flatten().collect();
        if different.len() < rows.num_rows() {
            return Ok(false);
        }
        let values = TextSet::of(different.into_iter().map(str::to_owned));
        let stored = Condition::AnyOneOf { columns: vec![key.to_owned()], values };
        let mut found = self.matching(&[key.to_owned()], &[stored]).await?;
        while let Some(batch) = found.try_next().await? {
            if batch.num_rows() > 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Makes this version the newest one again, as a version of its own. Wins silently over concurrent commits: the caller
    /// must be alone with the table.
    ///
    /// # Errors
    /// [`StorageError::Table`].
    pub(crate) async fn restore(&self, head: u64) -> Result<Self, StorageError> {
        let operation = Operation::Restore { version: self.version() };
        StagedChange::new(self, Transaction::new(head, operation, None)).commit().await
    }

    /// Sets a key of the dataset's configuration, as a commit of its own.
    ///
    /// # Errors
    /// [`StorageError::Table`].
    pub(crate) async fn with_config(&self, key: &str, value: &str) -> Result<Self, StorageError> {
        let mut dataset = self.dataset().as_ref().clone();
        dataset.update_config([(key, value)]).await.map_err(|cause| self.error(cause))?;
        Ok(self.committed(dataset))
    }

    /// Sets a key of the schema's metadata, as a commit of its own.
    ///
    /// # Errors
    /// [`StorageError::Table`].
    pub(crate) async fn with_schema_metadata(&self, key: &str, value: &str) -> Result<Self, StorageError> {
        let mut dataset = self.dataset().as_ref().clone();
        dataset.update_schema_metadata([(key, value)]).await.map_err(|cause| self.error(cause))?;
        Ok(self.committed(dataset))
    }

    /// Marks the column by which concurrent writers of the same row collide; a commit of its own unless it is marked already.
    ///
    /// # Errors
    /// [`StorageError::KeyColumn`] if another column is marked, [`StorageError::Table`] otherwise.
    pub(crate) async fn with_key_column(&self, column: &'static str) -> Result<Self, StorageError> {
        let keys = self.dataset().schema().unenforced_primary_key();
        match keys.first() {
            Some(key) if key.name == column => return Ok(self.clone()),
            Some(key) => {
                return Err(StorageError::KeyColumn { path: self.uri().to_owned(), found: key.name.clone(), column });
            }
            None => {}
        }
        let mut dataset = self.dataset().as_ref().clone();
        let marked = dataset.update_field_metadata().update(column, [(KEY_COLUMN, "true")]);
        marked.map_err(|cause| self.error(cause))?.await.map_err(|cause| self.error(cause))?;
        Ok(self.committed(dataset))
    }
}

fn field_ids(schema: &LanceSchema) -> Vec<u32> {
    schema.fields_pre_order().filter_map(|field| u32::try_from(field.id).ok()).collect()
}

/// The keys of the rows, as a merge-insert records those it inserts.
fn key_filter(schema: &LanceSchema, key: &str, rows: &RecordBatch) -> Result<KeyExistenceFilter, lance::Error> {
    let field = schema.field(key).map(|field| field.id);
    let mut keys = KeyExistenceFilterBuilder::new(field.into_iter().collect());
    let on = [key.to_owned()];
    for row in 0..rows.num_rows() {
        if let Some(value) = extract_key_value_from_batch(rows, row, &on) {
            keys.insert(value)?;
        }
    }
    Ok(keys.build())
}
