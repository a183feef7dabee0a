//! Where a merged table is: the target never depends on the source (M-04), and nobody else loses what the target leaves behind.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stratigraph_engine::merge::{MergeOutcome, MergeWay};
use stratigraph_engine::{At, OpenMode};
use stratigraph_tests::graph::{TestGraph, branch};
use stratigraph_tests::reader::GraphFiles;

use super::{carry_out, is_commit_of, is_up_to_date, merge, mutate, none, person, plan, put, rows_at, ways};

const SCHEMA: &str = "node Person {\n  name: String @key\n  age: I32?\n}\nnode Note {\n  body: String\n}\n";
const PERSON: &str = "node:Person";

async fn graph_with(branches: &[&str]) -> Result<TestGraph> {
    let made = TestGraph::new(SCHEMA).await?;
    put(&made, "main", &(person("Ada", 1) + &person("Bea", 2))).await?;
    for name in branches {
        made.branch(name, "main").await?;
    }
    Ok(made)
}

fn note(id: &str) -> String {
    json!({"type": "Note", "data": {"id": id, "body": ""}}).to_string()
}

/// Lineage and version of the people of a branch.
fn pin(files: &GraphFiles, of: &str) -> Result<(Option<String>, u64)> {
    let table = &files.branch(of)?.tables[PERSON];
    Ok((table.lineage.clone(), table.version))
}

async fn ages(made: &TestGraph, of: &str) -> Result<Vec<(String, Value)>> {
    super::column(&made.files().await?, of, PERSON, "age").await
}

fn of(ages: &[(&str, i64)]) -> Vec<(String, Value)> {
    ages.iter().map(|(name, age)| ((*name).to_owned(), json!(age))).collect()
}

/// Deletes a branch, and reads and writes another one through a handle that was opened after.
async fn outlives(made: &TestGraph, source: &str, target: &str, ages: &[(&str, i64)]) -> Result<()> {
    made.graph.delete_branch(&branch(source)).await?;
    let again = made.open(OpenMode::ReadWrite).await?;
    let rows = rows_at(&again, &At::Branch(branch(target)), "Person").await?;
    let found: Vec<(String, Value)> =
        rows.iter().map(|row| (row["id"].as_str().unwrap_or_default().to_owned(), row["age"].clone())).collect();
    assert_eq!(found, of(ages));
    mutate(&again, target, "update Person set { age: 77 } where name = \"Ada\"").await?;
    put(made, target, &person("Zoe", 99)).await?;
    let mut expected = of(ages);
    expected[0].1 = json!(77);
    expected.push(("Zoe".to_owned(), json!(99)));
    assert_eq!(self::ages(made, target).await?, expected);
    Ok(())
}

#[tokio::test]
async fn a_branch_gets_a_pointer_to_what_main_has() -> Result<()> {
    let made = graph_with(&["target"]).await?;
    put(&made, "main", &person("Cai", 3)).await?;
    let plan = plan(&made.graph, "main", "target").await?;
    assert_eq!(plan.outcome(), MergeOutcome::FastForward);
    assert_eq!(ways(&plan), [(PERSON.to_owned(), MergeWay::Pointer, [1, 0, 0])]);
    carry_out(&made.graph, &plan, &none(&plan)).await?;
    let files = made.files().await?;
    assert_eq!(pin(&files, "target")?, (None, 3));
    is_commit_of(&files, &plan)?;
    is_up_to_date(&made, "main", "target").await?;
    // A later write of main does not show.
    put(&made, "main", &person("Dan", 4)).await?;
    assert_eq!(ages(&made, "target").await?, of(&[("Ada", 1), ("Bea", 2), ("Cai", 3)]));
    put(&made, "target", &person("Eve", 5)).await?;
    assert_eq!(pin(&made.files().await?, "target")?, (Some("target".to_owned()), 4));
    assert_eq!(ages(&made, "main").await?, of(&[("Ada", 1), ("Bea", 2), ("Cai", 3), ("Dan", 4)]));
    Ok(())
}

