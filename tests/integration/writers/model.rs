//! What the schema says of a change, without the engine: which rules the state after it breaks.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

/// The types of the graph: every rule that a schema can have.
pub(super) const SCHEMA: &str = "node Person {\n  name: String @key\n  mail: String? @unique\n  score: F64? @unique\n  team: String?\n  \
    seat: I32?\n  age: I32?\n  role: enum(admin, guest)?\n  nick: String\n  @unique(team, seat)\n  @range(age, 0..150)\n  \
    @check(nick, \"^[a-z]+$\")\n}\n\
    node Moment { at: DateTime @key }\n\
    edge Likes: Person -> Person @card(1..2)\n\
    edge Saw: Person -> Moment @card(2..3)\n";

/// Keys of moments; the first three are one time.
pub(super) const TIMES: [&str; 4] =
    ["2026-05-02", "2026-05-02T00:00:00Z", "2026-05-02T02:00:00+02:00", "2026-05-03T09:14:03"];
/// Scores; the first two are one number.
pub(super) const SCORES: [f64; 3] = [0.0, -0.0, 1.5];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Table {
    Person,
    Moment,
    Likes,
    Saw,
}

pub(super) const TABLES: [Table; 4] = [Table::Person, Table::Moment, Table::Likes, Table::Saw];

/// Which row of a table: the number of a name, the position in [`TIMES`], the number of an edge.
pub(super) type Id = (Table, usize);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Row {
    Person(Person),
    Moment,
    Edge { src: usize, dst: usize },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) mail: Option<&'static str>,
    /// Position in [`SCORES`].
    pub(super) score: Option<usize>,
    pub(super) team: Option<&'static str>,
    pub(super) seat: Option<i32>,
    pub(super) age: Option<i32>,
    pub(super) role: Option<&'static str>,
    pub(super) nick: Option<&'static str>,
}

pub(super) type State = BTreeMap<Id, Row>;
/// Rows that come, change or (none) go.
pub(super) type Change = BTreeMap<Id, Option<Row>>;

pub(super) fn after(state: &State, change: &Change) -> State {
    let mut state = state.clone();
    for (id, row) in change {
        match row {
            Some(row) => state.insert(*id, row.clone()),
            None => state.remove(id),
        };
    }
    state
}

/// The rules that are broken after a change, each with a row that has to do with it.
pub(super) fn broken(before: &State, after: &State) -> BTreeSet<(&'static str, Id)> {
    let mut broken = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for (id, row) in after {
        let values: Vec<String> = match row {
            Row::Person(person) => {
                broken.extend(of_a_person(person).into_iter().map(|rule| (rule, *id)));
                let seat = person.team.zip(person.seat).map(|seat| format!("seat {seat:?}"));
                let score = person.score.map(|score| format!("score {}", SCORES[score].abs()));
                person.mail.map(|mail| format!("mail {mail}")).into_iter().chain(seat).chain(score).collect()
            }
            Row::Moment => vec![format!("moment {}", id.1.clamp(2, 3))],
            Row::Edge { src, dst } => {
                let to = if id.0 == Table::Likes { Table::Person } else { Table::Moment };
                if !after.contains_key(&(Table::Person, *src)) || !after.contains_key(&(to, *dst)) {
                    broken.insert(("end", *id));
                }
                Vec::new()
            }
        };
        broken.extend(values.into_iter().filter(|value| !taken.insert(value.clone())).map(|_| ("unique", *id)));
    }
    let people = after.keys().filter(|(table, _)| *table == Table::Person);
    for (edge, node) in people.flat_map(|(_, node)| [(Table::Likes, *node), (Table::Saw, *node)]) {
        let (least, most) = if edge == Table::Likes { (1, 2) } else { (2, 3) };
        let (had, has) = (edges_of(before, edge, node).len(), edges_of(after, edge, node).len());
        if has > most || (has < least && had.max(has) > 0) {
            broken.insert(("card", (edge, node)));
        }
    }
    broken
}

