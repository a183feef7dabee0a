//! Conflicts with the rules of the schema: every choice, decisions by rules, and decisions that break rules themselves.

use anyhow::Result;
use serde_json::{Value, json};
use stratigraph_engine::merge::{
    CellChoice, Choice, ConflictDetail, ConflictKind, Decision, MergeError, MergeWay, Rule, Side,
};
use stratigraph_engine::{Error, ErrorKind};
use stratigraph_tests::graph::TestGraph;
use stratigraph_tests::reader::Row;

use super::super::{column, decided, expected, found, is_refused, mutate, only, plan, put};
use super::{check, edge, merged, node, settled, stage};

fn ids(rows: &[Row]) -> Vec<&str> {
    rows.iter().filter_map(|row| row["id"].as_str()).collect()
}

fn people(names: &[&str]) -> String {
    names.iter().map(|name| node(&json!({"name": name}))).collect()
}

fn value(column: &str, cell: Value) -> Choice {
    Choice::Cells([(column.to_owned(), CellChoice::Value(cell))].into())
}

/// Both sides add a person of one mail; A is the source's, B the target's.
async fn same_mail() -> Result<TestGraph> {
    let mail = |name: &str| node(&json!({"name": name, "mail": "x", "age": 5}));
    stage(&people(&["Z"]), &mail("A"), &mail("B")).await
}

#[tokio::test]
async fn of_two_rows_with_one_value_one_stays_or_one_is_changed() -> Result<()> {
    let cases = [
        (Choice::KeepRow("A".to_owned()), vec![("A", json!("x")), ("Z", Value::Null)]),
        (Choice::KeepRow("B".to_owned()), vec![("B", json!("x")), ("Z", Value::Null)]),
        (value("mail", json!("y")), vec![("A", json!("y")), ("B", json!("x")), ("Z", Value::Null)]),
        (value("mail", Value::Null), vec![("A", Value::Null), ("B", json!("x")), ("Z", Value::Null)]),
        (Choice::Drop, vec![("B", json!("x")), ("Z", Value::Null)]),
        (Choice::Take(Side::Target), vec![("B", json!("x")), ("Z", Value::Null)]),
    ];
    for (choice, expected) in cases {
        let made = same_mail().await?;
        settled(&made, choice.clone(), "node:Person").await?;
        let mails = column(&made.files().await?, "main", "node:Person", "mail").await?;
        let mails: Vec<(&str, Value)> = mails.iter().map(|(id, mail)| (id.as_str(), mail.clone())).collect();
        assert_eq!(mails, expected, "{choice}");
    }
    Ok(())
}

#[tokio::test]
async fn a_choice_that_leaves_the_rule_broken_is_open_and_named() -> Result<()> {
    let made = same_mail().await?;
    let planned = plan(&made.graph, "work", "main").await?;
    let decisions = only(&planned, Choice::Take(Side::Source))?;
    let checked = check(&made, &planned, &decisions).await?;
    assert_eq!(found(&checked.open), expected(&[(ConflictKind::UniqueViolation, "node:Person", "A")]));
    assert_eq!((checked.open[0].caused_by, checked.decided.len()), (Some(0), 0));
    is_refused(&made, &planned, &decisions, 1).await
}

/// P1 likes two more people than before, one on each side, and may like two.
async fn too_many() -> Result<TestGraph> {
    stage(
        &(people(&["P1", "P2", "P3", "P4"]) + &edge("Likes", "l1", "P1", "P2")),
        &edge("Likes", "l3", "P1", "P4"),
        &edge("Likes", "l2", "P1", "P3"),
    )
    .await
}

/// The edge that a decision takes away must be the one that was looked at, and the node that it brings back, too.
#[tokio::test]
async fn a_decision_about_edges_holds_as_long_as_they_are_what_they_were() -> Result<()> {
    for on in ["main", "work"] {
        let made = too_many().await?;
        let planned = plan(&made.graph, "work", "main").await?;
        let drop = Choice::Edges { drop: vec!["l2".to_owned()], restore: Vec::new() };
        let decision = Decision::by_hand(&planned.conflicts()[0], Some(drop));
        let id = if on == "main" { "l2" } else { "l3" };
        put(&made, on, &edge("Likes", id, "P1", "P2")).await?;
        let again = plan(&made.graph, "work", "main").await?;
        let decisions = decided(&again, vec![decision]);
        let checked = check(&made, &again, &decisions).await?;
        assert_eq!((checked.open.len(), checked.decided.len()), (1, 0), "an edge moved on {on}: {checked:?}");
        assert_eq!(checked.stale[0].reason, "the rows have changed since");
        is_refused(&made, &again, &decisions, 1).await?;
    }
    Ok(())
}

