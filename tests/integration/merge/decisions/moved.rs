//! Decisions and plans when a branch moves: refused, planned again, and what of the decisions still holds. Decisions in a file.

use anyhow::{Context, Result};
use serde_json::json;
use stratigraph_engine::Error;
use stratigraph_engine::merge::{
    CellChoice, Choice, ConflictKind, Decision, DecisionError, MergeDecisions, MergeError, Rule, Side,
};
use stratigraph_tests::folder::digest;
use stratigraph_tests::graph::{TestGraph, branch};

use super::super::{carry_out, column, decided, expected, found, mutate, none, plan, put};
use super::{check, merged, node, stage};

fn row(name: &str, age: i64) -> String {
    node(&json!({"name": name, "age": age}))
}

/// A and B are changed by both sides.
async fn two() -> Result<TestGraph> {
    let both = |age: i64| row("A", age) + &row("B", age);
    stage(&(both(1) + &row("C", 1)), &both(2), &both(3)).await
}

async fn ages(made: &TestGraph) -> Result<Vec<(String, i64)>> {
    let ages = column(&made.files().await?, "main", "node:Person", "age").await?;
    Ok(ages.into_iter().map(|(id, age)| (id, age.as_i64().unwrap_or(-1))).collect())
}

fn of(ages: &[(&str, i64)]) -> Vec<(String, i64)> {
    ages.iter().map(|(id, age)| ((*id).to_owned(), *age)).collect()
}

#[tokio::test]
async fn a_plan_is_carried_out_on_the_heads_it_was_made_for_or_not_at_all() -> Result<()> {
    for moves in ["main", "work"] {
        let made = two().await?;
        let planned = plan(&made.graph, "work", "main").await?;
        let all = Decision::by_rule(Rule::default(), Choice::Take(Side::Source));
        let decisions = decided(&planned, vec![all]);
        let other = made.open(stratigraph_engine::OpenMode::ReadWrite).await?;
        mutate(&other, moves, "update Person set { age: 9 } where name = \"C\"").await?;
        let before = digest(&made.path())?;
        let error = carry_out(&made.graph, &planned, &decisions).await.unwrap_err();
        let Error::Merge(MergeError::Moved { what }) = &error else { panic!("{error}") };
        let [(of, was, Some(is))] = &what[..] else { panic!("{what:?}") };
        let heads = planned.heads();
        assert_eq!((of.as_str(), *was), (moves, if moves == "main" { heads.target } else { heads.source }));
        assert_ne!(was, is);
        assert!(error.to_string().contains(&format!("{moves} moved from commit {was} to {is}")), "{error}");
        assert!(digest(&made.path())? == before, "nothing was written");
        // Planned again, the decisions hold: no row of theirs moved.
        let again = plan(&made.graph, "work", "main").await?;
        let decisions = MergeDecisions { decisions: decisions.decisions, ..none(&again) };
        merged(&made, &again, &decisions).await?;
        assert_eq!(ages(&made).await?, of_with_c(9));
    }
    Ok(())
}

fn of_with_c(age: i64) -> Vec<(String, i64)> {
    of(&[("A", 2), ("B", 2), ("C", age)])
}

#[tokio::test]
async fn a_branch_that_is_gone_or_made_again_is_not_the_one_that_was_planned() -> Result<()> {
    for again in [false, true] {
        let made = two().await?;
        let planned = plan(&made.graph, "work", "main").await?;
        made.graph.delete_branch(&branch("work")).await?;
        if again {
            made.branch("work", "main").await?;
        }
        let before = digest(&made.path())?;
        let error = carry_out(&made.graph, &planned, &none(&planned)).await.unwrap_err();
        assert!(matches!(&error, Error::Merge(MergeError::Moved { .. })), "{error}");
        assert!(digest(&made.path())? == before, "nothing was written");
    }
    Ok(())
}

#[tokio::test]
async fn decisions_stay_where_their_rows_did_and_the_rest_is_stale() -> Result<()> {
    let made = two().await?;
    let planned = plan(&made.graph, "work", "main").await?;
    let by_hand = planned.conflicts().iter().map(|it| Decision::by_hand(it, Some(Choice::Take(Side::Source))));
    let decisions = decided(&planned, by_hand.collect());
    // B moves on the target; C becomes a conflict of its own.
    mutate(&made.graph, "main", "update Person set { age: 33 } where name = \"B\"").await?;
    put(&made, "main", &row("C", 3)).await?;
    put(&made, "work", &row("C", 2)).await?;
    let again = plan(&made.graph, "work", "main").await?;
    let checked = check(&made, &again, &decisions).await?;
    assert_eq!(checked.decided.iter().map(|(it, by)| (it.key.id.as_str(), *by)).collect::<Vec<_>>(), [("A", 0)]);
    let update = ConflictKind::DivergentUpdate;
    assert_eq!(found(&checked.open), expected(&[(update, "node:Person", "B"), (update, "node:Person", "C")]));
    let [stale] = &checked.stale[..] else { panic!("{:?}", checked.stale) };
    assert_eq!((stale.decision, stale.reason.as_str()), (1, "the rows have changed since"));
    let error = carry_out(&made.graph, &again, &decisions).await.unwrap_err();
    assert!(matches!(error, Error::Merge(MergeError::Undecided { open: 2 })), "{error}");
    // A conflict that is gone leaves its decision behind.
    mutate(&made.graph, "main", "update Person set { age: 2 } where name = \"B\"").await?;
    mutate(&made.graph, "main", "update Person set { age: 2 } where name = \"C\"").await?;
    let last = plan(&made.graph, "work", "main").await?;
    let checked = check(&made, &last, &decisions).await?;
    assert!(checked.open.is_empty(), "{:?}", checked.open);
    let stale: Vec<_> = checked.stale.iter().map(|stale| (stale.decision, stale.reason.as_str())).collect();
    assert_eq!(stale, [(1, "there is no such conflict")]);
    carry_out(&made.graph, &last, &decisions).await?;
    assert_eq!(ages(&made).await?, of_with_c(2));
    Ok(())
}

