//! One row may break a rule several times, which are conflicts of one key: a decision holds for those it was made for.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use stratigraph_engine::merge::{
    CellChoice, Choice, ConflictKind, Decision, MergeCheck, MergeDecisions, MergePlan, Side,
};
use stratigraph_tests::graph::TestGraph;

use super::super::{column, decided, expected, found, is_refused, mutate, none, only, plan, put};
use super::{check, edge, merged, node};

const SCHEMA: &str = "node Person {\n  name: String @key\n  mail: String? @unique\n  phone: String? @unique\n}\n\
    edge Knows: Person -> Person\n";

const UNIQUE_A: (ConflictKind, &str, &str) = (ConflictKind::UniqueViolation, "node:Person", "A");
const ORPHAN: (ConflictKind, &str, &str) = (ConflictKind::OrphanEdge, "edge:Knows", "k1");

async fn stage(before: &str, on_work: &str, on_main: &str) -> Result<TestGraph> {
    let made = TestGraph::new(SCHEMA).await?;
    put(&made, "main", before).await?;
    made.branch("work", "main").await?;
    put(&made, "work", on_work).await?;
    put(&made, "main", on_main).await?;
    Ok(made)
}

fn names(names: &[&str]) -> String {
    names.iter().map(|name| node(&json!({"name": name}))).collect()
}

fn stale(checked: &MergeCheck) -> Vec<(usize, &str)> {
    checked.stale.iter().map(|stale| (stale.decision, stale.reason.as_str())).collect()
}

fn template(plan: &MergePlan) -> MergeDecisions {
    MergeDecisions::template(plan.source(), plan.target(), plan.heads(), plan.conflicts())
}

/// A, of work, and B, of main, have one mail.
async fn same_mail() -> Result<TestGraph> {
    let on_work = node(&json!({"name": "A", "mail": "x", "phone": "1"}));
    stage(&names(&["Z"]), &on_work, &node(&json!({"name": "B", "mail": "x"}))).await
}

