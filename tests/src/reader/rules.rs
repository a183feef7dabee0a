//! Which rules of the format a settled graph breaks: none, unless it says which.
//!
//! Written for graphs that nobody is writing to. The reference's own graphs pass, up to the exceptions that the tests name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use lance::Dataset;
use serde_json::Value;

use super::{BranchFiles, GraphFiles, Pinned, Row, branch_names, open, operations, string};

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Settings and columns of a dataset (§4.1, §4.5, §5, §9, §11, §14).
    Dataset,
    /// Rows of `__manifest` (§4.2, §4.3).
    ManifestRow,
    /// Rows of a table: their number, their ids, the ends of edges (§4.2, §5).
    Rows,
    /// A table's head is its pin; its branches belong to branches of the graph (§8.3, checklist 6).
    Head,
    /// Every version has its commit unless it only put files together (§7.5), every parent is one (§9). Actors of commits that went with their branch stay.
    Commit,
    /// Nothing is left of a write or a schema change (§1, §10).
    Leftover,
}

/// Finds every broken rule, with what breaks it.
///
/// # Errors
/// If something cannot be read at all.
pub async fn broken_rules(graph: &GraphFiles) -> Result<Vec<(Rule, String)>> {
    let mut broken = Vec::new();
    fixed_datasets(graph, &mut broken).await?;
    for (name, branch) in &graph.branches {
        manifest_rows(&graph.root, name, branch, &mut broken)?;
        tables(graph, name, branch, &mut broken).await?;
        commits(&graph.root, name, branch, &mut broken).await?;
    }
    heads(graph, &mut broken).await?;
    leftovers(graph, &mut broken)?;
    Ok(broken)
}

type Broken = Vec<(Rule, String)>;

fn text(name: &str, nullable: bool) -> Field {
    Field::new(name, DataType::Utf8, nullable)
}

fn number(name: &str, nullable: bool) -> Field {
    Field::new(name, DataType::UInt64, nullable)
}

fn time(name: &str) -> Field {
    Field::new(name, DataType::Timestamp(TimeUnit::Microsecond, None), false)
}

fn list(of: DataType) -> DataType {
    DataType::List(Field::new("item", of, true).into())
}

/// Columns of the datasets that every graph has.
fn fixed_columns(dataset: &str) -> Vec<Field> {
    match dataset {
        "__manifest" => {
            let key = [("lance-schema:unenforced-primary-key".to_owned(), "true".to_owned())];
            vec![
                text("object_id", false).with_metadata(key.into()),
                text("object_type", false),
                text("location", true),
                text("metadata", true),
                Field::new("base_objects", list(DataType::Utf8), true),
                text("table_key", false),
                number("table_version", true),
                text("table_branch", true),
                number("row_count", true),
            ]
        }
        "_graph_commits.lance" => vec![
            text("graph_commit_id", false),
            text("manifest_branch", true),
            number("manifest_version", false),
            text("parent_commit_id", true),
            text("merged_parent_commit_id", true),
            time("created_at"),
        ],
        "_graph_commit_actors.lance" => {
            vec![text("graph_commit_id", false), text("actor_id", false), time("created_at")]
        }
        _ => vec![
            text("graph_commit_id", false),
            text("recovery_kind", false),
            text("recovery_for_actor", true),
            text("operation_id", false),
            text("sidecar_writer_kind", false),
            text("per_table_outcomes_json", false),
            time("created_at"),
        ],
    }
}

async fn fixed_datasets(graph: &GraphFiles, broken: &mut Broken) -> Result<()> {
    let branches = graph.branches.keys().filter(|name| *name != "main");
    let all: Vec<Option<&str>> = std::iter::once(None).chain(branches.map(|name| Some(name.as_str()))).collect();
    for (name, lineages) in [
        ("__manifest", &all[..]),
        ("_graph_commits.lance", &all[..]),
        ("_graph_commit_actors.lance", &[None]),
        ("_graph_commit_recoveries.lance", &[None]),
    ] {
        let path = graph.root.join(name);
        if name == "_graph_commit_recoveries.lance" && !path.is_dir() {
            continue;
        }
        for lineage in lineages {
            let dataset = open(&path, *lineage).await?;
            settings(name, &dataset, broken);
            let found = Schema::from(dataset.schema());
            let expected = Schema::new(fixed_columns(name));
            if found.fields != expected.fields {
                broken.push((Rule::Dataset, format!("{name} {lineage:?} has the columns {:?}", found.fields)));
            }
        }
    }
    for (name, branch) in &graph.branches {
        if branch.stamp != 3 {
            broken.push((Rule::Dataset, format!("{name} has the stamp {}", branch.stamp)));
        }
    }
    let manifest = open(&graph.root.join("__manifest"), None).await?;
    if manifest.manifest().config.get("table_version_management").map(String::as_str) != Some("true") {
        broken.push((Rule::Dataset, "__manifest is not marked as a catalog".to_owned()));
    }
    Ok(())
}

