//! Mutations beside others, beside drift, and stopped ones.

use std::sync::{Arc, Mutex};

use anyhow::Result;
use serde_json::{Map, json};
use stratigraph_engine::mutate::{MutateRequest, Mutated};
use stratigraph_engine::progress::CancellationToken;
use stratigraph_engine::{BranchName, ErrorKind, OpenMode, Progress, ProgressEvent};
use stratigraph_tests::folder;
use stratigraph_tests::reader::open;

use super::{column, commits, mutate, people, rows, run, settled};

#[tokio::test(flavor = "multi_thread")]
async fn inserts_wait_for_each_other_and_all_succeed() -> Result<()> {
    let made = people().await?;
    let other = made.open(OpenMode::ReadWrite).await?;
    let tasks: Vec<_> = (0..12)
        .map(|number| {
            let graph = if number % 2 == 0 { made.graph.clone() } else { other.clone() };
            let body =
                format!("insert Person {{ name: \"p{number}\" }} insert Knows {{ from: \"p{number}\" to: \"Ada\" }}");
            tokio::spawn(async move { mutate(&graph, &body).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await??, (1, 1));
    }
    assert_eq!(rows(&made.graph, "main", "Person").await?.len(), 15);
    assert_eq!((rows(&made.graph, "main", "Knows").await?.len(), commits(&made.graph).await?), (15, 14));
    settled(&made).await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_updates_of_one_row_at_once_one_wins_and_the_others_are_told() -> Result<()> {
    let made = people().await?;
    let start = std::sync::Arc::new(tokio::sync::Barrier::new(8));
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let (graph, start) = (made.graph.clone(), start.clone());
            tokio::spawn(async move {
                start.wait().await;
                mutate(&graph, &format!("update Person set {{ age: {number} }} where name = \"Ada\"")).await
            })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        match task.await? {
            Ok(affected) => {
                assert_eq!(affected, (1, 0));
                won += 1;
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
                assert_eq!(
                    error.to_string(),
                    "stale view of node:Person: expected version 2, the branch has 3; read it again and retry"
                );
            }
        }
    }
    assert_eq!((won, commits(&made.graph).await?), (1, 3));
    // One after the other they all win, whatever handle is used.
    let other = made.open(OpenMode::ReadWrite).await?;
    for (graph, age) in [(&made.graph, 1), (&other, 2), (&made.graph, 3)] {
        mutate(graph, &format!("update Person set {{ age: {age} }} where name = \"Ada\"")).await?;
    }
    assert_eq!(column(&made.graph, "Person", "age").await?[0], json!(3));
    settled(&made).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_and_an_edge_to_it_cannot_come_and_go_at_once() -> Result<()> {
    for of in ["main", "work", "main", "work", "main", "work"] {
        let made = people().await?;
        if of == "work" {
            // Both are the first to write to the tables of the branch.
            made.branch(of, "main").await?;
        }
        let (deleting, inserting) = (made.graph.clone(), made.graph.clone());
        let both = |mutated: Mutated| (mutated.affected_nodes, mutated.affected_edges);
        let delete = "delete Person where name = \"Ada\"";
        let delete = tokio::spawn(async move { run(&deleting, of, delete, json!({})).await.map(both) });
        let insert = "insert Knows { from: \"Grace\" to: \"Ada\" }";
        let insert = tokio::spawn(async move { run(&inserting, of, insert, json!({})).await.map(both) });
        let (delete, insert) = (delete.await?, insert.await?);
        match (delete, insert) {
            // The edge came first, and went with the node.
            (Ok((1, 4)), Ok(_)) => {}
            (Ok((1, 3)), Err(error)) => assert!(error.to_string().contains("dst `Ada` not found"), "{error}"),
            (Err(error), Ok(_)) => assert!(error.to_string().contains("stale view of edge:Knows"), "{error}"),
            other => panic!("{other:?}"),
        }
        let people = rows(&made.graph, of, "Person").await?;
        for edge in rows(&made.graph, of, "Knows").await? {
            assert!(people.iter().any(|row| row["id"] == edge["dst"]), "{edge} leads to nobody");
        }
        settled(&made).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_table_that_has_drifted_is_not_written_to() -> Result<()> {
    let made = people().await?;
    open(&made.path().join("nodes/40d76f1f51639ec0"), None).await?.delete("name = 'Linus'").await?;
    let before = folder::digest(&made.path())?;
    for body in [
        "delete Person where name = \"Ada\"",
        "update Person set { age: 1 } where name = \"Ada\"",
        "insert Person { name: \"New\" }",
    ] {
        let error = mutate(&made.graph, body).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        assert!(error.to_string().contains("the head of node:Person is version 3, the graph shows 2"), "{error}");
        assert!(error.to_string().contains("no sidecar explains it"), "{error}");
    }
    let heads = |digest: &folder::Digest| {
        digest.keys().filter(|path| path.to_string_lossy().contains("_versions")).cloned().collect::<Vec<_>>()
    };
    assert_eq!(heads(&folder::digest(&made.path())?), heads(&before), "a table has moved");
    // Other tables can be changed, and what chose its rows from the drifted one has chosen from what the graph shows.
    assert_eq!(mutate(&made.graph, "insert Knows { from: \"Linus\" to: \"Linus\" }").await?, (0, 1));
    Ok(())
}

#[tokio::test]
async fn a_mutation_that_is_stopped_leaves_nothing_and_the_phases_are_told() -> Result<()> {
    let made = people().await?;
    let before = folder::digest(&made.path())?;
    let request = || MutateRequest {
        branch: BranchName::main(),
        actor: None,
        text: "query q() { delete Person where age > 1 }".to_owned(),
        name: None,
        params: Map::new(),
    };
    let stopped = CancellationToken::new();
    stopped.cancel();
    let error = Box::pin(made.graph.mutate(request(), &Progress::new(|_| {}, stopped))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    assert!(folder::digest(&made.path())? == before, "something was written");
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = events.clone();
    let progress =
        Progress::new(move |event| seen.lock().expect("nobody panics").push(event), CancellationToken::new());
    Box::pin(made.graph.mutate(request(), &progress)).await?;
    let phases: Vec<(&'static str, bool)> = events
        .lock()
        .expect("nobody panics")
        .iter()
        .filter_map(|event| match event {
            ProgressEvent::Phase { name, cancellable, .. } => Some((*name, *cancellable)),
            _ => None,
        })
        .collect();
    assert_eq!(phases[..2], [("stage", true), ("record the intent", true)]);
    assert_eq!(phases.last(), Some(&("publish", false)));
    Ok(())
}
