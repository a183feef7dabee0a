//! Pictures of the two panes of a row diff.

use stratigraph_engine::diff::{RowChange, RowOp};
use stratigraph_engine::{ErrorKind, Row, TableChange, Value};

use super::fixture::{Bench, change, entry, key, person, row};
use crate::message::Failure;

const SIZES: [(u16, u16); 2] = [(120, 30), (80, 24)];

/// Opens the row diff of the last commit of main, lets `prepare` answer it, and takes a picture in each size.
fn at_sizes(name: &str, prepare: impl Fn(&mut Bench)) {
    for (columns, rows) in SIZES {
        let mut bench = Bench::team((columns, rows));
        bench.press("j d");
        prepare(&mut bench);
        insta::assert_snapshot!(format!("diff_{name}_{columns}x{rows}"), bench.draw().join("\n"));
    }
}

fn tables() -> Vec<TableChange> {
    vec![
        change(entry("edge:WorksOn", 6, 5, None), entry("edge:WorksOn", 7, 4, None)),
        change(entry("node:Document", 3, 2, None), entry("node:Document", 4, 2, None)),
        change(entry("node:Person", 6, 7, None), entry("node:Person", 7, 6, None)),
    ]
}

fn updated(table: &str, id: &str, columns: &[&str], before: Row, after: Row) -> RowChange {
    let columns = columns.iter().map(ToString::to_string).collect();
    let (before, after) = (Some(before), Some(after));
    RowChange { table: key(table), id: id.to_owned(), op: RowOp::Updated, before, after, columns }
}

/// A document with all kinds of cells.
fn document(title: Value, note: Value, embedding: &[f32]) -> Row {
    let embedding = Value::Vector(embedding.into());
    row(&[("id", "doc-1".into()), ("title", title), ("note", note), ("embedding", embedding)])
}

fn works_on(since: i32) -> Row {
    let ends = [("id", "e1".into()), ("src", "ann".into()), ("dst", "crm".into())];
    row(&[ends.as_slice(), &[("since", Value::Date(since))]].concat())
}

fn all_read(bench: &mut Bench) {
    bench.tables(tables());
    bench.rows("edge:WorksOn", vec![updated("edge:WorksOn", "e1", &["since"], works_on(20_000), works_on(20_031))]);
    let before = document("Plan".into(), Value::Null, &[0.0, 1.0]);
    let after =
        document("\u{202e}計画\u{1b}[31m of a name that is far too long for a column".into(), "".into(), &[0.5, 1.0]);
    bench
        .rows("node:Document", vec![updated("node:Document", "doc-1", &["title", "note", "embedding"], before, after)]);
    let people = vec![person("ann", Some(30), Some(31)), person("bob", None, Some(5)), person("cy", Some(9), None)];
    bench.rows("node:Person", people);
    for table in ["edge:WorksOn", "node:Document", "node:Person"] {
        bench.done(table);
    }
    bench.draw();
}

#[test]
fn changed_people_with_the_cursor_on_a_changed_cell() {
    at_sizes("people", |bench| {
        all_read(bench);
        bench.press("j enter ]");
    });
}

#[test]
fn an_edge_shows_both_ends() {
    at_sizes("edges", |bench| {
        all_read(bench);
        bench.press("G enter");
    });
}

#[test]
fn cells_of_all_kinds_and_hostile_text() {
    at_sizes("cells", |bench| {
        all_read(bench);
        bench.press("enter l");
    });
}

#[test]
fn tables_are_shown_while_some_are_read_and_one_is_not_readable() {
    at_sizes("reading", |bench| {
        bench.tables(tables());
        bench.unreadable("node:Document", Failure::new(ErrorKind::Corrupt, "data file 3 of node:Document is missing"));
        bench.rows("node:Person", vec![person("ann", Some(30), Some(31))]);
        bench.press("k j");
    });
}

#[test]
fn commits_that_differ_in_no_table() {
    at_sizes("nothing", |bench| bench.tables(Vec::new()));
}

#[test]
fn a_filter_that_leaves_no_row() {
    at_sizes("filtered", |bench| {
        all_read(bench);
        bench.press("j enter f");
        bench.type_text("nobody");
        bench.press("enter");
    });
}

#[test]
fn the_styles_of_changed_rows() {
    let mut bench = Bench::with_rows((80, 24));
    bench.press("enter ]");
    insta::assert_snapshot!("diff_styles_80x24", bench.picture());
}
