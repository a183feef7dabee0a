//! Random keys, replies in any order, sidecars that come and go, and resizes: nothing panics, and nothing is settled or moved out
//! that was not on view and agreed to.

use std::collections::BTreeSet;

use proptest::prelude::*;
use stratigraph_engine::ErrorKind;
use stratigraph_engine::recovery::{RecoveryStep, SidecarFile};

use super::super::request::{Reply, Request};
use super::fixture::{
    audit, back, done, drift, forward, ids, newer, observation, orphan, pending, refused, unreadable,
};
use super::stage::Stage;
use crate::event::Event;
use crate::message::Failure;

#[derive(Debug, Clone)]
enum Happens {
    Keys(&'static str),
    Text(&'static str),
    /// The name of the graph is typed and sent.
    Agree,
    Resize(u16, u16),
    /// Other programs leave and settle writes: bit by bit, which of the six are there.
    World(u8),
    /// A job of this kind is answered, well or not.
    Answer(&'static str, bool),
    Heads(u64),
}

const KEYS: &[&str] = &[
    "j",
    "k",
    "g g",
    "G",
    "S",
    "S",
    "H",
    "H y",
    "H y",
    "Q",
    "Q enter",
    "y",
    "n",
    "enter",
    "enter",
    "esc",
    "tab",
    "a",
    "i",
    "r",
    "f",
    "/",
    "space",
    "ctrl-u",
    "backspace",
    "g c",
    "4",
    "5",
    "x",
    "u",
];
const KINDS: [&str; 6] = ["recovery plan", "drift", "audit", "recovery", "heal", "quarantine"];
/// What settles or moves something.
const WRITES: [&str; 3] = ["recovery", "heal", "quarantine"];

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        10 => prop::sample::select(KEYS).prop_map(Happens::Keys),
        5 => prop::sample::select(["crm", "x", "/tmp/kept.json"].as_slice()).prop_map(Happens::Text),
        3 => Just(Happens::Agree),
        1 => (1u16..130, 1u16..40).prop_map(|(columns, rows)| Happens::Resize(columns, rows)),
        2 => (0u8..64).prop_map(Happens::World),
        8 => (prop::sample::select(KINDS.as_slice()), prop::bool::weighted(0.8))
            .prop_map(|(kind, well)| Happens::Answer(kind, well)),
        1 => (40u64..44).prop_map(Happens::Heads),
    ]
}

type Found = Vec<(SidecarFile, RecoveryStep)>;

/// The sidecars that are there, and what the screen was told of them.
struct World {
    there: Found,
    told: Vec<Found>,
}

impl World {
    fn some(bits: u8) -> Found {
        let all = [orphan(), forward(), back(), unreadable(), newer(), refused()];
        let chosen = all.into_iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0);
        chosen.map(|(_, found)| found).collect()
    }

    fn observed(&mut self) -> Reply {
        self.told.push(self.there.clone());
        Reply::Observed(Box::new(observation(&self.there)))
    }

    /// What a worker would answer.
    fn reply(&mut self, request: &Request) -> Reply {
        match request {
            Request::Observe => self.observed(),
            Request::Drift => Reply::Drift(drift()),
            Request::Audit => Reply::Audit(audit()),
            Request::Sweep(plan) if **plan != pending(&self.there) => {
                self.told.push(self.there.clone());
                Reply::Outdated(Box::new(observation(&self.there)))
            }
            Request::Sweep(_) => {
                let settled: Vec<_> = self.there.iter().map(|(_, step)| done(step)).collect();
                self.there.clear();
                Reply::Swept(settled, None)
            }
            Request::Heal(_) => {
                self.there.retain(|found| *found == back());
                Reply::Healed(audit(), self.there.iter().map(|(file, _)| file.id.clone()).collect())
            }
            Request::Quarantine { id, target, .. } => {
                self.there.retain(|(file, _)| file.id != *id);
                Reply::Quarantined(id.clone(), target.clone())
            }
        }
    }

    /// Whether the screen was told of what a write is about.
    fn knows(&self, request: &Request) -> bool {
        self.told.iter().any(|found| match request {
            Request::Sweep(plan) => **plan == pending(found),
            Request::Heal(plan) => **plan == pending(found).recovery,
            Request::Quarantine { id, text, .. } => found.iter().any(|(file, _)| file.id == *id && file.text == *text),
            Request::Observe | Request::Drift | Request::Audit => false,
        })
    }
}

fn answer(stage: &mut Stage, world: &mut World, kind: &str, well: bool) {
    let Some(request) = stage.asked(kind).cloned() else { return };
    if well {
        let reply = world.reply(&request);
        stage.answer(kind, vec![reply]);
    } else {
        stage.fail(kind, Failure::new(ErrorKind::Unavailable, "the disk went away"));
    }
}

/// Writes under way.
fn writes(stage: &Stage) -> BTreeSet<&'static str> {
    WRITES.into_iter().filter(|kind| stage.asked(kind).is_some()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn nothing_is_settled_that_was_not_on_view_and_agreed_to(
        bits in 0u8..64,
        steps in prop::collection::vec(happens(), 1..80),
    ) {
        let mut world = World { there: World::some(bits), told: Vec::new() };
        let mut stage = Stage::new(100, 30);
        stage.write();
        for kind in ["recovery plan", "drift"] {
            answer(&mut stage, &mut world, kind, true);
        }
        for step in steps {
            let before = writes(&stage);
            let is_agreement = matches!(step, Happens::Keys("y" | "H y" | "enter") | Happens::Agree);
            // Tab went to the button that heals, and the question takes no Q.
            let agrees_to_heal = is_agreement || matches!(step, Happens::Keys("Q enter"));
            match step {
                Happens::Keys(keys) => stage.keys(keys),
                Happens::Text(text) => stage.text(text),
                Happens::Agree => {
                    stage.text("crm");
                    stage.keys("enter");
                }
                Happens::Resize(columns, rows) => stage.event(Event::Resize(columns, rows)),
                Happens::World(bits) => {
                    world.there = World::some(bits);
                    stage.event(Event::Interrupted(Ok(ids(&world.there))));
                }
                Happens::Answer(kind, well) => answer(&mut stage, &mut world, kind, well),
                Happens::Heads(version) => {
                    stage.event(Event::Heads(Ok([(stratigraph_engine::BranchName::main(),
                        crate::stage::seen(version))].into())));
                }
            }
            let after = writes(&stage);
            prop_assert!(after.len() <= 1, "one write at a time: {:?}", after);
            // What was agreed to during a write begins when that one has ended.
            for kind in after.difference(&before) {
                let request = stage.asked(kind).expect("it began");
                prop_assert!(world.knows(request), "it was never on view: {:?}", request);
                let is_agreed = if kind == &"heal" { agrees_to_heal } else { is_agreement };
                prop_assert!(is_agreed || !before.is_empty(), "nobody agreed to {}", kind);
            }
            let panes = stage.state.screen().panes();
            prop_assert!(panes.iter().any(|pane| pane.id == stage.state.focus()));
        }
    }
}
