use serde_json::json;

use super::*;
use crate::merge::conflict::ConflictKey;

/// A conflict of each kind, as a plan could have it.
pub(in crate::merge) fn conflict(kind: ConflictKind) -> Conflict {
    let table = |text: &str| text.parse::<TableKey>().unwrap();
    let columns = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    let (of, detail) = match kind {
        ConflictKind::DivergentInsert | ConflictKind::DivergentUpdate => (
            table("node:Person"),
            ConflictDetail::Row { columns: columns(&["age", "city", "name"]), is_cell_mergeable: true },
        ),
        ConflictKind::DeleteVsUpdate => (
            table("node:Person"),
            ConflictDetail::Row { columns: columns(&["age", "city", "name"]), is_cell_mergeable: false },
        ),
        ConflictKind::OrphanEdge => (
            table("edge:Knows"),
            ConflictDetail::Orphan { role: "src".to_owned(), node: table("node:Person"), end: "linus".to_owned() },
        ),
        ConflictKind::UniqueViolation => {
            (table("node:Person"), ConflictDetail::Unique { columns: columns(&["email"]), other: "bob".to_owned() })
        }
        ConflictKind::CardinalityViolation => {
            (table("edge:Knows"), ConflictDetail::Cardinality { count: 3, min: 0, max: Some(2) })
        }
        ConflictKind::ValueConstraintViolation => (
            table("node:Person"),
            ConflictDetail::Value { column: "age".to_owned(), reason: "age must be at most 150".to_owned() },
        ),
    };
    let key = ConflictKey { table: of, kind, id: "alice".to_owned() };
    Conflict { key, detail, rows: format!("rows of {kind}"), caused_by: None }
}

fn choice(json: serde_json::Value) -> Choice {
    serde_json::from_value(json).unwrap()
}

fn cells(cells: &[(&str, CellChoice)]) -> BTreeMap<String, CellChoice> {
    cells.iter().map(|(column, cell)| ((*column).to_owned(), cell.clone())).collect()
}

/// One choice of each form, and the letter that stands for it in tables.
fn every_choice() -> Vec<(char, Choice)> {
    vec![
        ('s', choice(json!("source"))),
        ('t', choice(json!("target"))),
        ('b', choice(json!("base"))),
        ('m', choice(json!("cells"))),
        ('c', choice(json!({"cells": {"age": "target"}}))),
        ('x', choice(json!("drop"))),
        ('k', choice(json!("keep"))),
        ('d', choice(json!("delete"))),
        ('r', choice(json!("restore"))),
        ('o', choice(json!({"keep": "alice"}))),
        ('e', choice(json!({"drop": ["e1"]}))),
    ]
}

/// tui-design §5.4, with the sides as further choices where a row is at stake.
fn expected(kind: ConflictKind) -> &'static str {
    match kind {
        ConflictKind::DivergentInsert => "stmcx",
        ConflictKind::DivergentUpdate => "stbmcx",
        ConflictKind::DeleteVsUpdate => "stbkd",
        ConflictKind::OrphanEdge => "xr",
        ConflictKind::UniqueViolation => "stbcxo",
        ConflictKind::CardinalityViolation => "e",
        ConflictKind::ValueConstraintViolation => "stbcx",
    }
}

#[test]
fn each_kind_takes_its_own_choices_and_no_others() {
    for kind in ConflictKind::ALL {
        let conflict = conflict(kind);
        let fitting: String = every_choice()
            .iter()
            .filter(|(_, choice)| choice.fits(&conflict).is_ok())
            .map(|(letter, _)| letter)
            .collect();
        assert_eq!(fitting, expected(kind), "{kind}");
    }
}

#[test]
fn cells_are_merged_only_where_no_change_is_lost() {
    let mut update = conflict(ConflictKind::DivergentUpdate);
    let ConflictDetail::Row { is_cell_mergeable, .. } = &mut update.detail else { panic!("an update is of a row") };
    *is_cell_mergeable = false;
    assert_eq!(Choice::MergeCells.fits(&update), Err(Unfit::BothChanged));
    assert_eq!(choice(json!({"cells": {"age": "base"}})).fits(&update), Ok(()));
}

