//! Every object we write, beside the object of the same kind that the reference wrote (`team`, `load-crash`) or the text of
//! `graph-format.md`. Nothing here is compared with our own output.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use lance::Dataset;
use serde_json::{Value, json};
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::mutate::MutateRequest;
use stratigraph_engine::{CreateOptions, Graph, OpenMode, Progress};
use stratigraph_tests::fixtures::Fixture;
use stratigraph_tests::graph::{TestGraph, branch};
use stratigraph_tests::reader::{GraphFiles, branch_reference, describe, open, operations};

/// The folders of `team`'s tables.
const TABLES: [&str; 5] = [
    "nodes/40d76f1f51639ec0",
    "nodes/282049f502eac1de",
    "nodes/6686fcc6d2c8f0bd",
    "edges/8447f9be5062a894",
    "edges/602a25a3bd0b455b",
];

/// A new graph of the schema of a fixture.
async fn twin(fixture: Fixture) -> Result<(PathBuf, TestGraph)> {
    let theirs = fixture.path()?;
    let made = TestGraph::new(&fs::read_to_string(theirs.join("_schema.pg"))?).await?;
    Ok((theirs, made))
}

async fn version(root: &Path, dataset: &str, version: u64) -> Result<Dataset> {
    Ok(open(&root.join(dataset), None).await?.checkout_version(version).await?)
}

#[tokio::test]
async fn schema_files_are_those_of_the_reference_to_the_byte() -> Result<()> {
    for fixture in [Fixture::Team, Fixture::LoadCrash] {
        let (theirs, made) = twin(fixture).await?;
        for name in ["_schema.pg", "_schema.ir.json", "__schema_state.json"] {
            let (ours, theirs) = (fs::read_to_string(made.path().join(name))?, fs::read_to_string(theirs.join(name))?);
            assert_eq!(ours, theirs, "{name} of {fixture:?}");
        }
    }
    Ok(())
}

/// The vectors of §3.2 and §12.
#[tokio::test]
async fn schema_hashes_are_those_of_the_format() -> Result<()> {
    let small = "node Person { name: String @key  age: I32? }\nedge Knows: Person -> Person { since: Date? }\n";
    let everything = include_str!("../fixtures/everything.pg");
    for (source, hash) in [
        (small, "sha256:8e46adc503b0cbcdeb913b1109f08992bf2297ca125992020c20bfe4fe069343"),
        (everything, "sha256:907009b35c11da0f747e9aaf8ce2020aebcf085650c247d4e28fc7778d148971"),
    ] {
        let made = TestGraph::new(source).await?;
        let files = made.files().await?;
        assert_eq!(files.state["schema_ir_hash"], hash);
        assert_eq!(files.source, source);
    }
    let made = TestGraph::new(everything).await?;
    let files = made.files().await?;
    assert_eq!(serde_json::to_string(&files.ir)?.len(), 3526);
    let person = open(&made.path().join("nodes/40d76f1f51639ec0"), None).await?;
    let columns: Vec<&str> = person.schema().fields.iter().map(|field| field.name.as_str()).collect();
    let expected = "id age avatar bio bio_vec email joined name score seen_at slug status tags";
    assert_eq!(columns.join(" "), expected);
    Ok(())
}

/// Columns, field ids, metadata, settings and flags of every dataset, at every version that `init` leaves.
#[tokio::test]
async fn a_new_graph_has_the_datasets_of_the_reference() -> Result<()> {
    let (theirs, made) = twin(Fixture::Team).await?;
    let ours = made.path();
    let mut objects: Vec<(&str, u64)> = TABLES.iter().map(|&table| (table, 1)).collect();
    objects.extend([("_graph_commits.lance", 1), ("_graph_commit_actors.lance", 1)]);
    objects.extend((1..=3).map(|version| ("__manifest", version)));
    for (dataset, number) in objects {
        let (ours, theirs) = (version(&ours, dataset, number).await?, version(&theirs, dataset, number).await?);
        assert_eq!(describe(&ours), describe(&theirs), "{dataset} at {number}");
        let operation = |dataset: &Dataset| operation(dataset.clone(), number);
        assert_eq!(operation(&ours).await?, operation(&theirs).await?, "{dataset} at {number}");
        assert_eq!(ours.count_rows(None).await?, theirs.count_rows(None).await?, "{dataset} at {number}");
        assert_eq!(ours.get_fragments().len(), theirs.get_fragments().len(), "{dataset} at {number}");
        assert_eq!(ours.version().version, number);
    }
    for dataset in TABLES {
        assert_eq!(open(&ours.join(dataset), None).await?.version().version, 1, "{dataset}");
    }
    Ok(())
}

