//! Rows that both sides changed: every choice, cell by cell.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};
use stratigraph_engine::merge::{
    CellChoice, Choice, ConflictDetail, ConflictKind, Decision, DecisionError, MergeError, Rule, Side,
};
use stratigraph_engine::{Error, ErrorKind};
use stratigraph_tests::folder::digest;
use stratigraph_tests::graph::TestGraph;

use super::super::{carry_out, decided, mutate, only, plan, put, text};
use super::{check, merged, node, settled, stage};

/// Ada as she was, with cells changed. Columns as they are stored.
fn ada(changes: &Value) -> Value {
    let mut row = json!({
        "id": "Ada", "age": 1, "born": 100, "city": "Oslo", "face": [1.0, 0.5], "file": "base64:aGk=", "mail": "ada",
        "name": "Ada", "state": "open", "tags": ["x"],
    });
    for (column, value) in changes.as_object().into_iter().flatten() {
        row[column] = value.clone();
    }
    row
}

/// Ada as a record.
fn record(changes: &Value) -> String {
    let mut data = ada(changes);
    data.as_object_mut().expect("a row").shift_remove("id");
    node(&data)
}

const SOURCE: &str = r#"{"age": 2, "file": "base64:c291cmNl", "tags": ["x", "source"]}"#;
const TARGET: &str = r#"{"age": 3, "city": "Rom", "face": [0.0, 1.0]}"#;

