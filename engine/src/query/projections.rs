//! Equal computations one on the other, as in `select n + 1 as n from (select n + 1 as n from …)`.
//!
//! The query engine takes two projections of equal expressions for one and computes them once (`optimize_projections` of DataFusion 54,
//! apache/datafusion#24686). Before it gets to that, the outer one is made to look different.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::Alias;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection};
use datafusion::optimizer::{ApplyOrder, Optimizer, OptimizerConfig, OptimizerRule};

/// The rule of the query engine that takes equal projections for one.
const MERGES: &str = "optimize_projections";

/// Returns the rules of the query engine, and before the one that would take equal projections for one another that tells them apart.
pub(super) fn optimizer_rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let rules = Optimizer::new().rules.into_iter().flat_map(|rule| {
        let before = (rule.name() == MERGES).then(|| Arc::new(TellApart) as _);
        before.into_iter().chain([rule])
    });
    rules.collect()
}

/// Gives the named expressions of a projection their names twice if it stands on an equal one.
#[derive(Debug)]
struct TellApart;

impl OptimizerRule for TellApart {
    fn name(&self) -> &'static str {
        "tell_equal_projections_apart"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        // A projection is compared with what the one below it has become.
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>, DataFusionError> {
        match plan {
            LogicalPlan::Projection(outer) if stands_on_equal(&outer) => {
                let Projection { expr, input, schema, .. } = outer;
                let expr = expr.into_iter().map(named_twice).collect();
                Ok(Transformed::yes(LogicalPlan::Projection(Projection::try_new_with_schema(expr, input, schema)?)))
            }
            plan => Ok(Transformed::no(plan)),
        }
    }
}

/// Without a name of its own an expression has the same value however often it is computed from columns that stay as they are.
fn stands_on_equal(outer: &Projection) -> bool {
    let LogicalPlan::Projection(inner) = outer.input.as_ref() else { return false };
    outer.expr == inner.expr && outer.expr.iter().any(|expression| matches!(expression, Expr::Alias(_)))
}

fn named_twice(expression: Expr) -> Expr {
    match &expression {
        Expr::Alias(Alias { relation, name, metadata, .. }) => {
            let (relation, name, metadata) = (relation.clone(), name.clone(), metadata.clone());
            Expr::Alias(Alias { expr: Box::new(expression), relation, name, metadata })
        }
        _ => expression,
    }
}
