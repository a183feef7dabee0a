//! Columns of other programs → columns of a table, without losing anything.
//!
//! | property | columns that become it | refused row by row |
//! |---|---|---|
//! | `String`, enum | text | a word that is not in the enum |
//! | `Bool` | booleans | |
//! | `I32` … `U64` | whole numbers of any width | a number that does not fit |
//! | `F32`, `F64` | floats that are not wider, whole numbers that it holds all | `NaN`, infinities |
//! | `Date` | dates, `Date64` | a time of day |
//! | `DateTime` | timestamps of any unit, dates | parts of a millisecond |
//! | `Vector(N)` | lists of what becomes `F32` | another length, a null, zeros only |
//! | `Blob` | bytes; text as in JSON; a struct of `data` and `uri` | text that is no base 64 after its prefix |
//! | `[T]` | lists of what becomes `T` | what is refused for an item |
//!
//! A dictionary is what its values are; a column of Arrow's null type is null everywhere.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, PrimitiveArray, StringArray};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::compute::{CastOptions, cast, cast_with_options};
use arrow::datatypes::{Date32Type, Date64Type, Float32Type, Float64Type};
use arrow::util::display::array_value_to_string;
use arrow_schema::{ArrowError, DataType, Field, TimeUnit};

use super::nested::{blobs, vectors};
use crate::constraint::not_one_of;
use crate::schema::{PropertyType, ScalarType, arrow_type};

const DAY_MILLIS: i64 = 86_400_000;

/// How a column becomes the column of a property.
#[derive(Debug, Clone)]
pub(super) enum Conversion {
    Nulls(DataType),
    /// Its values are taken out of the dictionary first.
    Dictionary(DataType, Box<Conversion>),
    Text(Option<Vec<String>>),
    /// The cast loses nothing, whatever the value.
    Same(DataType),
    /// The cast gives null where the value does not fit.
    Whole(DataType),
    Float(DataType),
    Date,
    DateTime(Ticks),
    Vector(usize),
    Blob,
    List(Box<Conversion>),
}

/// What a time is counted in.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ticks {
    Days,
    Seconds,
    Millis,
    /// That many of them are a millisecond.
    Parts(i64),
}

/// What is told of a row: its position and what is wrong with it.
pub(super) type Tell<'t> = dyn FnMut(usize, String) + 't;

impl Conversion {
    /// How a column of a type becomes one of a property; none if something could get lost.
    pub(super) fn of(found: &DataType, kind: &PropertyType) -> Option<Self> {
        match found {
            DataType::Null => return Some(Self::Nulls(arrow_type(kind))),
            DataType::Dictionary(_, value) => {
                return Some(Self::Dictionary((**value).clone(), Box::new(Self::of(value, kind)?)));
            }
            _ => {}
        }
        if kind.list {
            let items = PropertyType { list: false, nullable: true, ..kind.clone() };
            return Some(Self::List(Box::new(Self::of(item_type(found)?, &items)?)));
        }
        let target = arrow_type(kind);
        match kind.scalar {
            ScalarType::String => is_text(found).then(|| Self::Text(kind.enum_values.clone())),
            ScalarType::Bool => (*found == DataType::Boolean).then_some(Self::Same(target)),
            ScalarType::I32 | ScalarType::I64 | ScalarType::U32 | ScalarType::U64 => {
                found.is_integer().then_some(Self::Whole(target))
            }
            ScalarType::F32 | ScalarType::F64 => holds_all(&target, found).then_some(Self::Float(target)),
            ScalarType::Date => match found {
                DataType::Date32 => Some(Self::Same(target)),
                DataType::Date64 => Some(Self::Date),
                _ => None,
            },
            ScalarType::DateTime => Ticks::of(found).map(Self::DateTime),
            ScalarType::Vector(length) => {
                let length = usize::try_from(length).ok()?;
                let holds = match found {
                    DataType::FixedSizeList(_, size) => usize::try_from(*size) == Ok(length),
                    _ => true,
                };
                (holds && holds_all(&DataType::Float32, item_type(found)?)).then_some(Self::Vector(length))
            }
            ScalarType::Blob => is_blob(found).then_some(Self::Blob),
        }
    }

