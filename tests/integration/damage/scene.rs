//! The graphs that are damaged: one made here, with all kinds of files, and one that the reference made, with indices.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::merge::MergeDecisions;
use stratigraph_engine::mutate::MutateRequest;
use stratigraph_engine::{At, CreateOptions, Graph, OpenMode, Progress};
use stratigraph_tests::fixtures::Fixture;
use stratigraph_tests::folder;
use stratigraph_tests::graph::{branch, load};

/// Where both graphs are looked at: two branches and an older version.
pub(super) const POSITIONS: [&str; 3] = ["budget", "main", "main@v4"];
/// Tables of both graphs.
pub(super) const TABLES: [&str; 2] = ["node:Person", "edge:Knows"];
/// A node of both graphs.
pub(super) const ROW: &str = "Ada";

const SCHEMA: &str = "\
node Person {
    name: String @key
    age: I64?
    face: Vector(4)?
    photo: Blob?
}
edge Knows: Person -> Person { since: Date? }
";

fn person(name: &str, age: i64) -> String {
    let photo = if age % 2 == 0 { r#", "photo": "base64:aGVsbG8=""# } else { "" };
    format!(r#"{{"type":"Person","data":{{"name":"{name}","age":{age},"face":[{age}, 1.5, -2, 0.25]{photo}}}}}"#) + "\n"
}

fn knows(from: &str, to: &str) -> String {
    format!(r#"{{"edge":"Knows","from":"{from}","to":"{to}","data":{{"since":"2024-05-17"}}}}"#) + "\n"
}

async fn mutate(graph: &Graph, on: &str, text: &str) -> Result<()> {
    let (text, name) = (format!("query q() {{ {text} }}"), None);
    let actor = Some("act-bea".into());
    let request = MutateRequest { branch: branch(on), actor, text, name, params: serde_json::Map::default() };
    Box::pin(graph.mutate(request, &Progress::none())).await?;
    Ok(())
}

/// Makes a graph with two branches, a merge, updates, deletions, a vector, a blob and the record of an interrupted write.
pub(super) async fn made(home: &Path) -> Result<PathBuf> {
    let root = home.join("made");
    let uri = root.to_string_lossy().into_owned();
    Box::pin(Graph::create(&uri, SCHEMA, &CreateOptions::default())).await?;
    let graph = Box::pin(Graph::open(&uri, OpenMode::ReadWrite)).await?;
    let people: String =
        ["Ada", "bob", "cyd", "dan", "eve"].iter().zip(30..).map(|(name, age)| person(name, age)).collect();
    load(&graph, LoadMode::Append, "main", &(people + &knows("Ada", "bob") + &knows("bob", "cyd"))).await?;
    load(&graph, LoadMode::Append, "main", &(person("fay", 41) + &knows("fay", "Ada"))).await?;
    mutate(&graph, "main", "update Person set { age: 31 } where name = \"Ada\"").await?;
    for name in ["budget", "merged"] {
        Box::pin(graph.create_branch(&branch(name), &branch("main"))).await?;
    }
    load(&graph, LoadMode::Append, "merged", &person("gil", 52)).await?;
    mutate(&graph, "merged", "delete Person where name = \"dan\"").await?;
    mutate(&graph, "main", "update Person set { age: 77 } where name = \"eve\"").await?;
    let plan = graph.merge_plan(&branch("merged"), &branch("main"), &Progress::none()).await?;
    let decisions = MergeDecisions::none(plan.source(), plan.target(), plan.heads());
    Box::pin(graph.merge(&plan, &decisions, Some("act-cal".into()), &Progress::none())).await?;
    load(&graph, LoadMode::Merge, "budget", &(person("bob", 60) + &person("hal", 18) + &knows("hal", "bob"))).await?;
    mutate(&graph, "budget", "delete Person where name = \"cyd\"").await?;
    mutate(&graph, "main", "update Person set { age: 32 } where name = \"Ada\"").await?;
    leave_a_sidecar(&graph, &root).await?;
    Ok(root)
}

/// As a load leaves it that stopped before it moved its table.
async fn leave_a_sidecar(graph: &Graph, root: &Path) -> Result<()> {
    let main = graph.snapshot(&At::Branch(branch("main"))).await?;
    let table = main.table(TABLES[0])?;
    let id = "01M7Y249A1EHFH4MJGAECB534F";
    let text = format!(
        r#"{{"schema_version":2,"operation_id":"{id}","started_at":"1750310400423456","branch":null,"actor_id":"act-bob","writer_kind":"Load","tables":[{{"table_key":"{}","table_path":"{}/{}","expected_version":{},"post_commit_pin":{}}}]}}"#,
        table.key,
        root.display(),
        table.path,
        table.version.get(),
        table.version.get() + 1,
    );
    fs::create_dir_all(root.join("__recovery"))?;
    Ok(fs::write(root.join(format!("__recovery/{id}.json")), text)?)
}

/// Copies a graph of the reference, with branches, a merge, deletions and indices.
pub(super) fn of_the_reference(home: &Path) -> Result<PathBuf> {
    let root = home.join("team");
    let original = Fixture::Team.path()?;
    ensure!(root.as_os_str().len() == original.as_os_str().len(), "{} is not as long", root.display());
    folder::copy_graph(&original, &root)?;
    Ok(root)
}
