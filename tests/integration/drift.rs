//! Heads past their pins that no sidecar explains: taken over where no row differs, refused with the way out where one may.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use lance::dataset::optimize::{CompactionOptions, compact_files};
use lance::index::DatasetIndexExt;
use lance_index::IndexType;
use lance_index::scalar::ScalarIndexParams;
use serde_json::{Map, Value, json};
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::merge::{MergeDecisions, Merged};
use stratigraph_engine::mutate::{MutateRequest, Mutated};
use stratigraph_engine::recovery::AuditRow;
use stratigraph_engine::{At, BranchName, Error, ErrorKind, Graph, OpenMode, Progress};
use stratigraph_tests::fixtures::Fixture;
use stratigraph_tests::folder;
use stratigraph_tests::graph::{ACTOR, TestGraph, branch, load};
use stratigraph_tests::reader::{GraphFiles, Rule, broken_rules, open};

use crate::command_line::{run, text};

const KNOWS: &str = "edge:Knows";
const SCHEMA: &str = "node Person {\n  name: String @key\n  age: I32?\n}\nedge Knows: Person -> Person\n";
const PERSON: &str = "nodes/40d76f1f51639ec0";

async fn mutate(graph: &Graph, on: &str, body: &str) -> Result<Mutated, Error> {
    let text = format!("query q() {{ {body} }}");
    let request = MutateRequest { branch: branch(on), actor: Some(ACTOR.into()), text, name: None, params: Map::new() };
    Box::pin(graph.mutate(request, &Progress::none())).await
}

async fn merge(graph: &Graph, source: &str, target: &str) -> Result<Merged, Error> {
    let plan = Box::pin(graph.merge_plan(&branch(source), &branch(target), &Progress::none())).await?;
    let decisions = MergeDecisions::none(plan.source(), plan.target(), plan.heads());
    Box::pin(graph.merge(&plan, &decisions, Some(ACTOR.into()), &Progress::none())).await
}

/// A copy of the reference's graph, whose `edge:Knows` has a head that a delete left which matched nothing.
async fn team() -> Result<(tempfile::TempDir, Graph)> {
    let copy = tempfile::tempdir()?;
    folder::copy(&Fixture::Team.path()?, copy.path())?;
    let graph = Box::pin(Graph::open(&copy.path().to_string_lossy(), OpenMode::ReadWrite)).await?;
    Ok((copy, graph))
}

/// The one audit row, which says that a head was taken over.
fn adopted(audit: &[AuditRow], table: &str, from: u64, to: u64) -> Result<()> {
    let [row] = audit else { anyhow::bail!("not one audit row: {audit:?}") };
    let outcomes: Vec<(&str, u64, u64)> =
        row.outcomes.iter().map(|it| (it.table_key.as_str(), it.from_version, it.to_version)).collect();
    ensure!(row.recovery_kind == "RolledForward" && row.sidecar_writer_kind == "Optimize", "{row:?}");
    ensure!(row.recovery_for_actor.is_none() && outcomes == [(table, from, to)], "{row:?}");
    Ok(())
}

/// That everything is as the format says, but what the reference wrote of the place where its graph was.
async fn keeps_the_format(root: &Path) -> Result<GraphFiles> {
    let files = Box::pin(GraphFiles::read(root)).await?;
    let mut broken = Box::pin(broken_rules(&files)).await?;
    broken.retain(|(rule, what)| *rule != Rule::ManifestRow || !what.contains("tmp/omnigraph-fixtures/team"));
    ensure!(broken.is_empty(), "{broken:#?}");
    Ok(files)
}

async fn ids(root: &Path, on: &str, table: &str) -> Result<Vec<String>> {
    Box::pin(GraphFiles::read(root)).await?.ids(on, table).await
}

