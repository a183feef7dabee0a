//! The rows of a dataset as JSON, each value as the reference exports it (§13).

use anyhow::{Result, bail};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Float32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
    UInt32Type, UInt64Type,
};
use arrow::temporal_conversions::date64_to_datetime;
use futures::TryStreamExt;
use lance::Dataset;
use lance::datatypes::BlobHandling;
use serde_json::{Value, json};

use super::Row;

/// Reads every row of the version that is open, in storage order.
pub(super) async fn read(dataset: &Dataset) -> Result<Vec<Row>> {
    let mut scan = dataset.scan();
    scan.blob_handling(BlobHandling::AllBinary);
    let batches: Vec<RecordBatch> = scan.try_into_stream().await?.try_collect().await?;
    let mut rows = Vec::new();
    for batch in &batches {
        for number in 0..batch.num_rows() {
            let columns = batch.schema_ref().fields().iter().zip(batch.columns());
            rows.push(
                columns
                    .map(|(field, array)| Ok((field.name().clone(), value(array, number)?)))
                    .collect::<Result<_>>()?,
            );
        }
    }
    Ok(rows)
}

fn value(array: &dyn Array, row: usize) -> Result<Value> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    Ok(match array.data_type() {
        DataType::Utf8 => json!(array.as_string::<i32>().value(row)),
        DataType::Boolean => json!(array.as_boolean().value(row)),
        DataType::Int32 => json!(array.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => json!(array.as_primitive::<Int64Type>().value(row)),
        DataType::UInt32 => json!(array.as_primitive::<UInt32Type>().value(row)),
        DataType::UInt64 => json!(array.as_primitive::<UInt64Type>().value(row)),
        DataType::Float32 => json!(f64::from(array.as_primitive::<Float32Type>().value(row))),
        DataType::Float64 => json!(array.as_primitive::<Float64Type>().value(row)),
        DataType::Date32 => json!(array.as_primitive::<Date32Type>().value(row)),
        // The debug form of a date and time is ISO text, with a fraction only if there is one.
        DataType::Date64 => match date64_to_datetime(array.as_primitive::<Date64Type>().value(row)) {
            Some(time) => json!(format!("{time:?}")),
            None => bail!("a time out of range"),
        },
        DataType::Timestamp(_, None) => json!(array.as_primitive::<TimestampMicrosecondType>().value(row)),
        DataType::List(_) => items(&array.as_list::<i32>().value(row))?,
        DataType::FixedSizeList(..) => items(&array.as_fixed_size_list().value(row))?,
        DataType::LargeBinary => json!(format!("base64:{}", base64(array.as_binary::<i64>().value(row)))),
        other => bail!("a column of type {other}"),
    })
}

fn items(array: &dyn Array) -> Result<Value> {
    (0..array.len()).map(|row| value(array, row)).collect::<Result<Vec<_>>>().map(Value::Array)
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0_usize, |bits, place| bits << 8 | usize::from(*chunk.get(place).unwrap_or(&0)));
        for place in 0..4 {
            let digit = char::from(DIGITS[bits >> (18 - 6 * place) & 63]);
            text.push(if place <= chunk.len() { digit } else { '=' });
        }
    }
    text
}

/// The line of a row in an export.
pub(super) fn record(kind: &str, name: &str, mut row: Row) -> Value {
    if kind == "node" {
        return json!({"type": name, "data": row});
    }
    let (from, to) = (row.shift_remove("src"), row.shift_remove("dst"));
    json!({"edge": name, "from": from, "to": to, "data": row})
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn bytes_are_written_as_rfc_4648_says() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
