//! A table as a source of SQL queries.

use std::sync::Arc;

use arrow_schema::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::datasource::{TableProvider, TableType};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use lance_core::datatypes::BlobHandling;

use super::Table;
use super::chains::balanced;

/// Reads what a query needs of a table, as [`Table::scanner`] does.
#[derive(Debug)]
struct Source {
    table: Table,
    schema: SchemaRef,
}

impl Table {
    /// The table for a query engine: projection, filter and limit are evaluated inside the scan; blobs appear as references
    /// and sizes.
    pub(crate) fn provider(&self) -> Arc<dyn TableProvider> {
        let described = self.dataset().full_projection().with_blob_handling(BlobHandling::BlobsDescriptions);
        let schema = Arc::new(Schema::from(&described.to_bare_schema()));
        Arc::new(Source { table: self.clone(), schema })
    }
}

#[async_trait]
impl TableProvider for Source {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
        let scanner = self.table.scanner(None).await;
        let mut scanner = scanner.map_err(|cause| DataFusionError::External(Box::new(cause)))?;
        scanner.blob_handling(BlobHandling::BlobsDescriptions);
        if let Some(columns) = projection {
            let columns: Vec<&str> = columns.iter().map(|&column| self.schema.field(column).name().as_str()).collect();
            scanner.project(&columns)?;
        }
        if let Some(filter) = balanced(filters.to_vec(), Expr::and) {
            scanner.filter_expr(filter);
        }
        scanner.limit(limit.and_then(|rows| i64::try_from(rows).ok()), None)?;
        scanner.scan_in_order(false);
        Ok(scanner.create_plan().await?)
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> datafusion::error::Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Exact; filters.len()])
    }
}
