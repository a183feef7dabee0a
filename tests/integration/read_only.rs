//! Looking never writes.

use anyhow::Result;
use futures::TryStreamExt;
use stratigraph_engine::recovery::SidecarState;
use stratigraph_engine::{At, Blobs, BranchName, DiffFilter, Graph, OpenMode, Progress, ReadOptions, SqlOptions};
use stratigraph_tests::fixtures::Fixture;
use stratigraph_tests::folder::digest;

/// Uses everything the engine can read of a graph.
async fn look_at_everything(graph: &Graph) -> Result<()> {
    let history = graph.history(&Progress::none()).await?;
    for commit in history.commits() {
        graph.commit_changes(commit, 0).await?;
        graph.snapshot(&At::Commit(commit.id)).await?;
    }
    let main = graph.snapshot(&At::Branch(BranchName::main())).await?;
    for branch in graph.branches().await? {
        let snapshot = graph.snapshot(&At::Branch(branch.name)).await?;
        graph.table_status(&snapshot).await;
        for entry in snapshot.entries.values() {
            graph.table_versions(entry, usize::MAX).await?;
            graph.table_indices(entry).await?;
            graph.table_schema(entry).await?;
            let options = ReadOptions { blobs: Blobs::Bytes, ..ReadOptions::default() };
            graph.read(&snapshot, &entry.key, &options).await?.try_collect::<Vec<_>>().await?;
            graph.count(&snapshot, &entry.key, Some("id > 'A'")).await?;
            graph.entity(&snapshot, &entry.key, "Ada", Blobs::Described).await?;
        }
        graph.diff(&main, &snapshot, DiffFilter::default(), &Progress::none()).try_collect::<Vec<_>>().await?;
        let person = snapshot.table("Person")?.key.clone();
        let walk = graph.row_history(&person, "Ada", &snapshot.branch, &Progress::none());
        walk.try_collect::<Vec<_>>().await?;
        let result = graph.sql(&snapshot, "select count(*) from Person", SqlOptions::default()).await?;
        result.batches.try_collect::<Vec<_>>().await?;
    }
    for sidecar in graph.sidecars().await? {
        if let SidecarState::Readable(sidecar) = &sidecar.state {
            graph.observe(sidecar).await?;
        }
    }
    graph.audit().await?;
    graph.head_versions().await?;
    Ok(())
}

#[tokio::test]
async fn reading_leaves_every_file_as_it_was() -> Result<()> {
    for fixture in [Fixture::Team, Fixture::LoadCrash] {
        let path = fixture.path()?;
        let before = digest(&path)?;
        let graph = Graph::open(&path.to_string_lossy(), OpenMode::ReadOnly).await?;
        look_at_everything(&graph).await?;
        drop(graph);
        assert!(digest(&path)? == before, "{fixture:?} changed");
    }
    Ok(())
}