#[tokio::test]
async fn a_branch_without_a_table_of_its_own_is_written_to_and_outlives_the_source() -> Result<()> {
    for outcome in [MergeOutcome::FastForward, MergeOutcome::Merged] {
        let made = graph_with(&["source", "target"]).await?;
        put(&made, "source", &person("Cai", 3)).await?;
        put(&made, "source", &person("Ada", 10)).await?;
        if outcome == MergeOutcome::Merged {
            put(&made, "target", &note("n1")).await?;
        }
        let plan = plan(&made.graph, "source", "target").await?;
        assert_eq!(plan.outcome(), outcome);
        // A fork of the source's lineage would keep that one alive when its branch is gone.
        assert_eq!(ways(&plan), [(PERSON.to_owned(), MergeWay::Delta, [1, 1, 0])]);
        carry_out(&made.graph, &plan, &none(&plan)).await?;
        let files = made.files().await?;
        assert_eq!(pin(&files, "target")?.0.as_deref(), Some("target"));
        is_commit_of(&files, &plan)?;
        is_up_to_date(&made, "source", "target").await?;
        outlives(&made, "source", "target", &[("Ada", 10), ("Bea", 2), ("Cai", 3)]).await?;
        // The name is free for another branch, which writes to the table.
        made.branch("source", "target").await?;
        put(&made, "source", &person("New", 7)).await?;
        assert_eq!(ages(&made, "source").await?.len(), 5);
    }
    Ok(())
}

#[tokio::test]
async fn a_branch_forks_what_the_branch_it_was_cut_from_has() -> Result<()> {
    let made = graph_with(&["parent"]).await?;
    made.branch("child", "parent").await?;
    put(&made, "parent", &(person("Cai", 3) + &person("Ada", 10))).await?;
    put(&made, "child", &note("n1")).await?;
    let plan = plan(&made.graph, "parent", "child").await?;
    assert_eq!(ways(&plan), [(PERSON.to_owned(), MergeWay::Fork, [1, 1, 0])]);
    carry_out(&made.graph, &plan, &none(&plan)).await?;
    let files = made.files().await?;
    assert_eq!(pin(&files, "child")?, (Some("child".to_owned()), 3), "the number of the parent's version");
    is_commit_of(&files, &plan)?;
    is_up_to_date(&made, "parent", "child").await?;
    // Each goes on alone, and the child can go first.
    put(&made, "parent", &person("Bea", 20)).await?;
    put(&made, "child", &person("Cai", 30)).await?;
    assert_eq!(ages(&made, "child").await?, of(&[("Ada", 10), ("Bea", 2), ("Cai", 30)]));
    assert_eq!(ages(&made, "parent").await?, of(&[("Ada", 10), ("Bea", 20), ("Cai", 3)]));
    let error = made.graph.delete_branch(&branch("parent")).await.unwrap_err();
    assert!(error.to_string().contains("`child` still depends on it"), "{error}");
    made.graph.delete_branch(&branch("child")).await?;
    made.graph.delete_branch(&branch("parent")).await?;
    made.files().await.map(drop)
}

#[tokio::test]
async fn a_branch_with_a_table_of_its_own_is_written_to_and_outlives_the_source() -> Result<()> {
    let made = graph_with(&["target"]).await?;
    put(&made, "target", &person("Own", 5)).await?;
    made.branch("source", "target").await?;
    put(&made, "source", &person("Cai", 3)).await?;
    mutate(&made.graph, "source", "delete Person where name = \"Bea\"").await?;
    mutate(&made.graph, "source", "update Person set { age: 10 } where name = \"Ada\"").await?;
    let plan = plan(&made.graph, "source", "target").await?;
    assert_eq!(plan.outcome(), MergeOutcome::FastForward);
    assert_eq!(ways(&plan), [(PERSON.to_owned(), MergeWay::Delta, [1, 1, 1])]);
    carry_out(&made.graph, &plan, &none(&plan)).await?;
    assert_eq!(pin(&made.files().await?, "target")?.0.as_deref(), Some("target"));
    is_up_to_date(&made, "source", "target").await?;
    outlives(&made, "source", "target", &[("Ada", 10), ("Cai", 3), ("Own", 5)]).await
}

#[tokio::test]
async fn a_branch_that_both_sides_changed_outlives_the_source() -> Result<()> {
    let made = graph_with(&["source", "target"]).await?;
    put(&made, "target", &person("Own", 5)).await?;
    put(&made, "source", &(person("Cai", 3) + &person("Bea", 20))).await?;
    let plan = plan(&made.graph, "source", "target").await?;
    assert_eq!(ways(&plan), [(PERSON.to_owned(), MergeWay::Rewrite, [1, 1, 0])]);
    carry_out(&made.graph, &plan, &none(&plan)).await?;
    is_commit_of(&made.files().await?, &plan)?;
    outlives(&made, "source", "target", &[("Ada", 1), ("Bea", 20), ("Cai", 3), ("Own", 5)]).await
}

