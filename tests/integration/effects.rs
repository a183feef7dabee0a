//! In which order things appear on storage (graph-format §1 and §7.2), seen by stopping the program between two of them and by
//! the times that Lance writes into every version.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::{CreateOptions, Graph, OpenMode};
use stratigraph_tests::graph::TestGraph;
use stratigraph_tests::reader::{GraphFiles, branch_names, open};

const SCHEMA: &str = "node Person { name: String @key }\nedge Knows: Person -> Person\n";
const RECORDS: &str =
    r#"{"type":"Person","data":{"name":"Ada"}} {"edge":"Knows","from":"Ada","to":"Ada","data":{"id":"e"}}"#;
const PERSON: &str = "nodes/40d76f1f51639ec0";
const KNOWS: &str = "edges/602a25a3bd0b455b";

/// Runs the program until it dies at a fail point.
fn die(point: &str, action: &str, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stratigraph-under-test"));
    let output = command.args(arguments).env("FAILPOINTS", format!("{point}={action}")).output()?;
    ensure!(!output.status.success(), "{point} was not passed");
    Ok(())
}

/// What is on storage of a load of two tables.
#[derive(Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that is on storage or not")]
struct Effects {
    sidecar: bool,
    /// Tables with a lineage of the branch.
    forked: usize,
    /// Tables whose head is past the version before the load.
    moved: usize,
    /// Whether the branch shows the load.
    published: bool,
    commit: bool,
    actor: bool,
}

impl Effects {
    async fn of(root: &Path, branch: &str) -> Result<Self> {
        let files = GraphFiles::read(root).await?;
        let shown = files.branch(branch)?;
        let (mut forked, mut moved) = (0, 0);
        for table in [PERSON, KNOWS] {
            let path = root.join(table);
            let has_fork = branch_names(&path)?.iter().any(|name| name == branch);
            forked += usize::from(has_fork);
            if branch == "main" || has_fork {
                let lineage = (branch != "main").then_some(branch);
                moved += usize::from(open(&path, lineage).await?.version().version > 1);
            }
        }
        let head = shown.head()?["graph_commit_id"].as_str().unwrap_or_default();
        Ok(Self {
            sidecar: files.sidecars.len() == 1,
            forked,
            moved,
            published: shown.tables.values().all(|table| table.version == 2) && shown.version == 4,
            commit: shown.head()?["manifest_version"] == 4,
            actor: files.actors.contains_key(head),
        })
    }
}

struct Stage {
    _folder: tempfile::TempDir,
    root: PathBuf,
    data: PathBuf,
}

async fn stage(branch: &str) -> Result<Stage> {
    let folder = tempfile::tempdir()?;
    let (root, data) = (folder.path().join("g"), folder.path().join("data.jsonl"));
    fs::write(&data, RECORDS)?;
    let uri = root.to_string_lossy().into_owned();
    Graph::create(&uri, SCHEMA, &CreateOptions::default()).await?;
    if branch != "main" {
        let graph = Graph::open(&uri, OpenMode::ReadWrite).await?;
        graph.create_branch(&branch.parse()?, &"main".parse()?).await?;
    }
    Ok(Stage { _folder: folder, root, data })
}

