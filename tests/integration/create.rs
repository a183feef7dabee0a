//! New graphs, object by object as the format describes them.

use std::fs;

use anyhow::Result;
use lance::Dataset;
use stratigraph_engine::{At, BranchName, CreateOptions, Graph, OpenMode, Progress};
use stratigraph_tests::folder;

const SOURCE: &str = "node Person {\n  name: String @key\n  age: I32?\n}\nedge Knows: Person -> Person\n";

fn uri(root: &tempfile::TempDir) -> String {
    root.path().join("graph").to_string_lossy().into_owned()
}

#[tokio::test]
async fn a_new_graph_has_every_object_of_the_format() -> Result<()> {
    let root = tempfile::tempdir()?;
    let uri = uri(&root);
    let graph = Graph::create(&uri, SOURCE, &CreateOptions::default()).await?;
    assert_eq!(graph.stamp(), 3);
    let history = graph.history(&Progress::none()).await?;
    let [genesis] = history.commits() else { panic!("one commit: {:?}", history.commits()) };
    assert_eq!((genesis.parent, genesis.merged_parent, genesis.actor.as_deref()), (None, None, None));
    assert_eq!((genesis.manifest_version.get(), genesis.branch.is_main()), (3, true));
    assert_eq!(history.problems(), []);

    assert_eq!(fs::read_to_string(format!("{uri}/_schema.pg"))?, SOURCE);
    for (path, version, rows) in [
        ("__manifest", 3, 4),
        ("_graph_commits.lance", 1, 1),
        ("_graph_commit_actors.lance", 1, 0),
        ("nodes/40d76f1f51639ec0", 1, 0),
        ("edges/602a25a3bd0b455b", 1, 0),
    ] {
        let dataset = Dataset::open(&format!("{uri}/{path}")).await?;
        assert_eq!((dataset.version().version, dataset.count_rows(None).await?), (version, rows), "{path}");
        assert!(dataset.manifest().uses_stable_row_ids(), "{path}");
        assert_eq!(dataset.manifest().data_storage_format.version.to_string(), "2.2", "{path}");
        assert!(!dataset.manifest().config.keys().any(|key| key.starts_with("lance.auto_cleanup")), "{path}");
    }
    let manifest = Dataset::open(&format!("{uri}/__manifest")).await?;
    assert_eq!(manifest.schema().metadata["omnigraph:internal_schema_version"], "3");
    assert_eq!(manifest.manifest().config["table_version_management"], "true");
    let key = manifest.schema().field("object_id").expect("a column");
    assert_eq!(key.metadata["lance-schema:unenforced-primary-key"], "true");
    assert!(!fs::exists(format!("{uri}/__recovery"))?);
    Ok(())
}

#[tokio::test]
async fn a_graph_is_never_made_over_another() -> Result<()> {
    let root = tempfile::tempdir()?;
    let uri = uri(&root);
    Graph::create(&uri, SOURCE, &CreateOptions::default()).await?;
    let before = folder::digest(root.path())?;
    for force in [false, true] {
        let options = CreateOptions { force, ..CreateOptions::default() };
        let error = Graph::create(&uri, "node Other { x: String @key }", &options).await.unwrap_err();
        assert!(error.to_string().contains("is a graph already") && error.to_string().contains(&uri), "{error}");
    }
    assert!(folder::digest(root.path())? == before);
    Ok(())
}

#[tokio::test]
async fn a_bad_schema_touches_nothing() -> Result<()> {
    let root = tempfile::tempdir()?;
    for (source, said) in [("node Person { name: Text }", "Text"), ("// nothing yet\n", "no node type")] {
        let error = Graph::create(&uri(&root), source, &CreateOptions::default()).await.unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
    assert_eq!(fs::read_dir(root.path())?.count(), 0);
    Ok(())
}

#[tokio::test]
async fn left_over_schema_files_are_taken_over_by_force_alone() -> Result<()> {
    let root = tempfile::tempdir()?;
    let uri = uri(&root);
    fs::create_dir_all(&uri)?;
    fs::write(format!("{uri}/_schema.pg"), "node Old { x: String @key }")?;
    let error = Graph::create(&uri, SOURCE, &CreateOptions::default()).await.unwrap_err();
    assert!(error.to_string().contains("--force"), "{error}");
    let options = CreateOptions { force: true, ..CreateOptions::default() };
    let graph = Graph::create(&uri, SOURCE, &options).await?;
    assert_eq!(graph.snapshot(&At::Branch(BranchName::main())).await?.entries.len(), 2);
    drop(Graph::open(&uri, OpenMode::ReadWrite).await?);
    Ok(())
}

#[tokio::test]
async fn data_without_a_graph_is_not_taken_away() -> Result<()> {
    let root = tempfile::tempdir()?;
    let uri = uri(&root);
    folder::copy(&stratigraph_tests::fixtures::Fixture::Team.path()?, std::path::Path::new(&uri))?;
    for name in ["_schema.pg", "_schema.ir.json", "__schema_state.json"] {
        fs::remove_file(format!("{uri}/{name}"))?;
    }
    fs::remove_dir_all(format!("{uri}/_graph_commits.lance"))?;
    let before = folder::digest(&root.path().join("graph/nodes"))?;
    let options = CreateOptions { force: true, ..CreateOptions::default() };
    let error = Graph::create(&uri, SOURCE, &options).await.unwrap_err();
    assert!(error.to_string().contains("belongs to no graph"), "{error}");
    assert!(folder::digest(&root.path().join("graph/nodes"))? == before);
    Ok(())
}
