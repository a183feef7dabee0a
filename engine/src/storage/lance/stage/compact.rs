//! Small files put together.

use futures::FutureExt;
use lance::dataset::optimize::{self, CompactionOptions};

use super::Table;
use crate::storage::StorageError;

/// Rows from which on a file is left as it is: what is written again stays bounded, however long the table gets.
const LARGE_FILE_ROWS: usize = 10_000;

/// Configuration by which Lance removes old versions after a commit of its own.
const AUTO_CLEANUP: &str = "lance.auto_cleanup";

impl Table {
    /// Files that [`Table::compact`] would put together.
    pub(crate) fn small_files(&self) -> usize {
        let is_small = |rows: Option<usize>| rows.is_some_and(|rows| rows < LARGE_FILE_ROWS);
        self.dataset().fragments().iter().filter(|fragment| is_small(fragment.physical_rows)).count()
    }

    /// Whether Lance would remove versions when it commits by itself.
    pub(crate) fn cleans_up(&self) -> bool {
        self.dataset().config().keys().any(|key| key.starts_with(AUTO_CLEANUP))
    }

    /// Puts neighboring small files together, in commits of their own. The rows stay as they are, with their ids and the
    /// versions they were written in. Must not be asked of a table that [cleans up](Self::cleans_up).
    ///
    /// # Errors
    /// [`StorageError::Contended`] if another commit conflicts, [`StorageError::Table`] otherwise.
    pub(crate) async fn compact(&self) -> Result<Self, StorageError> {
        debug_assert!(!self.cleans_up(), "versions would be lost");
        let options = CompactionOptions {
            target_rows_per_fragment: LARGE_FILE_ROWS,
            materialize_deletions: false,
            num_threads: Some(1),
            ..CompactionOptions::default()
        };
        let mut dataset = self.dataset().as_ref().clone();
        let compact = async {
            self.check_deletions(self.dataset().fragments()).await?;
            optimize::compact_files(&mut dataset, options, None).boxed().await.map_err(|cause| self.error(cause))
        };
        self.fenced(compact).await?;
        Ok(self.committed(dataset))
    }
}
