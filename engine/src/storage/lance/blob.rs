//! Content of blob columns: descriptors → bytes or digests.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeBinaryBuilder, LargeBinaryBuilder, RecordBatch, StringBuilder, StructArray,
    UInt64Builder,
};
use arrow::datatypes::{UInt8Type, UInt32Type, UInt64Type};
use arrow_schema::{DataType, Field, Fields, Schema};
use futures::{StreamExt, TryStreamExt};
use lance::dataset::BlobFile;
use lance_core::datatypes::BlobKind;
use sha2::{Digest, Sha256};

use super::Table;
use super::scan::RowStream;
use super::table::ROW_ADDRESS;
use crate::storage::StorageError;

/// Bytes of content that one batch holds, unless a single row holds more.
const BATCH_BYTES: u64 = 16 << 20;
/// Bytes of content in memory while a digest is computed.
const DIGEST_CHUNK_BYTES: usize = 1 << 20;
/// Bytes of a SHA-256.
const DIGEST_BYTES: i32 = 32;

/// How blob columns are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Blobs {
    /// References and sizes only.
    #[default]
    Described,
    /// References, sizes, and the SHA-256 of what is stored in the table: enough to compare, in little memory.
    Digested,
    /// References, and the bytes of what is stored in the table.
    Bytes,
}

/// Whether a column of a table holds blobs, and so is read as [`Blobs`] says.
#[must_use]
pub fn is_blob(column: &Field) -> bool {
    lance::datatypes::Field::try_from(column).is_ok_and(|column| column.is_blob())
}

/// Replaces the descriptors of blob columns by content, reading what the table stores; references are not followed.
///
/// The batches must have the column `_rowaddr`. Those with bytes are split to hold no more than [`BATCH_BYTES`] of them.
pub(super) fn with_content(table: &Table, rows: RowStream, columns: Vec<String>, blobs: Blobs) -> RowStream {
    let table = table.clone();
    let columns: Arc<[String]> = columns.into();
    let rows = match blobs {
        Blobs::Described => return rows,
        Blobs::Digested => rows,
        Blobs::Bytes => {
            let columns = columns.clone();
            let split = move |batch: RecordBatch| {
                let parts = parts(&content_sizes(&batch, &columns), BATCH_BYTES);
                futures::stream::iter(parts.into_iter().map(move |part| Ok(batch.slice(part.start, part.len()))))
            };
            rows.map_ok(split).try_flatten().boxed()
        }
    };
    let read = move |batch: RecordBatch| {
        let (table, columns) = (table.clone(), columns.clone());
        async move { read_columns(&table, batch, &columns, blobs).await }
    };
    rows.and_then(read).boxed()
}

/// As [`with_content`], of one batch and at once.
pub(super) async fn read_columns(
    table: &Table,
    mut batch: RecordBatch,
    columns: &[String],
    blobs: Blobs,
) -> Result<RecordBatch, StorageError> {
    for column in columns {
        let Ok(index) = batch.schema_ref().index_of(column) else { continue };
        let content = match blobs {
            Blobs::Described => continue,
            Blobs::Digested => digests(table, &batch, column).await?,
            Blobs::Bytes => bytes(table, &batch, column).await?,
        };
        batch = replace(&batch, index, content);
    }
    Ok(batch)
}

/// Where the content of a cell is.
enum Held {
    Nowhere,
    Elsewhere(String),
    Here(BlobFile),
}

/// What is somewhere else is not asked for: it may not be there, and only its place is wanted.
async fn held(table: &Table, batch: &RecordBatch, column: &str) -> Result<Vec<Held>, StorageError> {
    let references = references(&batch[column]);
    let addresses = batch[ROW_ADDRESS].as_primitive::<UInt64Type>().values();
    let here: Vec<u64> =
        addresses.iter().zip(&references).filter(|(_, reference)| reference.is_none()).map(|(at, _)| *at).collect();
    let files = table.dataset().take_blobs_by_addresses(&here, column).await;
    let mut files = files.map_err(|cause| table.error(cause))?.into_iter();
    let mut held = |reference: Option<String>| match reference {
        Some(uri) => Held::Elsewhere(uri),
        None => match files.next().flatten() {
            Some(file) => match file.uri() {
                Some(uri) => Held::Elsewhere(uri.to_owned()),
                None => Held::Here(file),
            },
            None => Held::Nowhere,
        },
    };
    Ok(references.into_iter().map(&mut held).collect())
}

/// The references that descriptors hold in full.
fn references(described: &ArrayRef) -> Vec<Option<String>> {
    let fields = described.as_struct_opt().and_then(|blobs| {
        let kinds = blobs.column_by_name("kind")?.as_primitive_opt::<UInt8Type>()?;
        let bases = blobs.column_by_name("blob_id")?.as_primitive_opt::<UInt32Type>()?;
        Some((kinds, bases, blobs.column_by_name("blob_uri")?.as_string_opt::<i32>()?))
    });
    let Some((kinds, bases, uris)) = fields else { return vec![None; described.len()] };
    let is_reference =
        |row: usize| described.is_valid(row) && kinds.value(row) == BlobKind::External as u8 && bases.value(row) == 0;
    (0..described.len()).map(|row| is_reference(row).then(|| uris.value(row).to_owned())).collect()
}

