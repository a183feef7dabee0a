//! Rows of a last common commit that went with its branch, put together from the versions that have them.

use std::sync::Arc;

use futures::StreamExt;
use tempfile::TempDir;

use super::lookup::open;
use super::picked::conform;
use super::rows::PastRow;
use crate::error::Result;
use crate::manifest::TableEntry;
use crate::schema::TableType;
use crate::storage::{Rows, Storage, StorageError, Table};

/// Name of the table in its folder.
const NAME: &str = "rows";

/// The rows in a table of their own, which goes with this value. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct PastRows {
    table: Table,
    _folder: Arc<TempDir>,
}

impl PastRows {
    /// Reads the rows at these places of the versions; none if there are none.
    ///
    /// # Errors
    /// Storage errors, also if there is no room for temporary files.
    pub(super) async fn read(
        storage: &Storage,
        kind: TableType<'_>,
        versions: &[Option<&TableEntry>],
        rows: &[PastRow],
    ) -> Result<Option<Self>> {
        if rows.is_empty() {
            return Ok(None);
        }
        let schema = Arc::new(kind.arrow_schema());
        let columns: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        let mut picked = Vec::new();
        for (at, version) in versions.iter().enumerate() {
            let addresses: Vec<u64> = rows.iter().filter(|(of, _)| *of == at).map(|(_, address)| *address).collect();
            let Some(version) = version.filter(|_| !addresses.is_empty()) else { continue };
            let table = open(storage, version).await?;
            let (path, schema) = (table.uri().to_owned(), schema.clone());
            let batches = table.pick(futures::stream::iter([Ok(addresses)]).boxed(), &columns);
            picked.push(batches.map(move |batch| Ok(conform(&batch?, &schema, &path)?)).boxed());
        }
        let folder = tempfile::tempdir()
            .map_err(|source| StorageError::MakeRoot { path: std::env::temp_dir().display().to_string(), source })?;
        let aside = Storage::create(&folder.path().to_string_lossy())?;
        let batches = futures::stream::iter(picked).flatten().boxed();
        let table = aside.create_table(NAME, Rows::stream(schema, batches)).await?;
        Ok(Some(Self { table, _folder: Arc::new(folder) }))
    }

    pub(super) fn table(&self) -> &Table {
        &self.table
    }
}