async fn operation(dataset: Dataset, version: u64) -> Result<String> {
    let operations = operations(&dataset).await?;
    operations.into_iter().find(|(number, _)| *number == version).map(|(_, name)| name).context("the version is there")
}

/// The rows of `__manifest` after `init`, and after a load: same ids, same keys of the metadata in the same order.
#[tokio::test]
async fn manifest_rows_are_those_of_the_reference() -> Result<()> {
    let (theirs, made) = twin(Fixture::Team).await?;
    let ours = made.files().await?;
    let theirs_first = first_rows(&theirs).await?;
    assert_eq!(row_facts(&ours, "main")?, theirs_first);

    made.load(LoadMode::Append, "main", r#"{"type":"Person","data":{"name":"Ada"}}"#).await?;
    let ours = made.files().await?;
    let row = ours.branch("main")?.manifest.iter().find(|row| row["object_id"] == "node:Person$00000000000000000002");
    let row = row.context("the version of the load")?;
    assert_eq!((&row["row_count"], &row["table_branch"], &row["location"]), (&json!(1), &Value::Null, &Value::Null));
    Ok(())
}

/// What `__manifest` holds at version 3: what is the same in every graph of the schema.
async fn first_rows(root: &Path) -> Result<BTreeMap<String, Value>> {
    let mut files = GraphFiles::read(root).await?;
    let main = files.branches.get_mut("main").context("there is a main branch")?;
    // The rows of the first version: registrations, and version 1 of every table.
    main.manifest.retain(|row| row["object_type"] == "table" || row["table_version"] == 1);
    row_facts(&files, "main")
}

fn row_facts(files: &GraphFiles, branch: &str) -> Result<BTreeMap<String, Value>> {
    let mut facts = BTreeMap::new();
    for row in &files.branch(branch)?.manifest {
        let mut row = row.clone();
        if let Some(text) = row["metadata"].as_str() {
            let metadata: Value = serde_json::from_str(text)?;
            let shape: Vec<Value> = metadata
                .as_object()
                .context("metadata is an object")?
                .iter()
                .map(|(key, value)| json!([key, value.is_null(), value.is_string(), value.is_u64()]))
                .collect();
            let path = metadata["manifest_path"].as_str().unwrap_or_default().to_owned();
            let root = files.root.to_string_lossy();
            row.insert("metadata".into(), json!([shape, path.replace(root.trim_start_matches('/'), "")]));
        }
        facts.insert(row["object_id"].as_str().unwrap_or_default().to_owned(), Value::Object(row));
    }
    Ok(facts)
}

/// §7.3: what each kind of write does to its table, to `__manifest` and to the history, beside what the reference did.
#[tokio::test]
async fn every_write_is_the_operation_of_the_format() -> Result<()> {
    let (theirs, made) = twin(Fixture::Team).await?;
    let note = |id: &str| format!(r#"{{"type":"Note","data":{{"id":"{id}","body":""}}}}"#);
    for (mode, id) in [(LoadMode::Append, "n"), (LoadMode::Merge, "m"), (LoadMode::Overwrite, "n")] {
        made.load(mode, "main", &note(id)).await?;
    }
    let names = |found: Vec<(u64, String)>| found.into_iter().map(|(_, name)| name).collect::<Vec<_>>();
    let of = async |root: &Path, dataset: &str| {
        anyhow::Ok(names(operations(&open(&root.join(dataset), None).await?).await?))
    };
    let root = made.path();
    assert_eq!(of(&root, "nodes/6686fcc6d2c8f0bd").await?, ["Overwrite", "Append", "Update", "Overwrite"]);
    // One merge-insert for each write; the first three versions are those of `init`.
    let theirs_manifest = of(&theirs, "__manifest").await?;
    assert_eq!(of(&root, "__manifest").await?, theirs_manifest[..6]);
    assert_eq!(of(&root, "_graph_commits.lance").await?, of(&theirs, "_graph_commits.lance").await?[..4]);
    assert_eq!(of(&root, "_graph_commit_actors.lance").await?, of(&theirs, "_graph_commit_actors.lance").await?[..4]);
    Ok(())
}

/// As the former, for mutations: un-keyed nodes and edges are appended, keyed nodes and updates are merged in by id, deletions
/// are deletions, in the tables of the edges as well.
#[tokio::test]
async fn every_mutation_is_the_operation_of_the_format() -> Result<()> {
    let (_, made) = twin(Fixture::Team).await?;
    let people = r#"{"type":"Person","data":{"name":"Ada"}} {"type":"Person","data":{"name":"Bob"}}"#;
    made.load(LoadMode::Append, "main", people).await?;
    for body in [
        r#"insert Person { name: "Eve" } insert Note { body: "x" } insert Knows { from: "Eve", to: "Ada" }"#,
        r#"update Person set { age: 1 } where name = "Eve""#,
        r#"delete Person where name = "Eve""#,
        r#"delete Note where body = "x""#,
    ] {
        let request = MutateRequest {
            branch: branch("main"),
            actor: None,
            text: format!("query q() {{ {body} }}"),
            name: None,
            params: serde_json::Map::new(),
        };
        Box::pin(made.graph.mutate(request, &Progress::none())).await?;
    }
    let files = made.files().await?;
    assert_eq!((files.ids("main", "node:Person").await?.len(), files.ids("main", "edge:Knows").await?.len()), (2, 0));
    for (dataset, expected) in [
        ("nodes/40d76f1f51639ec0", &["Overwrite", "Append", "Update", "Update", "Delete"][..]),
        ("nodes/6686fcc6d2c8f0bd", &["Overwrite", "Append", "Delete"]),
        ("edges/602a25a3bd0b455b", &["Overwrite", "Append", "Delete"]),
        ("edges/8447f9be5062a894", &["Overwrite"]),
    ] {
        let found = operations(&open(&made.path().join(dataset), None).await?).await?;
        assert_eq!(found.into_iter().map(|(_, name)| name).collect::<Vec<_>>(), expected, "{dataset}");
    }
    // Nobody gave a name: the rows of actors are those of the load alone.
    assert_eq!((files.actors.len(), files.branch("main")?.commits.len()), (1, 6));
    Ok(())
}

#[tokio::test]
async fn no_write_builds_an_index() -> Result<()> {
    let made = TestGraph::new(include_str!("../fixtures/everything.pg")).await?;
    let person = r#"{"type":"Person","data":{"slug":"a","name":"A","status":"active","joined":"2026-01-01","bio_vec":[1,0,0,0]}}"#;
    made.load(LoadMode::Append, "main", person).await?;
    made.load(LoadMode::Merge, "main", person).await?;
    let files = made.files().await?;
    for table in files.branch("main")?.tables.values() {
        let indices = made.path().join(&table.path).join("_indices");
        assert!(!indices.exists(), "{}", indices.display());
    }
    Ok(())
}

#[tokio::test]
async fn branch_references_have_the_fields_of_the_reference() -> Result<()> {
    let (theirs, made) = twin(Fixture::Team).await?;
    made.load(LoadMode::Append, "main", r#"{"type":"Person","data":{"name":"Ada"}}"#).await?;
    made.branch("feature/hiring", "main").await?;
    made.load(LoadMode::Append, "feature/hiring", r#"{"type":"Person","data":{"name":"Eve"}}"#).await?;
    let shape = |reference: &Value| -> Vec<(String, &'static str)> {
        let kind = |value: &Value| match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "text",
            Value::Array(_) => "list",
            Value::Object(_) => "object",
        };
        reference.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), kind(value))).collect()
    };
    for dataset in ["__manifest", "_graph_commits.lance", "nodes/40d76f1f51639ec0"] {
        let ours = branch_reference(&made.path().join(dataset), "feature/hiring")?;
        let theirs = branch_reference(&theirs.join(dataset), "feature/hiring")?;
        assert_eq!(shape(&ours), shape(&theirs), "{dataset}: {ours} and {theirs}");
        let start = |reference: &Value| reference["identifier"]["version_mapping"][0][0] == reference["parentVersion"];
        assert!(start(&ours) && start(&theirs), "{dataset}: {ours} and {theirs}");
    }
    let manifest = branch_reference(&made.path().join("__manifest"), "feature/hiring")?;
    assert_eq!((&manifest["parentVersion"], &manifest["parentBranch"]), (&json!(4), &Value::Null));
    // A table's branch starts at the version that was pinned.
    let table = branch_reference(&made.path().join("nodes/40d76f1f51639ec0"), "feature/hiring")?;
    assert_eq!((&table["parentVersion"], &table["parentBranch"]), (&json!(2), &Value::Null));
    Ok(())
}

