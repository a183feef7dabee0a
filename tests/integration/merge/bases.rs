//! Histories that have no single state to compare with: merged crosswise, without a common commit, or with one that is gone.

use std::sync::Arc;

use anyhow::Result;
use serde_json::Value;
use stratigraph_engine::clock::SetClock;
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::merge::{Choice, ConflictKind, Decision, MergeError, MergeOutcome, Side};
use stratigraph_engine::{Error, Graph, Progress};
use stratigraph_tests::folder::{clean_up_commits, digest};
use stratigraph_tests::graph::{TestGraph, branch, load};

use super::{
    carry_out, column, decided, expected, found, is_commit_of, is_up_to_date, merge, mutate, none, only, person, plan,
    put,
};

const SCHEMA: &str =
    "node Person {\n  name: String @key\n  age: I32?\n  city: String?\n}\nedge Knows: Person -> Person\n";

async fn ages(made: &TestGraph, of: &str) -> Result<Vec<(String, i64)>> {
    let ages = column(&made.files().await?, of, "node:Person", "age").await?;
    Ok(ages.into_iter().map(|(id, age)| (id, age.as_i64().unwrap_or(-1))).collect())
}

fn of(ages: &[(&str, i64)]) -> Vec<(String, i64)> {
    ages.iter().map(|(id, age)| ((*id).to_owned(), *age)).collect()
}

/// Merges the state that a branch had before into the other one, in both directions, with one choice for what conflicts.
///
/// `a` and `b` then have each other's former head as a parent: two last common commits.
async fn crossed(before: &str, on_a: &str, on_b: &str, into_a: Side, into_b: Side) -> Result<TestGraph> {
    let made = TestGraph::new(SCHEMA).await?;
    put(&made, "main", before).await?;
    for (name, records) in [("a", on_a), ("b", on_b)] {
        made.branch(name, "main").await?;
        put(&made, name, records).await?;
    }
    made.branch("b-before", "b").await?;
    for (source, target, side) in [("a", "b", into_b), ("b-before", "a", into_a)] {
        let planned = plan(&made.graph, source, target).await?;
        let all = Decision::by_rule(stratigraph_engine::merge::Rule::default(), Choice::Take(side));
        carry_out(&made.graph, &planned, &decided(&planned, vec![all])).await?;
    }
    Ok(made)
}

