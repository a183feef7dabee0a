//! The screen's rules, on plain values through the whole program.

mod pages;
mod screens;
mod stage;

use std::sync::Arc;

use stratigraph_engine::diff::{RowChange, RowOp};
use stratigraph_engine::{At, ErrorKind, Row, Value};

use super::request::{Page, Reply, Request};
use super::{Action, Order, ROWS, SQL, Sort, TYPES};
use crate::message::Failure;
use crate::screen::{Screen, ScreenId};
use stage::{Stage, key, opened, page, people};

fn no_column() -> Failure {
    Failure::new(ErrorKind::Invalid, "cannot use the filter `agee > 3`")
        .caused_by("cannot read nodes/0")
        .caused_by("no field named agee")
}

#[test]
fn the_first_look_reads_the_head_of_main_and_its_first_table() {
    let mut stage = Stage::new(120, 30);
    assert!(stage.is_here());
    assert!(matches!(stage.asked("position"), Some(Request::Open(At::Branch(branch))) if branch.is_main()));
    stage.answer("position", vec![Reply::Opened(Box::new(opened("main", true)))]);
    let Some(Request::Page(source, None)) = stage.asked("rows") else { panic!("no page was asked for") };
    assert_eq!((source.table.to_string(), source.filter.clone()), ("node:Person".to_owned(), None));
    assert!(matches!(stage.asked("table heads"), Some(Request::Heads(_))));
}

#[test]
fn a_filter_runs_in_the_engine_and_a_bad_one_keeps_the_rows() {
    let mut stage = Stage::ready(120, 30);
    stage.keys("enter f");
    stage.text("agee > 3");
    stage.keys("enter");
    let Some(Request::Page(source, None)) = stage.asked("rows") else { panic!("no page was asked for") };
    assert_eq!(source.filter.as_deref(), Some("agee > 3"));
    stage.fail("rows", no_column());
    let picture = stage.picture();
    assert!(picture.contains("! cannot use the filter `agee > 3`: no field named agee; below are the"));
    assert!(picture.contains("Ada") && picture.contains("Zoe"), "{picture}");
    assert_eq!(stage.state.shared.messages.toasts().count(), 0, "the pane says it, no toast does");
    assert_eq!(stage.state.shared.messages.history().count(), 1, "it stays in the message history");
    stage.keys("esc");
    let Some(Request::Page(source, None)) = stage.asked("rows") else { panic!("the filter is gone: read again") };
    assert_eq!(source.filter, None);
}

#[test]
fn each_table_keeps_its_filter() {
    let mut stage = Stage::ready(120, 30);
    stage.keys("enter f");
    stage.text("age > 3");
    stage.keys("enter");
    stage.answer("rows", vec![Reply::Page(people())]);
    stage.keys("shift-tab j");
    let filter = |stage: &Stage| match stage.asked("rows") {
        Some(Request::Page(source, None)) => (source.table.to_string(), source.filter.clone()),
        other => panic!("not a first page: {other:?}"),
    };
    assert_eq!(filter(&stage), ("node:Project".to_owned(), None));
    stage.keys("k");
    assert_eq!(filter(&stage), ("node:Person".to_owned(), Some("age > 3".to_owned())));
    assert!(stage.picture().contains("filter age > 3"));
}

#[test]
fn rows_of_another_position_leave_at_once_and_return_comes_back() {
    let mut stage = Stage::ready(120, 30);
    stage.keys("enter G");
    stage.act(Action::GoTo("main@v4".parse().expect("valid")));
    assert!(stage.picture().contains("going to main@v4"));
    stage.answer("position", vec![Reply::Opened(Box::new(opened("main@v4", false)))]);
    let picture = stage.picture();
    assert!(picture.contains("(not the head)") && !picture.contains("Ada"), "{picture}");
    assert!(!stage.state.screens.tables.place(&stage.state.shared).expect("a place").is_head);
    stage.answer("rows", vec![Reply::Page(people())]);
    assert_eq!(stage.state.screens.tables.rows.grid.id(), Some("李小龍"), "the row stays selected");
    stage.keys("esc");
    assert!(matches!(stage.asked("position"), Some(Request::Open(At::Branch(_)))), "back to the head");
    stage.answer("position", vec![Reply::Opened(Box::new(opened("main", true)))]);
    stage.answer("rows", vec![Reply::Page(people())]);
    assert_eq!(stage.state.screens.tables.rows.grid.id(), Some("李小龍"));
    assert!(stage.state.screens.tables.trail.is_empty());
}

