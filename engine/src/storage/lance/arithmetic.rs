//! Arithmetic on integers and times that is right or an error, in queries and conditions (decision 0015).
//!
//! The query engine (DataFusion 54, Arrow 58) computes with the narrower type of two integers where both have it, and wraps around beyond
//! its ends. Of decimals it forgets digits beyond the 38th. It takes a `Date64`, as which a `DateTime` is stored, for a day. Here both sides
//! of `+`, `-` and `*` get a wider type while a query is planned; once every operand has its type, what could still wrap around is computed
//! with decimals, and what could lose digits with wider ones.

use std::sync::Arc;

use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DECIMAL256_MAX_PRECISION, IntervalMonthDayNano};
use arrow_schema::{DataType, Field, TimeUnit};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, plan_err};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::binary::BinaryTypeCoercer;
use datafusion::logical_expr::expr::{Between, Cast, InList, ScalarFunction, Sort, TryCast};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator, binary_expr, cast, lit};
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::time_parts::part_of_difference;
use super::zeros::is_comparison;

/// The type in which a `DateTime` is computed. Nanoseconds would reach from 1677 to 2262 only.
const TIMESTAMP: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);
const DAY_NANOSECONDS: i64 = 86_400_000_000_000;

/// Gives the operands of `+`, `-` and `*` a type that has room for the result: 64 bits to integers of at most 32, and a time of day
/// to a `DateTime`, and to a `Date` beside an interval.
#[derive(Debug)]
pub(super) struct WidenOperands;

impl ExprPlanner for WidenOperands {
    fn plan_binary_op(&self, written: RawBinaryExpr, columns: &DFSchema) -> DfResult<PlannerResult<RawBinaryExpr>> {
        let RawBinaryExpr { op, left, right } = written;
        let is_sum = matches!(op, BinaryOperator::Plus | BinaryOperator::Minus);
        if !is_sum && op != BinaryOperator::Multiply {
            return Ok(PlannerResult::Original(RawBinaryExpr { op, left, right }));
        }
        let (Ok(of_left), Ok(of_right)) = (left.get_type(columns), right.get_type(columns)) else {
            return Ok(PlannerResult::Original(RawBinaryExpr { op, left, right }));
        };
        let widened = |operand, of: &DataType, beside: &DataType| match wide_type(is_sum, of, beside) {
            Some(wide) => cast(operand, wide),
            None => operand,
        };
        let (left, right) = (widened(left, &of_left, &of_right), widened(right, &of_right, &of_left));
        Ok(PlannerResult::Original(RawBinaryExpr { op, left, right }))
    }
}

/// Returns the type that an operand is cast to beside one of another type; none if it keeps its own.
fn wide_type(is_sum: bool, of: &DataType, beside: &DataType) -> Option<DataType> {
    if is_narrow(of) && is_narrow(beside) {
        return Some(DataType::Int64);
    }
    let is_time_of_day = is_time(of) || *of == DataType::Date32 && matches!(beside, DataType::Interval(_));
    (is_sum && is_time_of_day).then_some(TIMESTAMP)
}

fn is_narrow(kind: &DataType) -> bool {
    kind.is_integer() && kind.primitive_width().is_some_and(|bytes| bytes <= 4)
}

fn is_time(kind: &DataType) -> bool {
    *kind == DataType::Date64
}

/// Rewrites what an expression computes with integers and times; its operands have their types already. A result beyond the type of
/// integers becomes an error, and a `DateTime` a timestamp where it would be taken for a day. The result has the type and the name of the
/// expression.
///
/// # Errors
/// That of an expression which has no type; the sum or the difference of a `DateTime` that was not widened; an interval that is compared
/// and has no length in hours.
pub(crate) fn with_exact_arithmetic(expression: Expr, columns: &DFSchema) -> DfResult<Transformed<Expr>> {
    expression.transform_up(|part| exact(part, columns))
}