#[tokio::test]
async fn a_row_that_clashes_with_one_more_is_decided_anew() -> Result<()> {
    let made = same_mail().await?;
    let planned = plan(&made.graph, "work", "main").await?;
    let keep = only(&planned, Choice::KeepRow("A".to_owned()))?.decisions;
    put(&made, "main", &node(&json!({"name": "C", "phone": "1"}))).await?;
    let again = plan(&made.graph, "work", "main").await?;
    assert_eq!(found(again.conflicts()), expected(&[UNIQUE_A, UNIQUE_A]));
    let decisions = decided(&again, keep);
    let checked = check(&made, &again, &decisions).await?;
    assert_eq!((checked.decided.len(), stale(&checked)), (0, vec![(0, "the rows have changed since")]));
    is_refused(&made, &again, &decisions, 2).await?;
    // Written anew, one decision tells of both; it holds when other rows moved, and when one of the clashes is over it does not.
    let text = template(&again).to_annotated_json(again.conflicts());
    assert!(text.contains(r#""about": "same mail as `B`; same phone as `C`""#), "{text}");
    let (before, after) = text.split_once("\"choice\": null").context("one decision")?;
    let read = MergeDecisions::from_json(&format!("{before}\"choice\": {{\"keep\": \"A\"}}{after}"))?;
    put(&made, "main", &names(&["Y"])).await?;
    let moved = plan(&made.graph, "work", "main").await?;
    let checked = check(&made, &moved, &read).await?;
    assert_eq!((checked.open.len(), checked.decided.len(), stale(&checked)), (0, 2, vec![]));
    mutate(&made.graph, "main", "delete Person where name = \"C\"").await?;
    let fewer = plan(&made.graph, "work", "main").await?;
    let checked = check(&made, &fewer, &read).await?;
    assert_eq!((checked.open.len(), stale(&checked).len()), (1, 1));
    put(&made, "main", &node(&json!({"name": "C", "phone": "1"}))).await?;
    let last = plan(&made.graph, "work", "main").await?;
    merged(&made, &last, &MergeDecisions { decisions: read.decisions, ..none(&last) }).await?;
    assert_eq!(made.files().await?.ids("main", "node:Person").await?, ["A", "Y", "Z"]);
    Ok(())
}

#[tokio::test]
async fn a_node_that_went_later_is_not_restored_by_a_decision_about_the_other_one() -> Result<()> {
    for (what, body, back, orphans) in [
        ("the other node went, too", "delete Person where name = \"P2\"", None, vec![ORPHAN, ORPHAN]),
        ("the other node went in its place", "delete Person where name = \"P2\"", Some("P1"), vec![ORPHAN]),
    ] {
        let made = stage(&names(&["P1", "P2"]), &edge("Knows", "k1", "P1", "P2"), &names(&["P3", "P4"])).await?;
        mutate(&made.graph, "main", "delete Person where name = \"P1\"").await?;
        let planned = plan(&made.graph, "work", "main").await?;
        let restore = only(&planned, Choice::RestoreEnd)?.decisions;
        // What has nothing to do with the edge leaves the decision as it is.
        mutate(&made.graph, "main", "delete Person where name = \"P3\"").await?;
        let again = plan(&made.graph, "work", "main").await?;
        let checked = check(&made, &again, &decided(&again, restore.clone())).await?;
        assert_eq!((checked.open.len(), stale(&checked)), (0, vec![]), "{what}");
        if let Some(back) = back {
            put(&made, "main", &names(&[back])).await?;
        }
        mutate(&made.graph, "main", body).await?;
        let last = plan(&made.graph, "work", "main").await?;
        let checked = check(&made, &last, &decided(&last, restore)).await?;
        assert_eq!(found(&checked.open), expected(&orphans), "{what}");
        assert_eq!(stale(&checked), [(0, "the rows have changed since")], "{what}");
    }
    Ok(())
}

/// Each of the two clashes was there before: what is decided about one of them is no cause of the other.
#[tokio::test]
async fn a_clash_of_another_column_is_not_blamed_on_a_decision() -> Result<()> {
    let person = |name: &str| node(&json!({"name": name, "mail": "x", "phone": "1"}));
    let made = stage(&names(&["Z"]), &person("A"), &person("B")).await?;
    let planned = plan(&made.graph, "work", "main").await?;
    assert_eq!(found(planned.conflicts()), expected(&[UNIQUE_A, UNIQUE_A]));
    for (column, other) in [("mail", "phone"), ("phone", "mail")] {
        let changed = Choice::Cells([(column.to_owned(), CellChoice::Value(json!("7")))].into());
        let decisions = decided(&planned, vec![Decision::by_hand(&planned.conflicts()[0], Some(changed))]);
        let checked = check(&made, &planned, &decisions).await?;
        let open: Vec<_> = checked.open.iter().map(|open| (open.detail.to_string(), open.caused_by)).collect();
        assert_eq!(open, [(format!("same {other} as `B`"), None)], "{column}");
        // A value that clashes, too, is the decision's.
        let clashing = node(&json!({"name": "D", "mail": "taken", "phone": "taken"}));
        let made = stage(&(names(&["Z"]) + &clashing), &person("A"), &person("B")).await?;
        let planned = plan(&made.graph, "work", "main").await?;
        let taken = Choice::Cells([(column.to_owned(), CellChoice::Value(json!("taken")))].into());
        let decisions = decided(&planned, vec![Decision::by_hand(&planned.conflicts()[0], Some(taken))]);
        let checked = check(&made, &planned, &decisions).await?;
        let mut open: Vec<_> = checked.open.iter().map(|open| (open.detail.to_string(), open.caused_by)).collect();
        open.sort();
        let mut expected = [(format!("same {other} as `B`"), None), (format!("same {column} as `D`"), Some(0))];
        expected.sort();
        assert_eq!(open, expected, "{column}");
    }
    Ok(())
}

/// Nobody chose between A and C: another decision brings the phone back that A has.
#[tokio::test]
async fn a_clash_that_another_decision_makes_is_not_decided_with_the_first() -> Result<()> {
    let person = |name: &str, phone: &str| node(&json!({"name": name, "phone": phone}));
    let on_work = person("C", "2") + &node(&json!({"name": "A", "mail": "x", "phone": "1"}));
    let on_main = person("C", "3") + &node(&json!({"name": "B", "mail": "x"}));
    let made = stage(&person("C", "1"), &on_work, &on_main).await?;
    let planned = plan(&made.graph, "work", "main").await?;
    let update = (ConflictKind::DivergentUpdate, "node:Person", "C");
    assert_eq!(found(planned.conflicts()), expected(&[update, UNIQUE_A]));
    let choices = [Choice::Take(Side::Base), Choice::KeepRow("A".to_owned())];
    let by_hand = planned.conflicts().iter().zip(choices).map(|(it, choice)| Decision::by_hand(it, Some(choice)));
    let mut decisions = decided(&planned, by_hand.collect());
    let checked = check(&made, &planned, &decisions).await?;
    assert_eq!((checked.decided.len(), stale(&checked)), (2, vec![]));
    assert_eq!(found(&checked.open), expected(&[UNIQUE_A]));
    assert_eq!(checked.open[0].caused_by, Some(0));
    is_refused(&made, &planned, &decisions, 1).await?;
    // In a file it stands beside the one that holds, with what it is about.
    decisions.decisions.push(Decision::by_hand(&checked.open[0], None));
    let text = decisions.to_annotated_json(&checked.open);
    assert_eq!(text.matches("\"about\"").count(), 1, "{text}");
    let mut read = MergeDecisions::from_json(&text)?;
    assert_eq!(read, decisions);
    read.decisions[2].choice = Some(Choice::Cells([("phone".to_owned(), CellChoice::Value(json!("9")))].into()));
    merged(&made, &planned, &read).await?;
    let phones = column(&made.files().await?, "main", "node:Person", "phone").await?;
    let phones: Vec<(&str, &Value)> = phones.iter().map(|(id, phone)| (id.as_str(), phone)).collect();
    assert_eq!(phones, [("A", &json!("9")), ("C", &json!("1"))]);
    Ok(())
}