/// P1 has one mentor of the two that are needed, because each side took one away.
async fn too_few() -> Result<TestGraph> {
    let mentors =
        edge("Mentors", "m1", "P1", "P2") + &edge("Mentors", "m2", "P1", "P3") + &edge("Mentors", "m3", "P1", "P4");
    let made = stage(&(people(&["P1", "P2", "P3", "P4"]) + &mentors), "", "").await?;
    mutate(&made.graph, "work", "delete Mentors where to = \"P2\"").await?;
    mutate(&made.graph, "main", "delete Mentors where to = \"P3\"").await?;
    Ok(made)
}

#[tokio::test]
async fn edges_are_dropped_or_restored_until_their_number_is_right() -> Result<()> {
    let edges = |drop: &[&str], restore: &[&str]| {
        let texts = |ids: &[&str]| ids.iter().map(ToString::to_string).collect();
        Choice::Edges { drop: texts(drop), restore: texts(restore) }
    };
    for (choice, left) in [
        (edges(&["l1"], &[]), vec!["l2", "l3"]),
        (edges(&["l2"], &[]), vec!["l1", "l3"]),
        (edges(&["l3"], &[]), vec!["l1", "l2"]),
        (edges(&["l3", "l1"], &[]), vec!["l2"]),
    ] {
        assert_eq!(ids(&settled(&too_many().await?, choice.clone(), "edge:Likes").await?), left, "{choice}");
    }
    for (choice, left) in [
        (edges(&[], &["m1"]), vec!["m1", "m3"]),
        (edges(&[], &["m2"]), vec!["m2", "m3"]),
        (edges(&[], &["m1", "m2"]), vec!["m1", "m2", "m3"]),
    ] {
        assert_eq!(ids(&settled(&too_few().await?, choice.clone(), "edge:Mentors").await?), left, "{choice}");
    }
    Ok(())
}

/// Neither an edge that is nowhere nor one of another node is part of the conflict.
#[tokio::test]
async fn a_decision_about_edges_may_name_edges_of_the_node_alone() -> Result<()> {
    let edges = |drop: &[&str], restore: &[&str]| {
        let texts = |ids: &[&str]| ids.iter().map(ToString::to_string).collect();
        Choice::Edges { drop: texts(drop), restore: texts(restore) }
    };
    let (l, m) = ("`l1`, `l2`, `l3`", "`m1`, `m2`, `m3`");
    for (made, choice, named, has) in [
        (too_many().await?, edges(&["nothing"], &[]), "nothing", l),
        (too_many().await?, edges(&["l1", "other"], &[]), "other", l),
        (too_few().await?, edges(&[], &["nothing"]), "nothing", m),
    ] {
        put(&made, "main", &edge("Likes", "other", "P2", "P3")).await?;
        let planned = plan(&made.graph, "work", "main").await?;
        let decisions = only(&planned, choice.clone())?;
        let error = check(&made, &planned, &decisions).await.unwrap_err();
        let Error::Merge(MergeError::OtherEdge { number: 1, edge, nodes, .. }) = &error else { panic!("{error}") };
        assert_eq!((edge.as_str(), error.kind()), (named, ErrorKind::Invalid), "{choice}");
        assert_eq!(*nodes, ["P1"]);
        assert!(error.to_string().ends_with(&format!("is not one of `P1`, which has {has}")), "{error}");
        let before = stratigraph_tests::folder::digest(&made.path())?;
        super::super::carry_out(&made.graph, &planned, &decisions).await.expect_err("refused");
        assert_eq!(stratigraph_tests::folder::digest(&made.path())?, before);
    }
    Ok(())
}

