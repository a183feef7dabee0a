//! Rows of a last common commit that went with its branch, put together from the versions that have them.

use std::collections::HashSet;
use std::sync::Arc;

use futures::StreamExt;
use tempfile::TempDir;

use super::lookup::open;
use super::picked::conform;
use super::rows::PastSelection;
use crate::error::Result;
use crate::manifest::TableEntry;
use crate::schema::TableType;
use crate::storage::{Rows, Storage, StorageError, Table};

/// Name of the table in its folder.
const NAME: &str = "rows";

/// The rows in a table of their own, which goes with this value. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct PastRows {
    /// None if there are no rows.
    table: Option<(Table, Arc<TempDir>)>,
    absent: Arc<HashSet<String>>,
    untold: Arc<HashSet<String>>,
}

/// The last common state of a row that is not in [`PastRows::table`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoPastRow {
    /// The last common commit does not have it.
    Absent,
    /// No side changed it: it is what the target has.
    AsNow,
    /// No state or merge tells it.
    Untold,
}

impl PastRows {
    /// Reads the rows that were selected from these versions.
    ///
    /// # Errors
    /// Storage errors, also if there is no room for temporary files.
    pub(super) async fn read(
        storage: &Storage,
        kind: TableType<'_>,
        versions: &[Option<&TableEntry>],
        selected: PastSelection,
    ) -> Result<Self> {
        let PastSelection { rows, absent, untold } = selected;
        let (absent, untold) = (Arc::new(absent), Arc::new(untold));
        if rows.is_empty() {
            return Ok(Self { table: None, absent, untold });
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
        Ok(Self { table: Some((table, Arc::new(folder))), absent, untold })
    }

    /// The rows; none if there are none.
    pub(super) fn table(&self) -> Option<&Table> {
        self.table.as_ref().map(|(table, _)| table)
    }

    /// Tells about a row that the table does not have.
    pub(super) fn missing(&self, id: &str) -> NoPastRow {
        if self.untold.contains(id) {
            NoPastRow::Untold
        } else if self.absent.contains(id) {
            NoPastRow::Absent
        } else {
            NoPastRow::AsNow
        }
    }
}
