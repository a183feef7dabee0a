//! JSON values → cells. Nothing is coerced silently: a value of another type, out of range or not finite is refused.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveDateTime};

use super::json::Json;
use crate::clock::has_whole_year;

/// Characters of a value that a message shows.
const SHOWN: usize = 40;

/// Why a value is not what it should be.
pub(super) fn wrong(expected: &str, value: &Json<'_>) -> String {
    let text = value.to_string();
    let shown: String = text.chars().take(SHOWN).collect();
    let more = if shown.len() < text.len() { "…" } else { "" };
    format!("{expected} is expected, not {shown}{more}")
}

pub(super) fn text<'v>(value: &'v Json<'_>) -> Result<&'v str, String> {
    value.as_text().ok_or_else(|| wrong("a text", value))
}

pub(super) fn boolean(value: &Json<'_>) -> Result<bool, String> {
    match value {
        Json::Bool(value) => Ok(*value),
        Json::Null | Json::Number(_) | Json::Text(_) | Json::List(_) | Json::Object(_) => {
            Err(wrong("true or false", value))
        }
    }
}

fn digits<'v>(value: &Json<'v>) -> Option<&'v str> {
    match value {
        Json::Number(digits) => Some(digits),
        Json::Null | Json::Bool(_) | Json::Text(_) | Json::List(_) | Json::Object(_) => None,
    }
}

/// A whole number that the type holds; `3.0` is none, and `-0` is 0 for types without a sign, too.
pub(super) fn integer<N: FromStr>(value: &Json<'_>) -> Result<N, String> {
    let whole = |digits: &&str| !digits.contains(['.', 'e', 'E']);
    let digits = digits(value).filter(whole).ok_or_else(|| wrong("a whole number", value))?;
    let digits = if digits == "-0" { "0" } else { digits };
    digits.parse().map_err(|_| format!("{digits} does not fit {}", std::any::type_name::<N>().to_uppercase()))
}

pub(super) fn float(value: &Json<'_>) -> Result<f64, String> {
    let digits = digits(value).ok_or_else(|| wrong("a number", value))?;
    let number = digits.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| format!("{digits} does not fit F64"))
}

pub(super) fn single(value: &Json<'_>) -> Result<f32, String> {
    let digits = digits(value).ok_or_else(|| wrong("a number", value))?;
    let number = digits.parse().ok().filter(|number: &f32| number.is_finite());
    number.ok_or_else(|| format!("{digits} does not fit F32"))
}

pub(super) fn date(value: &Json<'_>) -> Result<i32, String> {
    if digits(value).is_some() {
        return integer(value);
    }
    let expected = || wrong("a date like 2026-05-02 (or days since 1970-01-01)", value);
    let text = value.as_text().filter(|text| has_whole_year(text)).ok_or_else(expected)?;
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| expected())?;
    let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).expect("it is a day");
    i32::try_from(date.signed_duration_since(epoch).num_days()).map_err(|_| expected())
}

pub(super) fn date_time(value: &Json<'_>) -> Result<i64, String> {
    if digits(value).is_some() {
        return integer(value);
    }
    let expected = || wrong("a time like 2026-05-02T09:14:03 (or milliseconds since 1970)", value);
    let text = value.as_text().filter(|text| has_whole_year(text)).ok_or_else(expected)?;
    let zoned = DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc());
    let plain = |format| NaiveDateTime::parse_from_str(text, format).ok().map(|time| time.and_utc());
    let day = || Some(NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0)?.and_utc());
    let time = zoned.or_else(|| plain("%Y-%m-%dT%H:%M:%S%.f")).or_else(|| plain("%Y-%m-%d %H:%M:%S%.f")).or_else(day);
    let time = time.ok_or_else(expected)?;
    // Leap seconds are nanoseconds beyond a second.
    let nanos = time.timestamp_subsec_nanos();
    if nanos % 1_000_000 == 0 && nanos < 1_000_000_000 {
        Ok(time.timestamp_millis())
    } else {
        Err(wrong("a time in whole milliseconds, and no leap second", value))
    }
}

/// The numbers of a vector.
pub(super) fn numbers(value: &Json<'_>) -> Result<Vec<f32>, String> {
    let items = value.as_list().ok_or_else(|| wrong("a list of numbers", value))?;
    items.iter().map(single).collect()
}
