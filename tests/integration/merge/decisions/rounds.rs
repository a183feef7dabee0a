//! Decisions that give rise to conflicts that other decisions settle, one after the other: settled to the end, or told.

use anyhow::Result;
use serde_json::{Value, json};
use stratigraph_engine::merge::{Choice, ConflictKind, Decision, Rule, Side};
use stratigraph_tests::graph::TestGraph;

use super::super::{column, decided, expected, found, is_refused, plan, put};
use super::{check, merged, node};

const SCHEMA: &str = "node Person {\n  name: String @key\n  mail: String? @unique\n}\n";

fn name(number: usize) -> String {
    format!("p{number:02}")
}

fn mail(number: usize) -> Value {
    json!(format!("e{number:02}"))
}

/// Every person takes the mail of the next one on work, and a new one on main takes the last: a person who gets the former mail
/// back has that of the one before.
async fn chain(people: usize) -> Result<TestGraph> {
    let made = TestGraph::new(SCHEMA).await?;
    let all = |shift: usize| -> String {
        (1..=people).map(|number| node(&json!({"name": name(number), "mail": mail(number + shift)}))).collect()
    };
    put(&made, "main", &all(0)).await?;
    made.branch("work", "main").await?;
    put(&made, "work", &all(1)).await?;
    put(&made, "main", &node(&json!({"name": "x", "mail": mail(people + 1)}))).await?;
    Ok(made)
}

fn as_they_were() -> Decision {
    let rule = Rule { kind: Some(ConflictKind::UniqueViolation), ..Rule::default() };
    Decision::by_rule(rule, Choice::Take(Side::Base))
}

#[tokio::test]
async fn what_each_decision_exposes_is_decided_in_turn() -> Result<()> {
    let made = chain(10).await?;
    let planned = plan(&made.graph, "work", "main").await?;
    assert_eq!(found(planned.conflicts()), expected(&[(ConflictKind::UniqueViolation, "node:Person", "p10")]));
    merged(&made, &planned, &decided(&planned, vec![as_they_were()])).await?;
    let mails = column(&made.files().await?, "main", "node:Person", "mail").await?;
    let mut left: Vec<(String, Value)> = (1..=10).map(|number| (name(number), mail(number))).collect();
    left.push(("x".to_owned(), mail(11)));
    assert_eq!(mails, left);
    Ok(())
}

/// Decisions are applied a limited number of times: what the last time exposed is open, and nothing is written.
#[tokio::test]
async fn what_is_exposed_at_last_is_open() -> Result<()> {
    let made = chain(20).await?;
    let planned = plan(&made.graph, "work", "main").await?;
    let decisions = decided(&planned, vec![as_they_were()]);
    let checked = check(&made, &planned, &decisions).await?;
    let next = name(20 - checked.decided.len());
    assert_eq!(found(&checked.open), expected(&[(ConflictKind::UniqueViolation, "node:Person", &next)]));
    assert_eq!(checked.open[0].caused_by, Some(0));
    assert_eq!(checked.tables.iter().map(|table| table.conflicts).collect::<Vec<_>>(), [1]);
    is_refused(&made, &planned, &decisions, 1).await
}
