//! Which rows of a fragment are deleted.
//!
//! A file beside the rows lists them, and the version says how many it lists. A file that lists another number of them belongs to another
//! version: rows would be missing, or there again, without a word.

use std::sync::Arc;

use futures::{FutureExt, StreamExt, TryStreamExt};
use lance::dataset::fragment::FileFragment;
use lance_core::utils::deletion::DeletionVector;
use lance_table::format::Fragment;
use lance_table::io::deletion::relative_deletion_file_path;

use super::Table;
use super::damage::damaged;
use crate::storage::StorageError;

/// Files that are read at the same time.
const AT_ONCE: usize = 16;

impl Table {
    /// Reads which rows of a fragment are deleted.
    ///
    /// # Errors
    /// [`StorageError::Damaged`] if the file lists another number of rows than the version says, [`StorageError::Table`].
    pub(super) async fn deleted(&self, fragment: &Fragment) -> Result<Arc<DeletionVector>, StorageError> {
        let Some(file) = &fragment.deletion_file else { return Ok(Arc::default()) };
        let of = FileFragment::new(self.dataset().clone(), fragment.clone());
        let deleted = of.get_deletion_vector().await.map_err(|cause| self.error(cause))?.unwrap_or_default();
        let listed = deleted.len();
        match file.num_deleted_rows {
            Some(recorded) if recorded != listed => {
                let reason = format!("it lists {listed} rows as deleted, and the version says {recorded}");
                Err(damaged(self.deletion_file(fragment).unwrap_or_default(), reason.into()))
            }
            Some(_) | None => Ok(deleted),
        }
    }

    /// Checks the lists of deleted rows of these fragments, which a scan of them reads, too, and finds in the cache then.
    ///
    /// # Errors
    /// As [`Table::deleted`].
    pub(super) async fn check_deletions(&self, fragments: &[Fragment]) -> Result<(), StorageError> {
        let with_deletions = fragments.iter().filter(|fragment| fragment.deletion_file.is_some());
        let checks = with_deletions.map(|fragment| async move { self.deleted(fragment).await.map(drop) });
        let checks: Vec<_> = checks.map(FutureExt::boxed).collect();
        futures::stream::iter(checks).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Full path of the file that lists the deleted rows of a fragment; none if there is no such file.
    pub(super) fn deletion_file(&self, fragment: &Fragment) -> Option<String> {
        let file = fragment.deletion_file.as_ref()?;
        Some(self.file(file.base_id, &relative_deletion_file_path(fragment.id, file)))
    }
}
