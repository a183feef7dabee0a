//! Parts of the difference of two times, as `extract` and `date_part` ask for them (decision 0015).
//!
//! The query engine (DataFusion 54) computes them in 32 bits, and goes on without what does not fit: it finds 10,000 milliseconds in 10.3
//! seconds. Here a part of a duration is how many of its units the whole duration has, rounded toward zero, and `epoch` is its seconds
//! with their fraction.

use arrow::compute::kernels::cast_utils::IntervalUnit;
use arrow_schema::{DataType, TimeUnit};
use datafusion::common::{DFSchema, plan_err};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, binary_expr, cast, lit};
use datafusion::scalar::ScalarValue;

const SECOND: i64 = 1_000_000_000;

/// Returns the expression that takes the place of a part of a duration; `None` for another function, and for parts of other times.
///
/// # Errors
/// The fraction of a second of an interval, which the query engine gets wrong.
pub(super) fn part_of_difference(call: &ScalarFunction, columns: &DFSchema) -> DfResult<Option<Expr>> {
    let ("date_part", [Expr::Literal(part, _), time]) = (call.name(), call.args.as_slice()) else { return Ok(None) };
    let part = part.try_as_str().flatten().unwrap_or_default().trim_matches(['\'', '"']);
    let unit = part.parse().ok().and_then(nanoseconds);
    match time.get_type(columns)? {
        DataType::Duration(ticks) => {
            let number = cast(time.clone(), DataType::Int64);
            let part = match unit {
                None if part.eq_ignore_ascii_case("epoch") => in_seconds(number, ticks),
                None => return Ok(None),
                Some(unit) => in_whole(number, tick_nanoseconds(ticks), unit),
            };
            let call = Expr::ScalarFunction(call.clone());
            Ok(Some(cast(part.alias(call.schema_name().to_string()), call.get_type(columns)?)))
        }
        DataType::Interval(_) if unit.is_some_and(|unit| unit < SECOND) => {
            plan_err!(
                "the {part} of an interval cannot be computed; take `extract(epoch from …)`, its seconds with their fraction"
            )
        }
        _ => Ok(None),
    }
}

/// Returns the seconds of a number of ticks, as a float.
fn in_seconds(number: Expr, ticks: TimeUnit) -> Expr {
    let in_a_second = (SECOND / tick_nanoseconds(ticks)) as f64;
    binary_expr(cast(number, DataType::Float64), Operator::Divide, lit(in_a_second))
}

/// Returns how many whole units, of so many nanoseconds, a number of ticks has.
fn in_whole(number: Expr, tick: i64, unit: i64) -> Expr {
    if unit >= tick {
        return binary_expr(number, Operator::Divide, lit(unit / tick));
    }
    // A decimal has room for the product of any number of ticks.
    let in_a_tick = ScalarValue::Decimal128(Some(i128::from(tick / unit)), 10, 0);
    binary_expr(cast(number, DataType::Decimal128(19, 0)), Operator::Multiply, lit(in_a_tick))
}

fn tick_nanoseconds(ticks: TimeUnit) -> i64 {
    match ticks {
        TimeUnit::Second => SECOND,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    }
}

/// Returns the nanoseconds of a unit; `None` for one whose length depends on the calendar.
fn nanoseconds(unit: IntervalUnit) -> Option<i64> {
    Some(match unit {
        IntervalUnit::Week => 7 * 86_400 * SECOND,
        IntervalUnit::Day => 86_400 * SECOND,
        IntervalUnit::Hour => 3_600 * SECOND,
        IntervalUnit::Minute => 60 * SECOND,
        IntervalUnit::Second => SECOND,
        IntervalUnit::Millisecond => 1_000_000,
        IntervalUnit::Microsecond => 1_000,
        IntervalUnit::Nanosecond => 1,
        IntervalUnit::Century | IntervalUnit::Decade | IntervalUnit::Year | IntervalUnit::Month => return None,
    })
}