#[tokio::test]
async fn a_write_is_sidecar_tables_manifest_commit_actor_and_the_end_of_the_sidecar() -> Result<()> {
    let at = |sidecar, forked, moved, published, commit| Effects {
        sidecar,
        forked,
        moved,
        published,
        commit,
        actor: commit,
    };
    let main = [
        ("recovery.sidecar_write", "panic", at(false, 0, 0, false, false)),
        ("write.before_table_commit", "panic", at(true, 0, 0, false, false)),
        ("write.before_table_commit", "1*off->panic", at(true, 0, 1, false, false)),
        ("mutation.post_finalize_pre_publisher", "panic", at(true, 0, 2, false, false)),
        ("graph_publish.after_manifest_commit", "panic", at(true, 0, 2, true, false)),
        ("recovery.sidecar_delete", "panic", at(true, 0, 2, true, true)),
    ];
    // On a branch each table is forked right before its own commit.
    let work = [
        ("recovery.sidecar_write", "panic", at(false, 0, 0, false, false)),
        ("write.before_table_commit", "panic", at(true, 0, 0, false, false)),
        ("fork.before_first_commit", "panic", at(true, 1, 0, false, false)),
        ("fork.before_first_commit", "1*off->panic", at(true, 2, 1, false, false)),
        ("mutation.post_finalize_pre_publisher", "panic", at(true, 2, 2, false, false)),
        ("recovery.sidecar_delete", "panic", at(true, 2, 2, true, true)),
    ];
    let cases = main.into_iter().map(|case| ("main", case)).chain(work.into_iter().map(|case| ("work", case)));
    for (branch, (point, action, expected)) in cases {
        let stage = stage(branch).await?;
        let (root, data) = (stage.root.to_string_lossy(), stage.data.to_string_lossy());
        let load = ["load", &root, "--data", &data, "--mode", "append", "--branch", branch, "--actor", "act-dana"];
        die(point, action, &load)?;
        assert_eq!(Effects::of(&stage.root, branch).await?, expected, "{point} {action} on {branch}");
    }
    Ok(())
}

/// When a lineage's newest version was committed, nanoseconds.
async fn committed_at(root: &Path, dataset: &str) -> Result<i64> {
    let time = open(&root.join(dataset), None).await?.version().timestamp;
    time.timestamp_nanos_opt().context("a time of this century")
}

#[tokio::test]
async fn the_times_inside_the_versions_are_in_that_order_too() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    let root = made.path();
    let mut init = Vec::new();
    for dataset in [KNOWS, PERSON, "__manifest", "_graph_commits.lance", "_graph_commit_actors.lance"] {
        init.push(committed_at(&root, dataset).await?);
    }
    assert!(init[..2].iter().all(|&table| table < init[2]), "tables before the manifest: {init:?}");
    assert!(init[2] < init[3], "the manifest before the commits: {init:?}");

    made.load(LoadMode::Append, "main", RECORDS).await?;
    let mut load = Vec::new();
    for dataset in [KNOWS, PERSON, "__manifest", "_graph_commits.lance", "_graph_commit_actors.lance"] {
        load.push(committed_at(&root, dataset).await?);
    }
    assert!(load[..2].iter().all(|&table| init.iter().all(|&before| before < table) && table < load[2]), "{load:?}");
    assert!(load[2] < load[3] && load[3] < load[4], "manifest, commit, actor: {load:?}");
    Ok(())
}

/// Which objects of a graph are there.
fn present(root: &Path) -> Vec<&'static str> {
    let objects = [
        "_schema.pg",
        "_schema.ir.json",
        "__schema_state.json",
        PERSON,
        KNOWS,
        "__manifest",
        "_graph_commits.lance",
        "_graph_commit_actors.lance",
    ];
    objects.into_iter().filter(|object| root.join(object).exists()).collect()
}

#[tokio::test]
async fn a_graph_is_made_in_the_order_of_the_format() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let schema = folder.path().join("s.pg");
    fs::write(&schema, SCHEMA)?;
    let cases = [
        ("init.after_schema_pg_written", 1),
        ("init.after_schema_contract_written", 3),
        ("init.after_coordinator_init", 6),
    ];
    for (point, count) in cases {
        let root = folder.path().join(point);
        let uri = root.to_string_lossy();
        die(point, "panic", &["init", &uri, "--schema", &schema.to_string_lossy()])?;
        assert_eq!(present(&root).len(), count, "{point}: {:?}", present(&root));
        assert_eq!(present(&root)[0], "_schema.pg");
        // Killed in the middle: the claim stays, and only an operator who knows may go on.
        let error = Graph::create(&uri, SCHEMA, &CreateOptions::default()).await.unwrap_err();
        ensure!(error.to_string().contains("--force"), "{error}");
        let options = CreateOptions { force: true, ..CreateOptions::default() };
        Graph::create(&uri, SCHEMA, &options).await.with_context(|| point.to_owned())?;
        assert_eq!(present(&root).len(), 8);
        let state: Value = serde_json::from_str(&fs::read_to_string(root.join("__schema_state.json"))?)?;
        assert_eq!(state["format_version"], 1);
    }
    Ok(())
}