#[tokio::test]
async fn a_load_takes_over_what_a_delete_left_that_matched_nothing() -> Result<()> {
    let (copy, graph) = team().await?;
    let history = graph.history(&Progress::none()).await?;
    let head = history.heads()[&BranchName::main()];
    load(&graph, LoadMode::Append, "main", r#"{"edge":"Knows","from":"Grace","to":"Ada","data":{"id":"k2"}}"#).await?;
    assert_eq!(ids(copy.path(), "main", KNOWS).await?, ["k1", "k2"]);
    adopted(&graph.audit().await?, KNOWS, 5, 6)?;
    // Two commits: what was taken over, by the recovery, then the load.
    let history = graph.history(&Progress::none()).await?;
    let [by_load, by_recovery, before] =
        &history.first_parents(history.heads()[&BranchName::main()]).take(3).collect::<Vec<_>>()[..]
    else {
        anyhow::bail!("three commits")
    };
    assert_eq!((by_load.actor.as_deref(), by_recovery.actor.as_deref()), (Some(ACTOR), Some("omnigraph:recovery")));
    assert_eq!((before.id, graph.audit().await?[0].graph_commit_id.clone()), (head, by_recovery.id.to_string()));
    keeps_the_format(copy.path()).await?;
    Ok(())
}

#[tokio::test]
async fn a_deletion_that_cascades_takes_it_over_and_one_that_does_not_leaves_it() -> Result<()> {
    let (copy, graph) = team().await?;
    mutate(&graph, "main", r#"delete Person where name = "Margaret""#).await?;
    assert!(graph.audit().await?.is_empty(), "no edge of that table went, so nobody touched it");
    let gone = mutate(&graph, "main", r#"delete Person where name = "Grace""#).await?;
    assert_eq!(gone.affected_nodes, 1);
    adopted(&graph.audit().await?, KNOWS, 5, 6)?;
    assert_eq!(ids(copy.path(), "main", KNOWS).await?, [""; 0]);
    keeps_the_format(copy.path()).await?;
    Ok(())
}

#[tokio::test]
async fn a_merge_into_the_table_takes_it_over_and_does_what_it_showed() -> Result<()> {
    let copy = tempfile::Builder::new().prefix("").rand_bytes(4).tempdir_in(Path::new("/tmp/omnigraph-fixtures"))?;
    folder::copy_graph(&Fixture::Team.path()?, copy.path())?;
    let graph = Box::pin(Graph::open(&copy.path().to_string_lossy(), OpenMode::ReadWrite)).await?;
    Box::pin(graph.create_branch(&branch("friends"), &branch("main"))).await?;
    load(&graph, LoadMode::Append, "friends", r#"{"edge":"Knows","from":"Grace","to":"Ada","data":{"id":"k2"}}"#)
        .await?;
    assert!(graph.audit().await?.is_empty(), "a branch gets a lineage of its own at the pin");
    mutate(&graph, "main", r#"insert Person { name: "Linus" }"#).await?;
    merge(&graph, "friends", "main").await?;
    adopted(&graph.audit().await?, KNOWS, 5, 6)?;
    assert_eq!(ids(copy.path(), "main", KNOWS).await?, ["k1", "k2"]);
    let again = merge(&graph, "friends", "main").await?;
    assert!(again.written.is_none(), "there is nothing left to merge");
    keeps_the_format(copy.path()).await?;
    Ok(())
}

/// A way to move a head without changing a row.
#[derive(Debug, Clone, Copy)]
enum Move {
    Nothing,
    Twice,
    Files,
    Index,
    There,
}

/// Does so beside the engine.
async fn move_head(path: &Path, lineage: Option<&str>, how: Move) -> Result<u64> {
    let mut table = open(path, lineage).await?;
    let before = table.version().version;
    match how {
        Move::Nothing => drop(table.delete("name = 'nobody'").await?),
        Move::Twice => {
            table.delete("name = 'nobody'").await?;
            table.delete("age > 1000").await?;
        }
        Move::Files => {
            let merged = compact_files(&mut table, CompactionOptions::default(), None).await?;
            ensure!(merged.fragments_removed > 1, "nothing was put together");
        }
        Move::Index => {
            table.create_index(&["age"], IndexType::BTree, None, &ScalarIndexParams::default(), true).await?;
        }
        Move::There => {
            table.delete("name = 'Ada'").await?;
            let mut old = table.checkout_version(before).await?;
            old.restore().await?;
        }
    }
    Ok(open(path, lineage).await?.version().version)
}

fn person(name: &str) -> String {
    format!("{{\"type\":\"Person\",\"data\":{{\"name\":\"{name}\"}}}}\n")
}

async fn people() -> Result<TestGraph> {
    let made = TestGraph::new(SCHEMA).await?;
    for name in ["Ada", "Grace"] {
        made.load(LoadMode::Append, "main", &person(name)).await?;
    }
    Ok(made)
}

async fn pin(graph: &Graph, on: &str) -> Result<u64> {
    Ok(graph.snapshot(&At::Branch(branch(on))).await?.table("Person")?.version.get())
}

#[tokio::test]
async fn whatever_moved_a_head_without_changing_a_row_is_taken_over_by_every_writer() -> Result<()> {
    for how in [Move::Nothing, Move::Twice, Move::Files, Move::Index, Move::There] {
        for on in ["main", "work"] {
            for by_mutation in [false, true] {
                let made = people().await?;
                if on == "work" {
                    made.branch("work", "main").await?;
                    made.load(LoadMode::Append, "work", &person("Hedy")).await?;
                }
                let from = pin(&made.graph, on).await?;
                let lineage = (on == "work").then_some("work");
                let to = move_head(&made.path().join(PERSON), lineage, how).await?;
                ensure!(to > from, "{how:?} moved nothing");
                let what = format!("{how:?} on {on}");
                // Rows that were chosen from are those that were there.
                let age = r#"update Person set { age: 36 } where name = "Ada""#;
                match by_mutation {
                    false => drop(made.load(LoadMode::Merge, on, &person("Ada")).await.context(what.clone())?),
                    true => drop(mutate(&made.graph, on, age).await.context(what.clone())?),
                }
                adopted(&made.graph.audit().await?, "node:Person", from, to).context(what.clone())?;
                assert_eq!(pin(&made.graph, on).await?, to + 1, "{what}");
                let expected: &[&str] = if on == "work" { &["Ada", "Grace", "Hedy"] } else { &["Ada", "Grace"] };
                let files = made.files().await.context(what.clone())?;
                assert_eq!(files.ids(on, "node:Person").await?, expected, "{what}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_merge_that_tells_rows_by_their_places_is_planned_anew_where_these_moved() -> Result<()> {
    let made = people().await?;
    made.branch("work", "main").await?;
    mutate(&made.graph, "work", r#"update Person set { age: 36 } where name = "Ada""#).await?;
    let from = pin(&made.graph, "main").await?;
    let to = move_head(&made.path().join(PERSON), None, Move::Files).await?;
    let merged = match merge(&made.graph, "work", "main").await {
        Err(error) if error.kind() == ErrorKind::Conflict => merge(&made.graph, "work", "main").await?,
        merged => merged?,
    };
    assert!(merged.written.is_some());
    adopted(&made.graph.audit().await?, "node:Person", from, to)?;
    let rows = made.files().await?.rows("main", "node:Person").await?;
    let ages: Vec<(&Value, &Value)> = rows.iter().map(|row| (&row["id"], &row["age"])).collect();
    assert_eq!(ages, [(&json!("Ada"), &json!(36)), (&json!("Grace"), &Value::Null)]);
    Ok(())
}

#[tokio::test]
async fn a_head_that_may_hold_other_rows_is_refused_with_what_frees_it() -> Result<()> {
    for on in ["main", "work"] {
        let made = people().await?;
        if on == "work" {
            made.branch("work", "main").await?;
            made.load(LoadMode::Append, "work", &person("Hedy")).await?;
        }
        let lineage = (on == "work").then_some("work");
        let mut table = open(&made.path().join(PERSON), lineage).await?;
        table.delete("name = 'nobody'").await?;
        table.delete("name = 'Ada'").await?;
        let (from, head) = (pin(&made.graph, on).await?, table.version().version);
        let before = folder::digest(&made.path())?;
        let error = made.load(LoadMode::Append, on, &person("Linus")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        let at = if on == "main" { "" } else { " --branch work" };
        let command = format!("`stratigraph recovery restore {} node:Person{at}`", made.uri());
        let what = format!("version {head}, made by Delete, may hold other rows");
        assert!(error.to_string().contains(&command) && error.to_string().contains(&what), "{error}");
        assert!(folder::digest(&made.path())? == before, "nothing was written");

        let restored = Box::pin(made.graph.restore_table(&branch(on), &"node:Person".parse()?)).await?;
        let outcomes = restored.context("something was past the pin")?.outcomes;
        assert_eq!((outcomes[0].from_version, outcomes[0].to_version), (head, from));
        let audit = made.graph.audit().await?;
        assert_eq!(audit.iter().map(|row| row.recovery_kind.as_str()).collect::<Vec<_>>(), ["RolledBack"]);
        made.load(LoadMode::Append, on, &person("Linus")).await?;
        let files = made.files().await?;
        let expected: &[&str] =
            if on == "main" { &["Ada", "Grace", "Linus"] } else { &["Ada", "Grace", "Hedy", "Linus"] };
        assert_eq!(files.ids(on, "node:Person").await?, expected);
        let nothing = Box::pin(made.graph.restore_table(&branch(on), &"node:Person".parse()?)).await?;
        assert!(nothing.is_none(), "{nothing:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_head_whose_record_is_gone_proves_nothing() -> Result<()> {
    let made = people().await?;
    let table = made.path().join(PERSON);
    let newest = |folder: &Path| -> Result<std::path::PathBuf> {
        let files = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
        let number = |path: &Path| -> Option<u64> { path.file_name()?.to_str()?.split('-').next()?.parse().ok() };
        files.into_iter().max_by_key(|path| number(path)).context("there is one")
    };
    let head = move_head(&table, None, Move::Nothing).await?;
    fs::remove_file(newest(&table.join("_transactions"))?)?;
    let graph = made.open(OpenMode::ReadWrite).await?;
    let error = load(&graph, LoadMode::Append, "main", &person("Linus")).await;
    // Where the version itself keeps its record, that file is not needed.
    match error {
        Ok(_) => adopted(&graph.audit().await?, "node:Person", head - 1, head)?,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
            assert!(error.to_string().contains("recovery restore"), "{error}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_command_discards_what_is_past_the_pin() -> Result<()> {
    let made = people().await?;
    open(&made.path().join(PERSON), None).await?.delete("true").await?;
    let uri = made.uri();
    let unanswered = run(&["recovery", "restore", &uri, "Person"])?;
    assert_eq!(unanswered.status.code(), Some(2), "nobody is there to ask");
    let done = text(&["recovery", "restore", &uri, "Person", "--yes"])?;
    assert!(done.starts_with("node:Person  back to the rows of version 3; version 4 is discarded, recorded"), "{done}");
    let again = text(&["recovery", "restore", &uri, "Person", "--yes"])?;
    assert_eq!(again, "nothing is past the version of node:Person that is shown\n");
    let data = made.path().with_extension("jsonl");
    fs::write(&data, person("Linus"))?;
    text(&["load", &uri, "--data", &data.to_string_lossy(), "--mode", "append"])?;
    Ok(())
}
