//! Graphs of format 2 that are opened for writing: brought up to date once, whoever else does it and wherever it is stopped.
//!
//! The graphs are made by undoing what format 3 added (graph-format §4.5, §8.7): the stamp, the key of `__manifest`, and the
//! staging branches that old releases left.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::Schema;
use futures::TryStreamExt;
use futures::future::join_all;
use lance::Dataset;
use lance::dataset::WriteMode;
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::{ErrorKind, OpenMode, fail as points};
use stratigraph_tests::folder;
use stratigraph_tests::graph::TestGraph;
use stratigraph_tests::reader::{GraphFiles, Rule, branch_names, broken_rules};
use stratigraph_tests::writer::write;

use crate::alone::run;

const SCHEMA: &str = "node Person { name: String @key }\n";
const STAMP: &str = "omnigraph:internal_schema_version";
const KEY: &str = "lance-schema:unenforced-primary-key";
const LEGACY: [&str; 2] = ["__run__1", "__run__old/2"];

fn person(name: &str) -> String {
    format!(r#"{{"type":"Person","data":{{"name":"{name}"}}}}"#)
}

/// Which column is the key of the old `__manifest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    ObjectId,
    None,
    Other,
}

/// A graph of format 2 with one row and the staging branches of old releases.
async fn old_graph(key: Key) -> Result<TestGraph> {
    let made = TestGraph::new(SCHEMA).await?;
    made.load(LoadMode::Append, "main", &person("Ada")).await?;
    make_old(&made.path(), key).await?;
    Ok(made)
}

async fn make_old(root: &Path, key: Key) -> Result<()> {
    let path = root.join("__manifest");
    let mut manifest = Dataset::open(&path.to_string_lossy()).await?;
    if key == Key::ObjectId {
        manifest.update_schema_metadata([(STAMP, "2")]).await?;
    } else {
        let version = manifest.version().version;
        let batches: Vec<RecordBatch> = manifest.scan().try_into_stream().await?.try_collect().await?;
        let rows = without_key(&concat_batches(&batches[0].schema(), &batches)?, key)?;
        fs::remove_dir_all(&path)?;
        manifest = write(&path, rows, WriteMode::Create).await?;
        manifest.update_schema_metadata([(STAMP, "2")]).await?;
        // The commits name versions: there must be as many as before.
        while manifest.version().version < version {
            manifest.update_config([("table_version_management", "true")]).await?;
        }
    }
    for name in LEGACY {
        let version = manifest.version().version;
        manifest.create_branch(name, version, None).await?;
    }
    Ok(())
}

fn without_key(rows: &RecordBatch, key: Key) -> Result<RecordBatch> {
    let mark = |field: &arrow::datatypes::FieldRef| {
        let is_key = key == Key::Other && field.name() == "table_key";
        let metadata = if is_key { [(KEY.to_owned(), "true".to_owned())].into() } else { HashMap::default() };
        field.as_ref().clone().with_metadata(metadata)
    };
    let schema = Schema::new(rows.schema().fields().iter().map(mark).collect::<Vec<_>>());
    Ok(RecordBatch::try_new(schema.into(), rows.columns().to_vec())?)
}

fn names(root: &Path) -> Result<Vec<String>> {
    branch_names(&root.join("__manifest"))
}

