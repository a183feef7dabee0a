//! The columns that the expressions of a part of a plan are about.

use datafusion::common::DFSchema;
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::LogicalPlan;
use datafusion::logical_expr::utils::merge_schema;

/// Returns the columns that the expressions of a node are about: those of its inputs, and of a table all that it has.
///
/// # Errors
/// That of a table with two columns of one name.
pub(super) fn columns_of(node: &LogicalPlan) -> DfResult<DFSchema> {
    match node {
        LogicalPlan::TableScan(scan) => {
            DFSchema::try_from_qualified_schema(scan.table_name.clone(), &scan.source.schema())
        }
        node => Ok(merge_schema(&node.inputs())),
    }
}