/// What holds for every dataset.
fn settings(name: &str, dataset: &Dataset, broken: &mut Broken) {
    let manifest = dataset.manifest();
    let flags = manifest.reader_feature_flags | manifest.writer_feature_flags;
    let files =
        dataset.get_fragments().iter().flat_map(|fragment| fragment.metadata().files.clone()).collect::<Vec<_>>();
    let checks = [
        (manifest.uses_stable_row_ids(), "stable row ids are off"),
        (manifest.data_storage_format.version.to_string() == "2.2", "its data files are not of version 2.2"),
        (files.iter().all(|file| (file.file_major_version, file.file_minor_version) == (2, 2)), "a file is not 2.2"),
        (flags < 64, "it has a feature flag that Lance 7 refuses"),
        (!manifest.config.keys().any(|key| key.starts_with("lance.auto_cleanup")), "it cleans itself up"),
    ];
    broken
        .extend(checks.iter().filter(|(holds, _)| !holds).map(|(_, what)| (Rule::Dataset, format!("{name}: {what}"))));
}

/// FNV-1a 64 of a type name, as the folder of its table (§2).
fn folder(key: &str) -> Option<String> {
    let (kind, name) = key.split_once(':')?;
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, step);
    ["node", "edge"].contains(&kind).then(|| format!("{kind}s/{hash:016x}"))
}

fn manifest_rows(root: &Path, branch: &str, files: &BranchFiles, broken: &mut Broken) -> Result<()> {
    let mut seen = BTreeSet::new();
    for row in &files.manifest {
        let (id, key) = (string(row, "object_id"), string(row, "table_key"));
        let version = row["table_version"].as_u64();
        let null = |columns: &[&str]| columns.iter().all(|column| row[*column].is_null());
        let well_formed = match row["object_type"].as_str() {
            Some("table") => {
                id == key
                    && row["location"].as_str().map(str::to_owned) == folder(&key)
                    && null(&["metadata", "table_version", "table_branch", "row_count"])
            }
            Some("table_version") => {
                version.is_some_and(|version| id == format!("{key}${version:020}"))
                    && null(&["location"])
                    && row["table_branch"] != "main"
                    && has_version_file(root, row, &key)?
            }
            Some("table_tombstone") => {
                version.is_some_and(|version| id == format!("{key}$tombstone${version:020}"))
                    && null(&["location", "metadata", "table_branch", "row_count"])
            }
            _ => false,
        };
        if !well_formed || !null(&["base_objects"]) || !seen.insert(id) {
            broken.push((Rule::ManifestRow, format!("{branch}: {}", Value::Object(row.clone()))));
        }
    }
    Ok(())
}

/// Whether the metadata of a version row names the file of that version, as it is (§4.3).
fn has_version_file(root: &Path, row: &Row, key: &str) -> Result<bool> {
    let metadata: Value = serde_json::from_str(row["metadata"].as_str().unwrap_or("null"))?;
    let Some(object) = metadata.as_object() else { return Ok(false) };
    let keys: Vec<&str> = object.keys().map(String::as_str).collect();
    let lineage = row["table_branch"].as_str().map_or_else(String::new, |name| format!("/tree/{name}"));
    let version = row["table_version"].as_u64().context("it is a version row")?;
    let (table, root) = (folder(key).unwrap_or_default(), root.to_string_lossy());
    let expected = format!("{root}/{table}{lineage}/_versions/{:020}.manifest", u64::MAX - version);
    let size = std::fs::metadata(&expected).ok().map(|file| file.len());
    Ok(keys == ["manifest_path", "manifest_size", "e_tag", "naming_scheme"]
        && object["manifest_path"].as_str() == Some(expected.trim_start_matches('/'))
        && (object["manifest_size"].is_null() || object["manifest_size"].as_u64() == size)
        && (object["e_tag"].is_null() || object["e_tag"].is_string())
        && object["naming_scheme"] == "V2")
}

