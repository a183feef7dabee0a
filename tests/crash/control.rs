//! A control store that loses, duplicates or delays what it was told: every line of the fault contracts for sidecars
//! (`engine-behaviour.md` §7.10), and worse.
//!
//! | fault | how it is made | what must hold |
//! |---|---|---|
//! | a put fails | `recovery.sidecar_write` | nothing moved, the next write works |
//! | a put is stored and reported as failed | the same, and the text is put there | nothing moved, the next write or opening discards it |
//! | a put is reported and lost | the file is deleted before the first table moves | the write is whole; if it is interrupted, it is not shown and never folded into another |
//! | a delete fails | `recovery.sidecar_delete` | the write is a success, the next heal or opening audits once |
//! | a delete is reported and lost, a put comes twice | the file is put back, once or twice | rows stay, one audit row for the operation |
//! | a list fails | `recovery.sidecar_list` | writes and openings fail loudly until it works again |
//! | a list names what is gone | the file is deleted after it was listed | as if it had not been listed |
//! | a list misses what is there | the file is away while it is listed | the drifted table is refused, later it is recovered |
//! | no sidecar at all, or a newer one | other texts | writes and openings name the file and keep it, reading goes on |
//! | an old one | `schema_version` 1 | its own rules |
//!
//! A fail point with a callback is the moment at which a test may play storage.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::{Error, ErrorKind, Graph, OpenMode, fail as points};
use stratigraph_tests::graph::{ACTOR, TestGraph, load};
use stratigraph_tests::reader::GraphFiles;

use crate::alone::run;

const SCHEMA: &str = "node Person { name: String @key }\nnode Note { body: String }\nedge Knows: Person -> Person\n";

/// A person and an edge: two tables that move together.
fn records(name: &str) -> String {
    format!(
        "{{\"type\":\"Person\",\"data\":{{\"name\":\"{name}\"}}}}\n\
         {{\"edge\":\"Knows\",\"from\":\"{name}\",\"to\":\"{name}\",\"data\":{{\"id\":\"{name}\"}}}}"
    )
}

struct Scene {
    made: TestGraph,
}

impl Scene {
    async fn new() -> Result<Self> {
        let scene = Self { made: TestGraph::new(SCHEMA).await? };
        scene.load("base").await?;
        Ok(scene)
    }

    async fn load(&self, name: &str) -> Result<Option<u64>, Error> {
        load(&self.made.graph, LoadMode::Append, "main", &records(name)).await
    }

    /// A write that moves its tables and fails before it publishes them; its sidecar.
    async fn interrupted(&self, name: &str) -> Result<(PathBuf, String)> {
        let failed = with(points::MUTATION_POST_FINALIZE_PRE_PUBLISHER, self.load(name)).await;
        ensure!(failed.is_err(), "it was not interrupted");
        let path = self.sidecar()?.context("it leaves a sidecar")?;
        let text = fs::read_to_string(&path)?;
        Ok((path, text))
    }

    fn folder(&self) -> PathBuf {
        self.made.path().join("__recovery")
    }

    fn sidecar(&self) -> Result<Option<PathBuf>> {
        if !self.folder().is_dir() {
            return Ok(None);
        }
        Ok(fs::read_dir(self.folder())?.next().transpose()?.map(|entry| entry.path()))
    }

    async fn reopen(&self) -> Result<Graph, Error> {
        self.made.open(OpenMode::ReadWrite).await
    }

    async fn people(&self) -> Result<Vec<String>> {
        let files = Box::pin(GraphFiles::read(&self.made.path())).await?;
        let people = files.ids("main", "node:Person").await?;
        ensure!(people == files.ids("main", "edge:Knows").await?, "half a write is shown: {people:?}");
        Ok(people)
    }

    /// Kinds of the audit rows, after checking that the graph breaks no rule.
    async fn settled(&self) -> Result<Vec<String>> {
        let files = self.made.files().await?;
        let kind = |row: &stratigraph_tests::reader::Row| row["recovery_kind"].as_str().unwrap_or_default().to_owned();
        Ok(files.audit.iter().map(kind).collect())
    }

    /// Pins of main, as texts.
    async fn pins(&self) -> Result<Value> {
        let files = Box::pin(GraphFiles::read(&self.made.path())).await?;
        let tables = &files.branch("main")?.tables;
        Ok(json!(tables.iter().map(|(key, table)| (key, table.version)).collect::<std::collections::BTreeMap<_, _>>()))
    }
}

/// Does something while a fail point returns an error.
async fn with<T>(point: &str, work: impl Future<Output = T>) -> T {
    fail::cfg(point, "return").expect("a valid action");
    let done = work.await;
    fail::remove(point);
    done
}