fn of_a_person(person: &Person) -> Vec<&'static str> {
    let checks = [
        ("required", person.nick.is_none()),
        ("check", person.nick.is_some_and(|nick| !nick.bytes().all(|letter| letter.is_ascii_lowercase()))),
        ("range", person.age.is_some_and(|age| !(0..=150).contains(&age))),
        ("enum", person.role.is_some_and(|role| role == "boss")),
    ];
    checks.into_iter().filter(|(_, is_broken)| *is_broken).map(|(rule, _)| rule).collect()
}

pub(super) fn edges_of(state: &State, table: Table, node: usize) -> Vec<Id> {
    let leaves = |row: &Row| matches!(row, Row::Edge { src, .. } if *src == node);
    state.iter().filter(|(id, row)| id.0 == table && leaves(row)).map(|(id, _)| *id).collect()
}

/// A state without the rows that break rules.
pub(super) fn repaired(mut state: State) -> State {
    loop {
        let broken = broken(&State::new(), &state);
        if broken.is_empty() {
            return state;
        }
        for (rule, id) in broken {
            let gone = match rule {
                "card" => edges_of(&state, id.0, id.1),
                _ => vec![id],
            };
            state.retain(|id, _| !gone.contains(id));
        }
    }
}

/// What one case is about.
#[derive(Debug, Clone)]
pub(super) struct Case {
    /// The common state of both branches.
    pub(super) base: State,
    /// What the target has become.
    pub(super) before: State,
    /// What the source has become, if that keeps the rules.
    pub(super) source: State,
    /// The state that every writer is to make of `before`.
    pub(super) after: State,
}

fn person() -> impl Strategy<Value = Row> {
    let some = |values: &'static [&'static str]| prop::option::of(prop::sample::select(values));
    let rare = |good: &'static [&'static str], bad: &'static str| prop_oneof![12 => prop::option::of(prop::sample::select(good)), 1 => Just(Some(bad))];
    let nick = prop_oneof![7 => Just(Some("a")), 3 => Just(Some("bc")), 2 => Just(Some("A")), 2 => Just(None)];
    let age = prop_oneof![12 => prop::option::of(0..=150), 1 => Just(Some(151)), 1 => Just(Some(-1))];
    let seat = prop::option::of(1..3);
    let score = prop::option::weighted(0.3, 0..SCORES.len());
    (some(&["x", "y", "z"]), score, some(&["t"]), seat, age, rare(&["admin", "guest"], "boss"), nick).prop_map(
        |(mail, score, team, seat, age, role, nick)| Row::Person(Person { mail, score, team, seat, age, role, nick }),
    )
}

fn any_row() -> impl Strategy<Value = (Id, Row)> {
    let edge = |table, to: usize| {
        (0..8_usize, 0..5_usize, 0..to).prop_map(move |(number, src, dst)| ((table, number), Row::Edge { src, dst }))
    };
    prop_oneof![
        4 => (0..6_usize, person()).prop_map(|(name, row)| ((Table::Person, name), row)),
        1 => (0..TIMES.len()).prop_map(|time| ((Table::Moment, time), Row::Moment)),
        3 => edge(Table::Likes, 5),
        3 => edge(Table::Saw, 4),
    ]
}

/// Pairs of edges that begin at one node, of which one alone would be too few.
fn base() -> impl Strategy<Value = State> {
    (prop::collection::vec(any_row(), 10..30), prop::collection::vec(0..5_usize, 0..3)).prop_map(|(rows, seers)| {
        let mut state: State = rows.into_iter().collect();
        for (pair, node) in seers.into_iter().enumerate() {
            state.insert((Table::Moment, 0), Row::Moment);
            state.insert((Table::Moment, 3), Row::Moment);
            state.insert((Table::Saw, 2 * pair), Row::Edge { src: node, dst: 0 });
            state.insert((Table::Saw, 2 * pair + 1), Row::Edge { src: node, dst: 3 });
        }
        repaired(state)
    })
}

/// Rows that come, change or go; which ones go is chosen among those that are there.
fn change() -> impl Strategy<Value = (Vec<(Id, Row)>, Vec<prop::sample::Index>)> {
    let written = || prop::collection::vec(any_row(), 0..4);
    prop_oneof![
        2 => (written(), prop::collection::vec(any::<prop::sample::Index>(), 0..3)),
        1 => (written(), Just(Vec::new())),
        1 => (Just(Vec::new()), prop::collection::vec(any::<prop::sample::Index>(), 1..5)),
    ]
}

