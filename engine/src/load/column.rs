//! JSON values → one column. Nothing is coerced silently: a value of another type, out of range or not finite is refused.

use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBuilder, Date32Builder, Date64Builder, FixedSizeListArray, Float32Array,
    Float32Builder, Float64Builder, Int32Builder, Int64Builder, LargeBinaryBuilder, ListArray, StringBuilder,
    StructArray, UInt32Builder, UInt64Builder,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, Fields};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde_json::Value as Json;

use crate::schema::{PropertyType, ScalarType};

/// Prefix of bytes written as text.
const BASE64: &str = "base64:";

/// A column that is being filled.
pub(super) enum Column {
    Text { cells: StringBuilder, allowed: Option<Vec<String>> },
    Bool(BooleanBuilder),
    I32(Int32Builder),
    I64(Int64Builder),
    U32(UInt32Builder),
    U64(UInt64Builder),
    F32(Float32Builder),
    F64(Float64Builder),
    Date(Date32Builder),
    DateTime(Date64Builder),
    Vector { length: usize, cells: Vec<f32>, valid: Vec<bool> },
    Blob { data: LargeBinaryBuilder, uri: StringBuilder, valid: Vec<bool> },
    List { items: Box<Column>, ends: Vec<i32>, valid: Vec<bool> },
}

impl Column {
    /// An empty column of a property's type.
    pub(super) fn new(kind: &PropertyType) -> Self {
        if kind.list {
            let items = PropertyType { list: false, nullable: true, ..kind.clone() };
            return Self::List { items: Box::new(Self::new(&items)), ends: vec![0], valid: Vec::new() };
        }
        match kind.scalar {
            ScalarType::String => Self::Text { cells: StringBuilder::new(), allowed: kind.enum_values.clone() },
            ScalarType::Bool => Self::Bool(BooleanBuilder::new()),
            ScalarType::I32 => Self::I32(Int32Builder::new()),
            ScalarType::I64 => Self::I64(Int64Builder::new()),
            ScalarType::U32 => Self::U32(UInt32Builder::new()),
            ScalarType::U64 => Self::U64(UInt64Builder::new()),
            ScalarType::F32 => Self::F32(Float32Builder::new()),
            ScalarType::F64 => Self::F64(Float64Builder::new()),
            ScalarType::Date => Self::Date(Date32Builder::new()),
            ScalarType::DateTime => Self::DateTime(Date64Builder::new()),
            ScalarType::Vector(length) => {
                Self::Vector { length: length as usize, cells: Vec::new(), valid: Vec::new() }
            }
            ScalarType::Blob => {
                Self::Blob { data: LargeBinaryBuilder::new(), uri: StringBuilder::new(), valid: Vec::new() }
            }
        }
    }

    /// Adds a cell; on an error it is null, so that the columns of a table stay of equal length.
    ///
    /// # Errors
    /// What is wrong with the value, to be read after the name of the property.
    pub(super) fn push(&mut self, value: &Json) -> Result<(), String> {
        if value.is_null() {
            self.push_null();
            return Ok(());
        }
        let pushed = self.push_value(value);
        if pushed.is_err() {
            self.push_null();
        }
        pushed
    }

