//! Rows of `__manifest` (graph-format §4.1, §4.2).

use arrow::array::{Array, AsArray, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::UInt64Type;

use super::ManifestError;

/// The columns a reader needs.
pub(super) const COLUMNS: [&str; 7] =
    ["object_type", "location", "metadata", "table_key", "table_version", "table_branch", "row_count"];

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
    decode_indexed(batch).map(|rows| rows.into_iter().map(|(_, row)| row).collect())
}

/// As [`decode`], with the position of each row in the batch.
pub(super) fn decode_indexed(batch: &RecordBatch) -> Result<Vec<(usize, Row)>, ManifestError> {
    let columns = Columns {
        kind: text(batch, "object_type")?,
        location: text(batch, "location")?,
        metadata: text(batch, "metadata")?,
        key: text(batch, "table_key")?,
        version: number(batch, "table_version")?,
        lineage: text(batch, "table_branch")?,
        rows: number(batch, "row_count")?,
    };
    let decoded = (0..batch.num_rows()).map(|index| Ok(columns.row(index)?.map(|row| (index, row))));
    decoded.filter_map(Result::transpose).collect()
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
