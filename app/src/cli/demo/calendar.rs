//! Six working weeks: when things happen in the sample graph.

use chrono::{DateTime, NaiveDate, TimeDelta};

/// Working days of the story; the last one is Friday, 20 November 2026.
pub(super) const DAYS: i64 = 30;
/// Seconds of a day before people come, and when they are gone.
const MORNING: i64 = 8 * 3600;
const EVENING: i64 = 18 * 3600;

/// The Monday on which the story begins.
fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 10, 12).expect("it is a date")
}

/// The date of a working day, counted from 0.
pub(super) fn date(day: i64) -> NaiveDate {
    first_day() + TimeDelta::days(day / 5 * 7 + day % 5)
}

/// A working day and seconds into it as microseconds since the epoch, UTC.
pub(super) fn moment(day: i64, second: i64) -> i64 {
    let midnight = date(day).and_hms_opt(0, 0, 0).expect("every day has a midnight");
    (midnight.and_utc() + TimeDelta::seconds(second)).timestamp_micros()
}

/// A second at which people work.
pub(super) fn office_hours(random: &mut super::random::Random) -> i64 {
    random.span(MORNING, EVENING)
}

/// The date of a moment, as the schema's `Date` is written.
pub(super) fn day_text(micros: i64) -> String {
    at(micros).format("%Y-%m-%d").to_string()
}

/// A moment to the second, as the schema's `DateTime` is written.
pub(super) fn time_text(micros: i64) -> String {
    at(micros).format("%Y-%m-%dT%H:%M:%S").to_string()
}

fn at(micros: i64) -> DateTime<chrono::Utc> {
    DateTime::from_timestamp_micros(micros).expect("the story is inside the calendar")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_story_is_six_weeks_from_monday_to_friday() {
        use chrono::{Datelike, Weekday};
        assert_eq!(
            (date(0).weekday(), date(4).weekday(), date(5).weekday()),
            (Weekday::Mon, Weekday::Fri, Weekday::Mon)
        );
        assert_eq!(date(DAYS - 1).to_string(), "2026-11-20");
        assert_eq!(time_text(moment(0, MORNING)), "2026-10-12T08:00:00");
    }
}
