//! Graphs and branches whose making or deleting fails: either they are there or they are not, and the next attempt succeeds.

use anyhow::Result;
use fail::FailScenario;
use stratigraph_engine::load::{Input, LoadMode, LoadRequest};
use stratigraph_engine::{At, BranchName, CreateOptions, Graph, OpenMode, Progress, fail as points};
use tokio::runtime::Runtime;

const SOURCE: &str = "node Person { name: String @key }\n";

#[test]
fn a_graph_that_was_not_made_can_be_made() -> Result<()> {
    let scenario = FailScenario::setup();
    let runtime = Runtime::new()?;
    for point in [
        points::INIT_AFTER_SCHEMA_PG_WRITTEN,
        points::INIT_AFTER_SCHEMA_CONTRACT_WRITTEN,
        points::INIT_AFTER_COORDINATOR_INIT,
    ] {
        let root = tempfile::tempdir()?;
        let uri = root.path().join("g").to_string_lossy().into_owned();
        fail::cfg(point, "return").expect("a valid action");
        let error = runtime.block_on(Graph::create(&uri, SOURCE, &CreateOptions::default())).unwrap_err();
        fail::remove(point);
        assert_eq!(error.to_string(), format!("injected failpoint triggered: {point}"));
        for file in ["_schema.pg", "_schema.ir.json", "__schema_state.json"] {
            assert!(!std::fs::exists(format!("{uri}/{file}"))?, "{file} is left after {point}");
        }
        let graph = runtime.block_on(Graph::create(&uri, SOURCE, &CreateOptions::default()))?;
        assert_eq!(runtime.block_on(graph.history(&Progress::none()))?.commits().len(), 1);
    }
    scenario.teardown();
    Ok(())
}

async fn graph(root: &tempfile::TempDir) -> Result<Graph> {
    let uri = root.path().join("g").to_string_lossy().into_owned();
    Graph::create(&uri, SOURCE, &CreateOptions::default()).await?;
    let graph = Graph::open(&uri, OpenMode::ReadWrite).await?;
    load(&graph, &BranchName::main(), "Ada").await?;
    Ok(graph)
}

