//! Schema files that an interrupted schema change left, and handles on graphs whose schema files are changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use lance::dataset::WriteMode;
use serde_json::json;
use stratigraph_engine::clock::SystemClock;
use stratigraph_engine::load::{Input, LoadMode, LoadRequest};
use stratigraph_engine::recovery::{Decision, RecoveryError};
use stratigraph_engine::schema::{SchemaContract, StagedSchema};
use stratigraph_engine::write::StopAt;
use stratigraph_engine::{At, BranchName, CreateOptions, Error, ErrorKind, Graph, OpenMode, Progress};
use stratigraph_tests::folder::digest;
use stratigraph_tests::writer::{table_folder, write};

use crate::command_line::run;

const OLD: &str = "node Person { name: String @key }\n";
const WIDER: &str = "node Person { name: String @key age: I32? }\n";
const MORE: &str = "node Person { name: String @key }\nnode City { name: String @key }\n";
const FILES: [&str; 3] = ["_schema.pg", "_schema.ir.json", "__schema_state.json"];

/// The three texts of a schema.
fn texts(source: &str) -> Result<[String; 3]> {
    let contract = SchemaContract::check(source, None, None)?;
    Ok([source.to_owned(), contract.ir().to_pretty_json(), contract.state().to_pretty_json()])
}

struct Scene {
    _root: tempfile::TempDir,
    path: PathBuf,
}

impl Scene {
    /// A graph with one person.
    async fn new(source: &str) -> Result<Self> {
        let root = tempfile::tempdir()?;
        let scene = Self { path: root.path().join("g"), _root: root };
        Graph::create(&scene.uri(), source, &CreateOptions::default()).await?;
        load(&scene.open(OpenMode::ReadWrite).await?, "Ada").await?;
        Ok(scene)
    }

