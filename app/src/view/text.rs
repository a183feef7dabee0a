//! Times, ages and numbers as text. Pure; the moment to compare with is an argument.

use std::time::Duration;

use chrono::{DateTime, Local, Utc};

use crate::config::TimeDisplay;

/// A moment with seconds: `2026-05-02 09:14:03Z`, or local time with its offset. `?` if it is out of range.
#[must_use]
pub fn moment(micros: i64, display: TimeDisplay) -> String {
    let Some(utc) = DateTime::<Utc>::from_timestamp_micros(micros) else {
        return "?".to_owned();
    };
    match display {
        TimeDisplay::Utc => utc.format("%Y-%m-%d %H:%M:%SZ").to_string(),
        TimeDisplay::Local => utc.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S%:z").to_string(),
    }
}

/// The time of day alone: `09:14:03`.
#[must_use]
pub fn clock_text(micros: i64, display: TimeDisplay) -> String {
    moment(micros, display).get(11..19).unwrap_or("?").to_owned()
}

/// How long ago something was, right-aligned in four columns: `  2m`, ` 15h`, `400d`, ` 12y`; `-` for the future.
#[must_use]
pub fn age(micros: i64, now_micros: i64) -> String {
    let seconds = now_micros.saturating_sub(micros) / 1_000_000;
    let text = match seconds {
        ..0 => "-".to_owned(),
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        86_400..63_072_000 => format!("{}d", seconds / 86_400),
        _ => format!("{}y", seconds / 31_536_000),
    };
    format!("{text:>4}")
}

/// A duration: `0.3s`, `12s`, `3m 05s`, `2h 07m`.
#[must_use]
pub fn duration_text(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1}s", duration.as_secs_f64()),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

/// A number with groups of three: `1,234,567`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_take_four_columns() {
        let second = 1_000_000;
        for (seconds, expected) in [
            (0, "  0s"),
            (59, " 59s"),
            (60, "  1m"),
            (3600, "  1h"),
            (86_400, "  1d"),
            (63_072_000, "  2y"),
            (-1, "   -"),
        ] {
            assert_eq!(age(-seconds * second, 0), expected);
        }
    }

    #[test]
    fn moments_durations_and_numbers() {
        assert_eq!(moment(1_777_713_243_000_000, TimeDisplay::Utc), "2026-05-02 09:14:03Z");
        assert_eq!(clock_text(1_777_713_243_000_000, TimeDisplay::Utc), "09:14:03");
        assert_eq!(moment(i64::MAX, TimeDisplay::Utc), "?");
        assert_eq!(duration_text(Duration::from_millis(340)), "0.3s");
        assert_eq!(duration_text(Duration::from_secs(7625)), "2h 07m");
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
