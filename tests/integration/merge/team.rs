//! The reference's own graph: `budget` into `main`, previewed, decided and read back.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stratigraph_engine::merge::{
    CellChoice, Choice, ConflictDetail, ConflictKind, Decision, MergeOutcome, MergeWay, Rule, Side,
};
use stratigraph_engine::{Graph, OpenMode};
use stratigraph_tests::fixtures::Fixture;
use stratigraph_tests::folder;
use stratigraph_tests::graph::branch;
use stratigraph_tests::reader::{GraphFiles, Rule as Format, broken_rules};

use super::{MERGER, carry_out, decided, expected, found, is_commit_of, none, plan, text, ways};

/// What a merge should give: the export of main with these changes.
fn after(atlas: &Value, linus: Option<&Value>) -> Result<Vec<Value>> {
    let budget = Fixture::Team.expected_export("budget")?;
    let cirrus = budget.iter().find(|record| record["data"]["id"] == "cirrus").context("cirrus")?;
    let mut records = Vec::new();
    for record in Fixture::Team.expected_export("main")? {
        if record["data"]["id"] == "Margaret" {
            records.extend(linus.cloned());
        }
        let is_last = record["data"]["id"] == "borealis";
        records.push(if record["data"]["id"] == "atlas" { atlas.clone() } else { record });
        if is_last {
            records.push(cirrus.clone());
        }
    }
    Ok(records)
}

fn record(of: &str, id: &str) -> Result<Value> {
    let all = Fixture::Team.expected_export(of)?;
    all.into_iter().find(|record| record["data"]["id"] == id).with_context(|| format!("{id} of {of}"))
}

/// The reference left a head past its pin here, which is none of a merge's business; what it wrote names the place that the copy is of.
async fn keeps_the_format(files: &GraphFiles) -> Result<()> {
    let mut broken = broken_rules(files).await?;
    broken.retain(|(rule, what)| *rule != Format::ManifestRow || !what.contains("tmp/omnigraph-fixtures/team"));
    assert!(matches!(&broken[..], [(Format::Head, what)] if what.contains("edges/602a25a3bd0b455b")), "{broken:#?}");
    Ok(())
}

#[tokio::test]
async fn the_preview_finds_the_two_conflicts_and_writes_nothing() -> Result<()> {
    let path = Fixture::Team.path()?;
    let before = folder::digest(&path)?;
    let graph = Graph::open(&path.to_string_lossy(), OpenMode::ReadOnly).await?;
    let plan = plan(&graph, "budget", "main").await?;
    let conflicts = [
        (ConflictKind::DeleteVsUpdate, "node:Person", "Linus"),
        (ConflictKind::DivergentUpdate, "node:Project", "atlas"),
    ];
    assert_eq!(found(plan.conflicts()), expected(&conflicts));
    assert_eq!((plan.outcome(), plan.other_bases()), (MergeOutcome::Merged, &[][..]));
    let base = plan.heads().base.to_string();
    assert_eq!(base, "01M7Y2AKCYY3TSSZQ5XMPW4170", "where budget was cut");
    // Linus stays away until he is decided; Cirrus is new.
    let (project, person) = ("node:Project".to_owned(), "node:Person".to_owned());
    assert_eq!(ways(&plan), [(person, MergeWay::Rewrite, [0, 0, 0]), (project, MergeWay::Rewrite, [1, 0, 0])]);
    let ConflictDetail::Row { columns, is_cell_mergeable } = &plan.conflicts()[1].detail else {
        panic!("{:?}", plan.conflicts()[1])
    };
    assert_eq!((columns.join(" "), *is_cell_mergeable), ("budget tags title".to_owned(), false));
    let rows = graph.conflict_rows(&plan, &plan.conflicts()[1]).await?;
    let [atlas] = &rows[..] else { panic!("{rows:?}") };
    let budgets = [&atlas.base, &atlas.source, &atlas.target]
        .map(|row| row.as_ref().and_then(|row| row.get("budget")).map(stratigraph_engine::Value::to_json));
    assert_eq!(budgets[1..], [Some(json!(99_000.0)), Some(json!(140_000.0))]);
    assert!(budgets[0].is_some() && budgets[0] != budgets[1] && budgets[0] != budgets[2], "{budgets:?}");
    let rows = graph.conflict_rows(&plan, &plan.conflicts()[0]).await?;
    let [linus] = &rows[..] else { panic!("{rows:?}") };
    assert!(linus.base.is_some() && linus.source.is_some() && linus.target.is_none(), "main deleted Linus");
    assert!(folder::digest(&path)? == before, "a preview writes nothing");
    Ok(())
}