#[tokio::test]
async fn crosswise_merges_have_two_bases_and_conflict_where_these_disagree() -> Result<()> {
    // X is settled one way on a and the other way on b; Y and Z are changed by one of them.
    let before = ["W", "X", "Y", "Z"].map(|name| person(name, 1)).concat();
    let (on_a, on_b) = (person("X", 2) + &person("Y", 2), person("X", 3) + &person("Z", 3) + &person("New", 3));
    let made = crossed(&before, &on_a, &on_b, Side::Target, Side::Target).await?;
    assert_eq!(ages(&made, "a").await?, of(&[("New", 3), ("W", 1), ("X", 2), ("Y", 2), ("Z", 3)]));
    assert_eq!(ages(&made, "b").await?, of(&[("New", 3), ("W", 1), ("X", 3), ("Y", 2), ("Z", 3)]));
    // After that: only a changes W, adds a row and deletes New; only b changes Y; both change Z alike. Where Y and New come from
    // the bases do not agree, so that what one side made of them is not taken without asking.
    put(&made, "a", &(person("W", 10) + &person("Added", 10) + &person("Z", 30))).await?;
    put(&made, "b", &(person("Y", 20) + &person("Z", 30))).await?;
    mutate(&made.graph, "a", "delete Person where name = \"New\"").await?;
    let planned = plan(&made.graph, "a", "b").await?;
    assert_eq!((planned.outcome(), planned.other_bases().len()), (MergeOutcome::Merged, 1));
    let mut bases = vec![planned.heads().base];
    bases.extend(planned.other_bases());
    let history = made.graph.history(&Progress::none()).await?;
    let of_bases: Vec<&str> =
        bases.iter().filter_map(|id| history.get(*id)).map(|commit| commit.branch.as_str()).collect();
    assert!(of_bases.contains(&"a") && of_bases.contains(&"b"), "the heads that were merged: {of_bases:?}");
    let (update, delete) = (ConflictKind::DivergentUpdate, ConflictKind::DeleteVsUpdate);
    let conflicts = [(update, "node:Person", "X"), (update, "node:Person", "Y"), (delete, "node:Person", "New")];
    assert_eq!(found(planned.conflicts()), expected(&conflicts));
    let rows = made.graph.conflict_rows(&planned, &planned.conflicts()[0]).await?;
    let age = |row: &Option<stratigraph_engine::Row>| {
        row.as_ref().and_then(|row| row.get("age")).map(stratigraph_engine::Value::to_json)
    };
    assert_eq!((age(&rows[0].source), age(&rows[0].target)), (Some(Value::from(2)), Some(Value::from(3))));
    let choices = [Choice::Take(Side::Source), Choice::Take(Side::Target), Choice::Delete];
    let by_hand = planned.conflicts().iter().zip(choices).map(|(it, choice)| Decision::by_hand(it, Some(choice)));
    carry_out(&made.graph, &planned, &decided(&planned, by_hand.collect())).await?;
    is_commit_of(&made.files().await?, &planned)?;
    is_up_to_date(&made, "a", "b").await?;
    assert_eq!(ages(&made, "b").await?, of(&[("Added", 10), ("W", 10), ("X", 2), ("Y", 20), ("Z", 30)]));
    // Merged, they have one base again.
    put(&made, "a", &person("X", 99)).await?;
    let next = plan(&made.graph, "a", "b").await?;
    assert_eq!((next.other_bases(), next.conflicts().len()), (&[][..], 0));
    carry_out(&made.graph, &next, &none(&next)).await?;
    assert_eq!(ages(&made, "b").await?[2], ("X".to_owned(), 99));
    Ok(())
}

#[tokio::test]
async fn crosswise_merges_that_were_settled_alike_do_not_conflict() -> Result<()> {
    let made = crossed(&person("X", 1), &person("X", 2), &person("X", 3), Side::Target, Side::Source).await?;
    assert_eq!((ages(&made, "a").await?, ages(&made, "b").await?), (of(&[("X", 2)]), of(&[("X", 2)])));
    // Only one side goes on: the bases have other rows, and it is asked about them.
    put(&made, "a", &person("Y", 5)).await?;
    let planned = plan(&made.graph, "a", "b").await?;
    assert_eq!((planned.other_bases().len(), planned.conflicts().len()), (1, 0));
    carry_out(&made.graph, &planned, &none(&planned)).await?;
    assert_eq!(ages(&made, "b").await?, of(&[("X", 2), ("Y", 5)]));
    Ok(())
}

#[tokio::test]
async fn crosswise_deletions_are_told_from_rows_that_came_back() -> Result<()> {
    // a deletes X and b changes it; a keeps it deleted, b keeps it.
    let made = TestGraph::new(SCHEMA).await?;
    put(&made, "main", &(person("X", 1) + &person("Y", 1))).await?;
    for name in ["a", "b"] {
        made.branch(name, "main").await?;
    }
    mutate(&made.graph, "a", "delete Person where name = \"X\"").await?;
    put(&made, "b", &person("X", 3)).await?;
    made.branch("b-before", "b").await?;
    for (source, target, choice) in [("a", "b", Choice::Keep), ("b-before", "a", Choice::Delete)] {
        let planned = plan(&made.graph, source, target).await?;
        assert_eq!(found(planned.conflicts()), expected(&[(ConflictKind::DeleteVsUpdate, "node:Person", "X")]));
        carry_out(&made.graph, &planned, &only(&planned, choice)?).await?;
    }
    assert_eq!((ages(&made, "a").await?, ages(&made, "b").await?), (of(&[("Y", 1)]), of(&[("X", 3), ("Y", 1)])));
    for (source, target) in [("a", "b"), ("b", "a")] {
        let planned = plan(&made.graph, source, target).await?;
        assert_eq!(planned.other_bases().len(), 1);
        assert_eq!(found(planned.conflicts()), expected(&[(ConflictKind::DeleteVsUpdate, "node:Person", "X")]));
    }
    Ok(())
}