    fn uri(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    async fn open(&self, mode: OpenMode) -> Result<Graph, Error> {
        Graph::open(&self.uri(), mode).await
    }

    /// Writes the files of a schema, those that are named, staged or in place.
    fn put(&self, source: &str, files: &[&str], suffix: &str) -> Result<()> {
        for (file, text) in FILES.iter().zip(texts(source)?).filter(|(file, _)| files.contains(file)) {
            fs::write(self.path.join(format!("{file}{suffix}")), text)?;
        }
        Ok(())
    }

    /// Everything about the schema that is stored: nothing staged, and the files of this source.
    fn assert_settled(&self, source: &str) -> Result<()> {
        for (file, text) in FILES.iter().zip(texts(source)?) {
            assert_eq!(fs::read_to_string(self.path.join(file))?, text, "{file}");
            assert!(!self.path.join(format!("{file}.staging")).exists(), "{file} is still staged");
        }
        Ok(())
    }

    /// What a schema change that adds the column `age` does to the table, without publishing it, and its sidecar.
    async fn rewrite_people(&self) -> Result<()> {
        let field = |name: &str, kind, nullable| Field::new(name, kind, nullable);
        let schema = Schema::new(vec![
            field("id", DataType::Utf8, false),
            field("age", DataType::Int32, true),
            field("name", DataType::Utf8, false),
        ]);
        let ada: ArrayRef = Arc::new(StringArray::from(vec!["Ada"]));
        let columns = vec![ada.clone(), Arc::new(Int32Array::from(vec![None::<i32>])) as ArrayRef, ada];
        let path = self.path.join(table_folder("node:Person"));
        write(&path, RecordBatch::try_new(Arc::new(schema), columns)?, WriteMode::Overwrite).await?;
        let id = "01M7YPHM9VRSS32AG3TR3H9X6X";
        let sidecar = json!({
            "schema_version": 2, "operation_id": id, "started_at": "1795231665000000", "branch": null,
            "actor_id": "act-dana", "writer_kind": "SchemaApply",
            "tables": [{"table_key": "node:Person", "table_path": path, "expected_version": 2, "post_commit_pin": 3}],
        });
        fs::create_dir_all(self.path.join("__recovery"))?;
        Ok(fs::write(self.path.join(format!("__recovery/{id}.json")), sidecar.to_string())?)
    }
}

fn request(name: &str) -> LoadRequest {
    let text = format!("{}\n", json!({"type": "Person", "data": {"name": name}}));
    let input = Input { name: "test".to_owned(), reader: Box::new(std::io::Cursor::new(text)) };
    LoadRequest { mode: LoadMode::Append, branch: BranchName::main(), actor: None, inputs: vec![input] }
}

async fn load(graph: &Graph, name: &str) -> Result<(), Error> {
    graph.load(request(name), &Progress::none()).await.map(drop)
}

/// The columns of the people that main shows, and how many there are.
async fn people(graph: &Graph) -> Result<(Vec<String>, u64)> {
    let snapshot = graph.snapshot(&At::Branch(BranchName::main())).await?;
    let entry = snapshot.table("Person")?;
    let schema = graph.table_schema(entry).await?;
    let rows = graph.count(&snapshot, &entry.key.clone(), None).await?;
    Ok((schema.fields().iter().map(|field| field.name().clone()).collect(), rows))
}

#[tokio::test]
async fn missing_files_are_derived_for_a_look_and_written_for_a_write() -> Result<()> {
    let scene = Scene::new(OLD).await?;
    for file in &FILES[1..] {
        fs::remove_file(scene.path.join(file))?;
    }
    let before = digest(&scene.path)?;
    assert_eq!(people(&scene.open(OpenMode::ReadOnly).await?).await?.1, 1);
    assert!(digest(&scene.path)? == before, "looking wrote something");
    let graph = scene.open(OpenMode::ReadWrite).await?;
    scene.assert_settled(OLD)?;
    load(&graph, "Grace").await?;

    // With branches it is not known which schema they were made for.
    graph.create_branch(&"work".parse()?, &BranchName::main()).await?;
    for file in &FILES[1..] {
        fs::remove_file(scene.path.join(file))?;
    }
    let before = digest(&scene.path)?;
    for mode in [OpenMode::ReadOnly, OpenMode::ReadWrite] {
        let error = scene.open(mode).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    }
    assert!(digest(&scene.path)? == before);
    Ok(())
}

#[tokio::test]
async fn staged_files_follow_what_was_published_and_looking_leaves_them() -> Result<()> {
    // Schema of the graph, accepted files, staged files, what is planned, what is left.
    let cases = [
        (OLD, OLD, MORE, StagedSchema::Discard, OLD),
        (MORE, OLD, MORE, StagedSchema::Promote, MORE),
        (OLD, OLD, OLD, StagedSchema::Discard, OLD),
    ];
    for (graph, accepted, staged, plan, left) in cases {
        let scene = Scene::new(graph).await?;
        scene.put(accepted, &FILES, "")?;
        scene.put(staged, &FILES, ".staging")?;
        let before = digest(&scene.path)?;
        let look = scene.open(OpenMode::ReadOnly).await?;
        assert_eq!((people(&look).await?.1, look.pending().await?.recovery.staged_schema), (1, plan));
        assert!(digest(&scene.path)? == before, "looking changed the graph");
        scene.open(OpenMode::ReadWrite).await?;
        scene.assert_settled(left)?;
        let before = digest(&scene.path)?;
        drop(scene.open(OpenMode::ReadWrite).await?);
        assert!(digest(&scene.path)? == before, "there was something left to do");
    }
    Ok(())
}

#[tokio::test]
async fn where_it_cannot_be_told_nothing_is_written_and_everything_can_be_read() -> Result<()> {
    let scene = Scene::new(OLD).await?;
    scene.put(WIDER, &FILES, ".staging")?;
    let before = digest(&scene.path)?;
    let error = scene.open(OpenMode::ReadWrite).await.unwrap_err();
    assert!(error.to_string().contains("rename each of these files"), "{error}");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(people(&scene.open(OpenMode::ReadOnly).await?).await?.1, 1);
    assert!(digest(&scene.path)? == before);
    Ok(())
}

#[tokio::test]
async fn a_promotion_that_was_interrupted_goes_on() -> Result<()> {
    for renamed in [&FILES[..1], &FILES[..2]] {
        let scene = Scene::new(WIDER).await?;
        scene.put(OLD, &FILES, "")?;
        scene.put(WIDER, renamed, "")?;
        scene.put(WIDER, &FILES[renamed.len()..], ".staging")?;
        let before = digest(&scene.path)?;
        let look = scene.open(OpenMode::ReadOnly).await?;
        assert_eq!(look.schema().source(), WIDER, "the schema is the one that is coming");
        assert!(digest(&scene.path)? == before);
        load(&scene.open(OpenMode::ReadWrite).await?, "Grace").await?;
        scene.assert_settled(WIDER)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_schema_change_goes_the_way_of_its_files() -> Result<()> {
    let narrow: (Vec<String>, u64) = (vec!["id".into(), "name".into()], 1);
    let wide: (Vec<String>, u64) = (vec!["id".into(), "age".into(), "name".into()], 1);
    let cases = [
        // Nothing was staged yet.
        ("", Decision::RollBack, "RolledBack", &narrow, OLD),
        (".staging", Decision::RollForward, "RolledForward", &wide, WIDER),
        // An earlier recovery put the files in place and was interrupted then.
        ("in place", Decision::RollForward, "RolledForward", &wide, WIDER),
    ];
    for (files, decision, kind, table, schema) in cases {
        for planned in [false, true] {
            let scene = Scene::new(OLD).await?;
            scene.rewrite_people().await?;
            match files {
                "" => {}
                "in place" => scene.put(WIDER, &FILES, "")?,
                suffix => scene.put(WIDER, &FILES, suffix)?,
            }
            let look = scene.open(OpenMode::ReadOnly).await?;
            let plan = look.recovery_plan().await?;
            assert_eq!(plan.steps.iter().map(|step| step.decision).collect::<Vec<_>>(), [decision], "{files}");
            if planned {
                look.recover(&plan, Arc::new(SystemClock::default()), &Progress::none()).await?;
            }
            let graph = scene.open(OpenMode::ReadWrite).await?;
            assert_eq!(&people(&graph).await?, table, "{files}");
            scene.assert_settled(schema)?;
            let audit: Vec<String> = graph.audit().await?.into_iter().map(|row| row.recovery_kind).collect();
            assert_eq!(audit, [kind], "{files}");
            load(&graph, "Grace").await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_plan_is_outdated_if_the_staged_files_are_others() -> Result<()> {
    let scene = Scene::new(OLD).await?;
    scene.rewrite_people().await?;
    let look = scene.open(OpenMode::ReadOnly).await?;
    let plan = look.recovery_plan().await?;
    scene.put(WIDER, &FILES, ".staging")?;
    let before = digest(&scene.path)?;
    let error = look.recover(&plan, Arc::new(SystemClock::default()), &Progress::none()).await.unwrap_err();
    assert!(matches!(error, Error::Recovery(RecoveryError::PlanOutdated { .. })), "{error}");
    assert!(digest(&scene.path)? == before);
    Ok(())
}

#[tokio::test]
async fn a_handle_writes_only_with_the_schema_it_knows() -> Result<()> {
    let scene = Scene::new(OLD).await?;
    let graph = scene.open(OpenMode::ReadWrite).await?;
    fs::write(scene.path.join(FILES[0]), format!("// people\n{OLD}"))?;
    load(&graph, "Grace").await?;

    fs::write(scene.path.join(FILES[0]), WIDER)?;
    let error = load(&graph, "Linus").await.unwrap_err();
    assert!(error.to_string().contains("_schema.pg does not match the accepted schema"), "{error}");
    scene.put(OLD, &FILES, "")?;
    fs::write(scene.path.join(FILES[1]), "{")?;
    let error = graph.create_branch(&"work".parse()?, &BranchName::main()).await.unwrap_err();
    assert!(error.to_string().contains("_schema.ir.json is unreadable"), "{error}");

    // A change that is whole: this handle is of yesterday, the refreshed one is not.
    scene.put(WIDER, &FILES, "")?;
    let error = load(&graph, "Linus").await.unwrap_err();
    assert!(error.to_string().contains("was changed since it was opened"), "{error}");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let refreshed = graph.refresh().await?;
    assert_eq!((graph.schema().source(), refreshed.schema().source()), (OLD, WIDER));
    scene.put(OLD, &FILES, "")?;
    load(&graph.refresh().await?, "Linus").await?;
    assert_eq!(people(&graph).await?.1, 3, "rows are seen by every handle");
    Ok(())
}

#[tokio::test]
async fn refreshing_settles_what_needs_no_restore() -> Result<()> {
    let scene = Scene::new(OLD).await?;
    let graph = scene.open(OpenMode::ReadWrite).await?;
    graph.rehearse_load(request("Grace"), StopAt::Applied, &Progress::none()).await?.context("it was interrupted")?;
    assert_eq!(people(&graph).await?.1, 1);
    let refreshed = graph.refresh().await?;
    assert_eq!((people(&refreshed).await?.1, refreshed.sidecars().await?.len()), (2, 0));
    let look = scene.open(OpenMode::ReadOnly).await?;
    let before = digest(&scene.path)?;
    drop(look.refresh().await?);
    assert!(digest(&scene.path)? == before);
    Ok(())
}

#[tokio::test]
async fn a_rehearsal_stops_where_it_is_told_to() -> Result<()> {
    let cases = [
        (StopAt::Armed, Decision::Discard, 1),
        (StopAt::FirstTable, Decision::RollForward, 2),
        (StopAt::Applied, Decision::RollForward, 2),
        (StopAt::Published, Decision::StaleAfterSuccess, 2),
    ];
    for (stop_at, decision, rows) in cases {
        let scene = Scene::new(OLD).await?;
        let graph = scene.open(OpenMode::ReadWrite).await?;
        let operation = graph.rehearse_load(request("Grace"), stop_at, &Progress::none()).await?;
        let [step] = &graph.recovery_plan().await?.steps[..] else { panic!("one step") };
        assert_eq!((Some(&step.id), step.decision), (operation.as_ref(), decision), "{stop_at:?}");
        drop(graph);
        assert_eq!(people(&scene.open(OpenMode::ReadWrite).await?).await?.1, rows, "{stop_at:?}");
        let empty = LoadRequest { inputs: Vec::new(), ..request("") };
        let graph = scene.open(OpenMode::ReadWrite).await?;
        assert_eq!(graph.rehearse_load(empty, stop_at, &Progress::none()).await?, None);
    }
    Ok(())
}

#[tokio::test]
async fn what_was_settled_before_a_failure_is_told() -> Result<()> {
    let scene = Scene::new(OLD).await?;
    let graph = scene.open(OpenMode::ReadWrite).await?;
    let first =
        graph.rehearse_load(request("Grace"), StopAt::Applied, &Progress::none()).await?.context("interrupted")?;
    drop(graph);
    // The last of the names, so that it comes last.
    fs::write(scene.path.join("__recovery/ZZZZZZZZZZZZZZZZZZZZZZZZZZ.json"), "{")?;
    let look = scene.open(OpenMode::ReadOnly).await?;
    let plan = look.recovery_plan().await?;
    let error = look.recover(&plan, Arc::new(SystemClock::default()), &Progress::none()).await.unwrap_err();
    let Error::Recovery(RecoveryError::Incomplete { done, source }) = &error else { panic!("{error}") };
    assert_eq!(
        done.iter().map(|one| (&one.operation_id, one.decision)).collect::<Vec<_>>(),
        [(&first, Decision::RollForward)]
    );
    assert!(source.to_string().contains("ZZZZ"), "{source}");
    assert_eq!(error.kind(), ErrorKind::RecoveryNeeded);
    assert_eq!(people(&look).await?.1, 2);
    // On the command line: what was done is the answer, what was not is the error.
    fs::remove_file(scene.path.join("__recovery/ZZZZZZZZZZZZZZZZZZZZZZZZZZ.json"))?;
    let graph = scene.open(OpenMode::ReadWrite).await?;
    let second =
        graph.rehearse_load(request("Linus"), StopAt::Applied, &Progress::none()).await?.context("interrupted")?;
    fs::write(scene.path.join("__recovery/ZZZZZZZZZZZZZZZZZZZZZZZZZZ.json"), "{")?;
    let output = run(&["recovery", "run", &scene.uri(), "--yes"])?;
    assert_eq!(output.status.code(), Some(5));
    let answer = String::from_utf8(output.stdout)?;
    assert!(answer.starts_with(&format!("{second}  rolled forward")), "{answer}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("blocks writing"));
    Ok(())
}

#[tokio::test]
async fn drift_that_nothing_explains_names_what_can_be_done_and_a_branch_does_it() -> Result<()> {
    let scene = Scene::new(OLD).await?;
    let graph = scene.open(OpenMode::ReadWrite).await?;
    let operation =
        graph.rehearse_load(request("Grace"), StopAt::Applied, &Progress::none()).await?.context("interrupted")?;
    fs::remove_file(scene.path.join(format!("__recovery/{operation}.json")))?;
    let error = load(&graph, "Linus").await.unwrap_err();
    assert!(
        error.to_string().contains("write to it on a new branch") && !error.to_string().contains("repair"),
        "{error}"
    );
    let work: BranchName = "work".parse()?;
    graph.create_branch(&work, &BranchName::main()).await?;
    graph.load(LoadRequest { branch: work.clone(), ..request("Linus") }, &Progress::none()).await?;
    let snapshot = graph.snapshot(&At::Branch(work)).await?;
    let key = snapshot.table("Person")?.key.clone();
    assert_eq!(graph.count(&snapshot, &key, None).await?, 2);
    let rows: BTreeMap<_, _> = snapshot.entries.iter().map(|(key, entry)| (key.to_string(), entry.rows)).collect();
    assert_eq!(rows["node:Person"], 2);
    Ok(())
}