/// The row that a decision takes away must be the one that was looked at.
#[tokio::test]
async fn a_decision_about_two_rows_holds_only_for_these_two() -> Result<()> {
    let mail = |name: &str, age: i64| node(&json!({"name": name, "mail": "x", "age": age}));
    for (what, body, records) in [
        ("the other row is another one", "delete Person where name = \"B\"", mail("C", 1)),
        ("the other row has changed", "update Person set { age: 77 } where name = \"B\"", String::new()),
    ] {
        let made = stage(&row("Z", 1), &mail("A", 1), &mail("B", 1)).await?;
        let planned = plan(&made.graph, "work", "main").await?;
        assert_eq!(found(planned.conflicts()), expected(&[(ConflictKind::UniqueViolation, "node:Person", "A")]));
        let keep = Decision::by_hand(&planned.conflicts()[0], Some(Choice::KeepRow("A".to_owned())));
        mutate(&made.graph, "main", body).await?;
        if !records.is_empty() {
            put(&made, "main", &records).await?;
        }
        let again = plan(&made.graph, "work", "main").await?;
        let decisions = decided(&again, vec![keep]);
        let checked = check(&made, &again, &decisions).await?;
        assert_eq!((checked.open.len(), checked.stale.len()), (1, 1), "{what}: {checked:?}");
    }
    Ok(())
}

#[tokio::test]
async fn decisions_are_kept_in_a_file() -> Result<()> {
    let made = two().await?;
    let planned = plan(&made.graph, "work", "main").await?;
    let template = MergeDecisions::template(planned.source(), planned.target(), planned.heads(), planned.conflicts());
    let file = made.path().with_file_name("decisions.json");
    std::fs::write(&file, template.to_annotated_json(planned.conflicts()))?;
    let mut read = MergeDecisions::from_json(&std::fs::read_to_string(&file)?)?;
    assert_eq!(read, template);
    let checked = check(&made, &planned, &read).await?;
    assert_eq!((checked.open.len(), checked.decided.len(), checked.stale.len()), (2, 0, 0), "nothing is decided yet");
    // By an editor: the text of the choices that the file offers.
    let text = std::fs::read_to_string(&file)?;
    let (first, rest) = text.split_once("\"choice\": null").context("a choice")?;
    let rest = rest.replacen("\"choice\": null", r#""choice": {"cells": {"age": {"value": 8}}}"#, 1);
    std::fs::write(&file, format!("{first}\"choice\": \"source\"{rest}"))?;
    read = MergeDecisions::from_json(&std::fs::read_to_string(&file)?)?;
    let cells = Choice::Cells([("age".to_owned(), CellChoice::Value(json!(8)))].into());
    let choices: Vec<Option<Choice>> = read.decisions.iter().map(|decision| decision.choice.clone()).collect();
    assert_eq!(choices, [Some(Choice::Take(Side::Source)), Some(cells)]);
    read.decisions.push(Decision {
        by: Some("dana".to_owned()),
        ..Decision::by_rule(Rule { filter: Some("age > 1".to_owned()), ..Rule::default() }, Choice::Drop)
    });
    std::fs::write(&file, read.to_json())?;
    let again = MergeDecisions::from_json(&std::fs::read_to_string(&file)?)?;
    assert_eq!(again, read);
    merged(&made, &planned, &again).await?;
    assert_eq!(ages(&made).await?, of(&[("A", 2), ("B", 8), ("C", 1)]));
    Ok(())
}

#[tokio::test]
async fn decisions_for_other_branches_are_refused() -> Result<()> {
    let made = two().await?;
    made.branch("other", "work").await?;
    let planned = plan(&made.graph, "work", "main").await?;
    for (source, target) in [("other", "main"), ("work", "other"), ("main", "work")] {
        let decisions = MergeDecisions::none(&branch(source), &branch(target), planned.heads());
        let error = carry_out(&made.graph, &planned, &decisions).await.unwrap_err();
        assert!(matches!(error, Error::Merge(MergeError::Decisions(DecisionError::OtherBranches { .. }))), "{error}");
    }
    Ok(())
}
