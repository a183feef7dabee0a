//! Random keys, answers in any order and heads that move: nothing panics, and nothing is merged that was not agreed to.

use std::sync::Arc;

use proptest::prelude::*;
use stratigraph_engine::merge::Conflict;

use super::super::request::{Reply, Request};
use super::super::{Ending, Step};
use super::ending::done;
use super::stage::{Stage, conflicts, divergent, preview};

const KEYS: [&str; 30] = [
    "j",
    "k",
    "g g",
    "G",
    "tab",
    "shift-tab",
    "enter",
    "enter",
    "esc",
    "s",
    "t",
    "b",
    "m",
    "D",
    "i",
    "5",
    "R k",
    "R a",
    "R t",
    "space",
    "u",
    "]",
    "[",
    "C",
    "y",
    "r",
    "X",
    "backspace",
    "l",
    "h",
];

/// What is answered.
const KINDS: [&str; 7] = [
    "branches",
    "last common commit",
    "merge preview",
    "conflict rows",
    "check of choices",
    "merge",
    "draft of choices",
];

#[derive(Debug, Clone)]
enum Happens {
    Key(usize),
    Answer(usize, bool),
    Heads(u64),
    Resize(u16, u16),
}

fn step() -> impl Strategy<Value = Happens> {
    prop_oneof![
        10 => (0..KEYS.len()).prop_map(Happens::Key),
        6 => (0..KINDS.len(), any::<bool>()).prop_map(|(kind, good)| Happens::Answer(kind, good)),
        1 => (5u64..9).prop_map(Happens::Heads),
        1 => (1u16..130, 1u16..40).prop_map(|(columns, rows)| Happens::Resize(columns, rows)),
    ]
}

fn answer(stage: &mut Stage, all: &[Conflict], kind: &str, good: bool) {
    let replies = match stage.asked(kind) {
        None => return,
        Some(_) if !good => {
            let failure =
                crate::message::Failure::new(stratigraph_engine::ErrorKind::Unavailable, "the disk went away");
            return stage.fail(kind, failure);
        }
        Some(Request::Preview { .. }) => vec![Reply::Preview(Box::new(preview(all.to_vec())))],
        Some(Request::Check(_, of)) => {
            let of = Arc::clone(of);
            let check = super::model::check(all, &of);
            vec![Reply::Checked(of, Box::new(check))]
        }
        Some(Request::Rows(_, conflict)) => {
            vec![Reply::Rows(conflict.clone(), super::stage::rows_of(conflict))]
        }
        Some(Request::Merge { .. }) => vec![Reply::Merged(Box::new(done()))],
        Some(_) => Vec::new(),
    };
    stage.answer(kind, replies);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn nothing_is_merged_before_all_is_decided(few in any::<bool>(), steps in prop::collection::vec(step(), 1..80)) {
        let all = if few { vec![divergent("bob", &["city"], true)] } else { conflicts() };
        let mut stage = Stage::with(100, 30, all.clone());
        stage.write();
        stage.keys("tab enter");
        stage.rows();
        if few {
            // All is decided, so that a merge is not far.
            stage.keys("m");
            stage.checked();
        }
        for step in steps {
            let merging = stage.asked("merge").is_some();
            match step {
                Happens::Key(at) => stage.keys(KEYS[at]),
                Happens::Answer(kind, good) => answer(&mut stage, &all, KINDS[kind], good),
                Happens::Heads(version) => stage.heads(&[("main", version), ("people", 4)]),
                Happens::Resize(columns, rows) => stage.resize(columns, rows),
            }
            let screen = &stage.state.screens.merge;
            let panes = stage.state.screen().panes();
            prop_assert!(panes.iter().any(|pane| pane.id == stage.state.focus()));
            if !merging && stage.asked("merge").is_some() {
                let deciding = screen.deciding.as_ref().expect("a preview");
                prop_assert!(deciding.is_settled() && screen.moved(&stage.state.shared).is_empty());
                prop_assert_eq!(screen.step, Step::Result);
                prop_assert!(matches!(screen.ending, Ending::Running));
            }
            if let Some(deciding) = &screen.deciding {
                prop_assert!(!deciding.is_settled() || deciding.check().open.is_empty());
            }
        }
    }
}
