//! Tests of membership in another query, `x in (select y …)`, whose NULL the query engine forgets.
//!
//! Whether `x` is among rows of which one is NULL is unknown unless an equal one is found. The query engine (DataFusion 54) makes a join of
//! the test, which knows that for NOT IN as a term of a condition, and even then not if another condition on `x`, which it moves to those rows
//! as well, removes the NULL first. Elsewhere unknown is taken for false, which is the same only where nothing turns it round.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::InSubquery;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, LogicalPlan, Operator};

use super::columns::columns_of;

/// The surroundings of a test in a plan, which say what becomes of an unknown answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Surroundings {
    /// The test is the one condition of the query.
    Alone,
    /// AND connects the test with others.
    Term,
    /// Unknown is as good as false.
    Or,
    /// Unknown may be turned round or compared.
    Elsewhere,
}

/// Finds out whether a plan has a test whose NULL would be forgotten.
pub(super) fn are_forgotten(plan: &LogicalPlan) -> Result<bool, DataFusionError> {
    let mut found = false;
    let conditions = conditions(plan)?;
    plan.apply_with_subqueries(|node| {
        let around = match node {
            LogicalPlan::Filter(_) if matches!(conditions.as_slice(), [one] if std::ptr::eq(*one, node)) => {
                Surroundings::Alone
            }
            LogicalPlan::Filter(_) => Surroundings::Term,
            _ => Surroundings::Elsewhere,
        };
        let schema = columns_of(node)?;
        node.apply_expressions(|expression| {
            found |= forgets(expression, around, &schema)?;
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok(found)
}

/// The parts of a plan that have a condition, without those of the queries in its expressions.
fn conditions(plan: &LogicalPlan) -> Result<Vec<&LogicalPlan>, DataFusionError> {
    let mut found = Vec::new();
    plan.apply(|node| {
        let has_one = match node {
            LogicalPlan::Filter(_) => true,
            LogicalPlan::Join(join) => join.filter.is_some(),
            _ => false,
        };
        found.extend(has_one.then_some(node));
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

fn forgets(expression: &Expr, around: Surroundings, schema: &DFSchema) -> Result<bool, DataFusionError> {
    match expression {
        Expr::InSubquery(test) => Ok(is_forgetful(test, test.negated, around, schema)),
        Expr::Not(inner) => match inner.as_ref() {
            Expr::InSubquery(test) => Ok(is_forgetful(test, !test.negated, around, schema)),
            inner => forgets(inner, Surroundings::Elsewhere, schema),
        },
        Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::And | Operator::Or), right }) => {
            let around = match (around, op) {
                (Surroundings::Alone | Surroundings::Term, Operator::Or) => Surroundings::Or,
                (Surroundings::Alone, _) => Surroundings::Term,
                (around, _) => around,
            };
            Ok(forgets(left, around, schema)? || forgets(right, around, schema)?)
        }
        other => {
            let mut found = false;
            other.apply_children(|child| {
                found |= forgets(child, Surroundings::Elsewhere, schema)?;
                Ok(TreeNodeRecursion::Continue)
            })?;
            Ok(found)
        }
    }
}

fn is_forgetful(test: &InSubquery, is_negated: bool, around: Surroundings, schema: &DFSchema) -> bool {
    let rows_may_be_null = may_be_null(&test.subquery.subquery);
    let may_be_null = test.expr.nullable(schema).unwrap_or(true);
    // A test without a column of its own is a condition on the rows that are joined, where NULL is as good as false.
    let has_column = !test.expr.column_refs().is_empty();
    let is_answered = match (is_negated, around) {
        (false, Surroundings::Alone | Surroundings::Term | Surroundings::Or) => true,
        (true, Surroundings::Alone) => has_column || !(rows_may_be_null || may_be_null),
        (true, Surroundings::Term) => !rows_may_be_null && (has_column || !may_be_null),
        (_, Surroundings::Or | Surroundings::Elsewhere) => !(rows_may_be_null || may_be_null),
    };
    !is_answered
}

/// Returns whether the one column of a query may be NULL. It may not if a condition leaves NULL out.
fn may_be_null(query: &LogicalPlan) -> bool {
    query.schema().fields().first().is_none_or(|field| field.is_nullable()) && !leaves_null_out(query)
}

fn leaves_null_out(query: &LogicalPlan) -> bool {
    match query {
        LogicalPlan::Distinct(distinct) => leaves_null_out(distinct.input()),
        LogicalPlan::Limit(limit) => leaves_null_out(&limit.input),
        LogicalPlan::Sort(sort) => leaves_null_out(&sort.input),
        LogicalPlan::Projection(projection) => {
            let [expression] = projection.expr.as_slice() else { return false };
            let (Expr::Column(column), LogicalPlan::Filter(filter)) =
                (expression.clone().unalias(), projection.input.as_ref())
            else {
                return false;
            };
            let mut open = vec![&filter.predicate];
            while let Some(term) = open.pop() {
                match term {
                    Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                        open.extend([left.as_ref(), right.as_ref()]);
                    }
                    term if is_false_for_null(term, &column) => return true,
                    _ => {}
                }
            }
            false
        }
        _ => false,
    }
}

fn is_false_for_null(term: &Expr, column: &Column) -> bool {
    let is_it = |part: &Expr| matches!(part, Expr::Column(named) if named == column);
    match term {
        Expr::IsNotNull(part) => is_it(part),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            use Operator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
            matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq) && (is_it(left) || is_it(right))
        }
        _ => false,
    }
}
