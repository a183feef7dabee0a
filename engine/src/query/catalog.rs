//! The tables of a snapshot as the query engine sees them.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, SchemaProvider};
use datafusion::datasource::TableProvider;
use datafusion::error::DataFusionError;
use tokio::sync::OnceCell;

use crate::history::Snapshot;
use crate::id::{TableKey, TableKind};
use crate::manifest::TableEntry;
use crate::storage::{Storage, Table};

/// Name of the catalog.
pub(super) const CATALOG: &str = "graph";
/// Schema in which every unambiguous type is found.
pub(super) const BOTH: &str = "types";

/// A snapshot's tables, each opened when it is first named.
#[derive(Debug)]
pub(super) struct GraphCatalog {
    schemas: BTreeMap<&'static str, Arc<GraphSchema>>,
    tables: Vec<Arc<GraphTable>>,
}

impl GraphCatalog {
    pub(super) fn new(storage: &Storage, snapshot: &Snapshot) -> Self {
        let tables: Vec<Arc<GraphTable>> =
            snapshot.entries.values().map(|entry| Arc::new(GraphTable::new(storage, entry))).collect();
        let of = |kind: Option<TableKind>| {
            let wanted = tables.iter().filter(|table| kind.is_none_or(|kind| kind == table.entry.key.kind));
            let mut by_name: BTreeMap<String, Vec<Arc<GraphTable>>> = BTreeMap::new();
            for table in wanted {
                by_name.entry(table.entry.key.name.to_string()).or_default().push(table.clone());
            }
            Arc::new(GraphSchema { by_name })
        };
        let schemas = [
            (BOTH, of(None)),
            (TableKind::Node.as_str(), of(Some(TableKind::Node))),
            (TableKind::Edge.as_str(), of(Some(TableKind::Edge))),
        ];
        Self { schemas: schemas.into(), tables }
    }

    /// The tables that the query named so far.
    pub(super) fn opened(&self) -> impl Iterator<Item = &Table> {
        self.tables.iter().filter_map(|table| table.opened.get()).map(|(table, _)| table)
    }
}

impl CatalogProvider for GraphCatalog {
    fn schema_names(&self) -> Vec<String> {
        self.schemas.keys().map(|&name| name.to_owned()).collect()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        self.schemas.get(name).map(|schema| schema.clone() as Arc<dyn SchemaProvider>)
    }
}

#[derive(Debug)]
struct GraphSchema {
    by_name: BTreeMap<String, Vec<Arc<GraphTable>>>,
}

#[async_trait]
impl SchemaProvider for GraphSchema {
    /// Names that need no schema before them.
    fn table_names(&self) -> Vec<String> {
        self.by_name.iter().filter(|(_, tables)| tables.len() == 1).map(|(name, _)| name.clone()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        match self.by_name.get(name).map(Vec::as_slice) {
            Some([only]) => only.provider().await.map(Some),
            Some(several) => {
                let keys: Vec<&TableKey> = several.iter().map(|table| &table.entry.key).collect();
                let choices: Vec<String> =
                    keys.iter().map(|key| format!("{}.\"{}\"", key.kind.as_str(), key.name)).collect();
                Err(DataFusionError::Plan(format!(
                    "`{name}` is a node and an edge type: write {}",
                    choices.join(" or ")
                )))
            }
            None => Ok(None),
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }
}

#[derive(Debug)]
struct GraphTable {
    storage: Storage,
    entry: TableEntry,
    opened: OnceCell<(Table, Arc<dyn TableProvider>)>,
}

impl GraphTable {
    fn new(storage: &Storage, entry: &TableEntry) -> Self {
        Self { storage: storage.clone(), entry: entry.clone(), opened: OnceCell::new() }
    }

    async fn provider(&self) -> Result<Arc<dyn TableProvider>, DataFusionError> {
        let open = || async {
            let table = self.entry.open(&self.storage).await;
            let opened = table.map(|table| (table.clone(), table.provider()));
            opened.map_err(|cause| DataFusionError::External(Box::new(cause)))
        };
        self.opened.get_or_try_init(open).await.map(|(_, provider)| provider.clone())
    }
}