    /// Converts a column. What does not fit is told, and its cell means nothing.
    ///
    /// # Errors
    /// What Arrow says of a column that it cannot handle: lists or texts of more than 2 GiB in one batch.
    pub(super) fn apply(&self, column: &ArrayRef, tell: &mut Tell<'_>) -> Result<ArrayRef, ArrowError> {
        match self {
            Self::Nulls(kind) => Ok(arrow::array::new_null_array(kind, column.len())),
            Self::Dictionary(values, conversion) => conversion.apply(&cast(column, values)?, tell),
            Self::Same(kind) => cast(column, kind),
            Self::Text(None) => cast(column, &DataType::Utf8),
            Self::Text(Some(allowed)) => {
                let texts = cast(column, &DataType::Utf8)?;
                each(texts.as_string::<i32>(), |row, text| tell_if(tell, row, not_one_of(allowed, text)));
                Ok(texts)
            }
            Self::Whole(kind) => whole(column, kind, tell),
            Self::Float(kind) => floats(column, kind, tell),
            Self::Date => Ok(days(column, tell)),
            Self::DateTime(ticks) => ticks.apply(column, tell),
            Self::Vector(length) => vectors(column, *length, tell),
            Self::Blob => blobs(column, tell),
            Self::List(items) => lists(column, items, tell),
        }
    }
}

impl Ticks {
    fn of(kind: &DataType) -> Option<Self> {
        Some(match kind {
            DataType::Date32 => Self::Days,
            DataType::Date64 | DataType::Timestamp(TimeUnit::Millisecond, _) => Self::Millis,
            DataType::Timestamp(TimeUnit::Second, _) => Self::Seconds,
            DataType::Timestamp(TimeUnit::Microsecond, _) => Self::Parts(1_000),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => Self::Parts(1_000_000),
            _ => return None,
        })
    }

    /// Times with a zone are instants, so their numbers count from 1970 in UTC as ours do.
    fn apply(self, column: &ArrayRef, tell: &mut Tell<'_>) -> Result<ArrayRef, ArrowError> {
        const TOO_FAR: &str = "is too far from 1970";
        let numbers = match self {
            Self::Days => cast(&cast(column, &DataType::Int32)?, &DataType::Int64)?,
            Self::Seconds | Self::Millis | Self::Parts(_) => cast(column, &DataType::Int64)?,
        };
        let numbers: &PrimitiveArray<arrow::datatypes::Int64Type> = numbers.as_primitive();
        let millis = |number: i64| match self {
            Self::Days => number.checked_mul(DAY_MILLIS).ok_or(TOO_FAR),
            Self::Seconds => number.checked_mul(1000).ok_or(TOO_FAR),
            Self::Millis => Ok(number),
            Self::Parts(parts) if number % parts == 0 => Ok(number / parts),
            Self::Parts(_) => Err("is not a whole number of milliseconds"),
        };
        let mut refused = Vec::new();
        let cells: PrimitiveArray<Date64Type> = numbers.unary(|number| millis(number).unwrap_or_default());
        each(numbers, |row, number| refused.extend(millis(number).err().map(|why| (row, why))));
        for (row, why) in refused {
            tell(row, format!("{} {why}", shown(column, row)));
        }
        Ok(Arc::new(cells))
    }
}

/// Calls `see` with every cell that is not null.
fn each<T, A: Copy + IntoIterator<Item = Option<T>>>(cells: A, mut see: impl FnMut(usize, T)) {
    for (row, cell) in cells.into_iter().enumerate() {
        if let Some(cell) = cell {
            see(row, cell);
        }
    }
}

