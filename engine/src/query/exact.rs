//! Queries whose arithmetic on integers and times is right or an error (decision 0015).

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::config::ConfigOptions;
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::{AnalyzerRule, ApplyOrder, Optimizer, OptimizerConfig, OptimizerContext, OptimizerRule};

use super::columns::columns_of;
use crate::storage::with_exact_arithmetic;

/// Rewrites a plan whose operands have their types, before anything of it is computed.
#[derive(Debug)]
pub(super) struct ExactArithmetic;

impl AnalyzerRule for ExactArithmetic {
    fn name(&self) -> &'static str {
        "exact_arithmetic"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> DfResult<LogicalPlan> {
        // The optimizer's way through a plan takes less of the stack than that of plans themselves.
        let once = OptimizerContext::new().with_max_passes(1).with_skip_failing_rules(false);
        Optimizer::with_rules(vec![Arc::new(ExactNode)]).optimize(plan, &once, |_, _| {})
    }
}

#[derive(Debug)]
struct ExactNode;

impl OptimizerRule for ExactNode {
    fn name(&self) -> &'static str {
        "exact_arithmetic"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, node: LogicalPlan, _: &dyn OptimizerConfig) -> DfResult<Transformed<LogicalPlan>> {
        if !computes(&node)? {
            return Ok(Transformed::no(node));
        }
        rewritten(node)
    }
}

/// Returns whether the expressions of a node are more than columns and literals. Those of most nodes of a deep plan are not, and the stack
/// has little room left there.
fn computes(node: &LogicalPlan) -> DfResult<bool> {
    let mut found = false;
    node.apply_expressions(|expression| {
        found |= !is_simple(expression);
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

fn is_simple(expression: &Expr) -> bool {
    match expression {
        Expr::Column(_) | Expr::Literal(..) => true,
        Expr::Alias(alias) => is_simple(&alias.expr),
        _ => false,
    }
}

fn rewritten(node: LogicalPlan) -> DfResult<Transformed<LogicalPlan>> {
    let columns = columns_of(&node)?;
    let names = NamePreserver::new(&node);
    node.map_expressions(|expression| {
        if matches!(expression, Expr::GroupingSet(_)) {
            return with_exact_arithmetic(expression, &columns);
        }
        let name = names.save(&expression);
        let exact = with_exact_arithmetic(expression, &columns)?;
        Ok(exact.update_data(|expression| name.restore(expression)))
    })
}
