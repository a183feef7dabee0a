//! A table as a source of SQL queries.

use std::sync::Arc;

use datafusion::datasource::TableProvider;
use lance::datafusion::LanceTableProvider;
use lance_core::datatypes::BlobHandling;

use super::Table;

impl Table {
    /// The table for a query engine: projection, filter and limit are evaluated inside the scan; blobs appear as references
    /// and sizes.
    pub(crate) fn provider(&self) -> Arc<dyn TableProvider> {
        let provider = LanceTableProvider::new_with_ordering(self.dataset().clone(), false, false, false);
        Arc::new(provider.with_blob_handling(BlobHandling::BlobsDescriptions))
    }
}
