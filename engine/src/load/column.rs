//! Cells → one column.

use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBuilder, Date32Builder, Date64Builder, Float32Builder, Float64Builder, Int32Builder,
    Int64Builder, ListArray, StringBuilder, UInt32Builder, UInt64Builder,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::Field;

use super::builder::{BlobBuilder, VectorBuilder};
use super::cell::{boolean, date, date_time, float, integer, numbers, single, text, wrong};
use super::json::Json;
use crate::constraint::not_one_of;
use crate::schema::{PropertyType, ScalarType};

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
    Vector(VectorBuilder),
    Blob(BlobBuilder),
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
            ScalarType::Vector(length) => Self::Vector(VectorBuilder::new(length as usize)),
            ScalarType::Blob => Self::Blob(BlobBuilder::new()),
        }
    }

    /// Adds a cell; on an error it is null, so that the columns of a table stay of equal length.
    ///
    /// # Errors
    /// What is wrong with the value, to be read after the name of the property.
    pub(super) fn push(&mut self, value: &Json<'_>) -> Result<(), String> {
        if *value == Json::Null {
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
            Self::Vector(cells) => cells.push_null(),
            Self::Blob(cells) => cells.push_null(),
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
            Self::Vector(cells) => cells.len(),
            Self::Blob(cells) => cells.len(),
            Self::List { valid, .. } => valid.len(),
        }
    }

    /// Where the next list starts among the items.
    fn end(&self) -> Result<i32, String> {
        i32::try_from(self.len()).map_err(|_| "the lists of one batch have too many items".to_owned())
    }

    fn push_value(&mut self, value: &Json<'_>) -> Result<(), String> {
        match self {
            Self::Text { cells, allowed } => {
                let text = text(value)?;
                if let Some(reason) = allowed.as_ref().and_then(|allowed| not_one_of(allowed, text)) {
                    return Err(reason);
                }
                cells.append_value(text);
            }
            Self::Bool(cells) => cells.append_value(boolean(value)?),
            Self::I32(cells) => cells.append_value(integer(value)?),
            Self::I64(cells) => cells.append_value(integer(value)?),
            Self::U32(cells) => cells.append_value(integer(value)?),
            Self::U64(cells) => cells.append_value(integer(value)?),
            Self::F32(cells) => cells.append_value(single(value)?),
            Self::F64(cells) => cells.append_value(float(value)?),
            Self::Date(cells) => cells.append_value(date(value)?),
            Self::DateTime(cells) => cells.append_value(date_time(value)?),
            Self::Vector(cells) => cells.push(&numbers(value)?)?,
            Self::Blob(cells) => cells.push_text(text(value)?)?,
            Self::List { items, ends, valid } => {
                let values = value.as_list().ok_or_else(|| wrong("a list", value))?;
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
            Self::Vector(cells) => cells.finish(),
            Self::Blob(cells) => cells.finish(),
            Self::List { items, ends, valid } => {
                let items = items.finish();
                let item = Arc::new(Field::new("item", items.data_type().clone(), true));
                let ends = OffsetBuffer::new(std::mem::replace(ends, vec![0]).into());
                Arc::new(ListArray::new(item, ends, items, Some(NullBuffer::from(std::mem::take(valid)))))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::{Float32Type, Float64Type};
    use serde_json::{Value as Plain, json};

    use super::super::json::Scanner;
    use super::*;
    use crate::value::Value;

    fn kind(scalar: ScalarType) -> PropertyType {
        PropertyType { scalar, nullable: true, list: false, enum_values: None }
    }

    fn list(scalar: ScalarType) -> PropertyType {
        PropertyType { list: true, ..kind(scalar) }
    }

    /// What a value becomes, as an export writes it.
    fn loaded(kind: &PropertyType, value: &Plain) -> Result<Plain, String> {
        loaded_text(kind, &value.to_string())
    }

    fn loaded_text(kind: &PropertyType, text: &str) -> Result<Plain, String> {
        let mut column = Column::new(kind);
        let pushed = push(&mut column, text);
        column.push_null();
        let array = column.finish();
        assert_eq!(array.len(), 2, "every push is a cell");
        assert_eq!(Value::from_array(&array, 1), Value::Null);
        pushed.map(|()| Value::from_array(&array, 0).to_json())
    }

    fn push(column: &mut Column, text: &str) -> Result<(), String> {
        let text = format!("{text} ");
        column.push(&Scanner::new(&text).next_value().unwrap().unwrap())
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
            (kind(Blob), json!("file:///somewhere/a%20file")),
            (list(I32), json!([1, null, 3])),
            (list(String), json!([])),
            (kind(String), json!(null)),
        ] {
            assert_eq!(loaded(&kind, &value), Ok(value.clone()), "{kind:?}");
        }
        assert_eq!(loaded(&kind(Date), &json!("2026-05-02")), Ok(json!(20575)));
        assert_eq!(loaded(&kind(DateTime), &json!(1000)), Ok(json!("1970-01-01T00:00:01")));
    }

    proptest::proptest! {
        #[test]
        fn every_time_and_day_comes_back_from_an_export(millis in proptest::num::i64::ANY, days in proptest::num::i32::ANY) {
            let calendar = 8_210_266_876_799_999;
            for millis in [millis, millis % calendar, millis % 1_000_000_000_000_000, i64::MAX, i64::MIN] {
                let text = loaded(&kind(ScalarType::DateTime), &json!(millis)).unwrap();
                let again = loaded(&kind(ScalarType::DateTime), &text);
                proptest::prop_assert_eq!(again, Ok(text.clone()));
                proptest::prop_assert!(text.is_string() || millis.unsigned_abs() > 8_210_000_000_000_000, "{}", text);
            }
            proptest::prop_assert_eq!(loaded(&kind(ScalarType::Date), &json!(days)), Ok(json!(days)));
        }
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
            (kind(Date), json!("24-01-01")),
            (kind(Date), json!("224-01-01")),
            (kind(Date), json!("02024-01-01")),
            (kind(Date), json!(" 2024-01-01")),
            (kind(Date), json!("+24-01-01")),
            (kind(DateTime), json!("24-01-01")),
            (kind(DateTime), json!("24-01-01T00:00:00")),
            (kind(DateTime), json!("24-01-01 00:00:00")),
            (kind(DateTime), json!("24-01-01T00:00:00Z")),
            (kind(Date), json!(1.5)),
            (kind(DateTime), json!("yesterday")),
            (kind(Vector(2)), json!([1.0])),
            (kind(Vector(2)), json!([1.0, "x"])),
            (kind(Vector(2)), json!([0, 0])),
            (kind(Blob), json!("base64:%")),
            (kind(Blob), json!("https://example.org/b.png")),
            (kind(Blob), json!("b.png")),
            (kind(Blob), json!("")),
            (list(I32), json!([1, "x"])),
            (list(I32), json!(1)),
        ] {
            assert!(loaded(&kind, &value).is_err(), "{kind:?} {value}");
        }
        let colors = PropertyType { enum_values: Some(vec!["red".into()]), ..kind(String) };
        assert_eq!(loaded(&colors, &json!("red")), Ok(json!("red")));
        assert!(loaded(&colors, &json!("blue")).is_err_and(|reason| reason.contains("not one of red")));
    }

    #[test]
    fn a_refused_list_does_not_shift_the_next() {
        let mut column = Column::new(&list(ScalarType::I32));
        push(&mut column, "[1]").unwrap();
        push(&mut column, "[2, \"x\"]").unwrap_err();
        push(&mut column, "[3]").unwrap();
        let array = column.finish();
        let cells: Vec<Plain> = (0..3).map(|row| Value::from_array(&array, row).to_json()).collect();
        assert_eq!(cells, [json!([1]), Plain::Null, json!([3])]);
    }

    #[test]
    fn numbers_are_as_exact_as_their_type() {
        let bits = |kind: ScalarType, text: &str| {
            let mut column = Column::new(&self::kind(kind));
            push(&mut column, text).unwrap();
            let array = column.finish();
            match kind {
                ScalarType::F32 => u64::from(array.as_primitive::<Float32Type>().value(0).to_bits()),
                _ => array.as_primitive::<Float64Type>().value(0).to_bits(),
            }
        };
        // Texts that a parser which rounds twice gets wrong by the last bit.
        for text in
            ["5e-324", "2.2250738585072011e-308", "9007199254740993", "0.30000000000000004", "1.7976931348623157e308"]
        {
            assert_eq!(bits(ScalarType::F64, text), text.parse::<f64>().unwrap().to_bits(), "{text}");
        }
        assert_eq!(bits(ScalarType::F32, "7.038531e-26"), u64::from(7.038_531e-26_f32.to_bits()));
        assert_eq!(bits(ScalarType::F64, "-0"), (-0.0_f64).to_bits());
        for (kind, text, reason) in [
            (ScalarType::U64, "18446744073709551616", "18446744073709551616 does not fit U64"),
            (ScalarType::I64, "-9223372036854775809", "-9223372036854775809 does not fit I64"),
            (ScalarType::I64, "1e2", "a whole number is expected, not 1e2"),
            (ScalarType::F64, "1e400", "1e400 does not fit F64"),
            (ScalarType::F32, "3.5e38", "3.5e38 does not fit F32"),
        ] {
            assert_eq!(loaded_text(&self::kind(kind), text), Err(reason.to_owned()), "{text}");
        }
        assert_eq!(loaded_text(&kind(ScalarType::U64), "18446744073709551615"), Ok(json!(u64::MAX)));
        for whole in [ScalarType::I32, ScalarType::I64, ScalarType::U32, ScalarType::U64, ScalarType::Date] {
            assert_eq!(loaded_text(&kind(whole), "-0"), Ok(json!(0)), "{whole:?}");
        }
    }
}
