//! Bytes of blob columns: descriptors → content.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, LargeBinaryBuilder, RecordBatch, StringBuilder, StructArray};
use arrow::datatypes::UInt64Type;
use arrow_schema::{DataType, Field, Fields, Schema};
use futures::{StreamExt, TryStreamExt};

use super::Table;
use super::scan::RowStream;
use super::sorted::ROW_ID;
use crate::storage::StorageError;

/// Replaces the descriptors of blob columns by `{data, uri}`, reading what the table stores; references are not followed.
///
/// The batches must have the column `_rowid`.
pub(super) fn with_bytes(table: &Table, rows: RowStream, columns: Vec<String>) -> RowStream {
    let table = table.clone();
    let columns: Arc<[String]> = columns.into();
    let read = move |batch: RecordBatch| {
        let (table, columns) = (table.clone(), columns.clone());
        async move { read_columns(&table, batch, &columns).await }
    };
    rows.and_then(read).boxed()
}

pub(super) async fn read_columns(
    table: &Table,
    mut batch: RecordBatch,
    columns: &[String],
) -> Result<RecordBatch, StorageError> {
    for column in columns {
        let Ok(index) = batch.schema_ref().index_of(column) else { continue };
        let content = read_column(table, &batch, column).await?;
        batch = replace(&batch, index, content);
    }
    Ok(batch)
}

async fn read_column(table: &Table, batch: &RecordBatch, column: &str) -> Result<ArrayRef, StorageError> {
    let error = |cause| table.error(cause);
    let ids = batch[ROW_ID].as_primitive::<UInt64Type>().values();
    let blobs = table.dataset().take_blobs(ids, column).await.map_err(error)?;
    let (mut data, mut uri) = (LargeBinaryBuilder::new(), StringBuilder::new());
    let mut present = Vec::with_capacity(blobs.len());
    for blob in blobs {
        match &blob {
            Some(blob) if blob.uri().is_some() => {
                data.append_null();
                uri.append_option(blob.uri());
            }
            Some(blob) => {
                data.append_value(blob.read().await.map_err(error)?);
                uri.append_null();
            }
            None => {
                data.append_null();
                uri.append_null();
            }
        }
        present.push(blob.is_some());
    }
    let arrays: Vec<ArrayRef> = vec![Arc::new(data.finish()), Arc::new(uri.finish())];
    Ok(Arc::new(StructArray::new(input_fields(), arrays, Some(present.into()))))
}

fn input_fields() -> Fields {
    vec![Field::new("data", DataType::LargeBinary, true), Field::new("uri", DataType::Utf8, true)].into()
}

fn replace(batch: &RecordBatch, index: usize, content: ArrayRef) -> RecordBatch {
    let mut fields = batch.schema_ref().fields().to_vec();
    fields[index] = Arc::new(Field::new(fields[index].name(), content.data_type().clone(), true));
    let mut columns = batch.columns().to_vec();
    columns[index] = content;
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("one column for another of the same length")
}