#[test]
fn opening_for_writing_brings_an_old_graph_up_to_date_and_looking_does_not() -> Result<()> {
    run(async || {
        for key in [Key::ObjectId, Key::None] {
            let made = old_graph(key).await?;
            let before = folder::digest(&made.path())?;
            let looking = made.open(OpenMode::ReadOnly).await?;
            assert_eq!(looking.stamp(), 2);
            let pending = looking.pending().await?.migration.context("it is old")?;
            assert_eq!((pending.from, pending.to), (2, 3));
            assert_eq!(pending.legacy_branches, LEGACY);
            assert!(
                looking.branches().await?.iter().all(|branch| branch.name.is_main()),
                "staging branches are hidden"
            );
            assert!(folder::digest(&made.path())? == before, "looking changed the graph");
            let old = GraphFiles::read(&made.path()).await.err().map(|error| error.to_string());
            assert!(old.is_some(), "a staging branch has no commits: {old:?}");

            let graph = Box::pin(made.open(OpenMode::ReadWrite)).await?;
            assert_eq!(graph.stamp(), 3);
            let version = GraphFiles::read(&made.path()).await?.branch("main")?.version;
            let manifest = Dataset::open(&made.path().join("__manifest").to_string_lossy()).await?;
            assert_eq!(manifest.schema().field("object_id").context("a column")?.metadata[KEY], "true");
            assert_eq!(names(&made.path())?, Vec::<String>::new());
            // The migration's own versions have no commits; apart from them every rule holds.
            let files = GraphFiles::read(&made.path()).await?;
            let broken = Box::pin(broken_rules(&files)).await?;
            assert!(broken.iter().all(|(rule, _)| *rule == Rule::Commit), "{broken:#?}");
            let settled = folder::digest(&made.path())?;
            drop(Box::pin(made.open(OpenMode::ReadWrite)).await?);
            assert!(folder::digest(&made.path())? == settled, "there was nothing left to do");
            assert_eq!(made.load(LoadMode::Append, "main", &person("Eve")).await?, Some(version + 1));
            let files = GraphFiles::read(&made.path()).await?;
            assert_eq!(files.ids("main", "node:Person").await?, ["Ada", "Eve"]);
            assert_eq!(files.branch("main")?.head()?["manifest_version"], version + 1);
        }
        Ok(())
    })
}