/// Does something while each passing of a fail point runs a callback.
async fn at<T>(point: &str, callback: impl Fn() + Send + Sync + 'static, work: impl Future<Output = T>) -> T {
    fail::cfg_callback(point, callback).expect("a valid action");
    let done = work.await;
    fail::remove(point);
    done
}

#[test]
fn a_put_that_fails_aborts_the_write_before_anything_moves() -> Result<()> {
    run(async || {
        let scene = Scene::new().await?;
        let before = scene.pins().await?;
        let error = with(points::RECOVERY_SIDECAR_WRITE, scene.load("lost")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert_eq!((scene.pins().await?, scene.settled().await?), (before, vec![]));
        scene.load("next").await?;
        assert_eq!(scene.people().await?, ["base", "next"]);
        Ok(())
    })
}

#[test]
fn a_put_that_was_stored_and_reported_as_failed_is_discarded() -> Result<()> {
    run(async || {
        for by_opening in [false, true] {
            let scene = Scene::new().await?;
            // The text of such a sidecar, from a write that stops right after putting it.
            let text = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
            let (seen, folder) = (text.clone(), scene.folder());
            let look = move || {
                let entry = fs::read_dir(&folder).ok().and_then(|mut entries| entries.next()).and_then(Result::ok);
                if let Some(stored) = entry.and_then(|entry| fs::read_to_string(entry.path()).ok()) {
                    *seen.lock().expect("nobody panics with it") = stored;
                }
            };
            at(points::WRITE_BEFORE_TABLE_COMMIT, look, scene.load("seen")).await?;
            let mut sidecar: Value = serde_json::from_str(&text.lock().expect("nobody panics with it").clone())?;
            with(points::RECOVERY_SIDECAR_WRITE, scene.load("failed")).await.unwrap_err();
            sidecar["operation_id"] = json!("01M7YZZZZZZZZZZZZZZZZZZZZZ");
            for pin in sidecar["tables"].as_array_mut().context("a list")? {
                let expected = pin["expected_version"].as_u64().context("a number")?;
                pin["expected_version"] = json!(expected + 1);
                pin["post_commit_pin"] = json!(expected + 2);
            }
            let stored = scene.folder().join("01M7YZZZZZZZZZZZZZZZZZZZZZ.json");
            fs::write(&stored, serde_json::to_string_pretty(&sidecar)?)?;

            if by_opening {
                drop(scene.reopen().await?);
            } else {
                scene.load("next").await?;
            }
            assert!(!stored.exists());
            scene.load("later").await?;
            let mut expected = vec!["base", "later", "next", "seen"];
            expected.retain(|&name| !by_opening || name != "next");
            assert_eq!(scene.people().await?, expected);
            let audit = scene.settled().await?;
            assert!(audit.len() <= 1 && audit.iter().all(|kind| kind == "RolledBack"), "{audit:?}");
        }
        Ok(())
    })
}

#[test]
fn a_put_that_was_lost_costs_nothing_unless_the_write_is_interrupted() -> Result<()> {
    run(async || {
        let scene = Scene::new().await?;
        let folder = scene.folder();
        let lose = move || drop(fs::remove_dir_all(&folder));
        at(points::WRITE_BEFORE_TABLE_COMMIT, lose.clone(), scene.load("whole")).await?;
        assert_eq!((scene.people().await?, scene.settled().await?), (vec!["base".into(), "whole".into()], vec![]));

        let before = scene.pins().await?;
        let interrupted = with(points::MUTATION_POST_FINALIZE_PRE_PUBLISHER, scene.load("gone"));
        at(points::WRITE_BEFORE_TABLE_COMMIT, lose, interrupted).await.unwrap_err();
        // Nothing says whose the heads are: they are not shown, not folded into another write, and not taken away.
        for graph in [scene.made.graph.clone(), scene.reopen().await?] {
            let error = load(&graph, LoadMode::Append, "main", &records("next")).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
            assert!(error.to_string().contains("no sidecar explains it"), "{error}");
        }
        assert_eq!((scene.people().await?, scene.pins().await?), (vec!["base".to_owned(), "whole".into()], before));
        // The other tables can be written to, and so can a new branch, which starts at what the graph shows.
        load(&scene.made.graph, LoadMode::Append, "main", r#"{"type":"Note","data":{"body":"x"}}"#).await?;
        scene.made.branch("way-out", "main").await?;
        load(&scene.made.graph, LoadMode::Append, "way-out", &records("next")).await?;
        let files = Box::pin(GraphFiles::read(&scene.made.path())).await?;
        assert_eq!(files.ids("way-out", "node:Person").await?, ["base", "next", "whole"]);
        Ok(())
    })
}

#[test]
fn a_delete_that_fails_is_settled_by_the_next_write_or_opening_with_one_audit_row() -> Result<()> {
    run(async || {
        for by_opening in [false, true] {
            let scene = Scene::new().await?;
            with(points::RECOVERY_SIDECAR_DELETE, scene.load("kept")).await?;
            assert!(scene.sidecar()?.is_some());
            if by_opening {
                drop(scene.reopen().await?);
            } else {
                scene.load("next").await?;
            }
            assert_eq!(scene.settled().await?, ["RolledForward"]);
            let files = scene.made.files().await?;
            assert_eq!(files.audit[0]["recovery_for_actor"], ACTOR);
            let outcomes: Value =
                serde_json::from_str(files.audit[0]["per_table_outcomes_json"].as_str().unwrap_or(""))?;
            assert_eq!((&outcomes[0]["from_version"], &outcomes[0]["to_version"]), (&json!(2), &json!(3)));
            assert!(scene.people().await?.contains(&"kept".to_owned()));
        }
        Ok(())
    })
}

#[test]
fn a_sidecar_that_comes_back_changes_no_row_and_is_audited_once() -> Result<()> {
    run(async || {
        let scene = Scene::new().await?;
        // Of a write that succeeded, with a later one on top or not; then once more.
        let folder = scene.folder();
        let copies = scene.made.path().with_file_name("copies");
        fs::create_dir_all(&copies)?;
        let to = copies.clone();
        let keep = move || {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                drop(fs::copy(entry.path(), to.join(entry.file_name())));
            }
        };
        at(points::WRITE_BEFORE_TABLE_COMMIT, keep, scene.load("first")).await?;
        let come_back = || -> Result<()> {
            for entry in fs::read_dir(&copies)? {
                let entry = entry?;
                fs::copy(entry.path(), scene.folder().join(entry.file_name()))?;
            }
            Ok(())
        };
        for round in 0..4 {
            come_back()?;
            if round % 2 == 0 {
                drop(scene.reopen().await?);
            } else {
                scene.load(&format!("later{round}")).await?;
            }
            assert!(scene.sidecar()?.is_none(), "round {round}");
            assert_eq!(scene.settled().await?, ["RolledForward"], "round {round}");
        }
        assert_eq!(scene.people().await?, ["base", "first", "later1", "later3"]);
        Ok(())
    })
}

#[test]
fn an_old_sidecar_beside_one_of_an_interrupted_write_tears_nothing() -> Result<()> {
    run(async || {
        for by_opening in [false, true] {
            let scene = Scene::new().await?;
            with(points::RECOVERY_SIDECAR_DELETE, scene.load("first")).await?;
            let old = scene.sidecar()?.context("it is left")?;
            let text = fs::read_to_string(&old)?;
            scene.load("second").await?;
            scene.interrupted("third").await?;
            fs::write(&old, text)?;
            if !by_opening {
                // Refused or not: what is there is whole.
                drop(scene.load("fourth").await);
                assert!(scene.people().await?.contains(&"second".to_owned()));
            }
            drop(scene.reopen().await?);
            assert!(scene.sidecar()?.is_none());
            let audit = scene.settled().await?;
            let people = scene.people().await?;
            assert!(
                ["base", "first", "second"].iter().all(|name| people.contains(&(*name).to_owned())),
                "{people:?} {audit:?}"
            );
        }
        Ok(())
    })
}

#[test]
fn a_sidecar_that_comes_back_after_its_roll_back_does_nothing() -> Result<()> {
    run(async || {
        let scene = Scene::new().await?;
        let (path, text) = scene.interrupted("half").await?;
        let changed = text.replace("\"post_commit_pin\": 3", "\"post_commit_pin\": 4");
        assert_ne!(changed, text);
        fs::write(&path, &changed)?;
        drop(scene.reopen().await?);
        assert_eq!(
            (scene.people().await?, scene.settled().await?),
            (vec!["base".to_owned()], vec!["RolledBack".to_owned()])
        );
        fs::write(&path, &changed)?;
        drop(scene.reopen().await?);
        assert_eq!(
            (scene.people().await?, scene.settled().await?),
            (vec!["base".to_owned()], vec!["RolledBack".to_owned()])
        );
        scene.load("next").await?;
        assert_eq!(scene.people().await?, ["base", "next"]);
        Ok(())
    })
}

#[test]
fn a_list_that_fails_stops_writes_and_openings_loudly_until_it_works() -> Result<()> {
    run(async || {
        let scene = Scene::new().await?;
        scene.interrupted("waiting").await?;
        let point = points::RECOVERY_SIDECAR_LIST;
        let errors = [
            with(point, scene.load("next")).await.map(drop).unwrap_err(),
            with(point, scene.reopen()).await.map(drop).unwrap_err(),
        ];
        for error in errors {
            assert!(error.to_string().contains(point), "{error}");
        }
        assert_eq!(scene.people().await?, ["base"]);
        scene.load("next").await?;
        assert_eq!(scene.people().await?, ["base", "next", "waiting"]);
        assert_eq!(scene.settled().await?, ["RolledForward"]);
        Ok(())
    })
}

#[test]
fn a_list_that_names_what_is_gone_is_as_one_that_does_not() -> Result<()> {
    run(async || {
        let scene = Scene::new().await?;
        // A leftover of a finished write: another process settles it between the list and the read.
        with(points::RECOVERY_SIDECAR_DELETE, scene.load("kept")).await?;
        let folder = scene.folder();
        let settle = move || {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                drop(fs::remove_file(entry.path()));
            }
        };
        at(points::STORAGE_READ, settle, scene.load("next")).await?;
        assert_eq!(scene.people().await?, ["base", "kept", "next"]);
        assert_eq!(scene.settled().await?, Vec::<String>::new());
        Ok(())
    })
}

