//! Arrow arrays → values.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StructArray};
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow::util::display::array_value_to_string;

use super::{Blob, Value};

/// Marks a blob that is stored elsewhere, in the `kind` column of a blob descriptor.
const EXTERNAL_BLOB: u8 = 3;

impl Value {
    /// Copies one cell out of an array.
    ///
    /// Every type of the graph format has its variant. Other types, which only a query computes, become the text Arrow
    /// prints for them.
    ///
    /// # Panics
    /// If `row` is not a row of the array.
    #[must_use]
    pub fn from_array(array: &dyn Array, row: usize) -> Self {
        if array.is_null(row) {
            return Self::Null;
        }
        match array.data_type() {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Bool(array.as_boolean().value(row)),
            DataType::Int8 => Self::Int(array.as_primitive::<Int8Type>().value(row).into()),
            DataType::Int16 => Self::Int(array.as_primitive::<Int16Type>().value(row).into()),
            DataType::Int32 => Self::Int(array.as_primitive::<Int32Type>().value(row).into()),
            DataType::Int64 => Self::Int(array.as_primitive::<Int64Type>().value(row)),
            DataType::UInt8 => Self::UInt(array.as_primitive::<UInt8Type>().value(row).into()),
            DataType::UInt16 => Self::UInt(array.as_primitive::<UInt16Type>().value(row).into()),
            DataType::UInt32 => Self::UInt(array.as_primitive::<UInt32Type>().value(row).into()),
            DataType::UInt64 => Self::UInt(array.as_primitive::<UInt64Type>().value(row)),
            DataType::Float16 => Self::Float(array.as_primitive::<Float16Type>().value(row).to_f64()),
            DataType::Float32 => Self::Float(array.as_primitive::<Float32Type>().value(row).into()),
            DataType::Float64 => Self::Float(array.as_primitive::<Float64Type>().value(row)),
            DataType::Date32 => Self::Date(array.as_primitive::<Date32Type>().value(row)),
            DataType::Date64 => Self::DateTime(array.as_primitive::<Date64Type>().value(row)),
            DataType::Utf8 => Self::from(array.as_string::<i32>().value(row)),
            DataType::LargeUtf8 => Self::from(array.as_string::<i64>().value(row)),
            DataType::Utf8View => Self::from(array.as_string_view().value(row)),
            DataType::Binary => Self::Blob(Blob::from_bytes(array.as_binary::<i32>().value(row))),
            DataType::LargeBinary => Self::Blob(Blob::from_bytes(array.as_binary::<i64>().value(row))),
            DataType::List(_) => list(&array.as_list::<i32>().value(row)),
            DataType::LargeList(_) => list(&array.as_list::<i64>().value(row)),
            DataType::FixedSizeList(..) => vector(&array.as_fixed_size_list().value(row)),
            DataType::Struct(_) => structure(array.as_struct(), row),
            _ => printed(array, row),
        }
    }
}

fn list(items: &ArrayRef) -> Value {
    Value::List((0..items.len()).map(|row| Value::from_array(items, row)).collect())
}

/// A vector; a fixed-size list that is none (only a query makes those) stays a list.
fn vector(items: &ArrayRef) -> Value {
    match items.as_primitive_opt::<Float32Type>() {
        Some(numbers) if numbers.null_count() == 0 => Value::Vector(Arc::from(&**numbers.values())),
        Some(_) | None => list(items),
    }
}

/// A blob in one of its three shapes: stored descriptor (`kind`, `size`, `blob_uri` …), input form (`data`, `uri`) or digest
/// (`size`, `sha256`, `uri`).
fn structure(array: &StructArray, row: usize) -> Value {
    let blob = descriptor(array, row).or_else(|| input_form(array, row)).or_else(|| digest(array, row));
    blob.map_or_else(|| printed(array, row), Value::Blob)
}

fn descriptor(array: &StructArray, row: usize) -> Option<Blob> {
    let kind = array.column_by_name("kind")?.as_primitive_opt::<UInt8Type>()?;
    let size = array.column_by_name("size")?.as_primitive_opt::<UInt64Type>()?;
    let uri = array.column_by_name("blob_uri")?.as_string_opt::<i32>()?;
    let external = kind.value(row) == EXTERNAL_BLOB;
    Some(if external { Blob::external(uri.value(row)) } else { Blob::stored(size.value(row)) })
}

fn input_form(array: &StructArray, row: usize) -> Option<Blob> {
    let data = array.column_by_name("data")?.as_binary_opt::<i64>()?;
    let uri = array.column_by_name("uri")?.as_string_opt::<i32>()?;
    Some(if uri.is_valid(row) { Blob::external(uri.value(row)) } else { Blob::from_bytes(data.value(row)) })
}

fn digest(array: &StructArray, row: usize) -> Option<Blob> {
    let size = array.column_by_name("size")?.as_primitive_opt::<UInt64Type>()?;
    let sha256 = array.column_by_name("sha256")?.as_fixed_size_binary_opt()?;
    let uri = array.column_by_name("uri")?.as_string_opt::<i32>()?;
    if uri.is_valid(row) {
        return Some(Blob::external(uri.value(row)));
    }
    Some(Blob::digest(size.value(row), sha256.value(row).try_into().ok()?))
}

fn printed(array: &dyn Array, row: usize) -> Value {
    match array_value_to_string(array, row) {
        Ok(text) => Value::Text(text.into()),
        Err(error) => Value::Text(format!("({error})").into()),
    }
}
