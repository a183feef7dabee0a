//! A second, independent reader of the format.
//!
//! It knows the format from its description only (the chapter numbers below are those of `graph-format.md`) and shares no code
//! with the engine: what we write is read back by someone who cannot share our mistakes. It is slow, reads everything and
//! knows no history before the newest version.
//!
//! | file | answers |
//! |---|---|
//! | `mod` | which objects a graph has, and what is in the small ones |
//! | `lineage` | what a branch shows: the fold of `__manifest`, the commits |
//! | `rows` | the rows of a dataset, as the reference exports them |
//! | `object` | what a dataset is made of: columns, settings, versions |
//! | `rules` | which rules of the format a graph breaks |

mod lineage;
mod object;
mod rows;
mod rules;

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use lance::Dataset;
use serde_json::{Map, Value};

pub use lineage::{BranchFiles, Pinned};
pub use object::{describe, operations};
pub use rules::{Rule, broken_rules};

/// One row: columns in storage order.
pub type Row = Map<String, Value>;

/// A graph as its files say (§1).
#[derive(Debug, Clone)]
pub struct GraphFiles {
    /// Where it is.
    pub root: PathBuf,
    /// `_schema.pg`.
    pub source: String,
    /// `_schema.ir.json`, keys in the order of the file.
    pub ir: Value,
    /// `__schema_state.json`, keys in the order of the file.
    pub state: Value,
    /// Main and every branch of `__manifest`, by name.
    pub branches: BTreeMap<String, BranchFiles>,
    /// Commit → actor; the last row of a commit wins (§9).
    pub actors: BTreeMap<String, String>,
    /// Audit rows as stored (§11); empty if there is no such dataset.
    pub audit: Vec<Row>,
    /// Sidecars: file name → text (§10.1).
    pub sidecars: BTreeMap<String, String>,
}

impl GraphFiles {
    /// Reads a graph.
    ///
    /// # Errors
    /// If something of it cannot be read, or breaks a rule that reading depends on.
    pub async fn read(root: &Path) -> Result<Self> {
        let text = |name: &str| fs::read_to_string(root.join(name)).with_context(|| name.to_owned());
        let mut branches = BTreeMap::new();
        branches.insert("main".to_owned(), lineage::read(root, None).await?);
        for name in branch_names(&root.join("__manifest"))? {
            let branch = lineage::read(root, Some(&name)).await.with_context(|| name.clone())?;
            branches.insert(name, branch);
        }
        let actors = rows::read(&open(&root.join("_graph_commit_actors.lance"), None).await?).await?;
        let audit = root.join("_graph_commit_recoveries.lance");
        let audit = if audit.is_dir() { rows::read(&open(&audit, None).await?).await? } else { Vec::new() };
        Ok(Self {
            root: root.to_owned(),
            source: text("_schema.pg")?,
            ir: serde_json::from_str(&text("_schema.ir.json")?)?,
            state: serde_json::from_str(&text("__schema_state.json")?)?,
            branches,
            actors: actors.iter().map(|row| (string(row, "graph_commit_id"), string(row, "actor_id"))).collect(),
            audit,
            sidecars: sidecars(root)?,
        })
    }

    /// A branch.
    ///
    /// # Errors
    /// If there is none of this name.
    pub fn branch(&self, name: &str) -> Result<&BranchFiles> {
        self.branches.get(name).with_context(|| format!("no branch {name}"))
    }

    /// Opens a table as a branch shows it: by its pin, never by its head (§8.4).
    ///
    /// # Errors
    /// If it cannot be opened.
    pub async fn open(&self, table: &Pinned) -> Result<Dataset> {
        let dataset = open(&self.root.join(&table.path), table.lineage.as_deref()).await?;
        dataset.checkout_version(table.version).await.with_context(|| format!("{} at {}", table.path, table.version))
    }