#[test]
fn a_refused_position_leaves_everything_as_it_is() {
    let mut stage = Stage::ready(120, 30);
    stage.act(Action::GoToText("v99".to_owned()));
    stage.fail("position", Failure::new(ErrorKind::NotFound, "branch `main` has no version 99; its newest is 9"));
    let picture = stage.picture();
    assert!(picture.contains("main @ CB534F = head") && picture.contains("Ada"), "{picture}");
    assert!(stage.words().contains("branch `main` has no version 99; its newest is 9"), "{picture}");
    stage.keys("esc");
    assert!(stage.picture().contains("main @ CB534F = head") && stage.state.shared.overlays.is_empty());
}

#[test]
fn the_first_position_that_fails_is_told_in_the_pane() {
    let mut stage = Stage::new(80, 24);
    stage.fail("position", Failure::new(ErrorKind::Corrupt, "manifest of main has no rows"));
    assert!(stage.picture().contains("! manifest of main has no rows"));
    stage.keys("r");
    assert!(stage.asked("position").is_some());
}

#[test]
fn a_version_that_is_gone_is_told_and_other_tables_go_on() {
    let mut stage = Stage::ready(120, 30);
    stage.keys("j");
    let gone = "version 5 of node:Project is no longer retained, the oldest kept is 6";
    stage.fail("rows", Failure::new(ErrorKind::NotFound, gone));
    let words = stage.picture().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("! version 5 of node:Project is no longer retained"), "{words}");
    stage.keys("k");
    stage.answer("rows", vec![Reply::Page(people())]);
    assert!(stage.picture().contains("Ada"));
}

#[test]
fn a_page_is_read_when_the_cursor_comes_near_the_end() {
    let mut stage = Stage::ready(120, 30);
    stage.keys("enter r");
    stage.answer("position", vec![Reply::Opened(Box::new(opened("main", true)))]);
    let rows = (0..200).map(|at| vec![format!("p{at:03}").as_str().into()]).collect();
    stage.answer("rows", vec![Reply::Page(page(&["id"], rows, true))]);
    assert!(stage.asked("rows").is_none(), "the first rows fill the pane");
    stage.keys("G");
    let Some(Request::Page(_, Some(after))) = stage.asked("rows") else { panic!("no next page was asked for") };
    assert_eq!(after, "p199");
    let next = Page { first: false, ..page(&["id"], vec![vec!["p200".into()]], false) };
    stage.answer("rows", vec![Reply::Page(next)]);
    assert_eq!(stage.state.screens.tables.rows.grid.rows().len(), 201);
    assert!(stage.asked("rows").is_none());
}

#[test]
fn sorting_says_what_it_sorts() {
    let mut stage = Stage::ready(120, 30);
    stage.keys("enter l s");
    let picture = stage.picture();
    assert!(picture.contains("these 3") && picture.contains("all 3") && picture.contains("a job"), "{picture}");
    stage.keys("esc");
    let order = Order { column: "age".to_owned(), descending: true };
    stage.act(Action::Sort(Sort::Loaded(order.clone())));
    assert!(stage.picture().contains("these 3 sorted by age descending"));
    assert!(stage.asked("sort").is_none(), "at once, no job");
    stage.act(Action::Sort(Sort::All(order.clone())));
    let Some(Request::Sorted(source, asked)) = stage.asked("sort") else { panic!("no job") };
    assert_eq!((source.table.to_string().as_str(), asked), ("node:Person", &order));
    let head = page(&["id", "age"], Vec::new(), true);
    let rows = Page { first: false, ..page(&["id", "age"], vec![vec!["Ada".into(), Value::Int(36)]], true) };
    stage.answer("sort", vec![Reply::Sorted(head, order.clone()), Reply::Sorted(rows, order)]);
    assert!(stage.picture().contains("first 1 of all by age descending"), "{}", stage.picture());
}

#[test]
fn counting_uses_the_filter_in_force() {
    let mut stage = Stage::ready(120, 30);
    stage.keys("enter f");
    stage.text("age > 3");
    stage.keys("enter");
    stage.answer("rows", vec![Reply::Page(Page { more: true, ..people() })]);
    assert!(stage.picture().contains("row 1 of 3+ matching, # counts"), "{}", stage.picture());
    stage.keys("#");
    let Some(Request::Count(source)) = stage.asked("count") else { panic!("no job") };
    assert_eq!(source.filter.as_deref(), Some("age > 3"));
    stage.answer("count", vec![Reply::Counted(1_204)]);
    assert!(stage.picture().contains("row 1 of 1,204 matching"));
}

