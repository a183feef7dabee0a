//! What a merge makes of the model: the truth table on its own maps, and what decisions make of the conflicts.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::json;
use stratigraph_engine::merge::{CellChoice, Choice, ConflictKind, Side};

use crate::small::{Content, Edge};

/// A conflict: table, kind, id, and of an edge without a node which end it is and the node.
pub(super) type Clash = (String, ConflictKind, String, Option<(String, String)>);

/// A merge of the steps.
#[derive(Debug, Clone)]
pub(super) struct Merging {
    pub(super) source: usize,
    pub(super) target: usize,
    /// Which of the choices of each conflict is taken, in turn.
    pub(super) picks: Vec<u8>,
    pub(super) value: i8,
    /// Whether the first conflict is left open.
    pub(super) leaves_one: bool,
    /// Whether it is done the other way round, too.
    pub(super) both_ways: bool,
    pub(super) fails: Option<usize>,
}

pub(super) fn any_merging(branches: usize, points: usize) -> impl Strategy<Value = Merging> {
    let picks = proptest::collection::vec(any::<u8>(), 4);
    let fails = proptest::option::weighted(0.35, 0..points);
    let flags = (proptest::bool::weighted(0.1), proptest::bool::weighted(0.25));
    (0..branches, 0..branches, picks, any::<i8>(), flags, fails).prop_map(
        |(source, target, picks, value, (leaves_one, both_ways), fails)| Merging {
            source,
            target,
            picks,
            value,
            leaves_one,
            both_ways,
            fails,
        },
    )
}

/// What is chosen for a conflict.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Pick {
    Side(Side),
    /// The person's age, the edge's weight of the source.
    Cells(i8),
    MergeCells,
    Drop,
    Keep,
    Delete,
    RestoreEnd,
}

impl Pick {
    pub(super) fn choice(self, table: &str) -> Choice {
        match self {
            Self::Side(side) => Choice::Take(side),
            Self::Cells(value) if table == "node:Person" => {
                Choice::Cells([("age".to_owned(), CellChoice::Value(json!(value)))].into())
            }
            Self::Cells(_) => Choice::Cells(
                [("src", Side::Target), ("dst", Side::Target), ("weight", Side::Source)]
                    .map(|(column, side)| (column.to_owned(), CellChoice::From(side)))
                    .into(),
            ),
            Self::MergeCells => Choice::MergeCells,
            Self::Drop => Choice::Drop,
            Self::Keep => Choice::Keep,
            Self::Delete => Choice::Delete,
            Self::RestoreEnd => Choice::RestoreEnd,
        }
    }
}

/// The states of a merge.
#[derive(Debug)]
pub(super) struct States<'s> {
    pub(super) bases: Vec<&'s Content>,
    pub(super) source: &'s Content,
    pub(super) target: &'s Content,
}

/// The state after a merge, and what is open.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Merged {
    pub(super) content: Content,
    pub(super) open: Vec<Clash>,
}

/// The rows of one table that are selected; those with conflicts are as on the target.
fn select<R: Clone + PartialEq>(
    bases: &[&BTreeMap<String, R>],
    source: &BTreeMap<String, R>,
    target: &BTreeMap<String, R>,
) -> (BTreeMap<String, R>, Vec<(ConflictKind, String)>) {
    let (mut selected, mut clashes) = (target.clone(), Vec::new());
    let ids: BTreeSet<&String> = source.keys().chain(target.keys()).collect();
    let of_bases = bases.iter().flat_map(|base| base.keys());
    for id in ids.into_iter().chain(of_bases).collect::<BTreeSet<_>>() {
        let (new, old) = (source.get(id), target.get(id));
        if new == old || bases.iter().all(|base| base.get(id) == new) {
            continue;
        }
        if bases.iter().all(|base| base.get(id) == old) {
            match new {
                Some(row) => drop(selected.insert(id.clone(), row.clone())),
                None => drop(selected.remove(id)),
            }
            continue;
        }
        let kind = match (new, old) {
            (None, _) | (_, None) => ConflictKind::DeleteVsUpdate,
            _ if bases.iter().all(|base| !base.contains_key(id)) => ConflictKind::DivergentInsert,
            _ => ConflictKind::DivergentUpdate,
        };
        clashes.push((kind, id.clone()));
    }
    (selected, clashes)
}