    /// Adds a cell without a value.
    pub(super) fn push_null(&mut self) {
        match self {
            Self::Text { cells, .. } => cells.append_null(),
            Self::Bool(cells) => cells.append_null(),
            Self::I32(cells) => cells.append_null(),
            Self::I64(cells) => cells.append_null(),
            Self::U32(cells) => cells.append_null(),
            Self::U64(cells) => cells.append_null(),
            Self::F32(cells) => cells.append_null(),
            Self::F64(cells) => cells.append_null(),
            Self::Date(cells) => cells.append_null(),
            Self::DateTime(cells) => cells.append_null(),
            Self::Vector { length, cells, valid } => {
                cells.extend(std::iter::repeat_n(0.0, *length));
                valid.push(false);
            }
            Self::Blob { data, uri, valid } => {
                data.append_null();
                uri.append_null();
                valid.push(false);
            }
            Self::List { items, ends, valid } => {
                ends.push(items.end().unwrap_or(i32::MAX));
                valid.push(false);
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Text { cells, .. } => cells.len(),
            Self::Bool(cells) => cells.len(),
            Self::I32(cells) => cells.len(),
            Self::I64(cells) => cells.len(),
            Self::U32(cells) => cells.len(),
            Self::U64(cells) => cells.len(),
            Self::F32(cells) => cells.len(),
            Self::F64(cells) => cells.len(),
            Self::Date(cells) => cells.len(),
            Self::DateTime(cells) => cells.len(),
            Self::Vector { valid, .. } | Self::Blob { valid, .. } | Self::List { valid, .. } => valid.len(),
        }
    }

    /// Where the next list starts among the items.
    fn end(&self) -> Result<i32, String> {
        i32::try_from(self.len()).map_err(|_| "the lists of one batch have too many items".to_owned())
    }

    fn push_value(&mut self, value: &Json) -> Result<(), String> {
        match self {
            Self::Text { cells, allowed } => {
                let text = text(value)?;
                if let Some(allowed) = allowed
                    && !allowed.iter().any(|word| word == text)
                {
                    return Err(format!("`{text}` is not one of {}", allowed.join(", ")));
                }
                cells.append_value(text);
            }
            Self::Bool(cells) => cells.append_value(value.as_bool().ok_or_else(|| wrong("true or false", value))?),
            Self::I32(cells) => cells.append_value(integer(value)?),
            Self::I64(cells) => cells.append_value(integer(value)?),
            Self::U32(cells) => cells.append_value(integer(value)?),
            Self::U64(cells) => cells.append_value(integer(value)?),
            Self::F32(cells) => cells.append_value(single(value)?),
            Self::F64(cells) => cells.append_value(float(value)?),
            Self::Date(cells) => cells.append_value(date(value)?),
            Self::DateTime(cells) => cells.append_value(date_time(value)?),
            Self::Vector { length, cells, valid } => {
                cells.extend(vector(value, *length)?);
                valid.push(true);
            }
            Self::Blob { data, uri, valid } => {
                push_blob(value, data, uri)?;
                valid.push(true);
            }
            Self::List { items, ends, valid } => {
                let values = value.as_array().ok_or_else(|| wrong("a list", value))?;
                // Items of a list that is refused stay behind it; the null cell covers them.
                for (index, value) in values.iter().enumerate() {
                    items.push(value).map_err(|reason| format!("item {}: {reason}", index + 1))?;
                }
                ends.push(items.end()?);
                valid.push(true);
            }
        }
        Ok(())
    }

    /// Takes the cells out as an array.
    pub(super) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text { cells, .. } => Arc::new(cells.finish()),
            Self::Bool(cells) => Arc::new(cells.finish()),
            Self::I32(cells) => Arc::new(cells.finish()),
            Self::I64(cells) => Arc::new(cells.finish()),
            Self::U32(cells) => Arc::new(cells.finish()),
            Self::U64(cells) => Arc::new(cells.finish()),
            Self::F32(cells) => Arc::new(cells.finish()),
            Self::F64(cells) => Arc::new(cells.finish()),
            Self::Date(cells) => Arc::new(cells.finish()),
            Self::DateTime(cells) => Arc::new(cells.finish()),
            Self::Vector { length, cells, valid } => {
                let valid = std::mem::take(valid);
                // A null row has null children, as the format says.
                let numbers = std::mem::take(cells).into_iter().enumerate();
                let numbers: Float32Array = numbers.map(|(at, number)| valid[at / *length].then_some(number)).collect();
                let item = Arc::new(Field::new("item", DataType::Float32, true));
                let length = i32::try_from(*length).expect("the schema allows no longer vectors");
                Arc::new(FixedSizeListArray::new(item, length, Arc::new(numbers), Some(NullBuffer::from(valid))))
            }
            Self::Blob { data, uri, valid } => {
                let fields = Fields::from(vec![
                    Field::new("data", DataType::LargeBinary, true),
                    Field::new("uri", DataType::Utf8, true),
                ]);
                let arrays: Vec<ArrayRef> = vec![Arc::new(data.finish()), Arc::new(uri.finish())];
                Arc::new(StructArray::new(fields, arrays, Some(NullBuffer::from(std::mem::take(valid)))))
            }
            Self::List { items, ends, valid } => {
                let items = items.finish();
                let item = Arc::new(Field::new("item", items.data_type().clone(), true));
                let ends = OffsetBuffer::new(std::mem::replace(ends, vec![0]).into());
                Arc::new(ListArray::new(item, ends, items, Some(NullBuffer::from(std::mem::take(valid)))))
            }
        }
    }
}