#[test]
fn a_query_is_a_table_and_its_error_stays_in_its_pane() {
    let mut stage = Stage::ready(120, 30);
    stage.keys(";");
    stage.text("select nope");
    stage.keys("enter");
    stage.fail("sql", Failure::new(ErrorKind::Invalid, "cannot run this query").caused_by("no field named nope"));
    assert!(stage.picture().contains("! cannot run this query: no field named nope"));
    assert_eq!(stage.state.focus(), SQL);
    stage.keys("; ctrl-u");
    stage.text("select 1 as one");
    stage.keys("enter");
    assert!(matches!(stage.asked("sql"), Some(Request::Sql(_, statement)) if statement == "select 1 as one"));
    let rows = Page { first: false, ..page(&["one"], vec![vec![Value::Int(1)]], false) };
    stage.answer("sql", vec![Reply::Sql(page(&["one"], Vec::new(), true)), Reply::Sql(rows)]);
    assert!(stage.picture().contains("row 1 of 1"));
    stage.keys("; ctrl-u up up");
    assert!(stage.picture().contains("> select nope"), "former statements come back");
    stage.keys("esc esc");
    assert_eq!(stage.state.focus(), ROWS, "esc leads back to the rows");
}

#[test]
fn a_query_that_failed_says_what_to_do_and_not_that_it_has_no_rows() {
    let mut stage = Stage::ready(80, 24);
    stage.keys(";");
    stage.text("select * from Persn");
    stage.keys("enter");
    let told = "there is no table `Persn` (line 1, column 15); the tables are node:Person; did you mean Person?";
    stage.fail("sql", Failure::new(ErrorKind::Invalid, told));
    let words = stage.words();
    assert!(words.contains("! there is no table `Persn` (line 1, column 15)"), "{words}");
    assert!(words.contains("failed: ; edits the query, r runs it again"), "{words}");
    assert!(!words.contains("no rows") && !words.contains("not complete"), "{words}");
}

#[test]
fn a_position_that_is_not_there_is_asked_for_again_with_what_was_typed() {
    let mut stage = Stage::ready(120, 30);
    stage.keys("@");
    stage.text("mian");
    stage.keys("enter");
    assert!(matches!(stage.asked("position"), Some(Request::Open(_))));
    stage.fail("position", Failure::new(ErrorKind::NotFound, "no branch `mian`; there are: main"));
    let picture = stage.picture();
    assert!(picture.contains("> mian") && picture.contains("no branch `mian`; there are: main"), "{picture}");
    assert_eq!(stage.toasts(), Vec::<String>::new(), "it is told where it was typed");
    stage.keys("ctrl-u");
    assert!(!stage.picture().contains("no branch `mian`"), "it goes with the next key");
    stage.text("main");
    stage.keys("enter");
    stage.answer("position", vec![Reply::Opened(Box::new(opened("main", true)))]);
    assert!(stage.state.shared.overlays.is_empty());
    // Elsewhere a prompt would come as a surprise.
    stage.keys("@");
    stage.text("mian");
    stage.keys("enter :");
    stage.fail("position", Failure::new(ErrorKind::NotFound, "no branch `mian`; there are: main"));
    assert_eq!(stage.toasts(), ["no branch `mian`; there are: main"]);
}

#[test]
fn another_position_runs_the_query_again() {
    let mut stage = Stage::ready(120, 30);
    stage.act(Action::Sql("select 1".to_owned()));
    stage.answer("sql", vec![Reply::Sql(page(&["one"], Vec::new(), false))]);
    stage.act(Action::GoTo("main@v4".parse().expect("valid")));
    stage.answer("position", vec![Reply::Opened(Box::new(opened("main@v4", false)))]);
    let Some(Request::Sql(snapshot, statement)) = stage.asked("sql") else { panic!("the query did not run again") };
    assert_eq!((snapshot.version.get(), statement.as_str()), (4, "select 1"));
}

#[test]
fn leaving_a_comparison_ends_its_reads_and_late_replies_are_ignored() {
    let mut stage = Stage::ready(120, 30);
    stage.act(Action::Compare("main@v4".to_owned()));
    let compare = stage.starts.iter().find(|start| start.slot.kind == "compare").expect("asked").id;
    let before = stage.cancelled();
    stage.keys("esc");
    assert_eq!(stage.cancelled(), before + 2, "the rows and the differences");
    let late = Reply::Compared(vec![change("Ada", RowOp::Deleted)]);
    stage.event(crate::event::Event::Reply(compare, crate::effect::Reply::Tables(late)));
    assert!(stage.state.screens.tables.drills.is_empty());
    assert_eq!(stage.state.focus(), ROWS);
}

