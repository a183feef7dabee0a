//! Queries in which both zeros of a float are one number (decision 0011): compared, ordered, grouped and joined as one.
//!
//! The plan is rewritten once the query engine has optimized it. By then subqueries and set operations are joins, and `distinct` is a
//! group, so that few kinds of nodes are left that bring rows together by value.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, Projection};

use super::columns::columns_of;
use crate::storage::{compare_zeros_as_one, sorted_with_one_zero, with_one_zero};

/// Rewrites an optimized plan.
///
/// # Errors
/// That of an expression which has no type.
pub(super) fn take_zeros_as_one(plan: LogicalPlan) -> DfResult<LogicalPlan> {
    plan.transform_up(|node| Ok(Transformed::yes(rewritten(node)?))).map(|done| done.data)
}

fn rewritten(node: LogicalPlan) -> DfResult<LogicalPlan> {
    let columns = columns_of(&node)?;
    let names = NamePreserver::new(&node);
    let compared = node.map_expressions(|expression| {
        if matches!(expression, Expr::GroupingSet(_)) {
            return Ok(Transformed::no(expression));
        }
        let name = names.save(&expression);
        Ok(compare_zeros_as_one(expression, &columns)?.update_data(|expression| name.restore(expression)))
    })?;
    match compared.data {
        LogicalPlan::Aggregate(aggregate) => with_one_group(aggregate),
        LogicalPlan::Join(mut join) => {
            let on = join.on.into_iter().map(|(left, right)| {
                Ok((with_one_zero(left, join.left.schema())?, with_one_zero(right, join.right.schema())?))
            });
            join.on = on.collect::<DfResult<_>>()?;
            Ok(LogicalPlan::Join(join))
        }
        LogicalPlan::Sort(mut sort) => {
            let keys = sort.expr.into_iter().map(|key| sorted_with_one_zero(key, &columns));
            sort.expr = keys.collect::<DfResult<_>>()?;
            Ok(LogicalPlan::Sort(sort))
        }
        other => Ok(other),
    }
}

/// Gives the columns of the keys one zero before the rows are grouped.
fn with_one_group(mut aggregate: Aggregate) -> DfResult<LogicalPlan> {
    let keys: HashSet<&Column> = aggregate.group_expr.iter().flat_map(Expr::column_refs).collect();
    let input = &aggregate.input;
    let is_key = |column: &Column| keys.contains(column);
    if !input.schema().iter().any(|(of, field)| field.data_type().is_floating() && is_key(&Column::from((of, field)))) {
        return Ok(LogicalPlan::Aggregate(aggregate));
    }
    let names = NamePreserver::new_for_projection();
    let columns = input.schema().columns().into_iter().map(|column| {
        let expression = Expr::Column(column.clone());
        if !is_key(&column) {
            return Ok(expression);
        }
        let name = names.save(&expression);
        Ok(name.restore(with_one_zero(expression, input.schema())?))
    });
    let columns = columns.collect::<DfResult<_>>()?;
    aggregate.input = Arc::new(LogicalPlan::Projection(Projection::try_new(columns, input.clone())?));
    Ok(LogicalPlan::Aggregate(aggregate))
}