fn of(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// Both sides changed Ada's age, and other columns alone.
async fn updated() -> Result<TestGraph> {
    stage(&(record(&json!({})) + &node(&json!({"name": "Bea"}))), &record(&of(SOURCE)), &record(&of(TARGET))).await
}

fn cells(cells: &[(&str, CellChoice)]) -> Choice {
    Choice::Cells(cells.iter().map(|(column, cell)| ((*column).to_owned(), cell.clone())).collect())
}

fn value(value: Value) -> CellChoice {
    CellChoice::Value(value)
}

const BASE: CellChoice = CellChoice::From(Side::Base);
const FROM_SOURCE: CellChoice = CellChoice::From(Side::Source);
const FROM_TARGET: CellChoice = CellChoice::From(Side::Target);

/// What only one side changed, taken from it.
fn both_with(changes: &Value) -> Value {
    let mut all = json!({
        "city": "Rom", "face": [0.0, 1.0], "file": "base64:c291cmNl", "tags": ["x", "source"],
    });
    for (column, value) in changes.as_object().into_iter().flatten() {
        all[column] = value.clone();
    }
    ada(&all)
}

#[tokio::test]
async fn a_row_changed_by_both_sides_becomes_what_is_chosen() -> Result<()> {
    let made = updated().await?;
    let planned = plan(&made.graph, "work", "main").await?;
    let ConflictDetail::Row { columns, is_cell_mergeable } = &planned.conflicts()[0].detail else { panic!("a row") };
    assert_eq!((columns.join(" "), *is_cell_mergeable), ("age city face file tags".to_owned(), false));
    assert_eq!(planned.conflicts()[0].key.kind, ConflictKind::DivergentUpdate);
    let edited =
        json!({"age": 42, "born": null, "city": "", "state": "done", "tags": [], "file": "base64:", "face": null});
    let all: Vec<(&str, CellChoice)> = edited
        .as_object()
        .expect("cells")
        .iter()
        .map(|(column, cell)| (column.as_str(), value(cell.clone())))
        .collect();
    let choices = [
        (Choice::Take(Side::Source), Some(ada(&of(SOURCE)))),
        (Choice::Take(Side::Target), Some(ada(&of(TARGET)))),
        (Choice::Take(Side::Base), Some(ada(&json!({})))),
        (Choice::Drop, None),
        (cells(&[("age", FROM_SOURCE)]), Some(both_with(&json!({"age": 2})))),
        (cells(&[("age", FROM_TARGET)]), Some(both_with(&json!({"age": 3})))),
        (cells(&[("age", BASE), ("city", FROM_SOURCE)]), Some(both_with(&json!({"age": 1, "city": "Oslo"})))),
        (
            cells(&[("age", value(Value::Null)), ("file", FROM_TARGET), ("face", FROM_SOURCE)]),
            Some(both_with(&json!({"age": null, "file": "base64:aGk=", "face": [1.0, 0.5]}))),
        ),
        (cells(&all), Some(ada(&edited))),
        (
            cells(&[("age", value(json!(7))), ("born", value(json!("1970-01-03")))]),
            Some(both_with(&json!({"age": 7, "born": 2}))),
        ),
    ];
    for (choice, expected) in choices {
        let made = updated().await?;
        let rows = settled(&made, choice.clone(), "node:Person").await?;
        let found = rows.iter().find(|row| row["id"] == "Ada").map(|row| Value::Object(row.clone()));
        assert_eq!(found, expected, "{choice}");
        assert_eq!(rows.last().map(|row| row["id"].clone()), Some(json!("Bea")), "others stay");
    }
    Ok(())
}

#[tokio::test]
async fn cells_are_merged_where_no_column_was_changed_by_both() -> Result<()> {
    let made = stage(
        &record(&json!({})),
        &record(&json!({"file": "base64:c291cmNl", "age": 9, "mail": null})),
        &record(&json!({"city": null, "tags": ["x", "y"], "age": 9})),
    )
    .await?;
    let planned = plan(&made.graph, "work", "main").await?;
    let ConflictDetail::Row { columns, is_cell_mergeable } = &planned.conflicts()[0].detail else { panic!("a row") };
    assert_eq!((columns.join(" "), *is_cell_mergeable), ("city file mail tags".to_owned(), true));
    let rows = settled(&made, Choice::MergeCells, "node:Person").await?;
    let merged = json!({"file": "base64:c291cmNl", "age": 9, "mail": null, "city": null, "tags": ["x", "y"]});
    assert_eq!(rows.into_iter().map(Value::Object).collect::<Vec<_>>(), [ada(&merged)]);
    Ok(())
}

#[tokio::test]
async fn a_row_added_by_both_sides_becomes_what_is_chosen() -> Result<()> {
    let added = || async { stage(&node(&json!({"name": "Bea"})), &record(&of(SOURCE)), &record(&of(TARGET))).await };
    let every = [("age", FROM_SOURCE), ("city", FROM_SOURCE), ("face", FROM_TARGET), ("tags", FROM_SOURCE)];
    let mixed = json!({"age": 2, "face": [0.0, 1.0], "file": "base64:Kg==", "tags": ["x", "source"]});
    let mut with_value = every.to_vec();
    with_value.push(("file", value(json!("base64:Kg=="))));
    for (choice, expected) in [
        (Choice::Take(Side::Source), Some(ada(&of(SOURCE)))),
        (Choice::Take(Side::Target), Some(ada(&of(TARGET)))),
        (Choice::Drop, None),
        (cells(&with_value), Some(ada(&mixed))),
    ] {
        let made = added().await?;
        let planned = plan(&made.graph, "work", "main").await?;
        assert_eq!(planned.conflicts()[0].key.kind, ConflictKind::DivergentInsert);
        let rows = settled(&made, choice.clone(), "node:Person").await?;
        let found = rows.iter().find(|row| row["id"] == "Ada").map(|row| Value::Object(row.clone()));
        assert_eq!(found, expected, "{choice}");
    }
    Ok(())
}

#[tokio::test]
async fn a_row_deleted_by_one_side_stays_or_goes() -> Result<()> {
    let changed = json!({"city": "Rom", "file": "base64:c291cmNl"});
    for deleted_by in ["work", "main"] {
        let by_source = deleted_by == "work";
        let of_side = |side: Side| match (side, by_source) {
            (Side::Base, _) => Some(ada(&json!({}))),
            (Side::Source, true) | (Side::Target, false) => None,
            (Side::Source, false) | (Side::Target, true) => Some(ada(&changed)),
        };
        let choices = [(Choice::Keep, Some(ada(&changed))), (Choice::Delete, None)];
        let sides = [Side::Base, Side::Source, Side::Target].map(|side| (Choice::Take(side), of_side(side)));
        for (choice, expected) in choices.into_iter().chain(sides) {
            let (on_work, on_main) =
                if by_source { (String::new(), record(&changed)) } else { (record(&changed), String::new()) };
            let made = stage(&(record(&json!({})) + &node(&json!({"name": "Bea"}))), &on_work, &on_main).await?;
            mutate(&made.graph, deleted_by, "delete Person where name = \"Ada\"").await?;
            let planned = plan(&made.graph, "work", "main").await?;
            assert_eq!(planned.conflicts()[0].key.kind, ConflictKind::DeleteVsUpdate);
            let rows = settled(&made, choice.clone(), "node:Person").await?;
            let found = rows.iter().find(|row| row["id"] == "Ada").map(|row| Value::Object(row.clone()));
            assert_eq!(found, expected, "deleted by {deleted_by}: {choice}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn values_that_no_cell_can_have_are_refused_and_nothing_is_written() -> Result<()> {
    let made = updated().await?;
    let planned = plan(&made.graph, "work", "main").await?;
    let before = digest(&made.path())?;
    let age = || ("age", FROM_SOURCE);
    let wrong = [
        ("age", json!("old")),
        ("age", json!(1.5)),
        ("age", json!(3_000_000_000_i64)),
        ("city", json!(7)),
        ("state", json!("lost")),
        ("born", json!("yesterday")),
        ("face", json!([1.0])),
        ("face", json!([1.0, "x"])),
        ("tags", json!("x")),
        ("tags", json!([1])),
        ("file", json!(1)),
        ("name", json!("Eve")),
        ("nothing", json!(1)),
    ];
    for (column, cell) in wrong {
        let choice = cells(&[age(), (column, value(cell.clone()))]);
        let decisions = only(&planned, choice)?;
        let checked = check(&made, &planned, &decisions).await.map(drop);
        let merged = carry_out(&made.graph, &planned, &decisions).await.map(drop);
        for refused in [checked, merged] {
            let Err(error) = refused else { panic!("{column} = {cell} was taken") };
            let Error::Merge(MergeError::Value { number, id, column: of, .. }) = &error else { panic!("{error}") };
            assert_eq!((*number, id.as_str(), of.as_str(), error.kind()), (1, "Ada", column, ErrorKind::Invalid));
        }
    }
    // A column that both changed has to be named.
    let decisions = only(&planned, cells(&[("city", FROM_SOURCE)]))?;
    let error = check(&made, &planned, &decisions).await.unwrap_err();
    assert!(matches!(&error, Error::Merge(MergeError::Value { column, .. }) if column == "age"), "{error}");
    for unfit in [
        Choice::MergeCells,
        Choice::Keep,
        Choice::Delete,
        Choice::RestoreEnd,
        Choice::KeepRow("Ada".to_owned()),
        Choice::Cells(BTreeMap::new()),
        cells(&[("id", value(json!("Eve")))]),
        Choice::Edges { drop: vec!["e".to_owned()], restore: Vec::new() },
    ] {
        let decisions = only(&planned, unfit.clone())?;
        let error = carry_out(&made.graph, &planned, &decisions).await.unwrap_err();
        let is_unfit = matches!(&error, Error::Merge(MergeError::Decisions(DecisionError::Unfit(_))));
        assert!(is_unfit && error.kind() == ErrorKind::Invalid, "{unfit}: {error}");
    }
    assert!(digest(&made.path())? == before, "nothing was written");
    Ok(())
}

/// More rows than are composed at once, some of which only the sides have and not their last common commit.
#[tokio::test]
async fn cells_of_many_rows_are_each_from_the_side_that_was_chosen() -> Result<()> {
    const ROWS: usize = 1_300;
    let made = TestGraph::new(MANY).await?;
    let is_old = |row: usize| !row.is_multiple_of(3);
    let record = |row: usize, age: usize, city: String, about: &str| {
        let about = about.repeat(row % 7);
        node(&json!({"name": format!("p{row:04}"), "age": age, "city": city, "about": about}))
    };
    let of = |age: usize, city: &str, about: &str, all: bool| -> String {
        let rows = (0..ROWS).filter(|row| all || is_old(*row));
        rows.map(|row| record(row, row + age, format!("{city}{row}"), about)).collect()
    };
    put(&made, "main", &of(0, "base", "b", false)).await?;
    made.branch("work", "main").await?;
    put(&made, "work", &of(5_000, "work", "b", true)).await?;
    put(&made, "main", &of(9_000, "main", "m", true)).await?;
    let planned = plan(&made.graph, "work", "main").await?;
    assert_eq!(planned.conflicts().len(), ROWS);
    let cells = [("age", CellChoice::From(Side::Source)), ("city", CellChoice::From(Side::Target))];
    let mut choice: BTreeMap<String, CellChoice> = cells.map(|(name, cell)| (name.to_owned(), cell)).into();
    let update = Decision::by_rule(of_kind(ConflictKind::DivergentUpdate), Choice::Cells(choice.clone()));
    choice.insert("about".to_owned(), CellChoice::From(Side::Source));
    let insert = Decision::by_rule(of_kind(ConflictKind::DivergentInsert), Choice::Cells(choice));
    merged(&made, &planned, &decided(&planned, vec![update, insert])).await?;
    let rows = made.files().await?.rows("main", "node:Person").await?;
    let found: BTreeMap<String, Value> =
        rows.iter().map(|row| (text(row, "id"), json!([row["age"], row["city"], row["about"]]))).collect();
    let about = |row: usize| if is_old(row) { "m" } else { "b" }.repeat(row % 7);
    let expected = (0..ROWS).map(|row| (format!("p{row:04}"), json!([row + 5_000, format!("main{row}"), about(row)])));
    assert_eq!(found, expected.collect());
    Ok(())
}

const MANY: &str = "node Person {\n  name: String @key\n  age: I32?\n  city: String?\n  about: String?\n}\n";

fn of_kind(kind: ConflictKind) -> Rule {
    Rule { kind: Some(kind), ..Rule::default() }
}