/// The edges that lack a node.
fn orphans(content: &Content) -> Vec<Clash> {
    let mut found = Vec::new();
    for (id, (from, to, _)) in &content.edges {
        for (role, end) in [("src", from), ("dst", to)] {
            if !content.people.contains_key(end) {
                let end = Some((role.to_owned(), end.clone()));
                found.push(("edge:Knows".to_owned(), ConflictKind::OrphanEdge, id.clone(), end));
            }
        }
    }
    found
}

impl States<'_> {
    /// The state with nothing decided, and all conflicts, in order.
    pub(super) fn merged(&self) -> Merged {
        let (content, mut open) = self.selected();
        let undecided: BTreeSet<String> =
            open.iter().filter(|(table, ..)| table == "node:Person").map(|(_, _, id, _)| id.clone()).collect();
        let is_decided = |clash: &Clash| clash.3.as_ref().is_some_and(|(_, end)| !undecided.contains(end));
        open.extend(orphans(&content).into_iter().filter(is_decided));
        open.sort();
        Merged { content, open }
    }

    fn selected(&self) -> (Content, Vec<Clash>) {
        let people: Vec<_> = self.bases.iter().map(|base| &base.people).collect();
        let edges: Vec<_> = self.bases.iter().map(|base| &base.edges).collect();
        let (people, of_people) = select(&people, &self.source.people, &self.target.people);
        let (edges, of_edges) = select(&edges, &self.source.edges, &self.target.edges);
        let clash = |table: &str, (kind, id): (ConflictKind, String)| (table.to_owned(), kind, id, None);
        let of_people = of_people.into_iter().map(|found| clash("node:Person", found));
        let of_edges = of_edges.into_iter().map(|found| clash("edge:Knows", found));
        (Content { people, edges }, of_people.chain(of_edges).collect())
    }

    /// What can be chosen for a conflict.
    pub(super) fn choices(&self, clash: &Clash, value: i8) -> Vec<Pick> {
        let sides = [Pick::Side(Side::Source), Pick::Side(Side::Target)];
        match clash.1 {
            ConflictKind::DeleteVsUpdate => [&sides[..], &[Pick::Keep, Pick::Delete]].concat(),
            ConflictKind::OrphanEdge => vec![Pick::Drop, Pick::RestoreEnd],
            _ if self.is_mergeable(clash) => [&sides[..], &[Pick::MergeCells, Pick::MergeCells]].concat(),
            _ => [&sides[..], &[Pick::Drop, Pick::Cells(value)]].concat(),
        }
    }

    /// Whether no cell of the row was changed by both sides differently.
    fn is_mergeable(&self, clash: &Clash) -> bool {
        let [base] = self.bases[..] else { return false };
        let row = |content: &Content| content.edges.get(&clash.2).cloned();
        if clash.0 != "edge:Knows" || clash.1 != ConflictKind::DivergentUpdate {
            return false;
        }
        cells(row(base), row(self.source), row(self.target)).is_some()
    }

    /// What the picks make of the conflicts, and of those that they give rise to. Edges that lack a node then go if `drops_rest`.
    pub(super) fn decided(&self, picks: &[(Clash, Pick)], drops_rest: bool) -> Merged {
        let (selected, of_rows) = self.selected();
        let first = self.merged().open;
        let mut known = first.clone();
        loop {
            let pick_of = |clash: &Clash| {
                let same = |other: &Clash| (&other.0, other.1, &other.2) == (&clash.0, clash.1, &clash.2);
                // Who decided about one end of an edge did not see that the other one would be lacking, too.
                let seen = picks.iter().filter(|_| first.contains(clash));
                let by_hand = seen.rev().find(|(other, _)| same(other)).map(|(_, pick)| *pick);
                let is_orphan = clash.1 == ConflictKind::OrphanEdge;
                by_hand.or((drops_rest && is_orphan).then_some(Pick::Drop))
            };
            let mut content = selected.clone();
            // Choices about rules speak of what those about rows made.
            for orphans in [false, true] {
                for clash in known.iter().filter(|clash| (clash.1 == ConflictKind::OrphanEdge) == orphans) {
                    if let Some(pick) = pick_of(clash) {
                        self.apply(&mut content, clash, pick);
                    }
                }
            }
            let open_people: BTreeSet<&String> = of_rows
                .iter()
                .filter(|clash| clash.0 == "node:Person" && pick_of(clash).is_none())
                .map(|clash| &clash.2)
                .collect();
            let mut broken = orphans(&content);
            broken.retain(|clash| clash.3.as_ref().is_some_and(|(_, end)| !open_people.contains(end)));
            let new: Vec<Clash> = broken.iter().filter(|clash| !known.contains(clash)).cloned().collect();
            if new.is_empty() {
                let is_row = |clash: &Clash| clash.1 != ConflictKind::OrphanEdge;
                let is_open = |clash: &&Clash| broken.contains(clash) || (pick_of(clash).is_none() && is_row(clash));
                let mut open: Vec<Clash> = known.iter().filter(is_open).cloned().collect();
                open.sort();
                return Merged { content, open };
            }
            known.extend(new);
        }
    }

    fn apply(&self, content: &mut Content, (table, _, id, end): &Clash, pick: Pick) {
        if let (Pick::RestoreEnd, Some((_, end))) = (pick, end) {
            let row = self.source.people.get(end).or_else(|| self.target.people.get(end));
            row.map(|age| content.people.insert(end.clone(), *age));
        } else if table == "node:Person" {
            let (new, old) = (self.source.people.get(id), self.target.people.get(id));
            put(&mut content.people, id, picked(pick, new, old, |value, _, _| Some(i64::from(value))));
        } else {
            let (new, old) = (self.source.edges.get(id), self.target.edges.get(id));
            let base = self.bases.first().and_then(|base| base.edges.get(id));
            let row = match pick {
                Pick::MergeCells => cells(base.cloned(), new.cloned(), old.cloned()),
                _ => picked(pick, new, old, |_, new, old| (old.0.clone(), old.1.clone(), new.2)),
            };
            put(&mut content.edges, id, row);
        }
    }
}

