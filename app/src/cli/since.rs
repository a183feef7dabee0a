//! Times as a person writes them: absolute, or how long ago.

use stratigraph_engine::history::parse_time;

use super::error::CliError;

/// Microseconds since the epoch of a time, a day, or a span before `now_micros`.
///
/// Units of a span: `s`, `m`, `h`, `d`, `w`.
pub(super) fn parse_since(text: &str, now_micros: i64) -> Result<i64, CliError> {
    let text = text.trim();
    if let Some(span) = span_micros(text) {
        return Ok(now_micros.saturating_sub(span));
    }
    parse_time(text).ok_or_else(|| CliError::Time { text: text.to_owned() })
}

fn span_micros(text: &str) -> Option<i64> {
    let unit = text.chars().last()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    let number: u32 = text[..text.len() - unit.len_utf8()].parse().ok()?;
    Some(i64::from(number).saturating_mul(seconds * 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_777_713_243_000_000;

    #[test]
    fn spans_count_back_from_now() {
        for (text, seconds) in [("90s", 90), ("15m", 900), ("3h", 10_800), ("2d", 172_800), ("1w", 604_800)] {
            assert_eq!(parse_since(text, NOW).unwrap(), NOW - seconds * 1_000_000, "{text}");
        }
    }

    #[test]
    fn times_and_days_are_absolute() {
        assert_eq!(parse_since("2026-05-02T09:14:03Z", 0).unwrap(), NOW);
        assert_eq!(parse_since("2026-05-02T11:14:03+02:00", 0).unwrap(), NOW);
        assert_eq!(parse_since("2026-05-02", 0).unwrap(), NOW - (9 * 3600 + 14 * 60 + 3) * 1_000_000);
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in ["", "d", "-2d", "2y", "1.5h", "main", "v7", "main@2026-05-02", "日"] {
            assert!(matches!(parse_since(bad, NOW), Err(CliError::Time { .. })), "{bad}");
        }
    }
}