/// What a load leaves when it dies after its tables moved: its sidecar, beside the one of the reference's killed load.
#[tokio::test]
async fn the_sidecar_of_a_load_is_that_of_the_reference() -> Result<()> {
    let source = fs::read_to_string(Fixture::LoadCrash.path()?.join("_schema.pg"))?;
    let theirs = fs::read_to_string(Fixture::LoadCrash.path()?.join("__recovery/01M7Y249A1EHFH4MJGAECB534F.json"))?;
    let folder = tempfile::tempdir()?;
    let (root, data) = (folder.path().join("g"), folder.path().join("data.jsonl"));
    Graph::create(&root.to_string_lossy(), &source, &CreateOptions::default()).await?;
    let records = r#"{"type":"Person","data":{"name":"Ada"}} {"edge":"Knows","from":"Ada","to":"Ada"}"#;
    fs::write(&data, records)?;
    let died = Command::new(env!("CARGO_BIN_EXE_stratigraph-under-test"))
        .args([Path::new("load"), &root, Path::new("--data"), &data])
        .args(["--mode", "append", "--actor", "act-l"])
        .env("FAILPOINTS", "mutation.post_finalize_pre_publisher=panic")
        .output()?;
    assert!(!died.status.success());
    let files = GraphFiles::read(&root).await?;
    let (name, ours) = files.sidecars.first_key_value().context("it left its sidecar")?;
    let (mut ours_json, mut theirs_json): (Value, Value) =
        (serde_json::from_str(ours)?, serde_json::from_str(&theirs)?);
    assert_eq!(*name, format!("{}.json", ours_json["operation_id"].as_str().unwrap_or_default()));
    assert_eq!(*ours, serde_json::to_string_pretty(&ours_json)?, "two spaces, one key a line");
    assert_eq!(theirs, serde_json::to_string_pretty(&theirs_json)?);
    let root = root.to_string_lossy();
    for pin in ours_json["tables"].as_array().context("a list")? {
        let folder =
            if pin["table_key"] == "node:Person" { "nodes/40d76f1f51639ec0" } else { "edges/602a25a3bd0b455b" };
        assert_eq!(pin["table_path"], format!("{root}/{folder}"), "an absolute path of the base dataset");
        assert_eq!((&pin["expected_version"], &pin["post_commit_pin"]), (&json!(1), &json!(2)));
    }
    // What is left are the keys and their order, and what both loads have in common.
    for sidecar in [&mut ours_json, &mut theirs_json] {
        assert!(
            sidecar["started_at"].as_str().is_some_and(|text| text.parse::<u64>().is_ok_and(|time| time > 1 << 50))
        );
        sidecar["operation_id"] = Value::Null;
        sidecar["started_at"] = Value::Null;
        let tables = sidecar["tables"].as_array_mut().context("a list")?;
        tables.sort_by_key(|pin| pin["table_key"].to_string());
        for pin in tables {
            for key in ["table_path", "expected_version", "post_commit_pin"] {
                pin[key] = Value::Null;
            }
        }
    }
    assert_eq!(ours_json.to_string(), theirs_json.to_string());
    Ok(())
}