/// `t` adds a row, `x` starts there and is merged into main, and goes: what main and `t` have in common is known all the same.
#[tokio::test]
async fn what_a_deleted_branch_had_in_common_with_others_stays_known() -> Result<()> {
    for (deleted_on, other) in [("main", "t"), ("t", "main")] {
        let made = TestGraph::new(SCHEMA).await?;
        put(&made, "main", &person("Ada", 1)).await?;
        made.branch("t", "main").await?;
        put(&made, "t", &person("Row", 1)).await?;
        let common = plan(&made.graph, "t", "main").await?.heads().source;
        // By way of another branch that goes as well.
        made.branch("x", "t").await?;
        put(&made, "x", &person("Xia", 1)).await?;
        made.branch("z", "main").await?;
        merge(&made.graph, "x", "z").await?;
        made.graph.delete_branch(&branch("x")).await?;
        put(&made, "z", &person("Zoe", 1)).await?;
        merge(&made.graph, "z", "main").await?;
        made.graph.delete_branch(&branch("z")).await?;
        mutate(&made.graph, deleted_on, "delete Person where name = \"Row\"").await?;
        put(&made, other, &person("Other", 1)).await?;

        let planned = plan(&made.graph, "t", "main").await?;
        assert_eq!((planned.heads().base, planned.other_bases()), (common, &[][..]));
        assert!(planned.unknown_commits().is_empty());
        merge(&made.graph, "t", "main").await?;
        let rows = ages(&made, "main").await?;
        assert_eq!(rows, of(&[("Ada", 1), ("Other", 1), ("Xia", 1), ("Zoe", 1)]), "deleted on {deleted_on}");
    }
    Ok(())
}

/// The version of the commits that notes the merge was cleaned up.
#[tokio::test]
async fn a_commit_that_is_gone_and_of_which_nothing_is_known_is_told() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    put(&made, "main", &person("Ada", 1)).await?;
    for name in ["x", "y"] {
        made.branch(name, "main").await?;
    }
    put(&made, "x", &person("Xia", 1)).await?;
    mutate(&made.graph, "x", "delete Person where name = \"Xia\"").await?;
    put(&made, "y", &person("Yan", 1)).await?;
    let gone = plan(&made.graph, "x", "main").await?.heads().source;
    merge(&made.graph, "x", "main").await?;
    assert!(plan(&made.graph, "y", "main").await?.unknown_commits().is_empty(), "its branch is there");
    made.graph.delete_branch(&branch("x")).await?;
    assert!(plan(&made.graph, "y", "main").await?.unknown_commits().is_empty(), "the merge is noted");
    put(&made, "main", &person("Max", 1)).await?;
    clean_up_commits(&made.path())?;
    assert_eq!(plan(&made.graph, "y", "main").await?.unknown_commits(), [gone]);
    Ok(())
}

/// The commits of a branch go with it. What both sides took from it tells what one of them deleted since from what the other one
/// added, also when there is another branch of its name.
#[tokio::test]
async fn a_base_that_went_with_its_branch_is_told_by_the_merges() -> Result<()> {
    for made_again in [false, true] {
        let made = TestGraph::new(SCHEMA).await?;
        put(&made, "main", &person("Ada", 1)).await?;
        for name in ["x", "z"] {
            made.branch(name, "main").await?;
        }
        put(&made, "x", &person("Xia", 1)).await?;
        put(&made, "main", &person("Main", 1)).await?;
        merge(&made.graph, "x", "z").await?;
        merge(&made.graph, "x", "main").await?;
        let base = plan(&made.graph, "z", "main").await?.heads().base;
        mutate(&made.graph, "z", "delete Person where name = \"Xia\"").await?;
        made.graph.delete_branch(&branch("x")).await?;
        if made_again {
            made.branch("x", "main").await?;
            put(&made, "x", &person("Other", 1)).await?;
        }
        let before = digest(&made.path())?;
        for (source, target) in [("z", "main"), ("main", "z")] {
            let planned = plan(&made.graph, source, target).await?;
            assert_eq!((planned.heads().base, planned.conflicts().len()), (base, 0));
        }
        assert!(digest(&made.path())? == before, "nothing was written");
        merge(&made.graph, "z", "main").await?;
        assert_eq!(ages(&made, "main").await?, of(&[("Ada", 1), ("Main", 1)]));
        if made_again {
            // The branch that is there now is one like any other.
            merge(&made.graph, "x", "main").await?;
            assert_eq!(ages(&made, "main").await?, of(&[("Ada", 1), ("Main", 1), ("Other", 1)]));
        }
    }
    Ok(())
}