#[test]
fn a_list_that_misses_a_sidecar_refuses_its_tables_and_recovers_later() -> Result<()> {
    run(async || {
        let scene = Scene::new().await?;
        let (path, text) = scene.interrupted("waiting").await?;
        fs::remove_file(&path)?;
        let error = scene.load("next").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        assert_eq!(scene.people().await?, ["base"]);
        fs::write(&path, text)?;
        scene.load("next").await?;
        assert_eq!((scene.people().await?.len(), scene.settled().await?), (3, vec!["RolledForward".to_owned()]));
        Ok(())
    })
}

#[test]
fn a_text_that_is_no_sidecar_blocks_writing_and_is_kept() -> Result<()> {
    run(async || {
        for text in ["", "{", "[]", r#"{"schema_version": 3}"#, r#"{"schema_version": 2, "operation_id": "x"}"#] {
            let scene = Scene::new().await?;
            fs::create_dir_all(scene.folder())?;
            let path = scene.folder().join("01M7YZZZZZZZZZZZZZZZZZZZZZ.json");
            fs::write(&path, text)?;
            for error in [scene.load("next").await.map(drop).unwrap_err(), scene.reopen().await.map(drop).unwrap_err()]
            {
                assert_eq!(error.kind(), ErrorKind::RecoveryNeeded, "{error}");
                assert!(error.to_string().contains("01M7YZZZZZZZZZZZZZZZZZZZZZ"), "{error}");
            }
            assert_eq!(fs::read_to_string(&path)?, text);
            scene.made.open(OpenMode::ReadOnly).await?;
            fs::remove_file(&path)?;
            scene.load("next").await?;
            // What is not named like one is none.
            fs::write(scene.folder().join("notes.txt"), text)?;
            scene.load("later").await?;
        }
        Ok(())
    })
}

