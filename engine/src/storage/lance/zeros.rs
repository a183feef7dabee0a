//! Expressions over floats in which both zeros are one number, as IEEE 754 and SQL have it (decision 0011).
//!
//! Arrow compares the bits of floats, so that -0.0 is less than 0.0. Adding 0.0 leaves every value as it is but -0.0, which becomes 0.0.
//! Lance does the like with a literal zero in its own filters; here any two expressions can meet, also outside of filters.

use arrow_schema::DataType;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::expr::{Between, Case, Cast, InList, Sort};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator, binary_expr, lit};
use datafusion::scalar::ScalarValue;

/// Rewrites what an expression compares, at any depth; the types of both sides agree already. The result has the type of the expression, but
/// its name may be another one.
///
/// # Errors
/// That of an expression which has no type.
pub(crate) fn compare_zeros_as_one(expression: Expr, columns: &DFSchema) -> DfResult<Transformed<Expr>> {
    expression.transform_up(|part| compared(part, columns))
}

/// Returns an expression whose value is never -0.0, and otherwise that of the given one. What is no float stays as it is.
///
/// # Errors
/// That of an expression which has no type.
pub(crate) fn with_one_zero(expression: Expr, columns: &DFSchema) -> DfResult<Expr> {
    let zero = match expression.get_type(columns)? {
        kind @ (DataType::Float16 | DataType::Float32 | DataType::Float64) => ScalarValue::new_zero(&kind)?,
        _ => return Ok(expression),
    };
    Ok(match &expression {
        Expr::Literal(value, _) if is_zero(value) => lit(zero),
        Expr::Literal(..) => expression,
        _ => binary_expr(expression, Operator::Plus, lit(zero)),
    })
}

/// Returns a key of an order by which the two zeros are peers.
///
/// # Errors
/// That of an expression which has no type.
pub(crate) fn sorted_with_one_zero(sort: Sort, columns: &DFSchema) -> DfResult<Sort> {
    Ok(Sort { expr: with_one_zero(sort.expr, columns)?, ..sort })
}

fn compared(part: Expr, columns: &DFSchema) -> DfResult<Transformed<Expr>> {
    let one = |operand: Box<Expr>| with_one_zero(*operand, columns).map(Box::new);
    let each = |operands: Vec<Expr>| -> DfResult<Vec<Expr>> {
        operands.into_iter().map(|operand| with_one_zero(operand, columns)).collect()
    };
    let order = |sorts: Vec<Sort>| -> DfResult<Vec<Sort>> {
        sorts.into_iter().map(|sort| sorted_with_one_zero(sort, columns)).collect()
    };
    Ok(Transformed::yes(match part {
        Expr::BinaryExpr(BinaryExpr { left, op, right })
            if is_comparison(op) && !is_other_number(&left) && !is_other_number(&right) =>
        {
            Expr::BinaryExpr(BinaryExpr { left: one(left)?, op, right: one(right)? })
        }
        Expr::Between(Between { expr, negated, low, high }) if !is_other_number(&low) || !is_other_number(&high) => {
            Expr::Between(Between { expr: one(expr)?, negated, low: one(low)?, high: one(high)? })
        }
        Expr::InList(InList { expr, list, negated }) if !list.iter().all(is_other_number) => {
            Expr::InList(InList { expr: one(expr)?, list: each(list)?, negated })
        }
        Expr::Case(Case { expr: Some(expr), when_then_expr, else_expr }) => {
            let when_then_expr = when_then_expr.into_iter().map(|(when, then)| Ok((one(when)?, then)));
            let when_then_expr = when_then_expr.collect::<DfResult<_>>()?;
            Expr::Case(Case { expr: Some(one(expr)?), when_then_expr, else_expr })
        }
        Expr::AggregateFunction(mut call) if call.params.distinct => {
            call.params.args = each(call.params.args)?;
            call.params.order_by = order(call.params.order_by)?;
            Expr::AggregateFunction(call)
        }
        Expr::WindowFunction(mut call) => {
            call.params.partition_by = each(call.params.partition_by)?;
            call.params.order_by = order(call.params.order_by)?;
            if call.params.distinct {
                call.params.args = each(call.params.args)?;
            }
            Expr::WindowFunction(call)
        }
        other => return Ok(Transformed::no(other)),
    }))
}

pub(super) fn is_comparison(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

/// Returns whether it is a number other than zero: then the sign of a zero on the other side means nothing.
fn is_other_number(operand: &Expr) -> bool {
    match operand {
        Expr::Literal(value, _) => value.data_type().is_numeric() && !value.is_null() && !is_zero(value),
        Expr::Cast(Cast { expr, .. }) => is_other_number(expr),
        _ => false,
    }
}

fn is_zero(value: &ScalarValue) -> bool {
    match value {
        ScalarValue::Float16(Some(number)) => number.to_f32() == 0.0,
        ScalarValue::Float32(Some(number)) => *number == 0.0,
        ScalarValue::Float64(Some(number)) => *number == 0.0,
        other => ScalarValue::new_zero(&other.data_type()).is_ok_and(|zero| zero == *other),
    }
}
