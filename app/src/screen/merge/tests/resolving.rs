//! Choices: by row, by cell, with values, for several at once; undo, and what the engine says of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use stratigraph_engine::ErrorKind;
use stratigraph_engine::merge::{
    CellChoice, Choice, Conflict, ConflictKey, ConflictKind, Decision, MergeCheck, Rule, Scope, Side, StaleDecision,
};

use super::super::cells::{self, Merged};
use super::super::deciding::{Deciding, Standing};
use super::super::request::{Reply, Request};
use super::super::{CONFLICTS, Merge, ROW};
use super::model;
use super::stage::{Stage, conflicts, divergent, key, preview, rows_of};
use crate::event::Event;
use crate::message::Failure;
use crate::overlay::Overlay;
use crate::screen::Screen;

const UPDATE: ConflictKind = ConflictKind::DivergentUpdate;

fn merge(stage: &Stage) -> &Merge {
    &stage.state.screens.merge
}

/// Choices by what they are about: the id of a conflict, or the rule in words.
fn chosen(stage: &Stage) -> Vec<(String, String)> {
    let about = |decision: &Decision| match &decision.on {
        Scope::Conflict(key) => format!("{} {}", key.kind, key.id),
        Scope::Rule(rule) => super::super::words::rule(rule),
    };
    let list = stage.decisions().decisions;
    list.iter().map(|it| (about(it), it.choice.as_ref().expect("a choice").to_string())).collect()
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(about, choice)| ((*about).to_owned(), (*choice).to_owned())).collect()
}

