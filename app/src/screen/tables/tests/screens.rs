//! The screen in three sizes and three looks. The dump tells styles apart, because no-color must show the same facts.

use stratigraph_engine::diff::{RowHistoryItem, RowOp, RowVersion};
use stratigraph_engine::{BranchName, Commit, ErrorKind, ManifestVersion, Row, Value};

use super::super::request::{Reply, Tab};
use super::super::{Action, schema_list};
use super::stage::{Stage, opened, page, people};
use super::{change, no_column};
use crate::message::Failure;

const SIZES: [(u16, u16); 3] = [(120, 30), (80, 24), (40, 12)];

fn at_sizes(name: &str, prepare: impl Fn(&mut Stage)) {
    for (columns, rows) in SIZES {
        let mut stage = Stage::ready(columns, rows);
        prepare(&mut stage);
        stage.snapshot(name);
    }
}

#[test]
fn types_with_details_and_drift() {
    at_sizes("types", |stage| stage.keys("l"));
}

#[test]
fn rows_with_all_kinds_of_nothing() {
    at_sizes("rows", |stage| stage.keys("enter j"));
}

#[test]
fn nothing_is_there_yet() {
    for (columns, rows) in SIZES {
        Stage::new(columns, rows).snapshot("loading");
    }
}

#[test]
fn a_filter_was_refused() {
    at_sizes("refused", |stage| {
        stage.keys("enter f");
        stage.text("agee > 3");
        stage.keys("enter");
        stage.fail("rows", no_column());
    });
}

#[test]
fn a_table_cannot_be_read() {
    at_sizes("gone", |stage| {
        stage.keys("j");
        let gone = "version 5 of node:Project is no longer retained, the oldest kept is 6";
        stage.fail("rows", Failure::new(ErrorKind::NotFound, gone));
        stage.keys("enter");
    });
}

#[test]
fn an_empty_table_in_the_past() {
    at_sizes("past", |stage| {
        stage.keys("enter");
        stage.act(Action::GoTo("main@v4".parse().expect("valid")));
        stage.answer("position", vec![Reply::Opened(Box::new(opened("main@v4", false)))]);
        stage.answer("rows", vec![Reply::Page(page(&["id", "age", "note"], Vec::new(), false))]);
    });
}

#[test]
fn a_search_marks_its_matches() {
    at_sizes("search", |stage| {
        stage.keys("enter /");
        stage.text("Zo");
        stage.keys("enter");
    });
}

#[test]
fn a_record_wraps_its_values() {
    at_sizes("record", |stage| stage.keys("enter j enter j"));
}

#[test]
fn the_schema_beside_the_stored_columns() {
    at_sizes("schema", |stage| {
        stage.keys("enter t");
        let line = |cells: [&str; 5]| cells.map(Value::from).to_vec();
        let lines = vec![
            line(["id", "identity", "Utf8", "no", " "]),
            line(["age", "I32?", "Int32", "yes", " "]),
            line(["note", "String?", "not in this version", schema_list::ABSENT, " "]),
        ];
        stage.answer("list", vec![Reply::List(Tab::Schema, schema_list::COLUMNS.to_vec(), lines)]);
    });
}

#[test]
fn a_comparison_marks_what_differs() {
    at_sizes("compare", |stage| {
        stage.keys("enter");
        stage.act(Action::Compare("main@v4".to_owned()));
        stage.answer("rows", vec![Reply::Page(people())]);
        let changes =
            vec![change("Ada", RowOp::Updated), change("Bob", RowOp::Deleted), change("Zoe", RowOp::Inserted)];
        let other = Reply::CompareWith(Box::new(opened("main@v4", false)));
        stage.answer("compare", vec![other, Reply::Compared(changes)]);
        stage.keys("]");
    });
}

#[test]
fn a_row_has_a_history_that_may_end_early() {
    at_sizes("row_history", |stage| {
        stage.keys("enter L");
        let commit = Commit {
            id: "01M7Y249A1EHFH4MJGAECB534F".parse().expect("an id"),
            parent: None,
            merged_parent: None,
            branch: BranchName::main(),
            manifest_version: ManifestVersion::new(9),
            created_at_micros: 1_777_713_243_000_000,
            actor: Some("dana".into()),
        };
        let row =
            |age: i64| Row::new(["id", "age"].map(std::sync::Arc::from).into(), vec!["Ada".into(), Value::Int(age)]);
        let version = RowVersion {
            commit: commit.clone(),
            op: RowOp::Updated,
            before: Some(row(35)),
            after: Some(row(36)),
            columns: vec!["age".to_owned()],
        };
        let changed = RowHistoryItem::Changed(Box::new(version));
        let ended = RowHistoryItem::Ended { commit, reason: "version 2 is no longer retained".to_owned() };
        let items = vec![("CB534F".to_owned(), changed), ("CB534F".to_owned(), ended)];
        stage.answer("row history", vec![Reply::RowHistory(items)]);
    });
}

#[test]
fn a_query_has_a_result() {
    at_sizes("sql", |stage| {
        stage.act(Action::Sql("select title, count(*) from \"Project\" group by 1".to_owned()));
        let rows = vec![vec!["Atlas".into(), Value::Int(2)], vec![Value::Null, Value::Int(12)]];
        stage.answer("sql", vec![Reply::Sql(page(&["title", "count(*)"], rows, false))]);
    });
}

type View = (&'static str, fn(&mut Stage));

#[test]
fn every_size_is_drawn_in_every_view() {
    let views: [View; 5] = [
        ("rows", |stage| stage.keys("enter")),
        ("record", |stage| stage.keys("enter enter")),
        ("history", |stage| stage.keys("enter L")),
        ("compare", |stage| {
            stage.keys("enter");
            stage.act(Action::Compare("main@v4".to_owned()));
        }),
        ("sql", |stage| stage.act(Action::Sql("select 1".to_owned()))),
    ];
    for (name, prepare) in views {
        let mut stage = Stage::ready(80, 24);
        prepare(&mut stage);
        for (columns, rows) in [(1, 1), (19, 4), (20, 5), (21, 6), (25, 8), (60, 16), (300, 3)] {
            stage.resize(columns, rows);
            stage.keys("j l G h");
            assert!(!stage.picture().is_empty(), "{name} at {columns}x{rows}");
        }
    }
}
