//! One cell of a table as a plain value, and one row of them.
//!
//! | type | is |
//! |---|---|
//! | [`Value`] | a cell: typed, comparable, printable, as JSON exactly what an export of the graph holds |
//! | [`Blob`] | the cell of a blob column: a reference or bytes |
//! | [`Row`] | the cells of one row with the names of their columns, copied out of the batch it came from |
//!
//! **Rule:** equality is typed. Null is not empty, `NaN` equals `NaN`, lists are compared item by item; a textual signature of
//! a row would confuse all three. It tells what is stored, so that -0.0 is not 0.0: what is one number to a condition and to
//! `@unique` is [`Value::compared`].

mod blob;
mod cell;
mod json;
mod row;

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime};

pub use blob::Blob;
pub use row::Row;

/// One cell.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Value {
    /// No value; different from an empty text or list.
    Null,
    /// A truth value.
    Bool(bool),
    /// A signed integer of any width.
    Int(i64),
    /// An unsigned integer of any width.
    UInt(u64),
    /// A floating-point number; a 32-bit one widened exactly.
    Float(f64),
    /// Text; also what a query computes in a type that has no variant of its own.
    Text(Arc<str>),
    /// Days since 1970-01-01.
    Date(i32),
    /// Milliseconds since 1970-01-01T00:00:00, without a time zone.
    DateTime(i64),
    /// A list; its items may be null.
    List(Arc<[Value]>),
    /// A vector of fixed length.
    Vector(Arc<[f32]>),
    /// Large bytes, stored or referred to.
    Blob(Blob),
}

impl Value {
    /// Whether there is no value.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Returns what `=` compares: the two zeros of a float are one number. What no number is has a text, so that it stays apart.
    #[must_use]
    pub(crate) fn compared(self) -> Self {
        match self {
            Self::Float(0.0) => Self::Float(0.0),
            Self::Float(number) if !number.is_finite() => Self::Text(number.to_string().into()),
            other => other,
        }
    }

    /// The text, if this is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::UInt(_)
            | Self::Float(_)
            | Self::Date(_)
            | Self::DateTime(_)
            | Self::List(_)
            | Self::Vector(_)
            | Self::Blob(_) => None,
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) | (Self::DateTime(a), Self::DateTime(b)) => a == b,
            (Self::UInt(a), Self::UInt(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Date(a), Self::Date(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Vector(a), Self::Vector(b)) => {
                let same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
                a.len() == b.len() && a.iter().zip(b.iter()).all(same)
            }
            (Self::Blob(a), Self::Blob(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

/// For people: dates as `2024-02-01`, times as `2024-02-01T09:30:00`, null as `null`, lists in brackets, texts as they are.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.pad("null"),
            Self::Bool(value) => fmt::Display::fmt(value, f),
            Self::Int(value) => fmt::Display::fmt(value, f),
            Self::UInt(value) => fmt::Display::fmt(value, f),
            Self::Float(value) => fmt::Display::fmt(value, f),
            Self::Text(text) => f.pad(text),
            Self::Date(days) => match date(*days) {
                Some(date) => f.pad(&date.to_string()),
                None => write!(f, "day {days}"),
            },
            Self::DateTime(millis) => match date_time_text(*millis) {
                Some(text) => f.pad(&text),
                None => write!(f, "{millis} ms"),
            },
            Self::List(items) => bracketed(f, items.iter()),
            Self::Vector(items) => bracketed(f, items.iter()),
            Self::Blob(blob) => fmt::Display::fmt(blob, f),
        }
    }
}

fn bracketed<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: impl Iterator<Item = T>) -> fmt::Result {
    f.write_str("[")?;
    for (index, item) in items.enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{item}")?;
    }
    f.write_str("]")
}

fn date(days: i32) -> Option<NaiveDate> {
    let epoch = NaiveDate::default();
    let distance = Days::new(u64::from(days.unsigned_abs()));
    if days < 0 { epoch.checked_sub_days(distance) } else { epoch.checked_add_days(distance) }
}

/// ISO text, a fraction only where there is one; none for times outside the calendar.
fn date_time_text(millis: i64) -> Option<String> {
    let time: Option<NaiveDateTime> = DateTime::from_timestamp_millis(millis).map(|time| time.naive_utc());
    time.map(|time| format!("{time:?}"))
}

#[cfg(test)]
mod tests;