#[test]
fn a_key_takes_the_row_and_the_engine_looks_at_it() {
    let mut stage = Stage::resolving(120, 30);
    stage.select(UPDATE, "ada");
    stage.keys("s");
    assert_eq!(chosen(&stage), pairs(&[("DivergentUpdate ada", r#""source""#)]));
    assert!(stage.picture().contains("checking"), "the key answers before the engine does");
    assert!(stage.picture().contains("by you: source"));
    assert!(matches!(stage.asked("draft of choices"), Some(Request::Keep(..))), "it outlives the program");
    stage.checked();
    let picture = stage.picture();
    assert!(picture.contains("7 of 8 open") && picture.contains("decided: source 1"), "{picture}");
    assert!(!picture.contains("checking"));
}

#[test]
fn the_groups_of_the_first_conflict_are_on_view() {
    let stage = Stage::resolving(80, 24);
    let picture = stage.picture();
    assert!(picture.contains("edge:WorksOn  2 of 2 open") && picture.contains("orphan edge  1 of 1 open"), "{picture}");
}

#[test]
fn another_choice_for_the_same_conflict_replaces_the_former() {
    let mut stage = Stage::resolving(120, 30);
    stage.select(UPDATE, "ada");
    stage.keys("s t b");
    assert_eq!(chosen(&stage), pairs(&[("DivergentUpdate ada", r#""base""#)]));
    stage.keys("b");
    assert_eq!(stage.state.shared.notice.as_deref(), Some("it is decided so: base"));
    stage.keys("backspace");
    assert_eq!(chosen(&stage), []);
}

/// A decision may give rise to another conflict of the same key: each keeps its own decision, and one that the engine found to be
/// stale goes when its key is decided anew.
#[test]
fn conflicts_of_one_key_keep_decisions_of_their_own() {
    let of_rows = |rows: &str| Conflict { rows: rows.to_owned(), ..divergent("ada", &["age"], false) };
    let (first, second, gone) = (of_rows("1"), of_rows("2"), of_rows("3"));
    let mut deciding = Deciding::new(&preview(vec![first.clone(), second.clone()]), None);
    let mut decide = |conflict, side| deciding.decide(conflict, &Choice::Take(side), None, String::new());
    decide(&gone, Side::Base);
    decide(&first, Side::Source);
    decide(&second, Side::Target);
    assert_eq!(deciding.list().len(), 3, "the engine has not said yet that one is stale");
    let decisions = Arc::clone(deciding.decisions());
    let stale = StaleDecision { decision: 0, reason: "the rows have changed since".to_owned() };
    let decided = vec![(first.clone(), 1), (second.clone(), 2)];
    assert!(deciding.take(&decisions, MergeCheck { stale: vec![stale], decided, ..deciding.check().clone() }));
    deciding.decide(&first, &Choice::Take(Side::Base), None, String::new());
    let list = |deciding: &Deciding| {
        let made = deciding.list().iter();
        made.map(|it| (it.rows.clone().expect("rows"), it.choice.clone().expect("a choice"))).collect::<Vec<_>>()
    };
    let (base, target) = (Choice::Take(Side::Base), Choice::Take(Side::Target));
    assert_eq!(list(&deciding), [("2".to_owned(), target.clone()), ("1".to_owned(), base.clone())]);
    assert!(deciding.clear(&first) && !deciding.clear(&first));
    assert_eq!(list(&deciding), [("2".to_owned(), target)]);
    deciding.decide_each(&[&first, &second], &base, None, String::new());
    assert_eq!(list(&deciding), [("1".to_owned(), base.clone()), ("2".to_owned(), base)]);
}

#[test]
fn a_choice_that_does_not_fit_is_refused_with_the_reason() {
    let mut stage = Stage::resolving(120, 30);
    stage.select(ConflictKind::OrphanEdge, "w1");
    stage.keys("s");
    let notice = stage.state.shared.notice.clone().expect("a reason");
    assert!(notice.contains("no choice for OrphanEdge") && notice.contains("enter lists"), "{notice}");
    stage.select(UPDATE, "ada");
    stage.keys("m");
    assert!(stage.state.shared.notice.as_deref().is_some_and(|it| it.contains("changed by both sides differently")));
    assert_eq!(chosen(&stage), []);
    stage.select(UPDATE, "bob");
    stage.keys("m");
    assert_eq!(chosen(&stage), pairs(&[("DivergentUpdate bob", r#""cells""#)]));
}

#[test]
fn cells_are_taken_one_by_one_and_count_once_all_that_both_changed_are_named() {
    let mut stage = Stage::resolving(120, 30);
    stage.select(UPDATE, "ada");
    stage.keys("tab");
    assert_eq!(stage.state.focus(), ROW);
    stage.keys("g g t");
    assert_eq!(chosen(&stage), [], "the other cell is open");
    assert_eq!(stage.state.shared.notice.as_deref(), Some("still to choose: city"));
    assert!(stage.picture().contains("chosen so far: age ← target"), "{}", stage.picture());
    let at = merge(&stage).tree.node().expect("a row").conflict;
    assert_eq!(merge(&stage).tree.standing(at), Standing::Partly);
    stage.keys("j s");
    let cells = BTreeMap::from([
        ("age".to_owned(), CellChoice::From(Side::Target)),
        ("city".to_owned(), CellChoice::From(Side::Source)),
    ]);
    assert_eq!(stage.decisions().decisions[0].choice, Some(Choice::Cells(cells)));
    assert!(stage.picture().contains("by you: age ← target, city ← source"), "{}", stage.picture());
    stage.keys("u");
    assert_eq!(chosen(&stage), []);
    stage.keys("u u");
    assert_eq!(stage.state.shared.notice.as_deref(), Some("nothing to undo"));
}

#[test]
fn a_row_of_which_cells_are_still_to_be_chosen_is_open_whatever_a_rule_says() {
    let mut stage =
        Stage::with(120, 30, vec![divergent("ada", &["age", "city"], false), divergent("bob", &["city"], true)]);
    stage.keys("tab enter");
    stage.rows();
    stage.select(UPDATE, "bob");
    stage.keys("t");
    stage.select(UPDATE, "ada");
    // A rule over it takes the place of what was begun.
    stage.keys("tab g g s esc");
    stage.select(UPDATE, "bob");
    stage.keys("R k enter");
    stage.checked();
    assert!(merge(&stage).deciding.as_ref().expect("choices").is_settled());
    let taken = |stage: &Stage| merge(stage).lines().iter().map(|line| line.merged.clone()).collect::<Vec<_>>();
    stage.select(UPDATE, "ada");
    assert!(taken(&stage).iter().all(|cell| *cell == Merged::From(Side::Target)), "{:?}", taken(&stage));
    // What is begun after a rule keeps from merging until it is whole.
    stage.keys("u");
    stage.select(UPDATE, "bob");
    stage.keys("D R k enter");
    stage.select(UPDATE, "ada");
    stage.keys("tab g g s");
    stage.checked();
    let deciding = merge(&stage).deciding.as_ref().expect("choices");
    assert!(deciding.check().open.is_empty(), "the rule decides it: {:?}", deciding.check().open);
    assert!(!deciding.is_settled() && !stage.picture().contains("C merge"), "{}", stage.picture());
    stage.keys("esc esc");
    assert!(stage.picture().contains("enter goes to the conflicts"), "{}", stage.picture());
}

#[test]
fn a_cell_of_a_row_that_was_taken_is_changed_in_it() {
    let mut stage = Stage::resolving(120, 30);
    stage.select(UPDATE, "ada");
    stage.keys("s tab g g t");
    let cells = BTreeMap::from([
        ("age".to_owned(), CellChoice::From(Side::Target)),
        ("city".to_owned(), CellChoice::From(Side::Source)),
    ]);
    assert_eq!(stage.decisions().decisions[0].choice, Some(Choice::Cells(cells)));
}

#[test]
fn a_cell_that_is_the_same_everywhere_is_not_taken() {
    let mut stage = Stage::resolving(120, 30);
    stage.select(UPDATE, "ada");
    stage.keys("tab G t");
    assert!(stage.state.shared.notice.as_deref().is_some_and(|it| it.contains("the same everywhere")));
    assert_eq!(chosen(&stage), []);
}

#[test]
fn a_value_is_written_with_the_type_of_its_column() {
    let mut stage = Stage::resolving(120, 30);
    stage.select(UPDATE, "bob");
    stage.keys("tab g g i");
    assert!(stage.picture().contains("I32?: empty is no value"), "{}", stage.picture());
    stage.keys("backspace backspace");
    stage.text("33");
    stage.keys("enter");
    let cells = BTreeMap::from([("age".to_owned(), CellChoice::Value(33.into()))]);
    assert_eq!(stage.decisions().decisions[0].choice, Some(Choice::Cells(cells)));
    stage.keys("j i ctrl-u");
    stage.text("33");
    stage.keys("enter");
    let Some(Choice::Cells(cells)) = stage.decisions().decisions[0].choice.clone() else { panic!("no cells") };
    assert_eq!(cells["city"], CellChoice::Value("33".into()), "a String is no number");
}

#[test]
fn a_value_that_cannot_be_typed_as_it_is_is_typed_as_json() {
    use serde_json::Value as Json;
    for (value, text) in [
        (Json::Null, ""),
        ("".into(), r#""""#),
        ("null".into(), r#""null""#),
        ("a\nb".into(), r#""a\nb""#),
        ("\"quoted\"".into(), r#""\"quoted\"""#),
        ("33".into(), "33"),
        (" a \"b\" ".into(), " a \"b\" "),
    ] {
        assert_eq!(cells::typed(&value), text);
        assert_eq!(cells::parsed(text, Some("String?")), value);
    }
    for (text, type_text, value) in [
        ("", "String", Json::from("")),
        ("", "I32?", Json::Null),
        ("null", "String?", Json::Null),
        (" 33 ", "I32", 33.into()),
        ("[1, 2]", "[I32]", serde_json::json!([1, 2])),
        ("true", "String", "true".into()),
    ] {
        assert_eq!(cells::parsed(text, Some(type_text)), value, "{text:?} of {type_text}");
    }
}

#[test]
fn a_value_of_another_type_is_asked_for_again_and_changes_nothing() {
    let mut stage = Stage::resolving(120, 30);
    stage.select(UPDATE, "bob");
    stage.keys("m");
    stage.checked();
    stage.keys("tab g g i ctrl-u");
    stage.text("many");
    stage.keys("enter");
    let Some(Overlay::Prompt(_)) = stage.state.shared.overlays.last() else { panic!("the line is there again") };
    let picture = stage.picture();
    assert!(picture.contains("age: a whole number is expected") && picture.contains("> many"), "{picture}");
    assert_eq!(chosen(&stage), pairs(&[("DivergentUpdate bob", r#""cells""#)]), "as before the edit");
    stage.keys("esc u");
    assert_eq!(chosen(&stage), []);
}

/// What was typed last must be right also where other cells are still to be chosen, or undo would bring it back.
#[test]
fn a_value_of_another_type_is_asked_for_again_while_other_cells_are_open() {
    let mut stage = Stage::resolving(120, 30);
    stage.select(UPDATE, "ada");
    stage.keys("tab g g i ctrl-u");
    stage.text("zz");
    stage.keys("enter");
    assert!(matches!(stage.state.shared.overlays.last(), Some(Overlay::Prompt(_))), "{}", stage.picture());
    let deciding = merge(&stage).deciding.as_ref().expect("choices");
    assert_eq!(deciding.partial(&key_of("ada")), None);
    stage.keys("ctrl-u 4 1 enter");
    let deciding = merge(&stage).deciding.as_ref().expect("choices");
    let cells = BTreeMap::from([("age".to_owned(), CellChoice::Value(41.into()))]);
    assert_eq!(deciding.partial(&key_of("ada")), Some(&cells));
}

fn key_of(id: &str) -> ConflictKey {
    divergent(id, &["age"], false).key
}

#[test]
fn a_refused_value_of_an_older_choice_is_shown_and_keeps_from_merging() {
    let mut stage = Stage::resolving(120, 30);
    stage.select(UPDATE, "ada");
    stage.keys("s");
    let Some(Request::Check(_, of)) = stage.asked("check of choices") else { panic!("not checked") };
    let of = Arc::clone(of);
    let refused = Reply::Refused { of, decision: 0, column: "age".to_owned(), reason: "too large".to_owned() };
    stage.answer("check of choices", vec![refused]);
    assert!(stage.picture().contains("! Person ada, age: too large"), "{}", stage.picture());
    stage.keys("C");
    assert!(stage.state.shared.overlays.is_empty());
    stage.keys("t");
    assert!(!stage.picture().contains("too large"));
}

#[test]
fn words_about_former_choices_are_ignored() {
    let mut stage = Stage::resolving(120, 30);
    stage.select(UPDATE, "ada");
    stage.keys("s");
    let late = stage.newest("check of choices");
    let crate::effect::Request::Screen(crate::screen::ScreenRequest::Merge(Request::Check(_, of))) = &late.request
    else {
        panic!("no check")
    };
    let of = Arc::clone(of);
    let check = model::check(&conflicts(), &of);
    stage.keys("t");
    stage.event(Event::Reply(late.id, crate::effect::Reply::Merge(Reply::Checked(of, Box::new(check)))));
    assert!(!merge(&stage).deciding.as_ref().expect("choices").is_current());
    stage.checked();
    assert!(merge(&stage).deciding.as_ref().expect("choices").is_current());
    assert!(stage.picture().contains("decided: target 1"));
}

#[test]
fn rows_of_another_conflict_are_ignored() {
    let mut stage = Stage::resolving(120, 30);
    let all = conflicts();
    stage.select(UPDATE, "ada");
    let bob = all.iter().find(|conflict| conflict.key.id == "bob").expect("bob");
    stage.keys("j");
    let wanted = stage.newest("conflict rows");
    let ada = all.iter().find(|it| it.key.id == "ada" && it.key.kind == UPDATE).expect("ada");
    let late = Reply::Rows(Box::new(ada.clone()), rows_of(ada));
    stage.event(Event::Reply(wanted.id, crate::effect::Reply::Merge(late)));
    assert!(merge(&stage).row.rows.is_none());
    let rows = Reply::Rows(Box::new(bob.clone()), rows_of(bob));
    stage.event(Event::Reply(wanted.id, crate::effect::Reply::Merge(rows)));
    assert!(merge(&stage).row.rows.is_some());
}

#[test]
fn the_same_choice_for_a_kind_shows_its_count_first_and_is_a_rule() {
    let mut stage = Stage::resolving(120, 30);
    stage.select(UPDATE, "ada");
    stage.keys("R k");
    assert!(stage.state.shared.notice.as_deref().is_some_and(|it| it.contains("decide this conflict first")));
    stage.keys("s R k");
    let picture = stage.picture();
    assert!(picture.contains("source for all DivergentUpdate in node:Person"), "{picture}");
    assert!(picture.contains("2 conflicts"), "{picture}");
    stage.keys("esc");
    assert_eq!(chosen(&stage).len(), 1, "nothing yet");
    stage.keys("R k enter");
    stage.checked();
    let rule = Rule { table: Some(key("node:Person")), kind: Some(UPDATE), filter: None };
    assert_eq!(stage.decisions().decisions[1].on, Scope::Rule(rule));
    stage.select(UPDATE, "bob");
    assert!(stage.picture().contains("by rule all DivergentUpdate in node:Person → source"), "{}", stage.picture());
    assert!(stage.picture().contains("5 of 8 open"));
}

#[test]
fn a_scope_leaves_what_was_decided_by_hand_unless_asked() {
    let mut stage = Stage::resolving(120, 30);
    stage.select(UPDATE, "bob");
    stage.keys("t");
    stage.select(UPDATE, "ada");
    stage.keys("s R k");
    let picture = stage.picture();
    assert!(picture.contains("1 conflict") && picture.contains("2 conflicts"), "{picture}");
    assert!(picture.contains("these, and 1 that you decided otherwise by hand"), "{picture}");
    stage.keys("enter");
    stage.checked();
    let of = |stage: &Stage, id: &str| {
        let all = conflicts();
        let conflict = all.iter().find(|it| it.key.id == id && it.key.kind == UPDATE).expect("there");
        merge(stage).deciding.as_ref().expect("choices").choice(conflict).cloned()
    };
    assert_eq!(of(&stage, "bob"), Some(Choice::Take(Side::Target)));
    assert_eq!(of(&stage, "李小龍"), Some(Choice::Take(Side::Source)));
    stage.keys("R k j enter");
    stage.checked();
    assert_eq!(of(&stage, "bob"), Some(Choice::Take(Side::Source)));
    stage.keys("u");
    assert_eq!(of(&stage, "bob"), Some(Choice::Take(Side::Target)), "taken back in one step");
    // Nothing but choices made by hand is left: what comes first changes none of them.
    stage.select(UPDATE, "李小龍");
    stage.keys("s");
    stage.select(UPDATE, "ada");
    let before = stage.decisions();
    stage.keys("R k enter");
    assert!(stage.picture().contains("all of them were decided by hand"), "{}", stage.picture());
    assert_eq!(stage.decisions(), before);
    stage.keys("j enter");
    assert_ne!(stage.decisions(), before);
    assert_eq!(of(&stage, "bob"), Some(Choice::Take(Side::Source)));
}

#[test]
fn scopes_reach_what_they_say_and_only_what_the_choice_fits() {
    let mut stage = Stage::resolving(120, 30);
    stage.select(UPDATE, "ada");
    stage.keys("s R t");
    // Of the five others in the table the choice fits all; of all seven, not the two of edges.
    assert!(stage.picture().contains("5 conflicts"), "{}", stage.picture());
    stage.keys("esc R a");
    let picture = stage.picture();
    assert!(picture.contains("source for all conflicts") && picture.contains("5 conflicts"), "{picture}");
    assert!(picture.contains("2 conflicts stay: this is no choice for them"), "{picture}");
}

#[test]
fn marked_and_filtered_ones_get_choices_of_their_own() {
    let mut stage = Stage::resolving(120, 30);
    stage.select(UPDATE, "bob");
    stage.keys("space");
    stage.select(UPDATE, "ada");
    stage.keys("t R m enter");
    assert_eq!(
        chosen(&stage),
        pairs(&[("DivergentUpdate ada", r#""target""#), ("DivergentUpdate bob", r#""target""#)])
    );
    stage.keys("u");
    assert_eq!(chosen(&stage).len(), 1);
    stage.keys("R f");
    assert_eq!(stage.state.shared.notice.as_deref(), Some("filter the conflicts first (f)"));
    stage.keys("f");
    stage.text("divergent");
    stage.keys("enter");
    assert_eq!(
        merge(&stage).counter(CONFLICTS, crate::action::TermKind::Filter, &stage.state.shared).map(|c| (c.this, c.of)),
        Some((3, 8))
    );
    stage.keys("R f enter");
    assert_eq!(chosen(&stage).len(), 3);
    // Marks are taken back in turn with choices.
    stage.keys("u u u");
    assert!(merge(&stage).tree.marked().is_empty());
}

#[test]
fn cells_and_pairs_are_not_repeated() {
    let mut stage = Stage::resolving(120, 30);
    stage.select(UPDATE, "ada");
    stage.keys("s tab g g t R k");
    assert!(stage.state.shared.notice.as_deref().is_some_and(|it| it.contains("for this row alone")));
    assert!(stage.state.shared.overlays.is_empty());
}

#[test]
fn enter_lists_what_fits_each_kind() {
    let offers = |kind, id: &str| {
        let mut stage = Stage::resolving(120, 40);
        stage.select(kind, id);
        stage.keys("enter");
        let Some(Overlay::Choose(menu)) = stage.state.shared.overlays.last() else { panic!("no menu") };
        let texts: Vec<String> = menu.shown().filter(|it| it.action.is_some()).map(|it| it.text.clone()).collect();
        texts
    };
    assert_eq!(offers(ConflictKind::OrphanEdge, "w1"), ["restore node:Person gone", "drop the edge"]);
    assert_eq!(
        offers(ConflictKind::DeleteVsUpdate, "linus"),
        [
            "keep the changed row; edges that went with it stay deleted",
            "delete the row",
            "as on people: no row",
            "as on main: city Helsinki",
            "as in the last common commit: city Oslo"
        ]
    );
    assert_eq!(
        offers(ConflictKind::UniqueViolation, "mia")[3..],
        ["keep mia, drop the other row", "keep max, drop the other row", "drop the row"]
    );
    assert_eq!(offers(ConflictKind::CardinalityViolation, "ada"), Vec::<String>::new(), "edges are chosen in the list");
}

#[test]
fn the_keys_before_the_lines_of_the_list_choose_them() {
    let mut stage = Stage::resolving(120, 30);
    stage.select(UPDATE, "ada");
    stage.keys("enter x");
    assert_eq!(stage.state.shared.overlays.len(), 1, "no line has that key");
    stage.keys("t");
    assert!(stage.state.shared.overlays.is_empty());
    assert_eq!(stage.decisions().decisions[0].choice, Some(Choice::Take(Side::Target)));
}

#[test]
fn edges_of_a_node_are_dropped_and_restored_one_by_one() {
    let mut stage = Stage::resolving(120, 30);
    stage.select(ConflictKind::CardinalityViolation, "ada");
    stage.keys("D");
    assert!(stage.state.shared.notice.as_deref().is_some_and(|it| it.contains("go to an edge first")));
    stage.keys("tab g g D");
    assert_eq!(chosen(&stage), pairs(&[("CardinalityViolation ada", r#"{"drop": ["w2"]}"#)]));
    stage.keys("G D");
    assert_eq!(chosen(&stage), pairs(&[("CardinalityViolation ada", r#"{"drop": ["w2"], "restore": ["w4"]}"#)]));
    stage.keys("D g g D");
    assert_eq!(chosen(&stage), [], "turned back");
}

#[test]
fn delete_is_the_drop_of_a_row_that_one_side_deleted() {
    let mut stage = Stage::resolving(120, 30);
    stage.select(ConflictKind::DeleteVsUpdate, "linus");
    stage.keys("D");
    assert_eq!(chosen(&stage), pairs(&[("DeleteVsUpdate linus", r#""delete""#)]));
    stage.keys("tab t");
    assert_eq!(
        chosen(&stage),
        pairs(&[("DeleteVsUpdate linus", r#""target""#)]),
        "its cells are no choice, so the row is"
    );
}

#[test]
fn brackets_go_to_open_conflicts_only_and_around_the_end() {
    let mut stage = Stage::resolving(120, 30);
    stage.select(UPDATE, "ada");
    stage.keys("s");
    stage.checked();
    let here = |stage: &Stage| merge(stage).tree.conflict().expect("a conflict").key.id.clone();
    stage.keys("]");
    assert_eq!(here(&stage), "bob");
    stage.keys("[");
    assert_eq!(here(&stage), "ada", "the cardinality of ada, before the decided one");
    assert_eq!(merge(&stage).tree.conflict().expect("one").key.kind, ConflictKind::CardinalityViolation);
    stage.keys("[ [");
    assert_eq!(here(&stage), "zoe", "around the end");
}

#[test]
fn closed_groups_count_and_open_when_a_search_finds_something_in_them() {
    let mut stage = Stage::resolving(120, 30);
    stage.keys("g g j j j j j enter");
    let picture = stage.picture();
    assert!(picture.contains("node:Person  6 of 6 open"), "{picture}");
    assert!(!picture.contains("linus"));
    stage.keys("/");
    stage.text("linus");
    stage.keys("enter");
    assert_eq!(merge(&stage).tree.conflict().expect("found").key.id, "linus");
}

#[test]
fn what_a_choice_causes_names_it_and_stays_selected_by_identity() {
    let mut stage = Stage::resolving(120, 30);
    stage.select(UPDATE, "bob");
    stage.keys("s");
    let Some(Request::Check(_, of)) = stage.asked("check of choices") else { panic!("not checked") };
    let of = Arc::clone(of);
    let mut check = model::check(&conflicts(), &of);
    let mut caused = divergent("aaron", &["age"], false);
    caused.caused_by = Some(0);
    check.open.push(caused);
    stage.answer("check of choices", vec![Reply::Checked(of, Box::new(check))]);
    assert_eq!(merge(&stage).tree.conflict().expect("one").key.id, "bob", "rows above do not move the cursor");
    stage.select(UPDATE, "aaron");
    assert!(stage.words().contains("because of source for node:Person bob"), "{}", stage.picture());
}

#[test]
fn a_check_that_fails_is_told_and_keeps_from_merging() {
    let mut stage = Stage::with(120, 30, vec![divergent("bob", &["city"], true)]);
    stage.keys("tab enter");
    stage.rows();
    stage.keys("m");
    stage.fail("check of choices", Failure::new(ErrorKind::Unavailable, "the disk went away"));
    assert!(stage.words().contains("! the disk went away"));
    stage.keys("C");
    assert!(stage.state.shared.overlays.is_empty());
    stage.keys("r");
    assert!(stage.asked("merge preview").is_some());
}