#[tokio::test]
async fn main_outlives_every_source_it_took_rows_from() -> Result<()> {
    let made = graph_with(&["one", "two"]).await?;
    put(&made, "one", &person("Cai", 3)).await?;
    put(&made, "two", &person("Bea", 20)).await?;
    merge(&made.graph, "one", "main").await?;
    merge(&made.graph, "two", "main").await?;
    made.graph.delete_branch(&branch("one")).await?;
    assert_eq!(pin(&made.files().await?, "main")?.0, None);
    outlives(&made, "two", "main", &[("Ada", 1), ("Bea", 20), ("Cai", 3)]).await
}

/// Both have the same rows under versions of their own: nothing moves, and both go on.
#[tokio::test]
async fn branches_that_merge_back_and_forth_stay_together() -> Result<()> {
    let made = graph_with(&["work"]).await?;
    put(&made, "work", &person("Cai", 3)).await?;
    merge(&made.graph, "work", "main").await?;
    let back = plan(&made.graph, "main", "work").await?;
    assert_eq!((back.outcome(), ways(&back)), (MergeOutcome::FastForward, vec![]), "the rows are there");
    carry_out(&made.graph, &back, &none(&back)).await?;
    is_up_to_date(&made, "main", "work").await?;
    let forth = plan(&made.graph, "work", "main").await?;
    assert_eq!(
        (forth.outcome(), ways(&forth)),
        (MergeOutcome::FastForward, vec![]),
        "a commit that main does not have"
    );
    let mut expected = of(&[("Ada", 1), ("Bea", 2), ("Cai", 3)]);
    for round in 0..4_i64 {
        let (source, target) = if round % 2 == 0 { ("main", "work") } else { ("work", "main") };
        let name = format!("R{round}");
        put(&made, source, &person(&name, round)).await?;
        mutate(&made.graph, source, &format!("update Person set {{ age: {} }} where name = \"Ada\"", 100 + round))
            .await?;
        merge(&made.graph, source, target).await?;
        expected.push((name, json!(round)));
        expected[0].1 = json!(100 + round);
        for side in ["main", "work"] {
            assert_eq!(ages(&made, side).await?, expected, "round {round}, {side}");
        }
    }
    Ok(())
}

/// A branch could point to main's version, but a child and its own past read the lineage that it would leave.
#[tokio::test]
async fn a_branch_does_not_leave_a_lineage_that_others_read() -> Result<()> {
    let made = graph_with(&["work"]).await?;
    put(&made, "work", &person("Cai", 3)).await?;
    made.branch("child", "work").await?;
    let before = made.graph.snapshot(&At::Branch(branch("work"))).await?;
    merge(&made.graph, "work", "main").await?;
    put(&made, "main", &person("Dan", 4)).await?;
    let plan = plan(&made.graph, "main", "work").await?;
    assert_eq!(ways(&plan), [(PERSON.to_owned(), MergeWay::Delta, [1, 0, 0])]);
    carry_out(&made.graph, &plan, &none(&plan)).await?;
    assert_eq!(pin(&made.files().await?, "work")?, (Some("work".to_owned()), 4));
    let child = of(&[("Ada", 1), ("Bea", 2), ("Cai", 3)]);
    assert_eq!(ages(&made, "child").await?, child);
    put(&made, "work", &person("Eve", 5)).await?;
    assert_eq!(ages(&made, "work").await?, of(&[("Ada", 1), ("Bea", 2), ("Cai", 3), ("Dan", 4), ("Eve", 5)]));
    assert_eq!(ages(&made, "child").await?, child, "the child reads what it read");
    put(&made, "child", &person("Fay", 6)).await?;
    merge(&made.graph, "child", "work").await?;
    let all = of(&[("Ada", 1), ("Bea", 2), ("Cai", 3), ("Dan", 4), ("Eve", 5), ("Fay", 6)]);
    assert_eq!(ages(&made, "work").await?, all);
    let was = At::Version { branch: branch("work"), version: before.version };
    let then = rows_at(&made.graph, &was, "Person").await.context("work before it took main over")?;
    assert_eq!(then.len(), 3, "{then:?}");
    Ok(())
}