async fn tables(graph: &GraphFiles, branch: &str, files: &BranchFiles, broken: &mut Broken) -> Result<()> {
    let mut declared: BTreeMap<String, Vec<Field>> = BTreeMap::new();
    for kind in ["node", "edge"] {
        for table in graph.ir[format!("{kind}s")].as_array().context("the schema lists its types")? {
            declared.insert(format!("{kind}:{}", table["name"].as_str().unwrap_or_default()), columns(kind, table)?);
        }
    }
    if !declared.keys().eq(files.tables.keys()) {
        broken.push((Rule::Rows, format!("{branch} has other tables than its schema: {:?}", files.tables.keys())));
    }
    for (key, table) in &files.tables {
        let dataset = graph.open(table).await?;
        settings(key, &dataset, broken);
        let found = Schema::from(dataset.schema());
        let as_declared = |(found, declared): (&Field, &Field)| {
            let is_blob = declared.metadata().contains_key("ARROW:extension:name");
            found == declared || (is_blob && found.metadata() == declared.metadata() && found.name() == declared.name())
        };
        let columns = &declared[key];
        let found_fields = found.fields.iter().map(AsRef::as_ref).zip(columns);
        if found.fields.len() != columns.len()
            || !found_fields.into_iter().all(as_declared)
            || !found.metadata.is_empty()
        {
            broken.push((Rule::Dataset, format!("{branch}: {key} has the columns {:?}", found.fields)));
        }
        rows(graph, branch, key, table, broken).await?;
    }
    ends(graph, branch, broken).await
}

async fn rows(graph: &GraphFiles, branch: &str, key: &str, table: &Pinned, broken: &mut Broken) -> Result<()> {
    let ids = graph.ids(branch, key).await?;
    if ids.len() as u64 != table.rows {
        broken.push((Rule::Rows, format!("{branch}: {key} has {} rows, not {}", ids.len(), table.rows)));
    }
    if ids.windows(2).any(|pair| pair[0] == pair[1]) {
        broken.push((Rule::Rows, format!("{branch}: {key} has an id twice")));
    }
    Ok(())
}

async fn ends(graph: &GraphFiles, branch: &str, broken: &mut Broken) -> Result<()> {
    for edge in graph.ir["edges"].as_array().context("the schema lists its edges")? {
        let of = |name: &str| edge[name].as_str().unwrap_or_default().to_owned();
        let key = format!("edge:{}", of("name"));
        let rows = graph.rows(branch, &key).await?;
        for (column, end) in [("src", "from_type"), ("dst", "to_type")] {
            let nodes: BTreeSet<String> = graph.ids(branch, &format!("node:{}", of(end))).await?.into_iter().collect();
            let lost = rows.iter().map(|row| string(row, column)).filter(|id| !nodes.contains(id));
            broken.extend(lost.map(|id| (Rule::Rows, format!("{branch}: {key} has no {column} `{id}`"))));
        }
    }
    Ok(())
}

/// Columns of a type (§5).
fn columns(kind: &str, declared: &Value) -> Result<Vec<Field>> {
    let fixed: &[&str] = if kind == "node" { &["id"] } else { &["id", "src", "dst"] };
    let mut columns: Vec<Field> = fixed.iter().map(|&name| text(name, false)).collect();
    for property in declared["properties"].as_array().context("a type lists its properties")? {
        let (name, of) = (property["name"].as_str().unwrap_or_default(), &property["prop_type"]);
        let nullable = of["nullable"] == true;
        if of["scalar"] == "Blob" {
            let blob = [("ARROW:extension:name".to_owned(), "lance.blob.v2".to_owned())];
            columns.push(Field::new(name, DataType::Binary, nullable).with_metadata(blob.into()));
            continue;
        }
        let scalar = scalar(&of["scalar"])?;
        let of = if of["list"] == true { list(scalar) } else { scalar };
        columns.push(Field::new(name, of, nullable));
    }
    Ok(columns)
}

fn scalar(scalar: &Value) -> Result<DataType> {
    if let Some(length) = scalar["Vector"].as_i64() {
        let item = Field::new("item", DataType::Float32, true);
        return Ok(DataType::FixedSizeList(item.into(), i32::try_from(length)?));
    }
    Ok(match scalar.as_str().unwrap_or_default() {
        "String" => DataType::Utf8,
        "Bool" => DataType::Boolean,
        "I32" => DataType::Int32,
        "I64" => DataType::Int64,
        "U32" => DataType::UInt32,
        "U64" => DataType::UInt64,
        "F32" => DataType::Float32,
        "F64" => DataType::Float64,
        "Date" => DataType::Date32,
        "DateTime" => DataType::Date64,
        other => anyhow::bail!("a property of type {other}"),
    })
}