/// An edge that another decision gives to the node is one of its edges; and a rule may name edges of every node it describes.
#[tokio::test]
async fn edges_of_other_decisions_and_of_all_nodes_of_a_rule_may_be_named() -> Result<()> {
    let edges =
        |drop: &[&str]| Choice::Edges { drop: drop.iter().map(ToString::to_string).collect(), restore: Vec::new() };
    let before = people(&["P1", "P2", "P3"]) + &edge("Likes", "a", "P1", "P2") + &edge("Likes", "b", "P1", "P3");
    let made = stage(&(before + &edge("Likes", "c", "P2", "P3")), "", "").await?;
    // Both sides move the edge c to another end; the decision moves it to another node.
    put(&made, "work", &edge("Likes", "c", "P2", "P1")).await?;
    put(&made, "main", &edge("Likes", "c", "P2", "P2")).await?;
    let planned = plan(&made.graph, "work", "main").await?;
    let ends = [("src", json!("P1")), ("dst", json!("P2"))];
    let ends = ends.map(|(column, cell)| (column.to_owned(), CellChoice::Value(cell)));
    let mut decisions = only(&planned, Choice::Cells(ends.into()))?;
    let checked = check(&made, &planned, &decisions).await?;
    assert_eq!(found(&checked.open), expected(&[(ConflictKind::CardinalityViolation, "edge:Likes", "P1")]));
    decisions.decisions.push(Decision::by_hand(&checked.open[0], Some(edges(&["c"]))));
    merged(&made, &planned, &decisions).await?;
    assert_eq!(made.files().await?.ids("main", "edge:Likes").await?, ["a", "b"]);

    let of_two = |from: usize| -> String {
        (from..from + 2)
            .map(|at| edge("Likes", &format!("l{at}"), if at % 2 == 0 { "P1" } else { "P2" }, "P3"))
            .collect()
    };
    let made = stage(&people(&["P1", "P2", "P3"]), &(of_two(0) + &of_two(2)), &of_two(4)).await?;
    let planned = plan(&made.graph, "work", "main").await?;
    let of_both = rule(Some("edge:Likes"), Some(ConflictKind::CardinalityViolation), None, edges(&["l0", "l1"]))?;
    merged(&made, &planned, &decided(&planned, vec![of_both])).await?;
    assert_eq!(made.files().await?.ids("main", "edge:Likes").await?, ["l2", "l3", "l4", "l5"]);
    Ok(())
}

