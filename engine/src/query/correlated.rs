//! Tests of a query that names columns of the outer one, which the query engine gets wrong.
//!
//! The query engine (DataFusion 54) makes a join of such a test, on what the inner query compares with the outer one. NOT IN is then told
//! NULL from the wrong column. An aggregate without GROUP BY is computed for each of the compared values, and not where there is none,
//! although it has a row for no rows, too.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::{Exists, InSubquery};
use datafusion::logical_expr::{Expr, LogicalPlan};

use super::unsupported::Unsupported;

/// Finds the first such test of a plan.
pub(super) fn in_plan(plan: &LogicalPlan) -> Result<Option<Unsupported>, DataFusionError> {
    let mut found = None;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expression| {
            look(expression, &mut found)?;
            Ok(if found.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        })
    })?;
    Ok(found)
}

fn look(expression: &Expr, found: &mut Option<Unsupported>) -> Result<(), DataFusionError> {
    let mut is_negated = false;
    expression.apply(|part| {
        let (query, is_not_in) = match part {
            Expr::InSubquery(InSubquery { subquery, negated, .. }) => (subquery, *negated != is_negated),
            Expr::Exists(Exists { subquery, .. }) => (subquery, false),
            part => {
                is_negated = matches!(part, Expr::Not(_));
                return Ok(TreeNodeRecursion::Continue);
            }
        };
        is_negated = false;
        if is_not_in && !query.outer_ref_columns.is_empty() {
            *found = Some(Unsupported::CorrelatedMembership);
        } else if aggregates_for_each(&query.subquery)? {
            *found = Some(Unsupported::CorrelatedAggregate);
        }
        Ok(if found.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(())
}

/// Returns whether a query has an aggregate without GROUP BY over rows that depend on the row of the outer query.
fn aggregates_for_each(query: &LogicalPlan) -> Result<bool, DataFusionError> {
    let mut found = false;
    query.apply(|node| {
        if let LogicalPlan::Aggregate(aggregate) = node
            && aggregate.group_expr.is_empty()
        {
            found |= names_outer_columns(node)?;
        }
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

fn names_outer_columns(plan: &LogicalPlan) -> Result<bool, DataFusionError> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expression| {
            found |= expression.exists(|part| Ok(matches!(part, Expr::OuterReferenceColumn(..))))?;
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok(found)
}