async fn load(graph: &Graph, branch: &BranchName, name: &str) -> Result<()> {
    let text = format!(r#"{{"type":"Person","data":{{"name":"{name}"}}}}"#);
    let input = Input { name: "test".to_owned(), reader: Box::new(std::io::Cursor::new(text)) };
    let request = LoadRequest { mode: LoadMode::Append, branch: branch.clone(), actor: None, inputs: vec![input] };
    graph.load(request, &Progress::none()).await?;
    Ok(())
}

async fn people(graph: &Graph, branch: &BranchName) -> Result<u64> {
    people_at(graph, &At::Branch(branch.clone())).await
}

async fn people_at(graph: &Graph, at: &At) -> Result<u64> {
    let snapshot = graph.snapshot(at).await?;
    let key = snapshot.table("Person")?.key.clone();
    Ok(graph.count(&snapshot, &key, None).await?)
}

#[test]
fn a_branch_that_was_not_made_does_not_exist() -> Result<()> {
    let scenario = FailScenario::setup();
    let runtime = Runtime::new()?;
    for at in ["main", "main@v4"] {
        let root = tempfile::tempdir()?;
        runtime.block_on(async {
            let graph = graph(&root).await?;
            load(&graph, &BranchName::main(), "Linus").await?;
            let (at, work): (At, BranchName) = (at.parse()?, "work".parse()?);
            let stored = people_at(&graph, &at).await?;
            fail::cfg(points::BRANCH_CREATE_AFTER_MANIFEST_BRANCH_CREATE, "return").expect("a valid action");
            graph.create_branch_at(&work, &at).await.unwrap_err();
            fail::remove(points::BRANCH_CREATE_AFTER_MANIFEST_BRANCH_CREATE);
            assert_eq!(graph.branches().await?.len(), 1);
            graph.create_branch_at(&work, &at).await?;
            load(&graph, &work, "Grace").await?;
            assert_eq!(people(&graph, &BranchName::main()).await?, 2);
            assert_eq!(people(&graph, &work).await?, stored + 1, "from {at:?}");
            anyhow::Ok(())
        })?;
    }
    scenario.teardown();
    Ok(())
}

#[test]
fn what_a_deleted_branch_leaves_is_taken_away_by_the_next_of_its_name() -> Result<()> {
    let scenario = FailScenario::setup();
    let runtime = Runtime::new()?;
    for point in [points::BRANCH_DELETE_BEFORE_COMMIT_GRAPH_RECLAIM, points::BRANCH_DELETE_BEFORE_TABLE_CLEANUP] {
        let root = tempfile::tempdir()?;
        runtime.block_on(async {
            let graph = graph(&root).await?;
            let (main, work): (BranchName, BranchName) = (BranchName::main(), "work".parse()?);
            graph.create_branch(&work, &main).await?;
            load(&graph, &work, "Grace").await?;
            fail::cfg(point, "return").expect("a valid action");
            graph.delete_branch(&work).await?;
            fail::remove(point);
            assert_eq!(graph.branches().await?.len(), 1, "the branch is gone all the same");
            graph.create_branch(&work, &main).await?;
            assert_eq!(people(&graph, &work).await?, 1, "it starts clean");
            let history = graph.history(&Progress::none()).await?;
            assert_eq!(history.heads()[&work], history.heads()[&main]);

            // Whose the lineage in the way is cannot be told: it stays, and the write is refused.
            fail::cfg(points::CLASSIFY_FRESH_READ, "return").expect("a valid action");
            let refused = load(&graph, &work, "Linus").await;
            fail::remove(points::CLASSIFY_FRESH_READ);
            assert!(refused.unwrap_err().to_string().contains("could not be verified"));
            load(&graph, &work, "Linus").await?;
            assert_eq!((people(&graph, &main).await?, people(&graph, &work).await?), (1, 2));
            anyhow::Ok(())
        })?;
    }
    scenario.teardown();
    Ok(())
}

/// Every path below a folder.
fn paths(root: &std::path::Path) -> Result<Vec<std::path::PathBuf>> {
    Ok(stratigraph_tests::folder::digest(root)?.into_keys().filter(|path| path.is_file()).collect())
}

#[test]
fn a_branch_that_was_not_made_leaves_nothing_wherever_it_failed() -> Result<()> {
    let scenario = FailScenario::setup();
    let runtime = Runtime::new()?;
    let failures = [
        (points::STORAGE_AFTER_FORK, "return"),
        // The manifest has the branch, and its commits are made.
        (points::STORAGE_AFTER_FORK, "1*off->return"),
        (points::BRANCH_CREATE_AFTER_MANIFEST_BRANCH_CREATE, "return"),
        (points::STORAGE_OPEN, "return"),
        (points::STORAGE_LINEAGES, "return"),
        (points::STORAGE_LINEAGES, "1*off->return"),
    ];
    for (point, action) in failures {
        let root = tempfile::tempdir()?;
        runtime.block_on(async {
            let graph = graph(&root).await?;
            let (main, work): (BranchName, BranchName) = (BranchName::main(), "work".parse()?);
            let before = paths(root.path())?;
            fail::cfg(point, action).expect("a valid action");
            let error = graph.create_branch(&work, &main).await.unwrap_err();
            fail::remove(point);
            assert_eq!(error.to_string(), format!("injected failpoint triggered: {point}"), "{action}");
            assert_eq!(paths(root.path())?, before, "{point} {action}");
            graph.create_branch(&work, &main).await?;
            load(&graph, &work, "Grace").await?;
            assert_eq!((people(&graph, &main).await?, people(&graph, &work).await?), (1, 2));
            anyhow::Ok(())
        })?;
    }
    scenario.teardown();
    Ok(())
}