#[tokio::test]
async fn an_edge_without_its_node_goes_or_the_node_comes_back() -> Result<()> {
    for deleted_by in ["work", "main"] {
        let other = if deleted_by == "work" { "main" } else { "work" };
        for (choice, nodes, edges) in
            [(Choice::Drop, vec!["P2"], vec![]), (Choice::RestoreEnd, vec!["P1", "P2"], vec!["k1"])]
        {
            let made = stage(&node(&json!({"name": "P1", "age": 4})), "", "").await?;
            put(&made, other, &(people(&["P2"]) + &edge("Knows", "k1", "P2", "P1"))).await?;
            mutate(&made.graph, deleted_by, "delete Person where name = \"P1\"").await?;
            let planned = plan(&made.graph, "work", "main").await?;
            assert_eq!(found(planned.conflicts()), expected(&[(ConflictKind::OrphanEdge, "edge:Knows", "k1")]));
            let (role, node, end) = ("dst".to_owned(), "node:Person".parse()?, "P1".to_owned());
            assert_eq!(planned.conflicts()[0].detail, ConflictDetail::Orphan { role, node, end });
            let rows = made.graph.conflict_rows(&planned, &planned.conflicts()[0]).await?;
            let tables: Vec<(String, &str)> = rows.iter().map(|it| (it.table.to_string(), it.id.as_str())).collect();
            assert_eq!(tables, [("edge:Knows".to_owned(), "k1"), ("node:Person".to_owned(), "P1")]);
            let left = settled(&made, choice.clone(), "edge:Knows").await?;
            assert_eq!(ids(&left), edges, "deleted by {deleted_by}: {choice}");
            let people = made.files().await?.rows("main", "node:Person").await?;
            assert_eq!(ids(&people), nodes, "deleted by {deleted_by}: {choice}");
            if choice == Choice::RestoreEnd {
                assert_eq!(people[0]["age"], 4, "as it was");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_edge_may_lack_both_nodes_and_one_decision_settles_both() -> Result<()> {
    for (choice, nodes, edges) in
        [(Choice::Drop, vec!["P3"], vec![]), (Choice::RestoreEnd, vec!["P1", "P2", "P3"], vec!["k1"])]
    {
        let made = stage(&people(&["P1", "P2", "P3"]), &edge("Knows", "k1", "P1", "P2"), "").await?;
        mutate(&made.graph, "main", "delete Person where name = \"P1\" delete Person where name = \"P2\"").await?;
        let planned = plan(&made.graph, "work", "main").await?;
        let orphan = (ConflictKind::OrphanEdge, "edge:Knows", "k1");
        assert_eq!(found(planned.conflicts()), expected(&[orphan, orphan]));
        merged(&made, &planned, &decided(&planned, vec![Decision::by_hand(&planned.conflicts()[0], Some(choice))]))
            .await?;
        let files = made.files().await?;
        assert_eq!(files.ids("main", "node:Person").await?, nodes);
        assert_eq!(files.ids("main", "edge:Knows").await?, edges);
    }
    Ok(())
}

/// What a decision breaks comes back with its number, and another decision settles it.
#[tokio::test]
async fn what_a_decision_breaks_is_a_conflict_that_names_it() -> Result<()> {
    // Deleting P1 orphans the edge that the target has; editing a value to one that another row has; a value out of range.
    let before = people(&["P1", "P2", "P3"]);
    let made = stage(&before, "", &(node(&json!({"name": "P1", "age": 7})) + &edge("Knows", "k1", "P2", "P1"))).await?;
    mutate(&made.graph, "work", "delete Person where name = \"P1\"").await?;
    let planned = plan(&made.graph, "work", "main").await?;
    assert_eq!(found(planned.conflicts()), expected(&[(ConflictKind::DeleteVsUpdate, "node:Person", "P1")]));
    let mut decisions = only(&planned, Choice::Delete)?;
    let checked = check(&made, &planned, &decisions).await?;
    assert_eq!(found(&checked.open), expected(&[(ConflictKind::OrphanEdge, "edge:Knows", "k1")]));
    assert_eq!((checked.open[0].caused_by, checked.decided.len()), (Some(0), 1));
    is_refused(&made, &planned, &decisions, 1).await?;
    decisions.decisions.push(Decision::by_hand(&checked.open[0], Some(Choice::Drop)));
    merged(&made, &planned, &decisions).await?;
    let files = made.files().await?;
    assert_eq!(files.ids("main", "node:Person").await?, ["P2", "P3"]);
    assert_eq!(files.ids("main", "edge:Knows").await?, Vec::<String>::new());

    let person = |age: i64| node(&json!({"name": "P1", "age": age, "mail": "p1"}));
    let taken = node(&json!({"name": "P2", "mail": "taken"}));
    for (choice, kind, settled_by) in [
        (
            Choice::Cells(
                [("age", CellChoice::From(Side::Source)), ("mail", CellChoice::Value(json!("taken")))]
                    .map(|(name, cell)| (name.to_owned(), cell))
                    .into(),
            ),
            ConflictKind::UniqueViolation,
            value("mail", json!("free")),
        ),
        (value("age", json!(151)), ConflictKind::ValueConstraintViolation, value("age", json!(150))),
        (value("age", json!(-1)), ConflictKind::ValueConstraintViolation, Choice::Take(Side::Target)),
    ] {
        let made = stage(&(person(1) + &taken), &person(2), &person(3)).await?;
        let planned = plan(&made.graph, "work", "main").await?;
        let mut decisions = only(&planned, choice.clone())?;
        let checked = check(&made, &planned, &decisions).await?;
        assert_eq!(found(&checked.open), expected(&[(kind, "node:Person", "P1")]), "{choice}");
        assert_eq!(checked.open[0].caused_by, Some(0));
        is_refused(&made, &planned, &decisions, 1).await?;
        decisions.decisions.push(Decision::by_hand(&checked.open[0], Some(settled_by)));
        merged(&made, &planned, &decisions).await?;
    }
    Ok(())
}

/// Four conflicts of two kinds in two tables.
async fn many() -> Result<TestGraph> {
    let row = |name: &str, age: i64| node(&json!({"name": name, "age": age}));
    let note =
        |id: &str, stars: i64| format!("{}\n", json!({"type": "Note", "data": {"id": id, "body": "", "stars": stars}}));
    let made = stage(
        &(row("A", 1) + &row("B", 1) + &row("C", 1) + &note("n", 1)),
        &(row("A", 20) + &row("B", 40) + &note("n", 2)),
        &(row("A", 30) + &row("B", 30) + &row("C", 30) + &note("n", 3)),
    )
    .await?;
    mutate(&made.graph, "work", "delete Person where name = \"C\"").await?;
    Ok(made)
}

fn rule(table: Option<&str>, kind: Option<ConflictKind>, filter: Option<&str>, choice: Choice) -> Result<Decision> {
    let table = table.map(str::parse).transpose()?;
    Ok(Decision::by_rule(Rule { table, kind, filter: filter.map(str::to_owned) }, choice))
}

#[tokio::test]
async fn rules_decide_what_they_describe_and_a_decision_by_hand_beats_them() -> Result<()> {
    let made = many().await?;
    let planned = plan(&made.graph, "work", "main").await?;
    let update = ConflictKind::DivergentUpdate;
    let conflicts = [
        (update, "node:Note", "n"),
        (update, "node:Person", "A"),
        (update, "node:Person", "B"),
        (ConflictKind::DeleteVsUpdate, "node:Person", "C"),
    ];
    assert_eq!(found(planned.conflicts()), expected(&conflicts));
    let by_hand = Decision::by_hand(&planned.conflicts()[1], Some(Choice::Take(Side::Base)));
    let chosen = async |decisions: Vec<Decision>| -> Result<Vec<(String, usize)>> {
        let checked = check(&made, &planned, &decided(&planned, decisions)).await?;
        Ok(checked.decided.iter().map(|(conflict, by)| (conflict.key.id.clone(), *by)).collect())
    };
    let all = || rule(None, None, None, Choice::Take(Side::Source));
    let of = |pairs: &[(&str, usize)]| pairs.iter().map(|(id, by)| ((*id).to_owned(), *by)).collect::<Vec<_>>();
    assert_eq!(chosen(vec![all()?]).await?, of(&[("n", 0), ("A", 0), ("B", 0), ("C", 0)]));
    assert_eq!(chosen(vec![rule(Some("node:Note"), None, None, Choice::Drop)?]).await?, of(&[("n", 0)]));
    assert_eq!(
        chosen(vec![rule(None, Some(ConflictKind::DeleteVsUpdate), None, Choice::Keep)?]).await?,
        of(&[("C", 0)])
    );
    // A rule passes over conflicts that its choice does not fit.
    assert_eq!(chosen(vec![rule(None, None, None, Choice::Keep)?]).await?, of(&[("C", 0)]));
    // The condition is about the source's row, or the target's where the source has none; of tables it can be used on.
    let person = Some("node:Person");
    assert_eq!(chosen(vec![rule(person, None, Some("age < 30"), Choice::Take(Side::Source))?]).await?, of(&[("A", 0)]));
    let at_least = rule(person, None, Some("age >= 30"), Choice::Take(Side::Target))?;
    assert_eq!(chosen(vec![at_least.clone()]).await?, of(&[("B", 0), ("C", 0)]));
    // The last rule holds, and a decision by hand beats all of them wherever it stands.
    assert_eq!(
        chosen(vec![by_hand.clone(), all()?, at_least.clone()]).await?,
        of(&[("n", 1), ("A", 0), ("B", 2), ("C", 2)])
    );
    merged(&made, &planned, &decided(&planned, vec![by_hand, all()?, at_least])).await?;
    let files = made.files().await?;
    let ages = column(&files, "main", "node:Person", "age").await?;
    let ages: Vec<(&str, Value)> = ages.iter().map(|(id, age)| (id.as_str(), age.clone())).collect();
    assert_eq!(ages, [("A", json!(1)), ("B", json!(30)), ("C", json!(30))]);
    assert_eq!(column(&files, "main", "node:Note", "stars").await?, [("n".to_owned(), json!(2))]);
    Ok(())
}

#[tokio::test]
async fn a_condition_that_cannot_be_used_is_refused_with_its_decision() -> Result<()> {
    let made = many().await?;
    let planned = plan(&made.graph, "work", "main").await?;
    let person = Some("node:Person");
    for (table, filter) in [
        (person, "shoeSize > 3"),
        (person, "stars > 1"),
        (person, "age >"),
        (person, "1 = 1; drop table x"),
        (None, "shoeSize > 3"),
        (None, "age > 3 limit 1"),
        (None, "body > 3 and nothing"),
    ] {
        let decisions = decided(&planned, vec![rule(table, None, Some(filter), Choice::Take(Side::Source))?]);
        let error = check(&made, &planned, &decisions).await.unwrap_err();
        let Error::Merge(MergeError::Filter { number, filter: of, .. }) = &error else { panic!("{error}") };
        assert_eq!((*number, of.as_str(), error.kind()), (1, filter, ErrorKind::Invalid));
    }
    Ok(())
}

/// A condition that names no table is about the tables that have its columns.
#[tokio::test]
async fn a_condition_without_a_table_passes_over_tables_without_its_columns() -> Result<()> {
    let made = many().await?;
    let planned = plan(&made.graph, "work", "main").await?;
    for (filter, settled) in [("age >= 30", vec!["B", "C"]), ("stars > 1", vec!["n"]), ("id > 'B'", vec!["n", "C"])] {
        let decisions = decided(&planned, vec![rule(None, None, Some(filter), Choice::Take(Side::Source))?]);
        let checked = check(&made, &planned, &decisions).await?;
        let ids: Vec<&str> = checked.decided.iter().map(|(conflict, _)| conflict.key.id.as_str()).collect();
        assert_eq!((ids, checked.idle), (settled, Vec::new()), "{filter}");
    }
    Ok(())
}

#[tokio::test]
async fn rules_that_do_nothing_are_told() -> Result<()> {
    let made = many().await?;
    let planned = plan(&made.graph, "work", "main").await?;
    let take = || Choice::Take(Side::Source);
    let decisions = vec![
        rule(Some("node:Persona"), None, None, take())?,
        rule(None, None, Some("age > 1000"), take())?,
        rule(None, Some(ConflictKind::OrphanEdge), None, Choice::Drop)?,
        rule(None, None, None, take())?,
    ];
    let checked = check(&made, &planned, &decided(&planned, decisions)).await?;
    assert!(checked.open.is_empty() && checked.stale.is_empty(), "{checked:?}");
    let told: Vec<(usize, &str)> = checked.idle.iter().map(|idle| (idle.decision, idle.reason.as_str())).collect();
    let none = "no conflict is as it describes";
    assert_eq!(told, [(0, "there is no table node:Persona"), (1, none), (2, none)]);
    Ok(())
}

/// Rows that are decided one by one are no longer those of a version that could be taken over as it is.
#[tokio::test]
async fn a_table_that_would_be_taken_over_is_written_if_a_decision_changes_it() -> Result<()> {
    let made = stage(&people(&["P1", "P2"]), "", "").await?;
    mutate(&made.graph, "main", "delete Person where name = \"P1\"").await?;
    put(&made, "work", &edge("Knows", "k1", "P2", "P1")).await?;
    let planned = plan(&made.graph, "main", "work").await?;
    let ways: Vec<MergeWay> = planned.tables().iter().map(|table| table.way).collect();
    assert_eq!(ways.last(), Some(&MergeWay::Pointer), "{:?}", planned.tables());
    let decisions = only(&planned, Choice::RestoreEnd)?;
    let checked = check(&made, &planned, &decisions).await?;
    assert_eq!(checked.tables.iter().map(|table| table.way).collect::<Vec<_>>(), vec![MergeWay::Untouched; 5]);
    super::super::carry_out(&made.graph, &planned, &decisions).await?;
    let files = made.files().await?;
    assert_eq!(files.ids("work", "node:Person").await?, ["P1", "P2"]);
    assert_eq!(files.ids("work", "edge:Knows").await?, ["k1"]);
    assert_eq!(files.ids("main", "node:Person").await?, ["P2"]);
    Ok(())
}
