//! Rows of `__manifest` (graph-format §4.1, §4.2).

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, UInt64Array, new_null_array};
use arrow::datatypes::UInt64Type;
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::ManifestError;
use super::publish::TableUpdate;
use crate::id::{BranchName, TableKey};
use crate::storage::{KEY_COLUMN, VersionFile};

/// The column that identifies a row; publishers that write the same value collide.
pub(super) const KEY: &str = "object_id";

/// The columns a reader needs.
pub(super) const COLUMNS: [&str; 7] =
    ["object_type", "location", "metadata", "table_key", "table_version", "table_branch", "row_count"];

/// The columns that tell which tables rows are about.
pub(super) const CHANGED_COLUMNS: [&str; 2] = ["object_type", "table_key"];

/// One row, by kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Row {
    /// Registers a table at a folder.
    Table { key: String, path: String },
    /// Makes a version of a table visible.
    Version { key: String, version: u64, lineage: Option<String>, rows: u64 },
    /// Hides a table's versions up to this one.
    Tombstone { key: String, version: u64 },
}

struct Columns<'a> {
    kind: &'a StringArray,
    location: &'a StringArray,
    metadata: &'a StringArray,
    key: &'a StringArray,
    version: &'a UInt64Array,
    lineage: &'a StringArray,
    rows: &'a UInt64Array,
}

/// Decodes a batch holding at least [`COLUMNS`]; rows of unknown kinds are skipped, as the format demands.
///
/// # Errors
/// [`ManifestError::Column`] if a column is absent or mistyped, [`ManifestError::Value`] if a row lacks a required value.
pub(super) fn decode(batch: &RecordBatch) -> Result<Vec<Row>, ManifestError> {
    let columns = Columns {
        kind: text(batch, "object_type")?,
        location: text(batch, "location")?,
        metadata: text(batch, "metadata")?,
        key: text(batch, "table_key")?,
        version: number(batch, "table_version")?,
        lineage: text(batch, "table_branch")?,
        rows: number(batch, "row_count")?,
    };
    (0..batch.num_rows()).filter_map(|index| columns.row(index).transpose()).collect()
}

/// Decodes which tables the rows of a batch holding [`CHANGED_COLUMNS`] show in another version or hide: the position of the row, and the
/// table.
///
/// # Errors
/// [`ManifestError::Column`] if a column is absent or mistyped.
pub(super) fn decode_changed(batch: &RecordBatch) -> Result<Vec<(usize, &str)>, ManifestError> {
    let (kinds, keys) = (text(batch, "object_type")?, text(batch, "table_key")?);
    let is_change = |index: &usize| matches!(kinds.value(*index), "table_version" | "table_tombstone");
    Ok((0..batch.num_rows()).filter(is_change).map(|index| (index, keys.value(index))).collect())
}

impl Columns<'_> {
    fn row(&self, index: usize) -> Result<Option<Row>, ManifestError> {
        let key = || self.key.value(index).to_owned();
        let required_text = |column: &StringArray, name| {
            column.is_valid(index).then(|| column.value(index).to_owned()).ok_or_else(|| self.null(index, name))
        };
        let required_number = |column: &UInt64Array, name| {
            column.is_valid(index).then(|| column.value(index)).ok_or_else(|| self.null(index, name))
        };
        Ok(match self.kind.value(index) {
            "table" => Some(Row::Table { key: key(), path: required_text(self.location, "location")? }),
            "table_version" => {
                required_text(self.metadata, "metadata")?;
                Some(Row::Version {
                    key: key(),
                    version: required_number(self.version, "table_version")?,
                    lineage: self.lineage.is_valid(index).then(|| self.lineage.value(index).to_owned()),
                    rows: required_number(self.rows, "row_count")?,
                })
            }
            "table_tombstone" => {
                Some(Row::Tombstone { key: key(), version: required_number(self.version, "table_version")? })
            }
            _ => None,
        })
    }

    fn null(&self, index: usize, column: &'static str) -> ManifestError {
        ManifestError::Value {
            object_type: self.kind.value(index).to_owned(),
            table_key: self.key.value(index).to_owned(),
            column,
        }
    }
}

fn text<'a>(batch: &'a RecordBatch, column: &'static str) -> Result<&'a StringArray, ManifestError> {
    let array = batch.column_by_name(column).and_then(|array| array.as_string_opt::<i32>());
    array.ok_or(ManifestError::Column { column, expected: "Utf8" })
}