fn change(id: &str, op: RowOp) -> RowChange {
    let row = |age: i64| {
        let columns: Arc<[Arc<str>]> = ["id", "age", "note"].map(Arc::from).into();
        Row::new(columns, vec![id.into(), Value::Int(age), Value::Null])
    };
    let columns = if op == RowOp::Updated { vec!["age".to_owned()] } else { Vec::new() };
    let (before, after) = match op {
        RowOp::Inserted => (None, Some(row(2))),
        RowOp::Updated => (Some(row(1)), Some(row(2))),
        RowOp::Deleted => (Some(row(1)), None),
    };
    RowChange { table: key("node:Person"), id: id.to_owned(), op, before, after, columns }
}

#[test]
fn other_screens_can_send_a_position_before_the_first_look() {
    let mut stage = Stage::new(120, 30);
    stage.act(Action::GoToTable("main@v4".parse().expect("valid"), key("edge:WorksOn"), None));
    stage.answer("position", vec![Reply::Opened(Box::new(opened("main@v4", false)))]);
    let Some(Request::Page(source, None)) = stage.asked("rows") else { panic!("no page was asked for") };
    assert_eq!((source.table.to_string(), source.snapshot.version.get()), ("edge:WorksOn".to_owned(), 4));
}

#[test]
fn a_moved_head_is_followed_and_an_old_position_is_not() {
    let head = |version: u64| {
        let heads = [(stratigraph_engine::BranchName::main(), crate::stage::seen(version))];
        crate::event::Event::Heads(Ok(heads.into()))
    };
    let mut stage = Stage::ready(120, 30);
    stage.event(head(9));
    assert!(stage.asked("position").is_none());
    stage.event(head(10));
    assert!(matches!(stage.asked("position"), Some(Request::Open(At::Branch(_)))));

    let mut stage = Stage::ready(120, 30);
    stage.event(head(9));
    stage.act(Action::GoTo("v9".parse().expect("valid")));
    stage.answer("position", vec![Reply::Opened(Box::new(opened("v9", true)))]);
    assert!(stage.state.screens.tables.place(&stage.state.shared).expect("a place").is_head);
    stage.event(head(10));
    assert!(stage.asked("position").is_none());
    assert!(!stage.state.screens.tables.place(&stage.state.shared).expect("a place").is_head);
}

/// Each case: the position, how often it is read again after its branch was made again with as many versions.
#[test]
fn a_branch_that_was_made_again_is_read_again_whatever_its_version() {
    let work: stratigraph_engine::BranchName = "work".parse().expect("valid");
    let looks = |identity: &str| {
        let heads = [
            (stratigraph_engine::BranchName::main(), crate::stage::seen(9)),
            (work.clone(), crate::stage::life(9, identity)),
        ];
        crate::event::Event::Heads(Ok(heads.into()))
    };
    let opened = |at: &str| {
        let mut opened = opened(at, true);
        let snapshot = std::sync::Arc::make_mut(&mut opened.snapshot);
        snapshot.branch = work.clone();
        Reply::Opened(Box::new(opened))
    };
    for (at, is_followed) in [("work", true), ("work@v9", true), ("01M7Y249A1EHFH4MJGAECB534F", false)] {
        // Whether it was seen first before or after the position was asked for.
        for seen_before in [true, false] {
            let mut stage = Stage::ready(120, 30);
            if seen_before {
                stage.event(looks("first"));
            }
            stage.act(Action::GoTo(at.parse().expect("valid")));
            stage.answer("position", vec![opened(at)]);
            stage.answer("rows", vec![Reply::Page(people())]);
            if !seen_before {
                stage.event(looks("first"));
            }
            assert!(stage.asked("position").is_none(), "{at}: nothing moved");
            stage.event(looks("second"));
            assert_eq!(stage.asked("position").is_some(), is_followed, "{at} {seen_before}");
            if is_followed {
                stage.answer("position", vec![opened(at)]);
                assert!(stage.asked("rows").is_some(), "{at}: its tables are others, whatever their versions");
                stage.answer("rows", vec![Reply::Page(people())]);
                stage.event(looks("second"));
                assert!(stage.asked("position").is_none(), "{at}: once is enough");
            } else {
                assert!(!stage.state.screens.tables.place(&stage.state.shared).expect("a place").is_head);
            }
        }
    }
}