#[test]
fn a_choice_that_says_nothing_or_the_impossible_does_not_fit() {
    let table = [
        (ConflictKind::DivergentUpdate, json!({"cells": {}}), Unfit::NoColumn),
        (ConflictKind::DivergentUpdate, json!({"cells": {"id": {"value": "x"}}}), Unfit::Id),
        (ConflictKind::DivergentInsert, json!({"cells": {"age": "base"}}), Unfit::NoBase),
        (ConflictKind::DivergentInsert, json!("base"), Unfit::NoBase),
        (ConflictKind::OrphanEdge, json!("keep"), Unfit::Kind { kind: ConflictKind::OrphanEdge }),
        (ConflictKind::CardinalityViolation, json!({"drop": []}), Unfit::NoEdge),
        (
            ConflictKind::CardinalityViolation,
            json!({"drop": ["a", "b"], "restore": ["c", "a"]}),
            Unfit::EdgeTwice { edge: "a".to_owned() },
        ),
        (
            ConflictKind::UniqueViolation,
            json!({"keep": "carol"}),
            Unfit::OtherRow { id: "carol".to_owned(), own: "alice".to_owned(), other: "bob".to_owned() },
        ),
    ];
    for (kind, json, reason) in table {
        assert_eq!(choice(json.clone()).fits(&conflict(kind)), Err(reason), "{kind} {json}");
    }
}

#[test]
fn what_is_offered_fits_and_covers_every_form_that_does() {
    for kind in ConflictKind::ALL {
        let conflict = conflict(kind);
        let offered = Choice::fitting(&conflict);
        let letters: String = every_choice()
            .iter()
            .filter(|(_, form)| offered.iter().any(|choice| same_form(choice, form)))
            .map(|(letter, _)| letter)
            .collect();
        assert_eq!(letters, expected(kind), "{kind}");
        for choice in offered {
            assert_eq!(choice.fits(&conflict), Ok(()), "{kind} {choice}");
        }
    }
}

fn same_form(left: &Choice, right: &Choice) -> bool {
    match (left, right) {
        (Choice::Take(left), Choice::Take(right)) => left == right,
        _ => std::mem::discriminant(left) == std::mem::discriminant(right),
    }
}

