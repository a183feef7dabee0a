//! Putting files together fails: the write is whole all the same, and the graph goes on with many files.

use anyhow::Result;
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::{OpenMode, fail as points};
use stratigraph_tests::graph::{TestGraph, load};
use stratigraph_tests::reader::{broken_rules, open};

use crate::alone::run;

const TABLES: [&str; 3] = ["__manifest", "_graph_commits.lance", "_graph_commit_actors.lance"];

fn event(number: u64) -> String {
    format!(r#"{{"type":"Event","data":{{"name":"{number}"}}}}"#)
}

async fn files(made: &TestGraph) -> Result<[usize; 3]> {
    let mut counts = [0; 3];
    for (count, path) in counts.iter_mut().zip(TABLES) {
        *count = open(&made.path().join(path), None).await?.fragments().len();
    }
    Ok(counts)
}

/// Makes a graph whose next write is the hundredth version.
async fn ninety_nine() -> Result<(TestGraph, u64)> {
    let made = TestGraph::new("node Event { name: String @key }\n").await?;
    let (mut version, mut number) = (0, 0);
    while version < 99 {
        version = made.load(LoadMode::Append, "main", &event(number)).await?.expect("a row is new");
        number += 1;
    }
    Ok((made, number))
}

#[test]
fn a_write_is_whole_if_its_files_are_not_put_together() -> Result<()> {
    run(async || {
        // The first table fails, or the second: those before it are in one file then.
        for (action, together) in [("return", 0), ("1*off->return", 1)] {
            let (made, number) = ninety_nine().await?;
            fail::cfg(points::TIDY_BEFORE_COMPACTION, action).expect("a valid action");
            let written = made.load(LoadMode::Append, "main", &event(number)).await;
            fail::remove(points::TIDY_BEFORE_COMPACTION);
            assert_eq!(written?, Some(100), "{action}");
            assert!(made.graph.sidecars().await?.is_empty());
            assert_eq!(files(&made).await?.iter().filter(|&&files| files == 1).count(), together, "{action}");

            load(&made.graph, LoadMode::Append, "main", &event(number + 1)).await?;
            let graph = made.open(OpenMode::ReadWrite).await?;
            load(&graph, LoadMode::Append, "main", &event(number + 2)).await?;
            let end = made.files().await?;
            assert_eq!(broken_rules(&end).await?, []);
            assert_eq!(end.ids("main", "node:Event").await?.len() as u64, number + 3);
        }
        Ok(())
    })
}
