//! One JSON value → one cell, for writers that have values and no records.

use std::borrow::Cow;

use arrow::array::ArrayRef;
use serde_json::Value;

use super::column::Column;
use super::json::Scanner;
use super::key;
use crate::schema::{PropertyType, ScalarType};

/// The id that a value of a key gives (graph-format §5).
///
/// # Errors
/// What is wrong with the value, to be read after the name of the type.
pub(crate) fn key_id(name: &str, kind: &PropertyType, value: &Value) -> Result<String, String> {
    let text = text_of(kind, value);
    let value = Scanner::new(&text).next_value().ok().flatten().ok_or("its value is nested too deeply")?;
    key::id_of(name, kind, Some(&value), None).map(Cow::into_owned)
}

/// The cell of a property as an array of one row, by the rules of a load.
///
/// # Errors
/// What is wrong with the value, to be read after the name of the property.
pub(crate) fn cell(kind: &PropertyType, value: &Value) -> Result<ArrayRef, String> {
    let text = text_of(kind, value);
    let value = Scanner::new(&text).next_value().ok().flatten().ok_or("its value is nested too deeply")?;
    let mut column = Column::new(kind);
    column.push(&value)?;
    Ok(column.finish())
}

/// The value as a record would have it; the blank is what ends a number. `-0` has become a float on its way here.
fn text_of(kind: &PropertyType, value: &Value) -> String {
    use ScalarType::{Date, DateTime, I32, I64, U32, U64};
    let is_whole = matches!(kind.scalar, I32 | I64 | U32 | U64 | Date | DateTime);
    let is_zero = |value: &Value| {
        value.is_f64() && value.as_f64().is_some_and(|number| number == 0.0 && number.is_sign_negative())
    };
    match value {
        value if is_whole && is_zero(value) => "0 ".to_owned(),
        Value::Array(items) if is_whole => {
            let items = items.iter().map(|item| if is_zero(item) { Value::from(0) } else { item.clone() });
            format!("{} ", Value::Array(items.collect()))
        }
        value => format!("{value} "),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::{Float64Type, Int64Type};

    use super::*;

    #[test]
    fn minus_zero_is_a_whole_number_and_another_float() {
        let kind = |scalar, list| PropertyType { scalar, nullable: true, list, enum_values: None };
        let zero: Value = serde_json::from_str("-0").unwrap();
        assert_eq!(cell(&kind(ScalarType::I64, false), &zero).unwrap().as_primitive::<Int64Type>().value(0), 0);
        assert_eq!(key_id("k", &kind(ScalarType::U64, false), &zero), Ok("0".to_owned()));
        assert!(cell(&kind(ScalarType::I64, false), &Value::from(0.0)).is_err(), "a fraction is no whole number");
        let items = serde_json::from_str("[1, -0]").unwrap();
        assert!(cell(&kind(ScalarType::I32, true), &items).is_ok());
        let float = cell(&kind(ScalarType::F64, false), &zero).unwrap();
        assert!(float.as_primitive::<Float64Type>().value(0).is_sign_negative());
    }
}
