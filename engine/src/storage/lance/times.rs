//! What the query engine gets wrong of a `DateTime`, which is stored as `Date64`.
//!
//! The query engine (DataFusion 54, Arrow 58) takes a `Date64` for a day wherever it computes with it: a sum with an interval has no time
//! of day, a difference is in days, and the day of a time before 1970 is the next one. As a timestamp all of it is right.

use arrow_schema::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{Cast, TryCast};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator, WindowFrameBound, WindowFrameUnits};

const ARITHMETIC: &str = "+ and - of a DateTime cannot be used: the query engine leaves the time of day out; make it a timestamp, \
     `updated_at::timestamp + interval '1 hour'`";
const DAY: &str = "a DateTime cannot be cast to a date: the query engine takes the next day for times before 1970; make it a timestamp \
     first, `updated_at::timestamp::date`";
const RANGE: &str = "RANGE over a DateTime cannot be used: the query engine leaves the time of day out; order by a timestamp, \
     `order by updated_at::timestamp range …`";

/// Returns why an expression over these columns is refused, if it computes with a `DateTime`.
pub(crate) fn mistimed(expression: &Expr, columns: &DFSchema) -> Result<Option<&'static str>> {
    let is_time = |part: &Expr| part.get_type(columns).is_ok_and(|kind| kind == DataType::Date64);
    let mut found = None;
    expression.apply(|part| {
        found = match part {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Plus | Operator::Minus, right })
                if is_time(left) || is_time(right) =>
            {
                Some(ARITHMETIC)
            }
            Expr::Cast(Cast { expr, field }) | Expr::TryCast(TryCast { expr, field })
                if *field.data_type() == DataType::Date32 && is_time(expr) =>
            {
                Some(DAY)
            }
            Expr::WindowFunction(call) => {
                let (frame, order) = (&call.params.window_frame, &call.params.order_by);
                let is_range = frame.units == WindowFrameUnits::Range
                    && [&frame.start_bound, &frame.end_bound].into_iter().any(is_a_distance);
                (is_range && order.iter().any(|sort| is_time(&sort.expr))).then_some(RANGE)
            }
            _ => None,
        };
        Ok(if found.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

fn is_a_distance(bound: &WindowFrameBound) -> bool {
    match bound {
        WindowFrameBound::Preceding(distance) | WindowFrameBound::Following(distance) => !distance.is_null(),
        WindowFrameBound::CurrentRow => false,
    }
}