fn wrong(expected: &str, value: &Json) -> String {
    const SHOWN: usize = 40;
    let text = value.to_string();
    let shown: String = text.chars().take(SHOWN).collect();
    let more = if shown.len() < text.len() { "…" } else { "" };
    format!("{expected} is expected, not {shown}{more}")
}

fn text(value: &Json) -> Result<&str, String> {
    value.as_str().ok_or_else(|| wrong("a text", value))
}

/// A whole number that the type holds; `3.0` is none.
fn integer<N: TryFrom<i64> + TryFrom<u64>>(value: &Json) -> Result<N, String> {
    let kind = std::any::type_name::<N>();
    let number = value.as_i64().map(|number| N::try_from(number).ok());
    let number = number.or_else(|| value.as_u64().map(|number| N::try_from(number).ok()));
    match number {
        Some(Some(number)) => Ok(number),
        Some(None) => Err(format!("{value} does not fit {}", kind.to_uppercase())),
        None => Err(wrong("a whole number", value)),
    }
}

fn float(value: &Json) -> Result<f64, String> {
    value.as_f64().filter(|number| number.is_finite()).ok_or_else(|| wrong("a number", value))
}

fn single(value: &Json) -> Result<f32, String> {
    let number = float(value)? as f32;
    if number.is_finite() { Ok(number) } else { Err(format!("{value} does not fit F32")) }
}

fn date(value: &Json) -> Result<i32, String> {
    if value.is_number() {
        return integer(value);
    }
    let expected = || wrong("a date like 2026-05-02 (or days since 1970-01-01)", value);
    let date = NaiveDate::parse_from_str(value.as_str().ok_or_else(expected)?, "%Y-%m-%d").map_err(|_| expected())?;
    let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).expect("it is a day");
    i32::try_from(date.signed_duration_since(epoch).num_days()).map_err(|_| expected())
}

fn date_time(value: &Json) -> Result<i64, String> {
    if value.is_number() {
        return integer(value);
    }
    let expected = || wrong("a time like 2026-05-02T09:14:03 (or milliseconds since 1970)", value);
    let text = value.as_str().ok_or_else(expected)?;
    let zoned = DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis());
    let plain = |format| NaiveDateTime::parse_from_str(text, format).ok().map(|time| time.and_utc().timestamp_millis());
    let day =
        || Some(NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis());
    let millis = zoned.or_else(|| plain("%Y-%m-%dT%H:%M:%S%.f")).or_else(|| plain("%Y-%m-%d %H:%M:%S%.f")).or_else(day);
    millis.ok_or_else(expected)
}

fn vector(value: &Json, length: usize) -> Result<Vec<f32>, String> {
    let items = value.as_array().ok_or_else(|| wrong("a list of numbers", value))?;
    if items.len() != length {
        return Err(format!("{length} numbers are expected, not {}", items.len()));
    }
    let numbers: Vec<f32> = items.iter().map(single).collect::<Result<_, _>>()?;
    if numbers.iter().all(|&number| number == 0.0) {
        return Err("a vector of zeros has no direction".to_owned());
    }
    Ok(numbers)
}

