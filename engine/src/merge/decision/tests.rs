use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::id::CommitId;
use crate::merge::choice::CellChoice;
use crate::merge::choice::tests::conflict;
use crate::merge::conflict::{ConflictDetail, Side};

fn heads() -> MergeHeads {
    let [source, target, base] = [3, 2, 1].map(CommitId::from_u128);
    MergeHeads { source, target, base }
}

fn made(decisions: Vec<Decision>) -> MergeDecisions {
    let none = MergeDecisions::none(&"budget".parse().unwrap(), &BranchName::main(), heads());
    MergeDecisions { decisions, ..none }
}

fn template(conflicts: &[Conflict]) -> MergeDecisions {
    MergeDecisions::template(&"budget".parse().unwrap(), &BranchName::main(), heads(), conflicts)
}

fn rule(kind: Option<ConflictKind>, choice: Choice) -> Decision {
    Decision::by_rule(Rule { kind, ..Rule::default() }, choice)
}

fn every_conflict() -> Vec<Conflict> {
    ConflictKind::ALL.map(conflict).to_vec()
}

/// No rule of the decisions has a filter.
fn unasked(index: usize, conflict: &Conflict) -> bool {
    panic!("asked about rule {index} and {conflict:?}")
}

fn chosen(conflicts: &[Conflict], decisions: Vec<Decision>) -> Vec<Option<usize>> {
    assign(conflicts, &made(decisions), &unasked).unwrap().chosen
}

fn problem(text: &str) -> (usize, usize, String) {
    match MergeDecisions::from_json(text).unwrap_err() {
        DecisionError::Text(placed) => (placed.line(), placed.column(), placed.problem().to_string()),
        other => panic!("{other}"),
    }
}

#[test]
fn a_file_reads_well() {
    let update = conflict(ConflictKind::DivergentUpdate);
    let mut decisions = template(std::slice::from_ref(&update));
    let rule = Rule {
        table: Some("node:Person".parse().unwrap()),
        kind: Some(ConflictKind::DeleteVsUpdate),
        filter: Some("age > 30".to_owned()),
    };
    decisions.decisions.push(Decision { by: Some("dana".to_owned()), ..Decision::by_rule(rule, Choice::Keep) });
    let expected = r#"{
  "source": "budget",
  "target": "main",
  "heads": {"source": "00000000000000000000000003", "target": "00000000000000000000000002", "base": "00000000000000000000000001"},
  "decisions": [
    {
      "conflict": {"table": "node:Person", "kind": "DivergentUpdate", "id": "alice"},
      "about": "differs in age, city, name (cells can be merged)",
      "choices": ["source", "target", "base", "cells", {"cells": {"age": "target", "city": "source", "name": "target"}}, "drop"],
      "choice": null,
      "rows": "rows of DivergentUpdate"
    },
    {
      "rule": {"table": "node:Person", "kind": "DeleteVsUpdate", "where": "age > 30"},
      "choice": "keep",
      "by": "dana"
    }
  ]
}
"#;
    assert_eq!(decisions.to_annotated_json(&[update]), expected);
    assert_eq!(MergeDecisions::from_json(expected).unwrap(), decisions);
    let is_hint = |line: &&str| line.contains("about") || line.contains("choices");
    let bare: String = expected.split_inclusive('\n').filter(|line| !is_hint(line)).collect();
    assert_eq!(decisions.to_json(), bare);
    assert!(made(Vec::new()).to_json().ends_with("\"decisions\": []\n}\n"));
}