/// On a branch the sidecar names the branch twice: as the graph's, and as that of every table (§10.3).
#[tokio::test]
async fn the_sidecar_of_a_branch_names_it_before_its_tables_are_forked() -> Result<()> {
    let made = TestGraph::new("node Person { name: String @key }\n").await?;
    made.branch("feature/x", "main").await?;
    let data = made.path().with_file_name("data.jsonl");
    fs::write(&data, r#"{"type":"Person","data":{"name":"Ada"}}"#)?;
    let died = Command::new(env!("CARGO_BIN_EXE_stratigraph-under-test"))
        .args([Path::new("load"), &made.path(), Path::new("--data"), &data])
        .args(["--mode", "append", "--branch", "feature/x"])
        .env("FAILPOINTS", "write.before_table_commit=panic")
        .output()?;
    assert!(!died.status.success());
    let files = GraphFiles::read(&made.path()).await?;
    let sidecar: Value = serde_json::from_str(files.sidecars.values().next().context("it left its sidecar")?)?;
    let keys =
        |object: &Value| object.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect::<Vec<_>>();
    let expected = ["schema_version", "operation_id", "started_at", "branch", "actor_id", "writer_kind", "tables"]
        .map(str::to_owned);
    assert_eq!(keys(&sidecar), expected);
    assert_eq!(
        (&sidecar["schema_version"], &sidecar["branch"], &sidecar["actor_id"]),
        (&json!(2), &json!("feature/x"), &Value::Null)
    );
    let pin = &sidecar["tables"][0];
    let expected =
        ["table_key", "table_path", "expected_version", "post_commit_pin", "table_branch"].map(str::to_owned);
    assert_eq!(keys(pin), expected);
    assert_eq!(pin["table_path"], format!("{}/nodes/40d76f1f51639ec0", made.uri()), "never the path of the branch");
    assert_eq!(pin["table_branch"], "feature/x");
    assert!(!made.path().join("nodes/40d76f1f51639ec0/tree").exists(), "the fork comes after the sidecar");
    drop(made.open(OpenMode::ReadWrite).await?);
    made.files().await?;
    Ok(())
}