#[test]
fn each_format_and_writer_keeps_its_own_rules() -> Result<()> {
    run(async || {
        // writer, format, confirmed, what becomes of a write whose tables moved by one commit (§7.3, §7.4)
        let cases = [
            ("Load", 1, None, "RolledForward"),
            ("Mutation", 2, None, "RolledForward"),
            ("BranchMerge", 1, None, "RolledForward"),
            ("BranchMerge", 2, None, "RolledBack"),
            ("BranchMerge", 2, Some(3), "RolledForward"),
            ("BranchMerge", 2, Some(4), "RolledBack"),
            ("EnsureIndices", 2, None, "RolledForward"),
            ("Optimize", 2, None, "RolledForward"),
            ("SchemaApply", 2, None, "RolledBack"),
        ];
        for (writer, format, confirmed, kind) in cases {
            let scene = Scene::new().await?;
            scene.made.branch("source", "main").await?;
            load(&scene.made.graph, LoadMode::Append, "source", &records("there")).await?;
            let source = scene.made.files().await?.branch("source")?.head()?["graph_commit_id"].clone();
            let (path, text) = scene.interrupted("moved").await?;
            let mut sidecar: Value = serde_json::from_str(&text)?;
            sidecar["schema_version"] = json!(format);
            sidecar["writer_kind"] = json!(writer);
            if writer == "BranchMerge" {
                sidecar["merge_source_commit_id"] = source.clone();
            }
            for pin in sidecar["tables"].as_array_mut().context("a list")? {
                if let Some(version) = confirmed {
                    pin["confirmed_version"] = json!(version);
                }
            }
            fs::write(&path, serde_json::to_string_pretty(&sidecar)?)?;
            drop(scene.reopen().await?);
            let named = format!("{writer} {format} {confirmed:?}");
            assert_eq!(scene.settled().await.context(named.clone())?, [kind], "{named}");
            assert_eq!(scene.people().await?.len(), if kind == "RolledForward" { 2 } else { 1 }, "{named}");
            let files = scene.made.files().await?;
            let merged = if writer == "BranchMerge" && kind == "RolledForward" { source } else { Value::Null };
            assert_eq!(files.branch("main")?.head()?["merged_parent_commit_id"], merged, "{named}");
        }
        Ok(())
    })
}
