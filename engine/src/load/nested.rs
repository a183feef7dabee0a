//! Vectors and blobs of other programs → columns of a table.

use arrow::array::{Array, ArrayRef, AsArray, Float32Array};
use arrow::compute::cast;
use arrow::datatypes::Float32Type;
use arrow_schema::{ArrowError, DataType};

use super::builder::{BlobBuilder, VectorBuilder};
use super::convert::{Tell, as_lists, as_texts, floats};

/// Lists of numbers → vectors.
pub(super) fn vectors(column: &ArrayRef, length: usize, tell: &mut Tell<'_>) -> Result<ArrayRef, ArrowError> {
    let lists = as_lists(column)?;
    let numbers = floats(lists.values(), &DataType::Float32, &mut |_, _| {})?;
    let numbers = numbers.as_primitive::<Float32Type>();
    let mut vectors = VectorBuilder::new(length);
    for (row, ends) in lists.value_offsets().windows(2).enumerate() {
        if lists.is_null(row) {
            vectors.push_null();
            continue;
        }
        let cells = numbers.slice(ends[0] as usize, (ends[1] - ends[0]) as usize);
        if let Err(reason) = numbers_of(&cells).and_then(|numbers| vectors.push(numbers)) {
            vectors.push_null();
            tell(row, reason);
        }
    }
    Ok(vectors.finish())
}

/// The numbers of a vector, all there and finite.
fn numbers_of(cells: &Float32Array) -> Result<&[f32], String> {
    if let Some(item) = (0..cells.len()).find(|&item| cells.is_null(item)) {
        return Err(format!("item {}: a number is expected, not null", item + 1));
    }
    if let Some(item) = cells.values().iter().position(|number| !number.is_finite()) {
        return Err(format!("item {}: a finite number is expected, not {}", item + 1, cells.value(item)));
    }
    Ok(cells.values())
}

/// Bytes, texts that name or hold bytes, or both in a struct → blobs.
pub(super) fn blobs(column: &ArrayRef, tell: &mut Tell<'_>) -> Result<ArrayRef, ArrowError> {
    let (data, uri) = match column.data_type() {
        DataType::Struct(_) => {
            let fields = column.as_struct();
            (fields.column_by_name("data").cloned(), fields.column_by_name("uri").cloned())
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => (None, Some(column.clone())),
        _ => (Some(column.clone()), None),
    };
    let is_struct = data.is_some() && uri.is_some();
    let data = data.map(|data| cast(&data, &DataType::LargeBinary)).transpose()?;
    let data = data.as_ref().map(AsArray::as_binary::<i64>);
    let uri = uri.as_ref().map(as_texts).transpose()?;
    let mut blobs = BlobBuilder::new();
    for row in 0..column.len() {
        if column.is_null(row) {
            blobs.push_null();
            continue;
        }
        let bytes = data.filter(|data| data.is_valid(row)).map(|data| data.value(row));
        let text = uri.as_ref().filter(|uri| uri.is_valid(row)).map(|uri| uri.value(row));
        let pushed = match (bytes, text) {
            (Some(bytes), None) => {
                blobs.push_bytes(bytes);
                Ok(())
            }
            (None, Some(uri)) if is_struct => blobs.push_uri(uri),
            (None, Some(text)) => blobs.push_text(text),
            (None, None) => Err("neither data nor uri is there".to_owned()),
            (Some(_), Some(_)) => Err("data and uri cannot both be there".to_owned()),
        };
        if let Err(reason) = pushed {
            blobs.push_null();
            tell(row, reason);
        }
    }
    Ok(blobs.finish())
}