#[test]
fn an_offer_names_columns_and_rows_of_the_conflict() {
    let shown = |kind| Choice::fitting(&conflict(kind)).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(
        shown(ConflictKind::DivergentUpdate),
        [
            "\"source\"",
            "\"target\"",
            "\"base\"",
            "\"cells\"",
            r#"{"cells": {"age": "target", "city": "source", "name": "target"}}"#,
            "\"drop\""
        ]
    );
    assert_eq!(
        shown(ConflictKind::UniqueViolation)[3..6],
        [r#"{"keep": "alice"}"#, r#"{"keep": "bob"}"#, r#"{"cells": {"email": {"value": "<value>"}}}"#]
    );
    assert_eq!(shown(ConflictKind::CardinalityViolation), [r#"{"drop": ["<id of an edge>"]}"#]);
    let mut too_few = conflict(ConflictKind::CardinalityViolation);
    too_few.detail = ConflictDetail::Cardinality { count: 0, min: 1, max: None };
    let offered: Vec<String> = Choice::fitting(&too_few).iter().map(ToString::to_string).collect();
    assert_eq!(offered, [r#"{"restore": ["<id of an edge>"]}"#]);
}

#[test]
fn every_choice_is_read_as_it_is_written() {
    let mut choices: Vec<Choice> = every_choice().into_iter().map(|(_, choice)| choice).collect();
    choices.push(Choice::Edges { drop: Vec::new(), restore: vec!["e2".to_owned()] });
    choices.push(Choice::Edges { drop: Vec::new(), restore: Vec::new() });
    choices.push(Choice::Cells(cells(&[
        ("age", CellChoice::Value(json!(31))),
        ("born", CellChoice::Value(json!(null))),
        ("city", CellChoice::From(Side::Base)),
    ])));
    for choice in choices {
        let text = serde_json::to_string(&choice).unwrap();
        assert_eq!(serde_json::from_str::<Choice>(&text).unwrap(), choice, "{text}");
        assert_eq!(serde_json::from_str::<Choice>(&choice.to_string()).unwrap(), choice, "{choice}");
    }
}

#[test]
fn forms_are_those_of_the_table() {
    let text = |choice: &Choice| serde_json::to_string(choice).unwrap();
    assert_eq!(text(&Choice::Take(Side::Source)), r#""source""#);
    assert_eq!(text(&Choice::MergeCells), r#""cells""#);
    assert_eq!(text(&Choice::RestoreEnd), r#""restore""#);
    let edited = cells(&[("age", CellChoice::From(Side::Target)), ("city", CellChoice::Value(json!("Oslo")))]);
    assert_eq!(text(&Choice::Cells(edited)), r#"{"cells":{"age":"target","city":{"value":"Oslo"}}}"#);
    let edges = Choice::Edges { drop: vec!["e1".to_owned()], restore: vec!["e2".to_owned()] };
    assert_eq!(text(&edges), r#"{"drop":["e1"],"restore":["e2"]}"#);
}

#[test]
fn texts_that_are_no_choice_are_refused_with_what_is_expected() {
    let table = [
        (r#""theirs""#, r#"invalid value: string "theirs", expected "source", "target""#),
        ("3", "invalid type: integer `3`, expected"),
        ("{}", "an empty object"),
        (r#"{"keep": "a", "drop": ["e"]}"#, "exclude each other"),
        (r#"{"keep": "a", "keep": "b"}"#, "duplicate field `keep`"),
        (r#"{"take": "a"}"#, "unknown field `take`, expected one of `cells`, `keep`, `drop`, `restore`"),
        (r#"{"cells": {"age": "target", "age": "source"}}"#, "column `age` is given twice"),
        (r#"{"cells": {"age": "mine"}}"#, r#"expected "source", "target", "base" or {"value": …}"#),
        (r#"{"cells": {"age": {"value": 1, "unit": 2}}}"#, "unknown field `unit`"),
        (r#"{"cells": {"age": {}}}"#, "missing field `value`"),
    ];
    for (text, expected) in table {
        let error = serde_json::from_str::<Choice>(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn each_choice_has_its_effect_on_the_rows() {
    let row = |table: &str, id: &str, what| (table.parse().unwrap(), id.to_owned(), what);
    let alice = |what| vec![row("node:Person", "alice", what)];
    let edited = cells(&[("age", CellChoice::From(Side::Target))]);
    let table = [
        (ConflictKind::DivergentUpdate, json!("source"), alice(RowChoice::From(Side::Source))),
        (ConflictKind::DivergentUpdate, json!("base"), alice(RowChoice::From(Side::Base))),
        (ConflictKind::DivergentUpdate, json!("cells"), alice(RowChoice::Cells(BTreeMap::new()))),
        (ConflictKind::DivergentInsert, json!({"cells": {"age": "target"}}), alice(RowChoice::Cells(edited))),
        (ConflictKind::DivergentInsert, json!("drop"), alice(RowChoice::Absent)),
        (ConflictKind::DeleteVsUpdate, json!("keep"), alice(RowChoice::Restored)),
        (ConflictKind::DeleteVsUpdate, json!("delete"), alice(RowChoice::Absent)),
        (ConflictKind::OrphanEdge, json!("drop"), vec![row("edge:Knows", "alice", RowChoice::Absent)]),
        (ConflictKind::OrphanEdge, json!("restore"), vec![row("node:Person", "linus", RowChoice::Restored)]),
        (ConflictKind::UniqueViolation, json!({"keep": "alice"}), vec![row("node:Person", "bob", RowChoice::Absent)]),
        (ConflictKind::UniqueViolation, json!({"keep": "bob"}), alice(RowChoice::Absent)),
        (
            ConflictKind::CardinalityViolation,
            json!({"restore": ["e3"], "drop": ["e1", "e2"]}),
            vec![
                row("edge:Knows", "e1", RowChoice::Absent),
                row("edge:Knows", "e2", RowChoice::Absent),
                row("edge:Knows", "e3", RowChoice::Restored),
            ],
        ),
        (ConflictKind::ValueConstraintViolation, json!("target"), alice(RowChoice::From(Side::Target))),
    ];
    for (kind, json, expected) in table {
        assert_eq!(effects(&conflict(kind), &choice(json.clone())), expected, "{kind} {json}");
    }
}
