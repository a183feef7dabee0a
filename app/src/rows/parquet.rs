//! Columns of a Parquet file: types that other programs read as what they are.
//!
//! | stored as | written as | why |
//! |---|---|---|
//! | `Date64` | timestamp in milliseconds | it is a time; elsewhere `Date64` is a day |
//! | blob with its bytes | struct `data`, `uri` | as it is read |
//! | blob as a query sees it | struct `uri`, `size_bytes` | its descriptor names places inside Lance files |
//!
//! Field metadata speaks to Lance and is dropped.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray, StructArray, UInt64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use stratigraph_engine::Value;
use stratigraph_engine::value::Blob;

/// The schema of the file for rows of a schema.
pub(crate) fn readable_schema(schema: &Schema) -> SchemaRef {
    Arc::new(Schema::new(schema.fields().iter().map(readable_field).collect::<Fields>()))
}

/// The rows under the schema of the file.
///
/// # Errors
/// If the columns are not those of the schema.
pub(crate) fn readable(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| readable_column(column, field.data_type()));
    RecordBatch::try_new(schema.clone(), columns.collect::<Result<_, _>>()?)
}

fn readable_field(field: &FieldRef) -> Field {
    Field::new(field.name(), readable_type(field.data_type()), field.is_nullable())
}

fn readable_type(kind: &DataType) -> DataType {
    match kind {
        DataType::Date64 => DataType::Timestamp(TimeUnit::Millisecond, None),
        DataType::List(item) => DataType::List(Arc::new(readable_field(item))),
        DataType::Struct(fields) if is_descriptor(fields) => DataType::Struct(described_fields()),
        other => other.clone(),
    }
}

fn readable_column(column: &ArrayRef, kind: &DataType) -> Result<ArrayRef, ArrowError> {
    match column.data_type() {
        found if found == kind => Ok(column.clone()),
        DataType::Struct(fields) if is_descriptor(fields) => Ok(Arc::new(described(column))),
        _ => cast(column, kind),
    }
}

fn is_descriptor(fields: &Fields) -> bool {
    ["kind", "size", "blob_uri"].iter().all(|name| fields.find(name).is_some())
}

fn described_fields() -> Fields {
    vec![Field::new("uri", DataType::Utf8, true), Field::new("size_bytes", DataType::UInt64, true)].into()
}

fn described(column: &dyn Array) -> StructArray {
    let blob = |row| if let Value::Blob(blob) = Value::from_array(column, row) { Some(blob) } else { None };
    let blobs: Vec<Option<Blob>> = (0..column.len()).map(blob).collect();
    let known = || blobs.iter().map(Option::as_ref);
    let uris: StringArray = known().map(|blob| blob.and_then(Blob::uri)).collect();
    let sizes: UInt64Array = known().map(|blob| blob.and_then(Blob::size_bytes)).collect();
    let present: Vec<bool> = blobs.iter().map(Option::is_some).collect();
    StructArray::new(described_fields(), vec![Arc::new(uris), Arc::new(sizes)], Some(present.into()))
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, Date64Array, ListArray, UInt8Array, types::Date64Type};
    use arrow::datatypes::{TimestampMillisecondType, UInt64Type};

    use super::*;

    #[test]
    fn times_stay_times_in_columns_and_lists() {
        let millis = 1_706_779_800_000;
        let list = ListArray::from_iter_primitive::<Date64Type, _, _>([Some(vec![Some(millis), None])]);
        let single = Date64Array::from(vec![Some(millis)]);
        let batch = RecordBatch::try_from_iter([("at", Arc::new(single) as ArrayRef), ("all", Arc::new(list) as _)]);
        let batch = batch.expect("columns of one length");
        let written = readable(&batch, &readable_schema(&batch.schema())).expect("it fits");
        assert_eq!(written["at"].as_primitive::<TimestampMillisecondType>().value(0), millis);
        let items = written["all"].as_list::<i32>().value(0);
        assert_eq!(items.as_primitive::<TimestampMillisecondType>().iter().collect::<Vec<_>>(), [Some(millis), None]);
    }

    #[test]
    fn descriptors_of_blobs_become_place_and_size() {
        let fields: Fields = vec![
            Field::new("kind", DataType::UInt8, true),
            Field::new("size", DataType::UInt64, true),
            Field::new("blob_uri", DataType::Utf8, true),
        ]
        .into();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt8Array::from(vec![0, 3, 0])),
            Arc::new(UInt64Array::from(vec![7, 0, 0])),
            Arc::new(StringArray::from(vec!["", "s3://b/k", ""])),
        ];
        let blobs = StructArray::new(fields, columns, Some(vec![true, true, false].into()));
        let batch = RecordBatch::try_from_iter_with_nullable([("file", Arc::new(blobs) as ArrayRef, true)]);
        let batch = batch.expect("one column");
        let written = readable(&batch, &readable_schema(&batch.schema())).expect("it fits");
        let file = written["file"].as_struct();
        assert_eq!(file.nulls().map(|nulls| nulls.iter().collect()), Some(vec![true, true, false]));
        assert_eq!(file["uri"].as_string::<i32>().iter().collect::<Vec<_>>(), [None, Some("s3://b/k"), None]);
        let sizes = file["size_bytes"].as_primitive::<UInt64Type>();
        assert_eq!(sizes.iter().collect::<Vec<_>>(), [Some(7), None, None]);
    }

    #[test]
    fn metadata_for_lance_stays_behind() {
        let marked = [("ARROW:extension:name".to_owned(), "lance.blob.v2".to_owned())].into();
        let schema = Schema::new(vec![Field::new("a", DataType::Utf8, true).with_metadata(marked)]);
        assert_eq!(*readable_schema(&schema), Schema::new(vec![Field::new("a", DataType::Utf8, true)]));
    }
}
