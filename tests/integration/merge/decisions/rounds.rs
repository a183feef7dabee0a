//! Decisions that give rise to conflicts that other decisions settle, one after the other.

use anyhow::Result;
use serde_json::{Value, json};
use stratigraph_engine::merge::{Choice, ConflictKind, Decision, Rule, Side};
use stratigraph_tests::graph::TestGraph;

use super::super::{column, decided, expected, found, plan, put};
use super::{merged, node};

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
    let people = 20;
    let made = chain(people).await?;
    let planned = plan(&made.graph, "work", "main").await?;
    assert_eq!(found(planned.conflicts()), expected(&[(ConflictKind::UniqueViolation, "node:Person", "p20")]));
    merged(&made, &planned, &decided(&planned, vec![as_they_were()])).await?;
    let mails = column(&made.files().await?, "main", "node:Person", "mail").await?;
    let mut left: Vec<(String, Value)> = (1..=people).map(|number| (name(number), mail(number))).collect();
    left.push(("x".to_owned(), mail(people + 1)));
    assert_eq!(mails, left);
    Ok(())
}