fn changed(state: &State, (written, gone): (Vec<(Id, Row)>, Vec<prop::sample::Index>)) -> Change {
    let mut change: Change = written.into_iter().map(|(id, row)| (id, Some(row))).collect();
    let there: Vec<Id> = state.keys().copied().collect();
    change.extend(gone.iter().filter(|_| !there.is_empty()).map(|index| (*index.get(&there), None)));
    change
}

/// Rules that two branches break together, each keeping them by itself.
const CLASHES: usize = 6;

/// Makes room in a state for one of the clashes, and tells what either branch does.
fn clash(kind: usize, state: &mut State) -> [Change; 2] {
    let someone = |mail, score| {
        let nick = Some("a");
        Some(Row::Person(Person { mail, score, team: None, seat: None, age: None, role: None, nick }))
    };
    let edge = |src, dst| Some(Row::Edge { src, dst });
    let (first, second) = ((Table::Person, 6), (Table::Person, 7));
    let [target, source]: [Vec<(Id, Option<Row>)>; 2] = match kind {
        0 => [vec![(first, someone(Some("w"), None))], vec![(second, someone(Some("w"), None))]],
        1 => {
            state.retain(|_, row| !matches!(row, Row::Person(Person { score: Some(0 | 1), .. })));
            [vec![(first, someone(None, Some(0)))], vec![(second, someone(None, Some(1)))]]
        }
        2 => {
            state.extend(
                [(first, someone(None, None)), ((Table::Likes, 8), edge(6, 6))]
                    .map(|(id, row)| (id, row.expect("it is one"))),
            );
            [vec![((Table::Likes, 9), edge(6, 6))], vec![((Table::Likes, 10), edge(6, 6))]]
        }
        3 => {
            state.extend(someone(None, None).map(|row| (first, row)));
            [vec![(second, someone(None, None)), ((Table::Likes, 8), edge(7, 6))], vec![(first, None)]]
        }
        4 => {
            let edges = [8, 9, 10].map(|number| ((Table::Saw, number), Row::Edge { src: 6, dst: 3 }));
            state.extend(someone(None, None).map(|row| (first, row)));
            state.extend(edges.into_iter().chain([((Table::Moment, 3), Row::Moment)]));
            [vec![((Table::Saw, 8), None)], vec![((Table::Saw, 9), None)]]
        }
        _ => {
            state.retain(|id, _| !(id.0 == Table::Moment && id.1 < 3));
            [vec![((Table::Moment, 1), Some(Row::Moment))], vec![((Table::Moment, 2), Some(Row::Moment))]]
        }
    };
    *state = repaired(std::mem::take(state));
    [target.into_iter().collect(), source.into_iter().collect()]
}

/// A state, what one branch makes of it, and what another one does with other rows.
pub(super) fn any_case() -> impl Strategy<Value = Case> {
    (base(), change(), change(), prop::option::weighted(0.4, 0..CLASHES)).prop_map(
        |(mut base, target, source, kind)| {
            let [mut on_target, on_source] = match kind {
                Some(kind) => clash(kind, &mut base),
                None => [changed(&base, target), changed(&base, source)],
            };
            on_target.retain(|id, _| !on_source.contains_key(id));
            let mut before = after(&base, &on_target);
            if !broken(&base, &before).is_empty() {
                before.clone_from(&base);
            }
            let (source, intended) = (after(&base, &on_source), after(&before, &on_source));
            Case { base, before, source, after: intended }
        },
    )
}

/// Tables in which rows differ, with the rows that are new or other, and those that are gone.
pub(super) fn difference(before: &State, after: &State) -> BTreeMap<Table, (Vec<Id>, Vec<Id>)> {
    let mut tables: BTreeMap<Table, (Vec<Id>, Vec<Id>)> = BTreeMap::new();
    for (id, row) in after {
        if before.get(id) != Some(row) {
            tables.entry(id.0).or_default().0.push(*id);
        }
    }
    for id in before.keys().filter(|id| !after.contains_key(*id)) {
        tables.entry(id.0).or_default().1.push(*id);
    }
    tables
}
