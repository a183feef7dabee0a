//! One JSON value → one cell, for writers that have values and no records.

use std::borrow::Cow;

use arrow::array::ArrayRef;
use serde_json::Value;

use super::column::Column;
use super::json::Scanner;
use super::key;
use crate::schema::PropertyType;

/// The id that a value of a key gives (graph-format §5).
///
/// # Errors
/// What is wrong with the value, to be read after the name of the type.
pub(crate) fn key_id(name: &str, kind: &PropertyType, value: &Value) -> Result<String, String> {
    let text = format!("{value} ");
    let value = Scanner::new(&text).next_value().ok().flatten().ok_or("its value is nested too deeply")?;
    key::id_of(name, kind, Some(&value), None).map(Cow::into_owned)
}

/// The cell of a property as an array of one row, by the rules of a load.
///
/// # Errors
/// What is wrong with the value, to be read after the name of the property.
pub(crate) fn cell(kind: &PropertyType, value: &Value) -> Result<ArrayRef, String> {
    // The blank is what ends a number.
    let text = format!("{value} ");
    let value = Scanner::new(&text).next_value().ok().flatten().ok_or("its value is nested too deeply")?;
    let mut column = Column::new(kind);
    column.push(&value)?;
    Ok(column.finish())
}