#[test]
fn a_branch_that_is_made_again_while_it_is_read_or_nobody_looks_is_read_again() {
    let heads = |identity: &str| {
        crate::event::Event::Heads(Ok(
            [(stratigraph_engine::BranchName::main(), crate::stage::life(9, identity))].into()
        ))
    };
    let mut stage = Stage::new(120, 30);
    stage.event(heads("first"));
    stage.event(heads("second"));
    stage.answer("position", vec![Reply::Opened(Box::new(opened("main", true)))]);
    assert!(stage.asked("position").is_some(), "it may have been the former one that was read");
    stage.answer("position", vec![Reply::Opened(Box::new(opened("main", true)))]);
    assert!(stage.asked("position").is_none());
    stage.keys("1");
    stage.event(heads("third"));
    assert!(stage.asked("position").is_none(), "nobody looks");
    stage.keys("3");
    assert!(stage.asked("position").is_some());
}

#[test]
fn the_command_line_shows_the_same() {
    let mut stage = Stage::ready(120, 30);
    let line = |stage: &Stage| stage.state.screens.tables.command_line(&stage.state.shared).expect("a line");
    assert_eq!(line(&stage), "read /data/crm node:Person --at main");
    stage.keys("enter f");
    stage.text("age > 3");
    stage.keys("enter");
    stage.answer("rows", vec![Reply::Page(people())]);
    stage.act(Action::ToggleColumn("note".to_owned()));
    assert_eq!(line(&stage), "read /data/crm node:Person --at main --where 'age > 3' --columns id,age");
    stage.keys("esc");
    stage.act(Action::Sql("select 'x'".to_owned()));
    assert_eq!(line(&stage), r"sql /data/crm 'select '\''x'\''' --at main");
}

#[test]
fn exports_read_everything_and_not_only_what_is_loaded() {
    let mut stage = Stage::ready(120, 30);
    stage.keys("enter");
    let content = stage.state.screens.tables.export(ROWS, &stage.state.shared).expect("rows");
    let crate::export::Content::Read { name, source } = content else { panic!("not read") };
    assert_eq!(name, "node-Person");
    let crate::export::Source::Table { options, .. } = source else { panic!("not a table") };
    assert_eq!((options.limit, options.after), (None, None));
    assert_eq!(stage.state.screens.tables.export(TYPES, &stage.state.shared), None);
}

/// The order of an export of the rows, and what is said about it.
fn export_order(stage: &Stage) -> (Option<Order>, Option<&'static str>) {
    let content = stage.state.screens.tables.export(ROWS, &stage.state.shared).expect("rows");
    let remark = content.remark();
    let crate::export::Content::Read { source: crate::export::Source::Table { options, .. }, .. } = content else {
        panic!("not a table")
    };
    (options.order, remark)
}

#[test]
fn a_sort_of_loaded_rows_is_exported_if_all_are_loaded() {
    let mut stage = Stage::ready(120, 30);
    stage.keys("enter");
    assert_eq!(export_order(&stage), (None, None));
    let order = Order { column: "age".to_owned(), descending: true };
    stage.act(Action::Sort(Sort::Loaded(order.clone())));
    assert_eq!(export_order(&stage), (Some(order.clone()), None));
    stage.keys("f");
    stage.text("age > 3");
    stage.keys("enter");
    stage.answer("rows", vec![Reply::Page(Page { more: true, ..people() })]);
    stage.act(Action::Sort(Sort::Loaded(order)));
    let remark = "all rows by id; the sort of those loaded is not exported";
    assert_eq!(export_order(&stage), (None, Some(remark)));
    stage.keys("e");
    assert!(stage.picture().contains(&format!("Export as ({remark})")), "{}", stage.picture());
}

#[test]
fn a_sort_by_vectors_is_not_exported() {
    let mut stage = Stage::ready(120, 30);
    stage.keys("enter f");
    stage.text("true");
    stage.keys("enter");
    let vector = || Value::Vector([0.5].into());
    let vectors = page(&["id", "at"], vec![vec!["a".into(), vector()], vec!["b".into(), vector()]], false);
    stage.answer("rows", vec![Reply::Page(vectors)]);
    stage.act(Action::Sort(Sort::Loaded(Order { column: "at".to_owned(), descending: false })));
    assert!(matches!(export_order(&stage), (None, Some(_))));
}

#[test]
fn one_pane_at_a_time_still_reaches_everything() {
    let mut stage = Stage::ready(40, 12);
    assert!(stage.picture().contains("Person"));
    stage.keys("enter");
    assert!(stage.picture().contains("Ada"));
    stage.keys("enter");
    assert!(stage.picture().contains("node:Person Ada"));
    stage.keys("esc shift-tab");
    assert!(stage.picture().contains("Types 3"));
    assert_eq!(stage.state.shared.screen, ScreenId::Tables);
}