fn exact(part: Expr, columns: &DFSchema) -> DfResult<Transformed<Expr>> {
    Ok(Transformed::yes(match part {
        Expr::BinaryExpr(operation) if is_arithmetic(operation.op) => return arithmetic(operation, columns),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_comparison(op) => {
            let [left, right] = compared([*left, *right], columns)?;
            Expr::BinaryExpr(BinaryExpr { left: Box::new(left), op, right: Box::new(right) })
        }
        Expr::Between(Between { expr, negated, low, high }) => {
            let [expr, low, high] = compared([*expr, *low, *high], columns)?.map(Box::new);
            Expr::Between(Between { expr, negated, low, high })
        }
        Expr::InList(InList { expr, list, negated }) if is_interval(&expr.get_type(columns)?) => {
            let list = list.into_iter().map(|item| in_hours(item, columns)).collect::<DfResult<_>>()?;
            Expr::InList(InList { expr: Box::new(in_hours(*expr, columns)?), list, negated })
        }
        Expr::Negative(operand) => match operand.get_type(columns)? {
            kind if kind.is_integer() => negative(*operand, kind, columns)?,
            _ => return Ok(Transformed::no(Expr::Negative(operand))),
        },
        Expr::Cast(Cast { expr, field }) if is_day(&field) && is_time(&expr.get_type(columns)?) => {
            Expr::Cast(Cast { expr: Box::new(cast(*expr, TIMESTAMP)), field })
        }
        Expr::TryCast(TryCast { expr, field }) if is_day(&field) && is_time(&expr.get_type(columns)?) => {
            Expr::TryCast(TryCast { expr: Box::new(cast(*expr, TIMESTAMP)), field })
        }
        Expr::ScalarFunction(call) => return function(call, columns),
        Expr::WindowFunction(mut call) => {
            let keys = call.params.order_by.into_iter().map(|key| with_time_of_day(key, columns));
            call.params.order_by = keys.collect::<DfResult<_>>()?;
            Expr::WindowFunction(call)
        }
        other => return Ok(Transformed::no(other)),
    }))
}

fn is_arithmetic(op: Operator) -> bool {
    matches!(op, Operator::Plus | Operator::Minus | Operator::Multiply | Operator::Divide)
}

/// Rewrites a sum, difference, product or quotient. Integers are computed as decimals, and decimals whose result could need more than 38
/// digits as decimals of 76. The result is cast back, which fails if it does not fit.
fn arithmetic(operation: BinaryExpr, columns: &DFSchema) -> DfResult<Transformed<Expr>> {
    let BinaryExpr { left, op, right } = operation;
    let (of_left, of_right) = (left.get_type(columns)?, right.get_type(columns)?);
    if matches!(op, Operator::Plus | Operator::Minus) && (is_time(&of_left) || is_time(&of_right)) {
        return plan_err!("write the DateTime beside {op} as a timestamp: `updated_at::timestamp`");
    }
    let kind = BinaryTypeCoercer::new(&of_left, &op, &of_right).get_result_type()?;
    let exact = match (&kind, &of_left, &of_right) {
        (
            DataType::Decimal128(DECIMAL128_MAX_PRECISION, _),
            DataType::Decimal128(_, left_scale),
            DataType::Decimal128(_, right_scale),
        ) => {
            let wide = |scale: &i8| DataType::Decimal256(DECIMAL256_MAX_PRECISION, *scale);
            let (left, right) =
                (cast_exact(*left, wide(left_scale), columns)?, cast_exact(*right, wide(right_scale), columns)?);
            binary_expr(left, op, right)
        }
        // The query engine checks quotients of integers itself.
        (kind, _, _) if kind.is_integer() && op != Operator::Divide => {
            binary_expr(in_digits(*left, &of_left, columns)?, op, in_digits(*right, &of_right, columns)?)
        }
        _ => return Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right }))),
    };
    Ok(Transformed::yes(cast_exact(exact, kind, columns)?))
}

/// Returns the negative of an integer as zero minus the integer, under the name of what was written: the query engine cannot negate a
/// decimal that is NULL.
fn negative(operand: Expr, kind: DataType, columns: &DFSchema) -> DfResult<Expr> {
    let name = Expr::Negative(Box::new(operand.clone())).schema_name().to_string();
    let difference =
        binary_expr(lit(ScalarValue::new_zero(&digits(&kind))?), Operator::Minus, in_digits(operand, &kind, columns)?);
    cast_exact(difference.alias(name), kind, columns)
}

/// Returns an integer as a decimal. What was computed with decimals and then cast is taken as it was before the cast, so that a chain of
/// operators does not become deeper.
fn in_digits(operand: Expr, kind: &DataType, columns: &DFSchema) -> DfResult<Expr> {
    match operand {
        Expr::Cast(Cast { expr, .. })
            if matches!(expr.as_ref(), Expr::BinaryExpr(_) | Expr::Alias(_))
                && matches!(expr.get_type(columns)?, DataType::Decimal128(_, 0)) =>
        {
            Ok(*expr)
        }
        operand => cast_exact(operand, digits(kind), columns),
    }
}

/// The number of CASE and functions in an expression up to which a cast asks it for its NULLs.
const ASKED_FOR_NULLS: usize = 3;

