//! Cells of rows whose last common commits do not agree: what came from which side is asked, and shown as one of them has it.

use anyhow::Result;
use serde_json::{Value, json};
use stratigraph_engine::Progress;
use stratigraph_engine::merge::{
    CellChoice, Choice, ConflictDetail, ConflictKind, Decision, MergeDecisions, MergePlan, Rule, Side, Unfit,
};
use stratigraph_tests::graph::TestGraph;

use super::{carry_out, decided, is_refused, is_up_to_date, merge, mutate, only, person, plan, put, text};

const SCHEMA: &str = "node Person {\n  name: String @key\n  age: I32?\n  city: String?\n}\n";

/// A record of a person who lives somewhere.
fn living(name: &str, age: i64, city: &str) -> String {
    format!("{}\n", json!({"type": "Person", "data": {"name": name, "age": age, "city": city}}))
}

/// Branches `a` and `b` that were merged into each other, so that the heads of both before that are last common commits; that of
/// `first`, which has more versions, is the one that is shown.
async fn crossed(before: &str, on_a: &str, on_b: &str, first: &str) -> Result<TestGraph> {
    let made = TestGraph::new(SCHEMA).await?;
    put(&made, "main", before).await?;
    for (name, records) in [("a", on_a), ("b", on_b)] {
        made.branch(name, "main").await?;
        put(&made, name, records).await?;
    }
    for age in 1..4 {
        put(&made, first, &person("Filler", age)).await?;
    }
    made.branch("b-before", "b").await?;
    merge(&made.graph, "a", "b").await?;
    merge(&made.graph, "b-before", "a").await?;
    Ok(made)
}

/// Plans a merge of histories with two bases, of which the one on a branch comes first.
async fn plan_on(made: &TestGraph, source: &str, target: &str, first: &str) -> Result<MergePlan> {
    let planned = plan(&made.graph, source, target).await?;
    let history = made.graph.history(&Progress::none()).await?;
    let base = history.get(planned.heads().base).expect("the base is a commit");
    assert_eq!((base.branch.as_str(), planned.other_bases().len()), (first, 1));
    Ok(planned)
}

/// Columns of the only conflict, and whether its cells can be merged.
fn cells(planned: &MergePlan) -> (ConflictKind, String, bool) {
    let [conflict] = planned.conflicts() else { panic!("{:#?}", planned.conflicts()) };
    let ConflictDetail::Row { columns, is_cell_mergeable } = &conflict.detail else { panic!("{conflict:?}") };
    (conflict.key.kind, columns.join(" "), *is_cell_mergeable)
}

/// Age and city of a person on a branch.
async fn stored(made: &TestGraph, of: &str, name: &str) -> Result<Option<Value>> {
    let rows = made.files().await?.rows(of, "node:Person").await?;
    let row = rows.iter().find(|row| text(row, "id") == name);
    Ok(row.map(|row| json!([row["age"], row["city"]])))
}

/// Age and city of the only conflict's row in the last common commit that is shown.
async fn shown(made: &TestGraph, planned: &MergePlan) -> Result<Option<Value>> {
    let rows = made.graph.conflict_rows(planned, &planned.conflicts()[0]).await?;
    let base = rows[0].base.as_ref().map(stratigraph_engine::Row::to_json);
    Ok(base.map(|row| json!([row["age"], row["city"]])))
}

/// One base says that each side changed a column of its own, the other one that one side changed both.
#[tokio::test]
async fn cells_that_the_bases_tell_apart_differently_are_asked_about() -> Result<()> {
    for (first, source, target) in [("a", "a", "b"), ("b", "a", "b"), ("a", "b", "a"), ("b", "b", "a")] {
        let made = crossed(&living("X", 1, "Oslo"), &person("Y", 1), &living("X", 2, "Oslo"), first).await?;
        put(&made, "a", &living("X", 1, "Rom")).await?;
        assert_eq!(stored(&made, "b", "X").await?, Some(json!([2, "Oslo"])));
        let planned = plan_on(&made, source, target, first).await?;
        let told = (ConflictKind::DivergentUpdate, "age city".to_owned(), false);
        assert_eq!(cells(&planned), told, "{first} first, {source} into {target}");
        let was = if first == "a" { json!([1, "Oslo"]) } else { json!([2, "Oslo"]) };
        assert_eq!(shown(&made, &planned).await?, Some(was));
        // A rule passes over it; what is said of it by hand holds.
        let all = Decision::by_rule(Rule::default(), Choice::MergeCells);
        is_refused(&made, &planned, &decided(&planned, vec![all]), 1).await?;
        assert_eq!(Choice::MergeCells.fits(&planned.conflicts()[0]), Err(Unfit::BothChanged));
        carry_out(&made.graph, &planned, &only(&planned, Choice::Take(Side::Source))?).await?;
        assert_eq!(stored(&made, target, "X").await?, stored(&made, source, "X").await?);
        is_up_to_date(&made, source, target).await?;
    }
    Ok(())
}