fn push_blob(value: &Json, data: &mut LargeBinaryBuilder, uri: &mut StringBuilder) -> Result<(), String> {
    let text = text(value)?;
    if let Some(encoded) = text.strip_prefix(BASE64) {
        data.append_value(STANDARD.decode(encoded).map_err(|error| format!("it is not base 64: {error}"))?);
        uri.append_null();
    } else {
        data.append_null();
        uri.append_value(text);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::value::Value;

    fn kind(scalar: ScalarType) -> PropertyType {
        PropertyType { scalar, nullable: true, list: false, enum_values: None }
    }

    fn list(scalar: ScalarType) -> PropertyType {
        PropertyType { list: true, ..kind(scalar) }
    }

    /// What a value becomes, as an export writes it.
    fn loaded(kind: &PropertyType, value: &Json) -> Result<Json, String> {
        let mut column = Column::new(kind);
        let pushed = column.push(value);
        column.push_null();
        let array = column.finish();
        assert_eq!(array.len(), 2, "every push is a cell");
        assert_eq!(Value::from_array(&array, 1), Value::Null);
        pushed.map(|()| Value::from_array(&array, 0).to_json())
    }

    #[test]
    fn values_come_back_as_they_were() {
        use ScalarType::{Blob, Bool, Date, DateTime, F32, F64, I32, I64, String, U32, U64, Vector};
        for (kind, value) in [
            (kind(String), json!("a\u{0}b")),
            (kind(String), json!("")),
            (kind(Bool), json!(false)),
            (kind(I32), json!(i32::MIN)),
            (kind(I64), json!(i64::MIN)),
            (kind(U32), json!(u32::MAX)),
            (kind(U64), json!(u64::MAX)),
            (kind(F32), json!(0.5)),
            (kind(F64), json!(0.1)),
            (kind(Date), json!(-1)),
            (kind(DateTime), json!("2026-05-02T09:14:03")),
            (kind(Vector(2)), json!([0.0, 1.0])),
            (kind(Blob), json!("base64:aGk=")),
            (kind(Blob), json!("base64:")),
            (kind(Blob), json!("s3://bucket/file")),
            (list(I32), json!([1, null, 3])),
            (list(String), json!([])),
            (kind(String), json!(null)),
        ] {
            assert_eq!(loaded(&kind, &value), Ok(value.clone()), "{kind:?}");
        }
        assert_eq!(loaded(&kind(Date), &json!("2026-05-02")), Ok(json!(20575)));
        assert_eq!(loaded(&kind(DateTime), &json!(1000)), Ok(json!("1970-01-01T00:00:01")));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        use ScalarType::{Blob, Bool, Date, DateTime, F32, I32, String, U32, Vector};
        for (kind, value) in [
            (kind(String), json!(1)),
            (kind(Bool), json!("true")),
            (kind(I32), json!(i64::from(i32::MAX) + 1)),
            (kind(I32), json!(1.0)),
            (kind(I32), json!("1")),
            (kind(U32), json!(-1)),
            (kind(F32), json!(1e300)),
            (kind(Date), json!("2026-02-30")),
            (kind(Date), json!(1.5)),
            (kind(DateTime), json!("yesterday")),
            (kind(Vector(2)), json!([1.0])),
            (kind(Vector(2)), json!([1.0, "x"])),
            (kind(Vector(2)), json!([0, 0])),
            (kind(Blob), json!("base64:%")),
            (list(I32), json!([1, "x"])),
            (list(I32), json!(1)),
        ] {
            assert!(loaded(&kind, &value).is_err(), "{kind:?} {value}");
        }
        let colours = PropertyType { enum_values: Some(vec!["red".into()]), ..kind(String) };
        assert_eq!(loaded(&colours, &json!("red")), Ok(json!("red")));
        assert!(loaded(&colours, &json!("blue")).is_err_and(|reason| reason.contains("not one of red")));
    }

    #[test]
    fn a_refused_list_does_not_shift_the_next() {
        let mut column = Column::new(&list(ScalarType::I32));
        column.push(&json!([1])).unwrap();
        column.push(&json!([2, "x"])).unwrap_err();
        column.push(&json!([3])).unwrap();
        let array = column.finish();
        let cells: Vec<Json> = (0..3).map(|row| Value::from_array(&array, row).to_json()).collect();
        assert_eq!(cells, [json!([1]), Json::Null, json!([3])]);
    }
}