/// Casts an expression. The query engine asks a cast in two ways whether it may be NULL, each of which goes through all that is cast: CASE
/// inside CASE would take twice as long for every cast on the way. A cast to a field of its own has the answer. It does not follow the
/// optimizer, which may find later that the expression is never NULL, so that only deep expressions get it.
fn cast_exact(expression: Expr, kind: DataType, columns: &DFSchema) -> DfResult<Expr> {
    let mut asked = 0;
    expression.apply(|part| {
        asked += usize::from(matches!(part, Expr::Case(_) | Expr::ScalarFunction(_)));
        Ok(if asked > ASKED_FOR_NULLS { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    if asked <= ASKED_FOR_NULLS {
        return Ok(cast(expression, kind));
    }
    let field = Field::new("exact", kind, expression.nullable(columns)?);
    Ok(Expr::Cast(Cast::new_from_field(Box::new(expression), Arc::new(field))))
}

/// Returns the decimal type that holds every integer of a type.
fn digits(kind: &DataType) -> DataType {
    DataType::Decimal128(if *kind == DataType::UInt64 { 20 } else { 19 }, 0)
}

/// Makes a day of a timestamp where a function makes one of a `DateTime`, and computes parts of a difference of times.
fn function(mut call: ScalarFunction, columns: &DFSchema) -> DfResult<Transformed<Expr>> {
    if let Some(part) = part_of_difference(&call, columns)? {
        return Ok(Transformed::yes(part));
    }
    let times = call.args.iter().map(|argument| Ok(is_time(&argument.get_type(columns)?)));
    let times = times.collect::<DfResult<Vec<bool>>>()?;
    if !times.contains(&true) {
        return Ok(Transformed::no(Expr::ScalarFunction(call)));
    }
    let whole = Expr::ScalarFunction(call.clone());
    if whole.get_type(columns)? != DataType::Date32 {
        return Ok(Transformed::no(whole));
    }
    let arguments = call.args.into_iter().zip(times);
    call.args =
        arguments.map(|(argument, is_time)| if is_time { cast(argument, TIMESTAMP) } else { argument }).collect();
    Ok(Transformed::yes(Expr::ScalarFunction(call)))
}

fn is_day(field: &Field) -> bool {
    *field.data_type() == DataType::Date32
}

/// All windows of a query with equal keys are computed together, so that every key is cast, whatever its frame.
fn with_time_of_day(key: Sort, columns: &DFSchema) -> DfResult<Sort> {
    let expr = if is_time(&key.expr.get_type(columns)?) { cast(key.expr, TIMESTAMP) } else { key.expr };
    Ok(Sort { expr, ..key })
}

fn is_interval(kind: &DataType) -> bool {
    matches!(kind, DataType::Interval(_))
}

/// Operands that are compared, of equal types. Those of an interval are given in hours.
fn compared<const N: usize>(operands: [Expr; N], columns: &DFSchema) -> DfResult<[Expr; N]> {
    if !is_interval(&operands[0].get_type(columns)?) {
        return Ok(operands);
    }
    let mut failed = Ok(());
    let operands = operands.map(|operand| match in_hours(operand, columns) {
        Ok(operand) => operand,
        Err(error) => {
            failed = Err(error);
            lit(ScalarValue::Null)
        }
    });
    failed.map(|()| operands)
}

/// An interval without months and days, which the query engine compares before the hours: it takes 8 days for less than 24 hours. The
/// difference of two times has neither, and between times a day has 24 hours.
fn in_hours(operand: Expr, columns: &DFSchema) -> DfResult<Expr> {
    match &operand {
        Expr::Cast(Cast { expr, .. }) if matches!(expr.get_type(columns)?, DataType::Duration(_)) => Ok(operand),
        Expr::Literal(ScalarValue::IntervalMonthDayNano(None), _) => Ok(operand),
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(span)), metadata) if span.months == 0 => {
            let days = i64::from(span.days).checked_mul(DAY_NANOSECONDS);
            let Some(nanoseconds) = days.and_then(|days| days.checked_add(span.nanoseconds)) else {
                return plan_err!("an interval of more than 292 years cannot be compared");
            };
            let span = IntervalMonthDayNano::new(0, 0, nanoseconds);
            Ok(Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(span)), metadata.clone()))
        }
        _ => plan_err!(
            "an interval can be compared as the difference of two times, with one without months: `at - since > interval '30 days'`; else \
             compare times, `at > since + interval '1 month'`"
        ),
    }
}