#[test]
fn a_manifest_that_is_keyed_otherwise_is_refused_and_left_alone() -> Result<()> {
    run(async || {
        let made = old_graph(Key::Other).await?;
        let keys =
            |digest: folder::Digest| digest.into_iter().map(|(path, (content, _))| (path, content)).collect::<Vec<_>>();
        for _ in 0..2 {
            let error = Box::pin(made.open(OpenMode::ReadWrite)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
            assert!(error.to_string().contains("is keyed by table_key, not by object_id"), "{error}");
        }
        let before = keys(folder::digest(&made.path().join("nodes"))?);
        Box::pin(made.open(OpenMode::ReadWrite)).await.unwrap_err();
        assert_eq!(keys(folder::digest(&made.path().join("nodes"))?), before);
        Ok(())
    })
}

#[test]
fn a_branch_is_brought_up_to_date_by_its_first_publish() -> Result<()> {
    run(async || {
        let made = TestGraph::new(SCHEMA).await?;
        made.load(LoadMode::Append, "main", &person("Ada")).await?;
        let path = made.path().join("__manifest");
        Dataset::open(&path.to_string_lossy()).await?.update_schema_metadata([(STAMP, "2")]).await?;
        // Branched off while the graph was old; main is brought up to date, the branch has the stamp it started with.
        let mut manifest = Dataset::open(&path.to_string_lossy()).await?;
        let mut commits = Dataset::open(&made.path().join("_graph_commits.lance").to_string_lossy()).await?;
        for dataset in [&mut manifest, &mut commits] {
            let version = dataset.version().version;
            dataset.create_branch("work", version, None).await?;
        }
        let graph = Box::pin(made.open(OpenMode::ReadWrite)).await?;
        let stamps = async || {
            let files = GraphFiles::read(&made.path()).await?;
            anyhow::Ok((files.branch("main")?.stamp, files.branch("work")?.stamp))
        };
        assert_eq!(stamps().await?, (3, 2));
        stratigraph_tests::graph::load(&graph, LoadMode::Append, "work", &person("Eve")).await?;
        assert_eq!(stamps().await?, (3, 3));
        let files = GraphFiles::read(&made.path()).await?;
        assert_eq!(files.ids("work", "node:Person").await?, ["Ada", "Eve"]);
        assert_eq!(files.ids("main", "node:Person").await?, ["Ada"]);
        Ok(())
    })
}

#[test]
fn a_migration_that_is_stopped_anywhere_is_finished_by_the_next_opening() -> Result<()> {
    run(async || {
        for key in [Key::ObjectId, Key::None] {
            let mut failed = 0;
            for (point, calls) in [(points::STORAGE_LIST, 2), (points::STORAGE_OPEN, 5), (points::STORAGE_LINEAGES, 2)]
            {
                for earlier in 0..calls {
                    let made = old_graph(key).await?;
                    fail::cfg(point, &format!("{earlier}*off->return")).expect("a valid action");
                    failed += usize::from(Box::pin(made.open(OpenMode::ReadWrite)).await.is_err());
                    fail::remove(point);
                    let graph = Box::pin(made.open(OpenMode::ReadWrite)).await?;
                    assert_eq!((graph.stamp(), names(&made.path())?), (3, vec![]), "{key:?} {point} {earlier}");
                }
            }
            assert!(failed > 3, "only {failed} openings were stopped");
        }
        // Stopped between the key and the stamp: what is done is found done.
        let made = old_graph(Key::None).await?;
        let mut manifest = Dataset::open(&made.path().join("__manifest").to_string_lossy()).await?;
        manifest.update_field_metadata().update("object_id", [(KEY, "true")])?.await?;
        drop(Box::pin(made.open(OpenMode::ReadWrite)).await?);
        assert_eq!(GraphFiles::read(&made.path()).await?.branch("main")?.stamp, 3);
        Ok(())
    })
}

#[test]
fn killed_in_the_middle_it_is_finished_by_the_next_process() -> Result<()> {
    run(async || {
        let mut killed = 0;
        for number in 0..8_u64 {
            let made = old_graph(if number % 2 == 0 { Key::ObjectId } else { Key::None }).await?;
            let mut child = Command::new(env!("CARGO_BIN_EXE_stratigraph-under-test"))
                .args(["branch", "create", &made.uri(), "work"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()?;
            std::thread::sleep(Duration::from_millis(20 + 25 * number));
            child.kill()?;
            killed += u32::from(!child.wait()?.success());
            let graph = Box::pin(made.open(OpenMode::ReadWrite)).await?;
            assert_eq!(graph.stamp(), 3);
            assert!(names(&made.path())?.iter().all(|name| name == "work"), "{:?}", names(&made.path())?);
            stratigraph_tests::graph::load(&graph, LoadMode::Append, "main", &person("Eve")).await?;
            let snapshot = graph.snapshot(&"main".parse()?).await?;
            assert_eq!(snapshot.table("Person")?.rows, 2);
        }
        assert!(killed > 0, "every process was faster than its kill");
        Ok(())
    })
}

#[test]
fn openers_at_the_same_time_all_succeed() -> Result<()> {
    run(async || {
        for key in [Key::ObjectId, Key::None] {
            let made = old_graph(key).await?;
            for opened in join_all((0..8).map(|_| Box::pin(made.open(OpenMode::ReadWrite)))).await {
                let graph = opened.with_context(|| format!("{key:?}"))?;
                assert_eq!(graph.stamp(), 3);
            }
            assert_eq!(names(&made.path())?, Vec::<String>::new());

            // Processes of their own, each of which writes something.
            let made = old_graph(key).await?;
            let program = env!("CARGO_BIN_EXE_stratigraph-under-test");
            let start = |number: usize| {
                let arguments = ["branch".to_owned(), "create".to_owned(), made.uri(), format!("b{number}")];
                Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()
            };
            for child in (0..4).map(start).collect::<Result<Vec<_>, _>>()? {
                let ended = child.wait_with_output()?;
                ensure!(ended.status.success(), "{key:?}: {}", String::from_utf8_lossy(&ended.stderr));
            }
            assert_eq!(names(&made.path())?, ["b0", "b1", "b2", "b3"], "{key:?}");
        }
        Ok(())
    })
}
