//! What a branch showed before.

use futures::TryStreamExt;

use super::row::{self, Row};
use crate::error::Result;
use crate::id::TableKey;
use crate::storage::{Scan, Table};

/// Whether a branch ever showed a version of a table past another one, on a lineage (none is the main one).
pub(crate) async fn has_shown(manifest: &Table, key: &TableKey, lineage: Option<&str>, after: u64) -> Result<bool> {
    let columns = row::COLUMNS.iter().map(|&column| column.to_owned()).collect();
    let mut batches = manifest.scan(&Scan { columns: Some(columns), ..Scan::default() }).await?;
    let wanted = key.to_string();
    while let Some(batch) = batches.try_next().await? {
        let is_shown = |row: &Row| {
            matches!(row, Row::Version { key, version, lineage: on, .. }
                if *key == wanted && on.as_deref() == lineage && *version > after)
        };
        if row::decode(&batch)?.iter().any(is_shown) {
            return Ok(true);
        }
    }
    Ok(false)
}
