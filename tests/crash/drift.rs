//! A head that changes no row, taken over by a write that is stopped at every step of that.

use std::fs;

use anyhow::{Context, Result, ensure};
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::{At, BranchName, Graph, OpenMode, fail as points};
use stratigraph_tests::graph::{TestGraph, load};
use stratigraph_tests::reader::open;

use crate::alone::run;

const PERSON: &str = "nodes/40d76f1f51639ec0";

/// Steps of taking over, and how often each is passed before it fails: the write itself passes some of them later.
const STEPS: [(&str, &str); 6] = [
    (points::RECOVERY_SIDECAR_WRITE, "return"),
    (points::RECOVERY_BEFORE_ROLL_FORWARD_PUBLISH, "return"),
    (points::RECOVERY_BEFORE_RECORD, "return"),
    (points::RECOVERY_RECORD_AUDIT, "return"),
    (points::RECOVERY_SIDECAR_DELETE, "1*return"),
    (points::WRITE_BEFORE_TABLE_COMMIT, "return"),
];

fn person(name: &str) -> String {
    format!("{{\"type\":\"Person\",\"data\":{{\"name\":\"{name}\"}}}}\n")
}

async fn pin(graph: &Graph) -> Result<u64> {
    let snapshot = graph.snapshot(&At::Branch(BranchName::main())).await?;
    Ok(snapshot.table("Person")?.version.get())
}

async fn drifted() -> Result<(TestGraph, u64, u64)> {
    let made = TestGraph::new("node Person { name: String @key }\n").await?;
    made.load(LoadMode::Append, "main", &person("Ada")).await?;
    let from = pin(&made.graph).await?;
    let mut table = open(&made.path().join(PERSON), None).await?;
    table.delete("name = 'nobody'").await?;
    let to = table.version().version;
    ensure!(to > from, "the head did not move");
    Ok((made, from, to))
}

/// Everything is as if nothing had failed, with one audit row of what was taken over.
async fn is_whole(made: &TestGraph, from: u64, to: u64) -> Result<()> {
    let files = made.files().await?;
    ensure!(files.ids("main", "node:Person").await? == ["Ada", "Grace"]);
    let audit = made.graph.audit().await?;
    let taken: Vec<(u64, u64)> = audit
        .iter()
        .filter(|row| row.sidecar_writer_kind == "Optimize")
        .flat_map(|row| row.outcomes.iter().map(|it| (it.from_version, it.to_version)))
        .collect();
    ensure!(taken == [(from, to)], "{audit:?}");
    let left = fs::read_dir(made.path().join("__recovery"))?.count();
    ensure!(left == 0, "{left} sidecars are left");
    Ok(())
}

#[test]
fn taking_over_a_head_is_finished_by_whoever_comes_next() -> Result<()> {
    run(async || {
        for (point, action) in STEPS {
            for by_opening in [false, true] {
                let named = format!("{point}, by opening: {by_opening}");
                let (made, from, to) = drifted().await?;
                fail::cfg(point, action).expect("a valid action");
                let failed = made.load(LoadMode::Append, "main", &person("Grace")).await;
                fail::remove(point);
                ensure!(failed.is_err(), "{named} was not passed");
                if by_opening {
                    let graph = made.open(OpenMode::ReadWrite).await.context(named.clone())?;
                    load(&graph, LoadMode::Append, "main", &person("Grace")).await.context(named.clone())?;
                } else {
                    made.load(LoadMode::Append, "main", &person("Grace")).await.context(named.clone())?;
                }
                is_whole(&made, from, to).await.context(named)?;
            }
        }
        Ok(())
    })
}

#[test]
fn discarding_a_head_is_finished_by_whoever_opens_next() -> Result<()> {
    run(async || {
        let steps = [
            points::RECOVERY_SIDECAR_WRITE,
            points::RECOVERY_AFTER_RESTORE,
            points::RECOVERY_BEFORE_RECORD,
            points::RECOVERY_RECORD_AUDIT,
            points::RECOVERY_SIDECAR_DELETE,
        ];
        for point in steps {
            let made = TestGraph::new("node Person { name: String @key }\n").await?;
            made.load(LoadMode::Append, "main", &person("Ada")).await?;
            let from = pin(&made.graph).await?;
            let mut table = open(&made.path().join(PERSON), None).await?;
            table.delete("true").await?;
            let head = table.version().version;
            let key = "node:Person".parse()?;
            fail::cfg(point, "return").expect("a valid action");
            let failed = Box::pin(made.graph.restore_table(&BranchName::main(), &key)).await;
            fail::remove(point);
            ensure!(failed.is_err(), "{point} was not passed");
            let graph = made.open(OpenMode::ReadWrite).await.context(point)?;
            Box::pin(graph.restore_table(&BranchName::main(), &key)).await.context(point)?;
            load(&graph, LoadMode::Append, "main", &person("Grace")).await.context(point)?;
            let files = made.files().await.context(point)?;
            ensure!(files.ids("main", "node:Person").await? == ["Ada", "Grace"], "{point}");
            let audit = graph.audit().await?;
            let [row] = &audit[..] else { anyhow::bail!("{point}: {audit:?}") };
            let outcome = &row.outcomes[0];
            // A restore that was made and not published is discarded with the rest.
            let is_all = outcome.from_version >= head && outcome.to_version == from;
            ensure!(row.recovery_kind == "RolledBack" && is_all, "{point}: {row:?}");
        }
        Ok(())
    })
}
