//! Reading rows through the handle: rows, differences, row histories, SQL.

use super::Graph;
use crate::diff::{self, DiffFilter, DiffStream, RowHistoryStream};
use crate::error::Result;
use crate::history::Snapshot;
use crate::id::{BranchName, TableKey};
use crate::manifest::TableEntry;
use crate::progress::Progress;
use crate::query::{self, SqlOptions, SqlResult};
use crate::read::{self, Blobs, ReadOptions, RowStream};
use crate::value::Row;

impl Graph {
    /// Reads rows of a table, ascending by id unless asked otherwise, in bounded batches and bounded memory.
    ///
    /// # Errors
    /// [`crate::history::HistoryError::UnknownTable`], or as [`read::rows`].
    pub async fn read(&self, snapshot: &Snapshot, table: &TableKey, options: &ReadOptions) -> Result<RowStream> {
        read::rows(&self.open_table(entry(snapshot, table)?).await?, options).await
    }

    /// Counts the rows of a table that a filter lets through; all if there is none.
    ///
    /// # Errors
    /// As [`Graph::read`].
    pub async fn count(&self, snapshot: &Snapshot, table: &TableKey, filter: Option<&str>) -> Result<u64> {
        read::count(&self.open_table(entry(snapshot, table)?).await?, filter).await
    }

    /// Finds the row with an id; the first of them where ids repeat.
    ///
    /// # Errors
    /// As [`Graph::read`].
    pub async fn entity(&self, snapshot: &Snapshot, table: &TableKey, id: &str, blobs: Blobs) -> Result<Option<Row>> {
        let rows = read::entity(&self.open_table(entry(snapshot, table)?).await?, id, blobs).await?;
        Ok(rows.into_iter().next())
    }

    /// Streams the row changes from one snapshot to another, in order of table, then id.
    ///
    /// # Errors
    /// In the stream: [`crate::storage::StorageError`], [`crate::Error::Cancelled`].
    #[must_use]
    pub fn diff(&self, from: &Snapshot, to: &Snapshot, filter: DiffFilter, progress: &Progress) -> DiffStream {
        diff::diff(self.storage(), from, to, filter, progress)
    }

    /// Streams the commits of a branch that changed a row, newest first, following first parents. States that cannot be read
    /// any more end the stream with [`diff::RowHistoryItem::Ended`].
    ///
    /// # Errors
    /// In the stream: as [`Graph::history`] and [`Graph::read`].
    #[must_use]
    pub fn row_history(
        &self,
        table: &TableKey,
        id: &str,
        branch: &BranchName,
        progress: &Progress,
    ) -> RowHistoryStream {
        diff::row_history(self, table.clone(), id.to_owned(), branch.clone(), progress)
    }

    /// Runs a query over the tables of a snapshot; see [`crate::query`].
    ///
    /// # Errors
    /// [`query::QueryError`], at once or in the stream.
    pub async fn sql(&self, snapshot: &Snapshot, sql: &str, options: SqlOptions) -> Result<SqlResult> {
        query::sql(self.storage(), snapshot, sql, options).await
    }
}

fn entry<'a>(snapshot: &'a Snapshot, table: &TableKey) -> Result<&'a TableEntry> {
    Ok(snapshot.table(&table.to_string())?)
}