fn tell_if(tell: &mut Tell<'_>, row: usize, reason: Option<String>) {
    if let Some(reason) = reason {
        tell(row, reason);
    }
}

/// The value of a cell, for messages.
pub(super) fn shown(column: &dyn Array, row: usize) -> String {
    array_value_to_string(column, row).unwrap_or_else(|_| "a value".to_owned())
}

/// The name a schema gives to a number type.
fn type_word(kind: &DataType) -> &'static str {
    match kind {
        DataType::Int32 => "I32",
        DataType::Int64 => "I64",
        DataType::UInt32 => "U32",
        _ => "U64",
    }
}

fn whole(column: &ArrayRef, kind: &DataType, tell: &mut Tell<'_>) -> Result<ArrayRef, ArrowError> {
    let cells = cast_with_options(column, kind, &CastOptions { safe: true, ..CastOptions::default() })?;
    if cells.null_count() > column.null_count() {
        for row in (0..cells.len()).filter(|&row| cells.is_null(row) && column.is_valid(row)) {
            tell(row, format!("{} does not fit {}", shown(column, row), type_word(kind)));
        }
    }
    Ok(cells)
}

/// Numbers that a float type holds exactly, all finite.
pub(super) fn floats(column: &ArrayRef, kind: &DataType, tell: &mut Tell<'_>) -> Result<ArrayRef, ArrowError> {
    let cells = cast(column, kind)?;
    let mut check = |row, is_finite: bool| {
        if !is_finite {
            tell(row, format!("a finite number is expected, not {}", shown(&cells, row)));
        }
    };
    match kind {
        DataType::Float32 => each(cells.as_primitive::<Float32Type>(), |row, cell| check(row, cell.is_finite())),
        _ => each(cells.as_primitive::<Float64Type>(), |row, cell| check(row, cell.is_finite())),
    }
    Ok(cells)
}

/// Days of what `Date64` counts in milliseconds.
fn days(column: &ArrayRef, tell: &mut Tell<'_>) -> ArrayRef {
    let cells = column.as_primitive::<Date64Type>();
    let day = |millis: i64| (millis % DAY_MILLIS == 0).then(|| i32::try_from(millis / DAY_MILLIS).ok()).flatten();
    each(cells, |row, millis| {
        if day(millis).is_none() {
            tell(row, format!("{} is a date with a time of day", shown(column, row)));
        }
    });
    let days: PrimitiveArray<Date32Type> = cells.unary(|millis| day(millis).unwrap_or_default());
    Arc::new(days)
}

fn lists(column: &ArrayRef, items: &Conversion, tell: &mut Tell<'_>) -> Result<ArrayRef, ArrowError> {
    let lists = as_lists(column)?;
    let offsets = lists.value_offsets();
    let (first, last) = (offsets[0], offsets[lists.len()]);
    let cells = lists.values().slice(first as usize, (last - first) as usize);
    let offsets: ScalarBuffer<i32> = offsets.iter().map(|offset| offset - first).collect();
    let cells = items.apply(&cells, &mut |item, reason| {
        let row = offsets.partition_point(|&start| start as usize <= item) - 1;
        // What a null list covers is not there.
        if lists.is_valid(row) {
            tell(row, format!("item {}: {reason}", item - offsets[row] as usize + 1));
        }
    })?;
    let field = Arc::new(Field::new("item", cells.data_type().clone(), true));
    Ok(Arc::new(ListArray::try_new(field, OffsetBuffer::new(offsets), cells, lists.nulls().cloned())?))
}

/// Lists of any kind as those with 32-bit offsets.
pub(super) fn as_lists(column: &ArrayRef) -> Result<ListArray, ArrowError> {
    let item = item_type(column.data_type()).expect("it is a list");
    let kind = DataType::List(Arc::new(Field::new("item", item.clone(), true)));
    Ok(cast(column, &kind)?.as_list::<i32>().clone())
}

/// The type of the items of a list.
fn item_type(kind: &DataType) -> Option<&DataType> {
    match kind {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => Some(item.data_type()),
        _ => None,
    }
}