/// Writers whose clocks are behind make commits that look older than the branch they are on.
#[tokio::test]
async fn a_base_on_a_branch_that_seems_younger_is_read() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    put(&made, "main", &person("Ada", 1)).await?;
    let years_ago = Arc::new(SetClock::new(1_500_000_000_000_000, 7));
    let late = Box::pin(Graph::open_with_clock(&made.uri(), years_ago)).await?;
    made.branch("x", "main").await?;
    load(&late, LoadMode::Merge, "x", &person("Xia", 1)).await?;
    made.branch("z", "x").await?;
    load(&late, LoadMode::Merge, "z", &person("Zoe", 1)).await?;
    load(&late, LoadMode::Merge, "main", &person("Main", 1)).await?;
    merge(&late, "x", "main").await?;
    mutate(&late, "z", "delete Person where name = \"Xia\"").await?;
    merge(&late, "z", "main").await?;
    assert_eq!(ages(&made, "main").await?, of(&[("Ada", 1), ("Main", 1), ("Zoe", 1)]));
    Ok(())
}

/// A commit that follows the lost one will do as well.
#[tokio::test]
async fn branches_that_met_since_do_not_need_the_branch_that_is_gone() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    put(&made, "main", &person("Ada", 1)).await?;
    for name in ["x", "z"] {
        made.branch(name, "main").await?;
        put(&made, name, &person(name, 1)).await?;
    }
    merge(&made.graph, "x", "z").await?;
    merge(&made.graph, "x", "main").await?;
    merge(&made.graph, "main", "z").await?;
    made.graph.delete_branch(&branch("x")).await?;
    mutate(&made.graph, "z", "delete Person where name = \"x\"").await?;
    put(&made, "main", &person("Main", 1)).await?;
    merge(&made.graph, "z", "main").await?;
    assert_eq!(ages(&made, "main").await?, of(&[("Ada", 1), ("Main", 1), ("z", 1)]));
    Ok(())
}

/// Somebody made the history of a branch start anew.
#[tokio::test]
async fn histories_without_a_common_commit_are_refused_by_name() -> Result<()> {
    let made = TestGraph::new(SCHEMA).await?;
    put(&made, "main", &person("Ada", 1)).await?;
    made.branch("work", "main").await?;
    put(&made, "work", &person("Bea", 1)).await?;
    let commits = stratigraph_tests::reader::open(&made.path().join("_graph_commits.lance"), Some("work")).await?;
    let update = lance::dataset::UpdateBuilder::new(std::sync::Arc::new(commits))
        .update_where("manifest_branch = 'work'")?
        .set("parent_commit_id", "CAST(NULL AS string)")?
        .build()?;
    update.execute().await?;
    let reopened = made.open(stratigraph_engine::OpenMode::ReadWrite).await?;
    for (source, target) in [("work", "main"), ("main", "work")] {
        let error = plan(&reopened, source, target).await.unwrap_err();
        let Error::Merge(MergeError::Unrelated { source_branch, target: of }) = &error else { panic!("{error}") };
        assert_eq!((source_branch.as_str(), of.as_str()), (source, target));
    }
    Ok(())
}
