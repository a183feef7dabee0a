//! Random mutations: what their statements are, and what they make of the model.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Content, NAMES, name};

/// One statement.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    InsertPerson(u8, Option<i8>),
    InsertEdge(u8, u8, Option<i8>),
    Update(Test, Option<i8>),
    DeletePeople(Test),
    DeleteEdgesFrom(u8),
}

/// Which people.
#[derive(Debug, Clone)]
pub(super) enum Test {
    Named(u8),
    Younger(i8),
    Ageless,
}

pub(super) fn any_deed() -> impl Strategy<Value = Deed> {
    let test =
        || prop_oneof![(0..NAMES).prop_map(Test::Named), any::<i8>().prop_map(Test::Younger), Just(Test::Ageless)];
    prop_oneof![
        3 => (0..NAMES, any::<Option<i8>>()).prop_map(|(person, age)| Deed::InsertPerson(person, age)),
        2 => (0..NAMES, 0..NAMES, any::<Option<i8>>()).prop_map(|(from, to, weight)| Deed::InsertEdge(from, to, weight)),
        3 => (test(), any::<Option<i8>>()).prop_map(|(test, age)| Deed::Update(test, age)),
        3 => test().prop_map(Deed::DeletePeople),
        2 => (0..NAMES).prop_map(Deed::DeleteEdgesFrom),
    ]
}

impl Test {
    fn keeps(&self, person: &str, age: Option<i64>) -> bool {
        match self {
            Self::Named(number) => person == name(*number),
            Self::Younger(than) => age.is_some_and(|age| age < i64::from(*than)),
            Self::Ageless => age.is_none(),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Named(number) => format!("name = \"{}\"", name(*number)),
            Self::Younger(than) => format!("age < {than}"),
            Self::Ageless => "age = null".to_owned(),
        }
    }
}

/// The statements as a query.
pub(super) fn text(deeds: &[Deed]) -> String {
    let number = |number: &Option<i8>| number.map_or_else(|| "null".to_owned(), |number| number.to_string());
    let statement = |deed: &Deed| match deed {
        Deed::InsertPerson(person, age) => {
            format!("insert Person {{ name: \"{}\" age: {} }}", name(*person), number(age))
        }
        Deed::InsertEdge(from, to, weight) => {
            format!("insert Knows {{ from: \"{}\" to: \"{}\" weight: {} }}", name(*from), name(*to), number(weight))
        }
        Deed::Update(test, age) => format!("update Person set {{ age: {} }} where {}", number(age), test.text()),
        Deed::DeletePeople(test) => format!("delete Person where {}", test.text()),
        Deed::DeleteEdgesFrom(from) => format!("delete Knows where from = \"{}\"", name(*from)),
    };
    let statements: Vec<String> = deeds.iter().map(statement).collect();
    format!("query random() {{\n{}\n}}", statements.join("\n"))
}

/// What statements make of the content of a branch; none if they must be refused. New edges are called `new0`, `new1`, …
pub(super) fn mutated(before: &Content, deeds: &[Deed]) -> Option<Content> {
    let any = |is: fn(&Deed) -> bool| deeds.iter().any(is);
    let people_both_ways = any(|deed| matches!(deed, Deed::InsertPerson(..) | Deed::Update(..)))
        && any(|deed| matches!(deed, Deed::DeletePeople(_)));
    let edges_both_ways = any(|deed| matches!(deed, Deed::InsertEdge(..)))
        && any(|deed| matches!(deed, Deed::DeletePeople(_) | Deed::DeleteEdgesFrom(_)));
    if people_both_ways || edges_both_ways {
        return None;
    }
    let mut after = before.clone();
    for (number, deed) in deeds.iter().enumerate() {
        match deed {
            Deed::InsertPerson(person, age) => drop(after.people.insert(name(*person), age.map(i64::from))),
            Deed::InsertEdge(from, to, weight) => {
                after.edges.insert(format!("new{number}"), (name(*from), name(*to), weight.map(i64::from)));
            }
            Deed::Update(test, new) => {
                for (person, age) in &mut after.people {
                    if test.keeps(person, *age) {
                        *age = new.map(i64::from);
                    }
                }
            }
            Deed::DeletePeople(test) => {
                after.people.retain(|person, age| !test.keeps(person, *age));
                let people = &after.people;
                after.edges.retain(|_, (from, to, _)| people.contains_key(from) && people.contains_key(to));
            }
            Deed::DeleteEdgesFrom(from) => after.edges.retain(|_, (source, ..)| *source != name(*from)),
        }
    }
    let whole =
        after.edges.values().all(|(from, to, _)| after.people.contains_key(from) && after.people.contains_key(to));
    whole.then_some(after)
}

/// The content with new edges called as they were found, where they are the same edges.
pub(super) fn with_found_ids(after: Content, found: &Content) -> Content {
    let Content { people, edges } = after;
    let (new, mut known): (Vec<_>, BTreeMap<_, _>) = {
        let (new, known): (Vec<_>, Vec<_>) = edges.into_iter().partition(|(id, _)| id.starts_with("new"));
        (new, known.into_iter().collect())
    };
    let mut free: Vec<_> = found.edges.iter().filter(|(id, _)| !known.contains_key(*id)).collect();
    for (id, edge) in new {
        match free.iter().position(|(_, found)| **found == edge) {
            Some(at) => known.insert(free.remove(at).0.clone(), edge),
            None => known.insert(id, edge),
        };
    }
    Content { people, edges: known }
}