/// A column of unsigned 64-bit numbers.
pub(super) fn number<'a>(batch: &'a RecordBatch, column: &'static str) -> Result<&'a UInt64Array, ManifestError> {
    let array = batch.column_by_name(column).and_then(|array| array.as_primitive_opt::<UInt64Type>());
    array.ok_or(ManifestError::Column { column, expected: "UInt64" })
}

/// A row to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NewRow {
    /// Registers a table at a folder.
    Table { key: TableKey, path: String },
    /// Makes a version of a table visible.
    Version(TableUpdate),
    /// Hides a table's versions up to this one.
    Tombstone { key: TableKey, version: u64 },
}

impl NewRow {
    fn id(&self) -> String {
        match self {
            Self::Table { key, .. } => key.to_string(),
            Self::Version(update) => format!("{}${:020}", update.key, update.version),
            Self::Tombstone { key, version } => format!("{key}$tombstone${version:020}"),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Table { .. } => "table",
            Self::Version(_) => "table_version",
            Self::Tombstone { .. } => "table_tombstone",
        }
    }

    fn key(&self) -> String {
        match self {
            Self::Table { key, .. } | Self::Tombstone { key, .. } => key.to_string(),
            Self::Version(update) => update.key.to_string(),
        }
    }

    fn location(&self) -> Option<&str> {
        match self {
            Self::Table { path, .. } => Some(path),
            Self::Version(_) | Self::Tombstone { .. } => None,
        }
    }

    fn update(&self) -> Option<&TableUpdate> {
        match self {
            Self::Version(update) => Some(update),
            Self::Table { .. } | Self::Tombstone { .. } => None,
        }
    }

    fn version(&self) -> Option<u64> {
        match self {
            Self::Version(update) => Some(update.version),
            Self::Tombstone { version, .. } => Some(*version),
            Self::Table { .. } => None,
        }
    }
}

/// The `metadata` of a version row; the order of the keys is part of the format.
#[derive(serde::Serialize)]
struct Metadata<'a> {
    manifest_path: &'a str,
    manifest_size: u64,
    e_tag: Option<&'a str>,
    naming_scheme: &'a str,
}

fn metadata(file: &VersionFile) -> String {
    let metadata = Metadata {
        manifest_path: &file.path,
        manifest_size: file.size_bytes,
        e_tag: file.e_tag.as_deref(),
        naming_scheme: file.naming,
    };
    serde_json::to_string(&metadata).expect("texts and numbers can be written")
}

/// The columns of `__manifest` (graph-format §4.1).
pub(super) fn schema() -> SchemaRef {
    let key = [(KEY_COLUMN.to_owned(), "true".to_owned())];
    let text = |name, nullable| Field::new(name, DataType::Utf8, nullable);
    Arc::new(Schema::new(vec![
        text(KEY, false).with_metadata(key.into()),
        text("object_type", false),
        text("location", true),
        text("metadata", true),
        Field::new("base_objects", base_objects(), true),
        text("table_key", false),
        Field::new("table_version", DataType::UInt64, true),
        text("table_branch", true),
        Field::new("row_count", DataType::UInt64, true),
    ]))
}

fn base_objects() -> DataType {
    DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)))
}

/// Encodes rows as one batch of the columns of `__manifest`.
pub(super) fn encode(rows: &[NewRow]) -> RecordBatch {
    let texts =
        |of: &dyn Fn(&NewRow) -> Option<String>| -> ArrayRef { Arc::new(rows.iter().map(of).collect::<StringArray>()) };
    let numbers =
        |of: &dyn Fn(&NewRow) -> Option<u64>| -> ArrayRef { Arc::new(rows.iter().map(of).collect::<UInt64Array>()) };
    let lineage = |row: &NewRow| row.update()?.lineage.as_ref().and_then(BranchName::stored).map(str::to_owned);
    let columns = vec![
        texts(&|row| Some(row.id())),
        texts(&|row| Some(row.kind().to_owned())),
        texts(&|row| row.location().map(str::to_owned)),
        texts(&|row| row.update().map(|update| metadata(&update.file))),
        new_null_array(&base_objects(), rows.len()),
        texts(&|row| Some(row.key())),
        numbers(&NewRow::version),
        texts(&lineage),
        numbers(&|row| row.update().map(|update| update.rows)),
    ];
    RecordBatch::try_new(schema(), columns).expect("the columns are those of the schema")
}