pub(super) fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, value) => is_text(value),
        _ => matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View),
    }
}

fn is_bytes(kind: &DataType) -> bool {
    matches!(kind, DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_))
}

fn is_blob(kind: &DataType) -> bool {
    match kind {
        DataType::Struct(fields) => {
            let has = |name: &str, fits: fn(&DataType) -> bool| {
                fields.find(name).is_some_and(|(_, field)| fits(field.data_type()))
            };
            fields.len() == 2 && has("data", is_bytes) && has("uri", is_text)
        }
        _ => is_bytes(kind) || is_text(kind),
    }
}

/// Whether a float type holds every number of another type.
fn holds_all(float: &DataType, found: &DataType) -> bool {
    use DataType::{Float16, Float32, Float64, Int8, Int16, Int32, UInt8, UInt16, UInt32};
    let holds = match float {
        Float32 => [Float16, Float32].as_slice(),
        _ => &[Float16, Float32, Float64, Int32, UInt32],
    };
    holds.contains(found) || [Int8, Int16, UInt8, UInt16].contains(found)
}

/// Texts as those with 32-bit offsets.
///
/// # Errors
/// If they are longer than 2 GiB together.
pub(super) fn as_texts(column: &ArrayRef) -> Result<StringArray, ArrowError> {
    Ok(cast(column, &DataType::Utf8)?.as_string::<i32>().clone())
}

#[cfg(test)]
mod tests {
    use arrow::array::{FixedSizeListArray, Int32Array, Int64Array};
    use arrow::buffer::NullBuffer;

    use super::*;
    use crate::value::Value;

    fn list_of(scalar: ScalarType) -> PropertyType {
        PropertyType { scalar, nullable: true, list: true, enum_values: None }
    }

    /// The cells of a column afterwards, and what was told.
    fn converted(column: &ArrayRef, kind: &PropertyType) -> (Vec<String>, Vec<(usize, String)>) {
        let conversion = Conversion::of(column.data_type(), kind).unwrap();
        let mut told = Vec::new();
        let array = conversion.apply(column, &mut |row, reason| told.push((row, reason))).unwrap();
        assert_eq!(array.data_type(), &arrow_type(kind), "it is the column of a table");
        ((0..array.len()).map(|row| Value::from_array(&array, row).to_json().to_string()).collect(), told)
    }

    #[test]
    fn parts_of_lists_and_what_null_lists_cover_are_no_items() {
        let items: ArrayRef = Arc::new(Int64Array::from(vec![1, i64::MAX, 3, i64::MAX, 5]));
        let field = Arc::new(Field::new("element", DataType::Int64, false));
        let offsets = OffsetBuffer::new(vec![0, 1, 2, 2, 4, 5].into());
        let nulls = NullBuffer::from(vec![true, false, true, true, true]);
        let lists: ArrayRef = Arc::new(ListArray::new(field, offsets, items, Some(nulls)));
        let (cells, told) = converted(&lists, &list_of(ScalarType::I32));
        assert_eq!(cells, ["[1]", "null", "[]", "[3,null]", "[5]"]);
        assert_eq!(told, [(3, "item 2: 9223372036854775807 does not fit I32".to_owned())]);
        let (cells, told) = converted(&lists.slice(2, 2), &list_of(ScalarType::I32));
        assert_eq!(cells, ["[]", "[3,null]"]);
        assert_eq!(told[0].0, 1, "rows are counted from the start of the part");
    }

    #[test]
    fn lists_of_one_length_are_lists() {
        let items: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3, 4]));
        let field = Arc::new(Field::new("x", DataType::Int32, false));
        let lists: ArrayRef = Arc::new(FixedSizeListArray::new(field, 2, items, None));
        assert_eq!(converted(&lists.slice(1, 1), &list_of(ScalarType::I64)).0, ["[3,4]"]);
    }
}