async fn commits(root: &Path, name: &str, branch: &BranchFiles, broken: &mut Broken) -> Result<()> {
    let of = |row: &Row| row["manifest_branch"].as_str().unwrap_or("main").to_owned();
    let mut versions = BTreeSet::new();
    let known: BTreeSet<String> = branch.commits.iter().map(|row| string(row, "graph_commit_id")).collect();
    for row in &branch.commits {
        let id = string(row, "graph_commit_id");
        let mut problem = |what: &str| broken.push((Rule::Commit, format!("{name}: commit {id} {what}")));
        let is_ulid = id.len() == 26 && id.bytes().all(|byte| b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(&byte));
        if !is_ulid {
            problem("has no ULID");
        }
        match row["parent_commit_id"].as_str() {
            Some(parent) if !known.contains(parent) => problem("has an unknown parent"),
            None if row["manifest_version"] != 3 => problem("has no parent"),
            Some(_) | None => {}
        }
        if row["manifest_branch"] == "main" {
            problem("names main, which is written as null");
        }
        if of(row) == name {
            versions.extend(row["manifest_version"].as_u64());
        }
    }
    let first = branch.reference.as_ref().map_or(3, |reference| reference["parentVersion"].as_u64().unwrap_or(0) + 1);
    // A recovery that publishes nothing is recorded at the version that is there, which may be the one the branch starts with.
    let missing: Vec<u64> = (first..=branch.version).filter(|version| !versions.contains(version)).collect();
    let complete = missing.is_empty() || are_compactions(root, name, &missing).await?;
    let range = first.saturating_sub(1).max(3)..=branch.version;
    if !complete || !versions.iter().all(|version| range.contains(version)) {
        broken.push((Rule::Commit, format!("{name}: the versions {range:?} have commits at {versions:?}")));
    }
    Ok(())
}

/// Returns whether these versions of `__manifest` are compactions, which are no commits (§7.5). The reference makes them on main alone.
async fn are_compactions(root: &Path, branch: &str, versions: &[u64]) -> Result<bool> {
    let lineage = (branch != "main").then_some(branch);
    let made: BTreeMap<u64, String> =
        operations(&open(&root.join("__manifest"), lineage).await?).await?.into_iter().collect();
    let is_one = |version| made.get(version).is_some_and(|name| name == "ReserveFragments" || name == "Rewrite");
    Ok(versions.iter().all(is_one))
}

async fn heads(graph: &GraphFiles, broken: &mut Broken) -> Result<()> {
    let paths: BTreeSet<&String> =
        graph.branches.values().flat_map(|branch| branch.tables.values().map(|table| &table.path)).collect();
    for path in paths {
        for lineage in std::iter::once(None).chain(branch_names(&graph.root.join(path))?.into_iter().map(Some)) {
            let owner = graph.branches.get(lineage.as_deref().unwrap_or("main"));
            let pin = owner.and_then(|branch| {
                branch.tables.values().find(|table| table.path == *path && table.lineage == lineage)
            });
            let head = open(&graph.root.join(path), lineage.as_deref()).await?.version().version;
            match pin {
                Some(pin) if pin.version == head => {}
                Some(pin) => broken.push((Rule::Head, format!("{path} {lineage:?}: head {head}, pin {}", pin.version))),
                None => broken.push((Rule::Head, format!("{path} {lineage:?} belongs to nobody"))),
            }
        }
    }
    for (name, branch) in graph.branches.iter().filter(|(name, _)| *name != "main") {
        let commits = super::branch_reference(&graph.root.join("_graph_commits.lance"), name);
        let parents = commits.map(|commits| commits["parentBranch"].clone());
        if parents.ok().as_ref() != branch.reference.as_ref().map(|reference| &reference["parentBranch"]) {
            broken.push((Rule::Head, format!("the commits of {name} are not branched as its manifest")));
        }
    }
    let stray = branch_names(&graph.root.join("_graph_commits.lance"))?;
    let stray = stray.into_iter().filter(|name| !graph.branches.contains_key(name));
    broken.extend(stray.map(|name| (Rule::Head, format!("commits of the unknown branch {name}"))));
    Ok(())
}

fn leftovers(graph: &GraphFiles, broken: &mut Broken) -> Result<()> {
    broken.extend(graph.sidecars.keys().map(|name| (Rule::Leftover, format!("the sidecar {name}"))));
    for entry in std::fs::read_dir(&graph.root)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".staging") || name.contains('#') {
            broken.push((Rule::Leftover, name));
        }
    }
    Ok(())
}