    /// The rows of a table on a branch, ordered by id.
    ///
    /// # Errors
    /// If the branch has no such table, or it cannot be read.
    pub async fn rows(&self, branch: &str, key: &str) -> Result<Vec<Row>> {
        let branch = self.branch(branch)?;
        let table = branch.tables.get(key).with_context(|| format!("no table {key}"))?;
        let mut rows = rows::read(&self.open(table).await?).await?;
        rows.sort_by_key(|row| string(row, "id"));
        Ok(rows)
    }

    /// Every row of a branch as the reference exports it (§13): tables in key order, rows by id.
    ///
    /// # Errors
    /// If something cannot be read.
    pub async fn export(&self, branch: &str) -> Result<Vec<Value>> {
        let mut records = Vec::new();
        for key in self.branch(branch)?.tables.keys() {
            let (kind, name) = key.split_once(':').context("keys have a colon")?;
            for row in self.rows(branch, key).await? {
                records.push(rows::record(kind, name, row));
            }
        }
        Ok(records)
    }

    /// The ids of a table on a branch, in order.
    ///
    /// # Errors
    /// As [`GraphFiles::rows`].
    pub async fn ids(&self, branch: &str, key: &str) -> Result<Vec<String>> {
        Ok(self.rows(branch, key).await?.iter().map(|row| string(row, "id")).collect())
    }
}

/// Opens the head of a dataset's lineage: `<path>`, or `<path>/tree/<branch segments>` (§8.2).
///
/// # Errors
/// If there is none.
pub async fn open(path: &Path, lineage: Option<&str>) -> Result<Dataset> {
    let path = lineage.map_or_else(|| path.to_owned(), |name| path.join("tree").join(name));
    let opened = Dataset::open(&path.to_string_lossy()).await;
    opened.with_context(|| format!("{}", path.display()))
}

/// Branches of a dataset: the names of its reference files, `/` written `%2F` (§8.2). What a writer that was killed left of a
/// reference, `NAME.json.tmp.ID`, is none.
///
/// # Errors
/// If a name is not of that form.
pub fn branch_names(dataset: &Path) -> Result<Vec<String>> {
    let folder = dataset.join("_refs/branches");
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let file = entry?.file_name().to_string_lossy().into_owned();
        if file.split_once(".json.tmp.").is_some_and(|(_, id)| !id.is_empty() && !id.contains('.')) {
            continue;
        }
        let name = decoded(file.strip_suffix(".json").with_context(|| file.clone())?)?;
        ensure!(encoded(&name) + ".json" == file, "{file}: slashes and what is not ASCII are escaped, nothing else");
        names.push(name);
    }
    names.sort();
    Ok(names)
}

/// The name of a file that stands for a text.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'/' => "%2F".to_owned(),
        byte if byte.is_ascii() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

fn decoded(file: &str) -> Result<String> {
    let mut bytes = Vec::new();
    let mut rest = file.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let (byte, after) = match (byte, after.split_at_checked(2)) {
            (b'%', Some((digits, after))) => (u8::from_str_radix(std::str::from_utf8(digits)?, 16)?, after),
            _ => (byte, after),
        };
        bytes.push(byte);
        rest = after;
    }
    Ok(String::from_utf8(bytes)?)
}

/// The reference of a dataset's branch, keys in the order of the file.
///
/// # Errors
/// If there is none.
pub fn branch_reference(dataset: &Path, name: &str) -> Result<Value> {
    let path = dataset.join(format!("_refs/branches/{}.json", encoded(name)));
    let text = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
    Ok(serde_json::from_str(&text)?)
}

fn sidecars(root: &Path) -> Result<BTreeMap<String, String>> {
    let folder = root.join("__recovery");
    let mut found = BTreeMap::new();
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().context("it has a name")?.to_string_lossy().into_owned();
            match fs::read_to_string(&path) {
                Ok(text) => drop(found.insert(name, text)),
                // Its write ended since the folder was listed.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(found)
}

/// A text column of a row; empty if it is null.
fn string(row: &Row, column: &str) -> String {
    row.get(column).and_then(Value::as_str).unwrap_or_default().to_owned()
}
