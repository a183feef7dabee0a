//! One table, opened at one version.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use lance::Dataset;
use lance::dataset::scanner::Scanner;
use lance::index::DatasetIndexExt;
use lance_table::format::Fragment;

use super::cause::table_error;
use super::damage::{absolute, damaged};
use super::memory::Memory;
use super::summary::Summaries;
use crate::storage::StorageError;

/// Column that can be asked for in a scan: where the row is, fragment id in the upper 32 bits.
pub const ROW_ADDRESS: &str = lance_core::ROW_ADDR;

/// An index on columns of a table.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct IndexInfo {
    /// Name of the index.
    pub name: String,
    /// What kind it is: `BTree`, `Inverted`, `IVF_FLAT` …
    pub kind: String,
    /// Columns it covers.
    pub columns: Vec<String>,
    /// Rows it covers, deleted ones included.
    pub rows: u64,
}

/// A table at one version of one lineage. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Table {
    dataset: Arc<Dataset>,
    uri: Arc<str>,
    memory: Arc<Memory>,
}

impl Table {
    pub(super) fn new(dataset: Dataset, uri: String, memory: Arc<Memory>) -> Self {
        Self { dataset: Arc::new(dataset), uri: uri.into(), memory }
    }

    /// The same lineage at the version that was just committed.
    pub(super) fn committed(&self, dataset: Dataset) -> Self {
        self.memory.handles.keep(&self.uri, dataset.clone());
        Self { dataset: Arc::new(dataset), uri: self.uri.clone(), memory: self.memory.clone() }
    }

    pub(super) fn known_summaries(&self) -> &Summaries {
        &self.memory.summaries
    }

    pub(super) fn dataset(&self) -> &Arc<Dataset> {
        &self.dataset
    }

    /// Full path of the lineage.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Returns the full paths of the lineages whose files this version has besides its own, as they are stored, each once.
    pub(crate) fn bases(&self) -> BTreeSet<&str> {
        let fragments = self.dataset.fragments().iter();
        let used = fragments.flat_map(|fragment| {
            let files = fragment.files.iter().map(|file| file.base_id);
            files.chain(fragment.deletion_file.as_ref().map(|file| file.base_id))
        });
        let used: BTreeSet<u32> = used.flatten().collect();
        let paths = &self.dataset.manifest().base_paths;
        used.iter().filter_map(|id| paths.get(id)).map(|base| base.path.trim_start_matches("file://")).collect()
    }

