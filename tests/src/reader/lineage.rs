//! What a branch shows: its lineage of `__manifest`, folded, and its commits.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{Row, branch_reference, open, rows, string};

/// A branch, from its own lineages of `__manifest` and of the commits (§8.2).
#[derive(Debug, Clone)]
pub struct BranchFiles {
    /// The reference in `__manifest`; none for main.
    pub reference: Option<Value>,
    /// Lance version of `__manifest` on the branch.
    pub version: u64,
    /// Internal schema stamp of the lineage; 1 if there is none (§4.5).
    pub stamp: u32,
    /// All rows of `__manifest` that the branch sees.
    pub manifest: Vec<Row>,
    /// What they say (§4.4), by table key.
    pub tables: BTreeMap<String, Pinned>,
    /// The commits it sees, ascending by (version, time, id): the last one is its head (§9).
    pub commits: Vec<Row>,
}

/// A table as a branch shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Pinned {
    /// Folder under the root.
    pub path: String,
    /// Version.
    pub version: u64,
    /// Branch of the table's dataset that holds the version; none for its main lineage.
    pub lineage: Option<String>,
    /// Rows.
    pub rows: u64,
    /// The `metadata` of the row, keys in the order they are written (§4.3).
    pub metadata: Value,
}

impl BranchFiles {
    /// The newest commit of the branch.
    ///
    /// # Errors
    /// If there is none.
    pub fn head(&self) -> Result<&Row> {
        self.commits.last().context("a branch has commits")
    }
}

pub(super) async fn read(root: &Path, branch: Option<&str>) -> Result<BranchFiles> {
    let dataset = open(&root.join("__manifest"), branch).await?;
    let manifest = rows::read(&dataset).await?;
    let stamp = dataset.schema().metadata.get("omnigraph:internal_schema_version");
    let mut commits = rows::read(&open(&root.join("_graph_commits.lance"), branch).await?).await?;
    let number = |row: &Row, column: &str| row[column].as_u64().unwrap_or_default();
    commits.sort_by_key(|row| {
        (number(row, "manifest_version"), number(row, "created_at"), string(row, "graph_commit_id"))
    });
    Ok(BranchFiles {
        reference: branch.map(|name| branch_reference(&root.join("__manifest"), name)).transpose()?,
        version: dataset.version().version,
        stamp: stamp.and_then(|text| text.parse().ok()).unwrap_or(1),
        tables: fold(&manifest)?,
        manifest,
        commits,
    })
}

/// §4.4, steps 2 to 4.
fn fold(manifest: &[Row]) -> Result<BTreeMap<String, Pinned>> {
    let mut paths = BTreeMap::new();
    let mut newest: BTreeMap<String, Pinned> = BTreeMap::new();
    let mut hidden: BTreeMap<String, u64> = BTreeMap::new();
    for row in manifest {
        let key = string(row, "table_key");
        let version = row["table_version"].as_u64();
        match row["object_type"].as_str().unwrap_or_default() {
            "table" => drop(paths.insert(key, row["location"].as_str().context("a table has a location")?.to_owned())),
            "table_version" => {
                let table = Pinned {
                    path: String::new(),
                    version: version.context("a version row has a version")?,
                    lineage: row["table_branch"].as_str().map(str::to_owned),
                    rows: row["row_count"].as_u64().context("a version row has a row count")?,
                    metadata: serde_json::from_str(row["metadata"].as_str().context("a version row has metadata")?)?,
                };
                if newest.get(&key).is_none_or(|known| known.version < table.version) {
                    newest.insert(key, table);
                }
            }
            "table_tombstone" => {
                let version = version.context("a tombstone has a version")?;
                let greatest = hidden.entry(key).or_default();
                *greatest = version.max(*greatest);
            }
            other => bail!("an object of type {other}"),
        }
    }
    for (key, table) in &mut newest {
        table.path.clone_from(paths.get(key).with_context(|| format!("{key} is not registered"))?);
    }
    newest.retain(|key, table| hidden.get(key).is_none_or(|&version| version < table.version));
    ensure!(!newest.is_empty(), "a graph has tables");
    Ok(newest)
}
