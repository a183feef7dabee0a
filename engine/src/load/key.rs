//! The id of a node of a type with a key: the text of the key's value (graph-format §5).
//!
//! A text is its own id, as it is written, even where it stands for a date or a time: that is the id OmniGraph gives it. Every
//! other value has one text. Two texts may stand for the same date or time; that they are one key is for `@key` to say, which is
//! checked by value.

use std::borrow::Cow;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::Float32Type;

use super::column::Column;
use super::json::{Json, Scanner};
use crate::schema::{PropertyType, ScalarType};
use crate::value::Value;

/// The id that a value in a record gives.
///
/// # Errors
/// What is wrong with the value or the given id, to be read after the name of the type.
pub(super) fn id_of<'d>(
    name: &str,
    kind: &PropertyType,
    value: Option<&'d Json<'_>>,
    given: Option<&'d str>,
) -> Result<Cow<'d, str>, String> {
    let id = match value {
        None | Some(Json::Null) => return Err(format!("{name} is required: it is the key")),
        Some(Json::Text(text)) => Cow::Borrowed(&**text),
        Some(Json::Number(digits)) if is_whole(kind) && is_canonical(digits) => Cow::Borrowed(*digits),
        Some(value) => {
            let value = cell(kind, value).map_err(|reason| format!("{name}: {reason}"))?;
            Cow::Owned(id_text(&value, 0).into_owned())
        }
    };
    match (given, value) {
        (Some(given), Some(value)) if given != id => {
            let same = cell(kind, value).is_ok_and(|value| stands_for(kind, given, &value));
            if same { Ok(Cow::Borrowed(given)) } else { Err(format!("its id is not its key {name}")) }
        }
        _ => Ok(id),
    }
}

/// The text of a key's value in a column.
pub(super) fn id_text(keys: &ArrayRef, row: usize) -> Cow<'_, str> {
    if let Some(texts) = keys.as_string_opt::<i32>() {
        return Cow::Borrowed(texts.value(row));
    }
    match keys.as_primitive_opt::<Float32Type>() {
        // The shortest text of a number of 32 bits is not that of the same number with 64.
        Some(numbers) => Cow::Owned(numbers.value(row).to_string()),
        None => Cow::Owned(Value::from_array(keys, row).to_string()),
    }
}

/// Whether an id is a text for the one value of an array.
pub(super) fn stands_for(kind: &PropertyType, id: &str, value: &ArrayRef) -> bool {
    let read = match kind.scalar {
        ScalarType::String | ScalarType::Date | ScalarType::DateTime => cell(kind, &Json::Text(id.into())),
        ScalarType::Bool
        | ScalarType::I32
        | ScalarType::I64
        | ScalarType::U32
        | ScalarType::U64
        | ScalarType::F32
        | ScalarType::F64 => {
            // The blank is what ends a number.
            let text = format!("{id} ");
            let mut scanner = Scanner::new(&text);
            match (scanner.next_value(), scanner.next_value()) {
                (Ok(Some(read)), Ok(None)) => cell(kind, &read),
                _ => return false,
            }
        }
        ScalarType::Vector(_) | ScalarType::Blob => return false,
    };
    read.is_ok_and(|read| read.to_data() == value.to_data())
}

fn cell(kind: &PropertyType, value: &Json<'_>) -> Result<ArrayRef, String> {
    let mut column = Column::new(kind);
    column.push(value)?;
    Ok(column.finish())
}

fn is_whole(kind: &PropertyType) -> bool {
    matches!(kind.scalar, ScalarType::I32 | ScalarType::I64 | ScalarType::U32 | ScalarType::U64)
}

/// Whether a whole number is written as it is printed: only then does its text tell it from all others.
fn is_canonical(digits: &str) -> bool {
    let whole = digits.strip_prefix('-').unwrap_or(digits);
    whole.bytes().all(|byte| byte.is_ascii_digit()) && digits != "-0"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(kind: ScalarType, value: &str, given: Option<&str>) -> Result<String, String> {
        let kind = PropertyType { scalar: kind, nullable: false, list: false, enum_values: None };
        let text = format!("{value} ");
        let value = Scanner::new(&text).next_value().unwrap();
        id_of("k", &kind, value.as_ref(), given).map(Cow::into_owned)
    }

    #[test]
    fn a_text_is_its_own_id_and_other_values_have_one() {
        for (kind, value, expected) in [
            (ScalarType::String, "\"ada\"", "ada"),
            (ScalarType::Date, "\"2026-05-02\"", "2026-05-02"),
            (ScalarType::Date, "20575", "2026-05-02"),
            (ScalarType::DateTime, "\"2026-05-02T09:14:03Z\"", "2026-05-02T09:14:03Z"),
            (ScalarType::DateTime, "1777713243000", "2026-05-02T09:14:03"),
            (ScalarType::I64, "-7", "-7"),
            (ScalarType::U64, "18446744073709551615", "18446744073709551615"),
            (ScalarType::F64, "0.50", "0.5"),
            (ScalarType::F32, "0.1", "0.1"),
            (ScalarType::Bool, "true", "true"),
        ] {
            assert_eq!(id(kind, value, None).as_deref(), Ok(expected), "{kind:?} {value}");
            assert_eq!(id(kind, value, Some(expected)).as_deref(), Ok(expected), "{kind:?} {value}");
        }
    }

    #[test]
    fn a_given_id_may_be_any_text_for_the_value() {
        for (kind, value, given) in [
            (ScalarType::Date, "20575", "2026-05-02"),
            (ScalarType::DateTime, "\"2026-05-02T09:14:03\"", "2026-05-02T09:14:03Z"),
            (ScalarType::DateTime, "\"2026-05-02T09:14:03\"", "2026-05-02T11:14:03+02:00"),
            (ScalarType::F32, "0.10000000149011612", "0.1"),
            (ScalarType::F64, "1", "1.0"),
        ] {
            assert_eq!(id(kind, value, Some(given)).as_deref(), Ok(given), "{kind:?} {value}");
        }
        for (kind, value, given) in [
            (ScalarType::String, "\"ada\"", "Ada"),
            (ScalarType::Date, "20575", "2026-05-03"),
            (ScalarType::Date, "20575", "tomorrow"),
            (ScalarType::DateTime, "\"2026-05-02T09:14:03\"", "2026-05-02T09:14:03+02:00"),
            (ScalarType::I64, "7", "8"),
            (ScalarType::I64, "7", "7 8"),
            (ScalarType::Bool, "true", "false"),
        ] {
            assert_eq!(id(kind, value, Some(given)), Err("its id is not its key k".to_owned()), "{kind:?} {value}");
        }
    }

    #[test]
    fn a_key_that_is_no_value_of_its_type_is_told() {
        assert_eq!(id(ScalarType::String, "null", None), Err("k is required: it is the key".to_owned()));
        assert!(id(ScalarType::I64, "0.5", None).unwrap_err().starts_with("k: a whole number is expected"));
        assert!(id(ScalarType::Bool, "[]", None).unwrap_err().starts_with("k: "));
    }
}