/// `{data, uri}`, one of them null.
async fn bytes(table: &Table, batch: &RecordBatch, column: &str) -> Result<ArrayRef, StorageError> {
    let (mut data, mut uri) = (LargeBinaryBuilder::new(), StringBuilder::new());
    let mut present = Vec::with_capacity(batch.num_rows());
    for held in held(table, batch, column).await? {
        match &held {
            Held::Here(file) => {
                data.append_value(file.read().await.map_err(|cause| table.error(cause))?);
                uri.append_null();
            }
            Held::Elsewhere(place) => {
                data.append_null();
                uri.append_value(place);
            }
            Held::Nowhere => {
                data.append_null();
                uri.append_null();
            }
        }
        present.push(!matches!(held, Held::Nowhere));
    }
    let fields = vec![Field::new("data", DataType::LargeBinary, true), Field::new("uri", DataType::Utf8, true)];
    let arrays: Vec<ArrayRef> = vec![Arc::new(data.finish()), Arc::new(uri.finish())];
    Ok(Arc::new(StructArray::new(fields.into(), arrays, Some(present.into()))))
}

/// `{size, sha256, uri}`, either the first two or the last.
async fn digests(table: &Table, batch: &RecordBatch, column: &str) -> Result<ArrayRef, StorageError> {
    let (mut size, mut uri) = (UInt64Builder::new(), StringBuilder::new());
    let mut sha256 = FixedSizeBinaryBuilder::new(DIGEST_BYTES);
    let mut present = Vec::with_capacity(batch.num_rows());
    for held in held(table, batch, column).await? {
        if let Held::Here(file) = &held {
            size.append_value(file.size());
            sha256.append_value(digest(table, file).await?).expect("a SHA-256 has 32 bytes");
        } else {
            size.append_null();
            sha256.append_null();
        }
        match &held {
            Held::Elsewhere(place) => uri.append_value(place),
            Held::Here(_) | Held::Nowhere => uri.append_null(),
        }
        present.push(!matches!(held, Held::Nowhere));
    }
    let digest_type = DataType::FixedSizeBinary(DIGEST_BYTES);
    let fields: Fields = vec![
        Field::new("size", DataType::UInt64, true),
        Field::new("sha256", digest_type, true),
        Field::new("uri", DataType::Utf8, true),
    ]
    .into();
    let arrays: Vec<ArrayRef> = vec![Arc::new(size.finish()), Arc::new(sha256.finish()), Arc::new(uri.finish())];
    Ok(Arc::new(StructArray::new(fields, arrays, Some(present.into()))))
}

async fn digest(table: &Table, blob: &BlobFile) -> Result<[u8; 32], StorageError> {
    let mut sha256 = Sha256::new();
    loop {
        let chunk = blob.read_up_to(DIGEST_CHUNK_BYTES).await.map_err(|cause| table.error(cause))?;
        if chunk.is_empty() {
            return Ok(sha256.finalize().into());
        }
        sha256.update(&chunk);
    }
}

/// Bytes of content of every row, as its descriptors tell them.
fn content_sizes(batch: &RecordBatch, columns: &[String]) -> Vec<u64> {
    let mut sizes = vec![0; batch.num_rows()];
    for column in columns {
        let described = batch.column_by_name(column).and_then(|column| column.as_struct_opt());
        let described = described.and_then(|blobs| blobs.column_by_name("size")?.as_primitive_opt::<UInt64Type>());
        for (total, size) in sizes.iter_mut().zip(described.into_iter().flatten()) {
            *total += size.unwrap_or(0);
        }
    }
    sizes
}

/// Consecutive rows that hold at most `most` bytes together; a row that alone holds more is a part of its own.
fn parts(sizes: &[u64], most: u64) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let (mut start, mut total) = (0, 0_u64);
    for (row, &size) in sizes.iter().enumerate() {
        if row > start && total.saturating_add(size) > most {
            parts.push(start..row);
            (start, total) = (row, 0);
        }
        total = total.saturating_add(size);
    }
    if start < sizes.len() {
        parts.push(start..sizes.len());
    }
    parts
}

fn replace(batch: &RecordBatch, index: usize, content: ArrayRef) -> RecordBatch {
    let mut fields = batch.schema_ref().fields().to_vec();
    fields[index] = Arc::new(Field::new(fields[index].name(), content.data_type().clone(), true));
    let mut columns = batch.columns().to_vec();
    columns[index] = content;
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("one column for another of the same length")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_split_by_the_bytes_they_hold() {
        assert!(parts(&[], 10).is_empty());
        assert_eq!(parts(&[4, 0, 6, 1], 10), [0..3, 3..4]);
        assert_eq!(parts(&[4, 6, 1, 30, 2], 10), [0..2, 2..3, 3..4, 4..5], "a row that is too large goes alone");
        assert_eq!(parts(&[u64::MAX, u64::MAX], 10), [0..1, 1..2]);
    }
}