/// A cell that nobody names comes from the side that changed it since every base; where they do not agree it must be named.
#[tokio::test]
async fn cells_by_hand_name_what_the_bases_do_not_agree_on() -> Result<()> {
    for first in ["a", "b"] {
        let made = crossed(&living("X", 1, "Oslo"), &person("Y", 1), &living("X", 2, "Oslo"), first).await?;
        put(&made, "a", &living("X", 1, "Rom")).await?;
        let planned = plan_on(&made, "a", "b", first).await?;
        let cells = |named: &str| Choice::Cells([(named.to_owned(), CellChoice::From(Side::Target))].into());
        let error = merge_error(&made, &planned, &only(&planned, cells("city"))?).await?;
        let why = "the last common commits do not all tell which side changed it: say which one it is";
        assert!(error.contains(&format!("age: {why}")), "{error}");
        carry_out(&made.graph, &planned, &only(&planned, cells("age"))?).await?;
        assert_eq!(stored(&made, "b", "X").await?, Some(json!([2, "Rom"])), "{first} first");
    }
    Ok(())
}

/// What the decisions are refused with; nothing is written.
async fn merge_error(made: &TestGraph, planned: &MergePlan, decisions: &MergeDecisions) -> Result<String> {
    let before = made.graph.history(&Progress::none()).await?.commits().len();
    let refused = carry_out(&made.graph, planned, decisions).await;
    assert_eq!(made.graph.history(&Progress::none()).await?.commits().len(), before);
    Ok(format!("{:#}", refused.expect_err("a cell is missing")))
}

#[tokio::test]
async fn cells_that_the_bases_tell_apart_alike_are_merged() -> Result<()> {
    for first in ["a", "b"] {
        let made = crossed(&living("X", 1, "Oslo"), &person("Y", 1), &person("Z", 1), first).await?;
        put(&made, "a", &living("X", 2, "Oslo")).await?;
        put(&made, "b", &living("X", 1, "Rom")).await?;
        let planned = plan_on(&made, "a", "b", first).await?;
        assert_eq!(cells(&planned), (ConflictKind::DivergentUpdate, "age city".to_owned(), true));
        let all = Decision::by_rule(Rule::default(), Choice::MergeCells);
        carry_out(&made.graph, &planned, &decided(&planned, vec![all])).await?;
        assert_eq!(stored(&made, "b", "X").await?, Some(json!([2, "Rom"])));
    }
    Ok(())
}

/// Only one of the bases has the row: what kind of conflict it is and what "base" means are told by the one that is shown.
#[tokio::test]
async fn a_row_that_one_base_lacks_is_told_as_the_first_base_has_it() -> Result<()> {
    for first in ["a", "b"] {
        let made = crossed(&person("W", 1), &person("Y", 1), &living("New", 3, "Oslo"), first).await?;
        put(&made, "a", &living("New", 4, "Oslo")).await?;
        put(&made, "b", &living("New", 3, "Rom")).await?;
        let planned = plan_on(&made, "a", "b", first).await?;
        let (kind, was) = match first {
            "a" => (ConflictKind::DivergentInsert, None),
            _ => (ConflictKind::DivergentUpdate, Some(json!([3, "Oslo"]))),
        };
        assert_eq!(cells(&planned), (kind, "age city".to_owned(), false), "{first} first");
        assert_eq!(shown(&made, &planned).await?, was);
        let base = Choice::Take(Side::Base);
        if was.is_none() {
            assert_eq!(base.fits(&planned.conflicts()[0]), Err(Unfit::NoBase));
        } else {
            carry_out(&made.graph, &planned, &only(&planned, base)?).await?;
            assert_eq!(stored(&made, "b", "New").await?, was);
        }
    }
    Ok(())
}

/// What a side made of a row that it deleted is told against the base that is shown, or as all that the row holds.
#[tokio::test]
async fn a_deleted_row_is_told_against_the_first_base() -> Result<()> {
    for (first, columns) in [("a", "age city name"), ("b", "city")] {
        let made = crossed(&person("W", 1), &person("Y", 1), &living("New", 3, "Oslo"), first).await?;
        mutate(&made.graph, "a", "delete Person where name = \"New\"").await?;
        put(&made, "b", &living("New", 3, "Rom")).await?;
        let planned = plan_on(&made, "a", "b", first).await?;
        assert_eq!(cells(&planned), (ConflictKind::DeleteVsUpdate, columns.to_owned(), false), "{first} first");
        carry_out(&made.graph, &planned, &only(&planned, Choice::Keep)?).await?;
        assert_eq!(stored(&made, "b", "New").await?, Some(json!([3, "Rom"])));
    }
    Ok(())
}