    /// The version that is open.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.dataset.version_id()
    }

    /// Columns, in storage order.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::new(self.dataset.schema().into())
    }

    /// Key-value pairs kept with the schema.
    #[must_use]
    pub fn schema_metadata(&self) -> &HashMap<String, String> {
        &self.dataset.schema().metadata
    }

    /// Id and data file names of each fragment, in storage order. Fragments of two lineages with equal names hold the same
    /// rows, except for deletions; a row's [`ROW_ADDRESS`] holds the id in its upper half.
    #[must_use]
    pub fn fragment_files(&self) -> Vec<(u64, String)> {
        let names = |fragment: &lance_table::format::Fragment| {
            let files: Vec<&str> = fragment.files.iter().map(|file| file.path.as_str()).collect();
            (fragment.id, files.join("+"))
        };
        self.dataset.iter_fragments().map(names).collect()
    }

    /// Returns the positions, in [`Table::fragment_files`], of the files that the lineage holds itself; the others it inherited.
    #[must_use]
    pub(crate) fn own_files(&self) -> Vec<usize> {
        let fragments = self.dataset.fragments().iter().enumerate();
        let own = fragments.filter(|(_, fragment)| fragment.files.iter().all(|file| file.base_id.is_none()));
        own.map(|(position, _)| position).collect()
    }

    /// Number of live rows, from metadata where it is recorded.
    ///
    /// # Errors
    /// [`StorageError::Request`] for a filter that is not an expression over the columns, [`StorageError::Table`] otherwise.
    pub async fn count(&self, filter: Option<&str>) -> Result<u64, StorageError> {
        if let (None, Some(rows)) = (filter, self.recorded_rows()) {
            return Ok(rows);
        }
        let condition = filter.map(|filter| self.condition(filter)).transpose()?;
        let count = async {
            let mut scanner = self.scanner(None).await?;
            if let Some(condition) = condition {
                scanner.filter_expr(condition);
            }
            // Lance counts the ids of rows.
            scanner.project::<&str>(&[]).map_err(|cause| self.error(cause))?.with_row_id();
            scanner.count_rows().await.map_err(|cause| self.row_error(cause, filter))
        };
        self.fenced_request(count).await
    }

    /// Begins to read rows, of some fragments or of all. No index is asked: nothing in one proves that it is whole, and rows that it leaves
    /// out would be missing without a word.
    ///
    /// # Errors
    /// As [`Table::check_deletions`].
    pub(super) async fn scanner(&self, of: Option<Vec<Fragment>>) -> Result<Scanner, StorageError> {
        self.check_deletions(of.as_deref().unwrap_or_else(|| self.dataset.fragments())).await?;
        let mut scanner = self.dataset.scan();
        scanner.use_scalar_index(false);
        if let Some(fragments) = of {
            scanner.with_fragments(fragments);
        }
        Ok(scanner)
    }

    /// This table, if it has as many rows as were published of it.
    ///
    /// # Errors
    /// [`StorageError::Damaged`].
    pub(crate) fn holding(self, rows: u64) -> Result<Self, StorageError> {
        match self.recorded_rows() {
            Some(found) if found != rows => {
                let reason = format!("{rows} rows were published of this version, and it has {found}");
                Err(damaged(absolute(self.dataset.manifest_location().path.as_ref()), reason.into()))
            }
            Some(_) | None => Ok(self),
        }
    }

    /// Live rows as the list of files has them; none if a file's are not recorded.
    fn recorded_rows(&self) -> Option<u64> {
        self.dataset.fragments().iter().map(|fragment| fragment.num_rows().map(|rows| rows as u64)).sum()
    }

    /// The indices of this version, by name.
    ///
    /// # Errors
    /// [`StorageError::Table`].
    pub async fn indices(&self) -> Result<Vec<IndexInfo>, StorageError> {
        self.fenced(async { self.described().await.map_err(|cause| self.error(cause)) }).await
    }

    /// As [`Table::indices`], outside the fence.
    pub(super) async fn described(&self) -> lance::Result<Vec<IndexInfo>> {
        let described = self.dataset.describe_indices(None).await?;
        let column = |id: &u32| {
            let field = i32::try_from(*id).ok().and_then(|id| self.dataset.schema().field_by_id(id));
            field.map_or_else(|| format!("field {id}"), |field| field.name.clone())
        };
        let info = described.iter().map(|index| IndexInfo {
            name: index.name().to_owned(),
            kind: index.index_type().to_owned(),
            columns: index.field_ids().iter().map(column).collect(),
            rows: index.rows_indexed(),
        });
        Ok(info.collect())
    }

    pub(super) fn error(&self, cause: lance::Error) -> StorageError {
        match (table_error(&self.uri, cause), self.elsewhere()) {
            (StorageError::Table { path, source, .. }, Some(base)) => {
                StorageError::Moved { path, base: base.to_owned(), source }
            }
            (error, _) => error,
        }
    }

    /// Where the table was when the lineage was made, if nothing is there any more: its files are looked for there.
    fn elsewhere(&self) -> Option<&str> {
        let bases = self.dataset.manifest().base_paths.values();
        let mut places = bases.map(|base| base.path.trim_start_matches("file://"));
        places.find(|place| Path::new(place).is_absolute() && !Path::new(place).exists())
    }
}