fn put<R>(rows: &mut BTreeMap<String, R>, id: &str, row: Option<R>) {
    match row {
        Some(row) => drop(rows.insert(id.to_owned(), row)),
        None => drop(rows.remove(id)),
    }
}

fn picked<R: Clone>(pick: Pick, new: Option<&R>, old: Option<&R>, made: impl Fn(i8, &R, &R) -> R) -> Option<R> {
    match pick {
        Pick::Side(Side::Source) => new.cloned(),
        Pick::Side(Side::Target) => old.cloned(),
        Pick::Keep => new.or(old).cloned(),
        Pick::Cells(value) => new.zip(old).map(|(new, old)| made(value, new, old)),
        Pick::Side(Side::Base) | Pick::MergeCells | Pick::RestoreEnd | Pick::Drop | Pick::Delete => None,
    }
}

/// Each cell of the side that changed it; none if both did, differently.
fn cells(base: Option<Edge>, new: Option<Edge>, old: Option<Edge>) -> Option<Edge> {
    fn cell<C: PartialEq + Clone>(base: &C, new: &C, old: &C) -> Option<C> {
        if new == base || new == old { Some(old.clone()) } else { (old == base).then(|| new.clone()) }
    }
    let (base, new, old) = (base?, new?, old?);
    Some((cell(&base.0, &new.0, &old.0)?, cell(&base.1, &new.1, &old.1)?, cell(&base.2, &new.2, &old.2)?))
}