#[tokio::test]
async fn it_merges_with_decisions_and_reads_as_expected() -> Result<()> {
    let of_main = record("main", "atlas")?;
    let mut mixed = of_main.clone();
    mixed["data"]["budget"] = json!(99_000.0);
    mixed["data"]["title"] = json!("Atlas, decided");
    let cells = [
        ("budget".to_owned(), CellChoice::From(Side::Source)),
        ("tags".to_owned(), CellChoice::From(Side::Target)),
        ("title".to_owned(), CellChoice::Value(json!("Atlas, decided"))),
    ];
    let keep_linus = record("budget", "Linus")?;
    for (atlas, linus, records) in [
        (Choice::Cells(cells.into()), Choice::Keep, after(&mixed, Some(&keep_linus))?),
        (Choice::Take(Side::Source), Choice::Delete, after(&record("budget", "atlas")?, None)?),
        (Choice::Take(Side::Target), Choice::Take(Side::Source), after(&of_main, Some(&keep_linus))?),
    ] {
        let copy = tempfile::tempdir()?;
        folder::copy(&Fixture::Team.path()?, copy.path())?;
        let graph = Graph::open(&copy.path().to_string_lossy(), OpenMode::ReadWrite).await?;
        let before = GraphFiles::read(copy.path()).await?;
        let plan = plan(&graph, "budget", "main").await?;
        let refused = carry_out(&graph, &plan, &none(&plan)).await.unwrap_err();
        assert!(refused.to_string().contains("2 conflicts are undecided"), "{refused}");
        let of_kind = Rule { kind: Some(ConflictKind::DeleteVsUpdate), ..Rule::default() };
        let decisions = decided(
            &plan,
            vec![Decision::by_rule(of_kind, linus), Decision::by_hand(&plan.conflicts()[1], Some(atlas))],
        );
        let merged = carry_out(&graph, &plan, &decisions).await?;
        assert_eq!(merged.outcome, MergeOutcome::Merged);

        let files = GraphFiles::read(copy.path()).await?;
        assert_eq!(files.export("main").await?, records);
        keeps_the_format(&files).await?;
        is_commit_of(&files, &plan)?;
        let (was, is) = (before.branch("main")?, files.branch("main")?);
        assert_eq!(is.version, was.version + 1);
        assert_eq!(is.commits.len(), was.commits.len() + 1);
        assert_eq!(is.commits[..was.commits.len()], was.commits[..], "older commits stay");
        assert_eq!(files.actors.get(&text(is.head()?, "graph_commit_id")).map(String::as_str), Some(MERGER));
        // The rows of `__manifest` that are new: one for each table that moved, on the main lineage.
        let new: Vec<_> = is.manifest.iter().filter(|row| !was.manifest.contains(row)).collect();
        let person_moves = records.len() > before.export("main").await?.len() + 1;
        let moved: Vec<(String, Value)> =
            new.iter().map(|row| (text(row, "table_key"), row["table_branch"].clone())).collect();
        let mut tables = vec![("node:Project".to_owned(), Value::Null)];
        if person_moves {
            tables.insert(0, ("node:Person".to_owned(), Value::Null));
        }
        let mut moved_sorted = moved;
        moved_sorted.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(moved_sorted, tables);
        assert_eq!(files.branch("budget")?.tables, before.branch("budget")?.tables);
        assert_eq!(super::plan(&graph, "budget", "main").await?.outcome(), MergeOutcome::AlreadyUpToDate);
        assert_eq!(graph.branches().await?.iter().filter(|it| it.name == branch("budget")).count(), 1);
    }
    Ok(())
}