#[test]
fn a_template_has_each_conflict_once_and_decides_nothing() {
    let mut conflicts = every_conflict();
    let mut second = conflict(ConflictKind::ValueConstraintViolation);
    second.detail = ConflictDetail::Value { column: "city".to_owned(), reason: "city must not be empty".to_owned() };
    conflicts.push(second);
    let template = template(&conflicts);
    let keys: Vec<&Scope> = template.decisions.iter().map(|decision| &decision.on).collect();
    let expected: Vec<Scope> = every_conflict().into_iter().map(|conflict| Scope::Conflict(conflict.key)).collect();
    assert_eq!(keys, expected.iter().collect::<Vec<_>>());

    let text = template.to_annotated_json(&conflicts);
    assert!(text.contains(r#""about": "age must be at most 150; city must not be empty""#), "{text}");
    assert!(
        text.contains(
            r#"{"cells": {"age": {"value": "<value>"}}}, "drop", {"cells": {"city": {"value": "<value>"}}}]"#
        ),
        "{text}"
    );
    let read = MergeDecisions::from_json(&text).unwrap();
    assert_eq!(read, template);
    let assigned = assign(&conflicts, &read, &unasked).unwrap();
    assert_eq!(assigned, Assigned { chosen: vec![None; 8], stale: Vec::new(), unmatched: Vec::new() });
}

#[test]
fn faults_are_told_with_their_place_and_the_next_step() {
    let heads = r#"{"source": "00000000000000000000000003", "target": "00000000000000000000000002", "base": "00000000000000000000000001"}"#;
    let file = |decision: &str| {
        format!(
            "{{\n\"source\": \"budget\", \"target\": \"main\",\n\"heads\": {heads},\n\"decisions\": [\n{decision}\n]}}"
        )
    };
    let linus = r#""conflict": {"table": "node:Person", "kind": "DeleteVsUpdate", "id": "linus"}"#;
    let table = [
        (
            format!("{{{linus}, \"choise\": null}}"),
            "unknown field `choise`, expected one of `conflict`, `rule`, `choice`",
        ),
        (format!("{{{linus}, \"choice\": \"keep\", \"choice\": \"delete\"}}"), "duplicate field `choice`"),
        (format!("{{{linus}, \"choice\": \"mine\"}}"), "invalid value: string \"mine\", expected \"source\""),
        (r#"{"choice": "keep"}"#.to_owned(), "the decision has neither `conflict` nor `rule`"),
        (format!("{{{linus}, \"rule\": {{}}}}"), "the decision has both `conflict` and `rule`"),
        (
            r#"{"rule": {"filter": "age > 3"}}"#.to_owned(),
            "unknown field `filter`, expected one of `table`, `kind`, `where`",
        ),
        (r#"{"rule": {"table": "Person"}}"#.to_owned(), "`Person` is not a table: write node:Type or edge:Type"),
        (r#"{"rule": {"kind": "Orphan"}}"#.to_owned(), "unknown variant `Orphan`, expected one of `DivergentInsert`"),
        (
            r#"{"conflict": {"table": "node:Person", "kind": "OrphanEdge", "id": "a", "id": "b"}}"#.to_owned(),
            "duplicate field `id`",
        ),
        (r#"{"conflict": {"table": "node:Person", "kind": "OrphanEdge"}}"#.to_owned(), "missing field `id`"),
    ];
    for (decision, expected) in table {
        let (line, _, text) = problem(&file(&decision));
        assert!(text.starts_with(expected), "{decision}: {text}");
        assert!(text.ends_with("; correct it there, or write a new template"), "{text}");
        assert_eq!(line, 5, "{decision}: {text}");
    }
    assert!(MergeDecisions::from_json(&format!("\u{feff}{}", file(&format!("{{{linus}}}")))).is_ok());
    assert!(problem(&(file("") + " x")).2.starts_with("trailing characters"));
    assert!(
        problem(&file("").replace("\"budget\"", "\"a b\"")).2.starts_with("`a b` is not a branch name: only letters")
    );
    assert!(problem(&file("").replace("\"base\"", "\"bass\"")).2.starts_with("unknown field `bass`"));
    assert!(problem(&file("").replace("0000000001\"", "\"")).2.contains("is not a commit id"));
}

#[test]
fn columns_are_counted_in_characters() {
    let (line, column, text) = problem("{\n\"source\": \"äöü\", \"x\": 1}");
    assert!(text.starts_with("unknown field `x`"), "{text}");
    assert_eq!((line, column), (2, 20));
}

#[test]
fn what_is_no_file_of_decisions_is_told_as_that() {
    for text in ["", " \n"] {
        let (line, _, text) = problem(text);
        assert_eq!((line, text.as_str()), (1, "there is nothing in it; correct it there, or write a new template"));
    }
    let expected = "an object with `source`, `target`, `heads` and `decisions`";
    for text in ["[]", "3", "\"x\""] {
        let told = problem(text).2;
        assert!(told.contains(expected), "{text}: {told}");
    }
    assert!(problem("{}").2.starts_with("missing field `source`"));
}

/// A rule does not decide by the way what somebody decided by hand about other rows.
#[test]
fn a_conflict_that_was_decided_by_hand_for_other_rows_is_left_to_a_person() {
    let conflicts = every_conflict();
    let update = &conflicts[1];
    let stale = Decision { rows: Some("others".to_owned()), ..Decision::by_hand(update, Some(Choice::Drop)) };
    let all = rule(None, Choice::Take(Side::Source));
    let of_update = |decisions| chosen(&conflicts, decisions)[1];
    assert_eq!(of_update(vec![all.clone(), stale.clone()]), None);
    assert_eq!(of_update(vec![stale.clone(), all.clone()]), None);
    assert_eq!(of_update(vec![stale.clone(), all.clone(), Decision::by_hand(update, Some(Choice::Drop))]), Some(2));
    // What nobody decided, the rule does.
    assert_eq!(chosen(&conflicts, vec![stale, all])[0], Some(1));
}

#[test]
fn decisions_that_do_nothing_are_told_with_the_reason() {
    let conflicts = every_conflict();
    let update = &conflicts[1];
    let has_table = |table: &TableKey| table.to_string() == "node:Person";
    let told = |decisions: Vec<Decision>, matches: bool| -> Vec<(usize, String)> {
        let decisions = made(decisions);
        let keeps = |_: usize, _: &Conflict| matches;
        let assigned = assign(&conflicts, &decisions, &keeps).unwrap();
        let idle = idle(&conflicts, &decisions, &assigned, &has_table, &keeps);
        idle.into_iter().map(|idle| (idle.decision, idle.reason)).collect()
    };
    let of = |table: &str, choice| {
        Decision::by_rule(Rule { table: Some(table.parse().unwrap()), ..Rule::default() }, choice)
    };
    let by_hand = |choice| Decision::by_hand(update, Some(choice));
    let later = "a later decision is about the same conflict";
    assert_eq!(told(vec![by_hand(Choice::Drop), by_hand(Choice::Take(Side::Base))], true), [(0, later.to_owned())]);
    assert_eq!(told(vec![of("node:Persn", Choice::Drop)], true), [(0, "there is no table node:Persn".to_owned())]);
    let if_tall = Rule { filter: Some("height > 2".to_owned()), ..Rule::default() };
    let if_tall = Decision::by_rule(if_tall, Choice::Drop);
    assert_eq!(told(vec![if_tall.clone()], false), [(0, "no conflict is as it describes".to_owned())]);
    assert_eq!(told(vec![if_tall], true), []);
    let settles_none = "\"keep\" settles none of the conflicts it describes";
    assert_eq!(told(vec![rule(Some(ConflictKind::OrphanEdge), Choice::Keep)], true), [(0, settles_none.to_owned())]);
    // What others come before, what is not decided, and what was made for other rows is told elsewhere or as it should be.
    let all = || rule(None, Choice::Take(Side::Source));
    let stale = Decision { rows: Some("others".to_owned()), ..by_hand(Choice::Drop) };
    assert_eq!(told(vec![all(), Decision::by_hand(update, None), stale, by_hand(Choice::Drop)], true), []);
    let shadowed = || "later rules are about the same conflicts: of two rules the last holds".to_owned();
    assert_eq!(told(vec![all(), all()], true), [(0, shadowed())]);
    let of_updates = || rule(Some(ConflictKind::DivergentUpdate), Choice::Take(Side::Target));
    assert_eq!(told(vec![all(), of_updates()], true), []);
    assert_eq!(told(vec![of_updates(), all()], true), [(0, shadowed())]);
    // A rule that leaves a conflict to a decision by hand is as it should be.
    assert_eq!(told(vec![of_updates(), by_hand(Choice::Drop)], true), []);
}

#[test]
fn decisions_of_another_merge_are_refused_and_moved_heads_are_not() {
    let decisions = made(Vec::new());
    let (budget, main): (BranchName, _) = ("budget".parse().unwrap(), BranchName::main());
    assert!(decisions.check_branches(&budget, &main).is_ok());
    let error = decisions.check_branches(&main, &budget).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the decisions are for merging budget into main and not main into budget: use decisions of this merge"
    );
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn a_decision_by_hand_beats_rules_and_the_last_of_each_holds() {
    let conflicts = every_conflict();
    let update = &conflicts[1];
    assert_eq!(update.key.kind, ConflictKind::DivergentUpdate);
    let source = || rule(None, Choice::Take(Side::Source));
    let target = || rule(Some(ConflictKind::DivergentUpdate), Choice::Take(Side::Target));
    let by_hand = |side| Decision::by_hand(update, Some(Choice::Take(side)));
    let of_update = |decisions| chosen(&conflicts, decisions)[1];
    assert_eq!(of_update(vec![source(), target()]), Some(1));
    assert_eq!(of_update(vec![target(), source()]), Some(1));
    assert_eq!(of_update(vec![by_hand(Side::Base), source(), target()]), Some(0));
    assert_eq!(of_update(vec![source(), by_hand(Side::Base), by_hand(Side::Source), target()]), Some(2));
    assert_eq!(of_update(vec![by_hand(Side::Base), Decision::by_hand(update, None)]), Some(0));
    assert_eq!(of_update(vec![source(), Decision { choice: None, ..target() }]), Some(0));
}

#[test]
fn a_rule_passes_over_what_it_does_not_name_or_fit() {
    let conflicts = every_conflict();
    let kinds = |decision| -> String {
        chosen(&conflicts, vec![decision]).iter().map(|chosen| if chosen.is_some() { 'y' } else { '-' }).collect()
    };
    assert_eq!(kinds(rule(None, Choice::Take(Side::Source))), "yyy-y-y");
    assert_eq!(kinds(rule(None, Choice::Take(Side::Base))), "-yy-y-y");
    assert_eq!(kinds(rule(None, Choice::MergeCells)), "yy-----");
    assert_eq!(kinds(rule(None, Choice::Drop)), "yy-yy-y");
    assert_eq!(kinds(rule(Some(ConflictKind::OrphanEdge), Choice::Drop)), "---y---");
    assert_eq!(kinds(rule(Some(ConflictKind::OrphanEdge), Choice::Keep)), "-------");
    let edges = Rule { table: Some("edge:Knows".parse().unwrap()), ..Rule::default() };
    assert_eq!(kinds(Decision::by_rule(edges, Choice::Drop)), "---y---");
}

#[test]
fn a_filter_is_asked_about_rows_that_fit_otherwise() {
    let conflicts = every_conflict();
    let with_filter = Rule { filter: Some("age > 30".to_owned()), ..Rule::default() };
    let decisions =
        made(vec![rule(None, Choice::Take(Side::Target)), Decision::by_rule(with_filter, Choice::MergeCells)]);
    let asked = std::cell::RefCell::new(Vec::new());
    let assigned = assign(&conflicts, &decisions, &|index, conflict| {
        asked.borrow_mut().push((index, conflict.key.kind));
        conflict.key.kind == ConflictKind::DivergentUpdate
    });
    assert_eq!(assigned.unwrap().chosen, [Some(0), Some(1), Some(0), None, Some(0), None, Some(0)]);
    assert_eq!(asked.into_inner(), [(1, ConflictKind::DivergentInsert), (1, ConflictKind::DivergentUpdate)]);
}

#[test]
fn decisions_for_other_rows_or_no_conflict_are_told_apart() {
    let update = conflict(ConflictKind::DivergentUpdate);
    let mut moved = update.clone();
    moved.rows = "other rows".to_owned();
    let gone = Decision::by_hand(&conflict(ConflictKind::DeleteVsUpdate), Some(Choice::Keep));
    // It would not even fit: what is stale is not looked at.
    let stale = Decision::by_hand(&moved, Some(Choice::Keep));
    let undecided = Decision::by_hand(&conflict(ConflictKind::OrphanEdge), None);
    let any_rows = Decision { rows: None, ..Decision::by_hand(&moved, Some(Choice::Take(Side::Source))) };
    let decisions = made(vec![any_rows, gone, stale, undecided]);
    let assigned = assign(&[update], &decisions, &unasked).unwrap();
    assert_eq!(assigned.chosen, [Some(0)]);
    let told = |stale: &[StaleDecision]| serde_json::to_value(stale).unwrap();
    assert_eq!(told(&assigned.stale), json!([{"decision": 2, "reason": "the rows have changed since"}]));
    assert_eq!(told(&assigned.unmatched), json!([{"decision": 1, "reason": "there is no such conflict"}]));
}

#[test]
fn a_decision_by_hand_that_does_not_fit_is_an_error_with_the_choices_that_do() {
    let orphan = conflict(ConflictKind::OrphanEdge);
    let decisions = made(vec![rule(None, Choice::Drop), Decision::by_hand(&orphan, Some(Choice::Keep))]);
    let error = assign(&[orphan], &decisions, &unasked).unwrap_err();
    assert_eq!(
        error.to_string(),
        "decision 2 cannot settle the OrphanEdge of edge:Knows `alice` with \"keep\": it is no choice for OrphanEdge; \
         choose one of \"restore\", \"drop\""
    );
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[test]
fn conflicts_of_one_key_and_the_same_rows_are_decided_together() {
    let first = conflict(ConflictKind::UniqueViolation);
    let mut second = first.clone();
    second.detail = ConflictDetail::Unique { columns: vec!["phone".to_owned()], other: "carol".to_owned() };
    let conflicts = [first.clone(), second];
    for id in ["alice", "bob", "carol"] {
        let decision = Decision::by_hand(&first, Some(Choice::KeepRow(id.to_owned())));
        assert_eq!(chosen(&conflicts, vec![decision]), [Some(0), Some(0)], "{id}");
    }
    let decision = Decision::by_hand(&first, Some(Choice::KeepRow("dave".to_owned())));
    let error = assign(&conflicts, &made(vec![decision]), &unasked).unwrap_err().to_string();
    assert!(error.contains("`dave` is neither `alice` nor `bob`"), "{error}");
}

/// The second came up because of another decision: nobody who decided about the first saw it.
#[test]
fn conflicts_of_one_key_and_other_rows_are_decided_one_by_one() {
    let first = conflict(ConflictKind::UniqueViolation);
    let mut second = first.clone();
    second.detail = ConflictDetail::Unique { columns: vec!["phone".to_owned()], other: "carol".to_owned() };
    second.rows = "of carol".to_owned();
    let conflicts = [first.clone(), second.clone()];
    let about = |conflict: &Conflict, id: &str| Decision::by_hand(conflict, Some(Choice::KeepRow(id.to_owned())));
    assert_eq!(chosen(&conflicts, vec![about(&first, "bob")]), [Some(0), None]);
    assert_eq!(chosen(&conflicts, vec![about(&first, "bob"), about(&second, "carol")]), [Some(0), Some(1)]);
    let of_any_rows = Decision { rows: None, ..about(&first, "alice") };
    assert_eq!(chosen(&conflicts, vec![of_any_rows]), [Some(0), Some(0)]);
    let error = assign(&conflicts, &made(vec![about(&first, "carol")]), &unasked).unwrap_err().to_string();
    assert!(error.contains("`carol` is neither `alice` nor `bob`"), "{error}");
    // In a file each has a decision, with what that one is about.
    let text = template(&conflicts).to_annotated_json(&conflicts);
    let abouts: Vec<&str> = text.lines().map(str::trim).filter(|line| line.starts_with("\"about\"")).collect();
    let about_of = |conflict: &Conflict| format!("\"about\": \"{}\",", conflict.detail);
    assert_eq!(abouts, [about_of(&first), about_of(&second)]);
}

fn any_side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Base), Just(Side::Source), Just(Side::Target)]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        proptest::num::f64::NORMAL.prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| prop::collection::vec(inner, 0..4).prop_map(Value::from))
}

fn any_choice() -> impl Strategy<Value = Choice> {
    let cell = prop_oneof![any_side().prop_map(CellChoice::From), any_value().prop_map(CellChoice::Value)];
    let ids = || prop::collection::vec(any::<String>(), 0..3);
    prop_oneof![
        any_side().prop_map(Choice::Take),
        Just(Choice::MergeCells),
        prop::collection::btree_map(any::<String>(), cell, 0..4).prop_map(Choice::Cells),
        Just(Choice::Drop),
        Just(Choice::Keep),
        Just(Choice::Delete),
        Just(Choice::RestoreEnd),
        any::<String>().prop_map(Choice::KeepRow),
        (ids(), ids()).prop_map(|(drop, restore)| Choice::Edges { drop, restore }),
    ]
}

fn any_kind() -> impl Strategy<Value = ConflictKind> {
    prop::sample::select(ConflictKind::ALL.to_vec())
}

fn any_table() -> impl Strategy<Value = TableKey> {
    "(node|edge):[A-Z][a-z]{0,6}".prop_map(|text| text.parse().unwrap())
}

fn any_scope() -> impl Strategy<Value = Scope> {
    prop_oneof![
        (any_table(), any_kind(), any::<String>()).prop_map(|(table, kind, id)| Scope::Conflict(ConflictKey {
            table,
            kind,
            id
        })),
        (prop::option::of(any_table()), prop::option::of(any_kind()), prop::option::of(any::<String>()))
            .prop_map(|(table, kind, filter)| Scope::Rule(Rule { table, kind, filter })),
    ]
}

fn any_decisions() -> impl Strategy<Value = MergeDecisions> {
    let text = || prop::option::of(any::<String>());
    let decision = (any_scope(), prop::option::of(any_choice()), text(), text())
        .prop_map(|(on, choice, by, rows)| Decision { on, choice, by, rows });
    let branch = || "[a-z]{1,8}(/[a-zäß0-9_.-]{0,4}[a-z])?".prop_filter_map("a name", |text| text.parse().ok());
    let head = || any::<u128>().prop_map(CommitId::from_u128);
    (branch(), branch(), [head(), head(), head()], prop::collection::vec(decision, 0..6)).prop_map(
        |(source, target, [source_head, target_head, base], decisions)| MergeDecisions {
            source,
            target,
            heads: MergeHeads { source: source_head, target: target_head, base },
            decisions,
        },
    )
}

proptest! {
    #[test]
    fn decisions_are_read_as_they_were_written(decisions in any_decisions()) {
        let text = decisions.to_json();
        prop_assert_eq!(MergeDecisions::from_json(&text).unwrap(), decisions.clone(), "{}", text);
        let mut annotated = template(&every_conflict());
        annotated.decisions.extend(decisions.decisions);
        let text = annotated.to_annotated_json(&every_conflict());
        prop_assert_eq!(MergeDecisions::from_json(&text).unwrap(), annotated, "{}", text);
    }
}
