//! Choices that outlive the program, and heads that moved.

use std::path::PathBuf;

use stratigraph_engine::merge::{Choice, ConflictKind, Decision, MergeDecisions, MergeHeads, Side};

use super::super::draft::{DraftKey, Kept, find, forget, keep};
use super::super::request::{Pair, Preview, Reply};
use super::super::tree::Name;
use super::stage::{Stage, branch, conflicts, heads, id, preview};
use crate::stage::NOW;

/// A folder that goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("stratigraph-drafts-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn key(&self, uri: &str, heads: MergeHeads) -> DraftKey {
        self.of_pair(uri, pair(), heads)
    }

    fn of_pair(&self, uri: &str, pair: Pair, heads: MergeHeads) -> DraftKey {
        DraftKey::new(Some(self.0.join("drafts")), uri.to_owned(), pair, heads)
    }

    fn drafts(&self) -> usize {
        std::fs::read_dir(self.0.join("drafts")).expect("a folder").count()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

fn pair() -> Pair {
    Pair { source: branch("people"), target: branch("main") }
}

fn decisions() -> MergeDecisions {
    let none = MergeDecisions::none(&branch("people"), &branch("main"), heads());
    let decided =
        conflicts().iter().skip(2).take(2).map(|it| Decision::by_hand(it, Some(Choice::Take(Side::Source)))).collect();
    MergeDecisions { decisions: decided, ..none }
}

/// What is continued.
fn found(key: &mut DraftKey) -> Option<MergeDecisions> {
    find(key, |_| false).expect("readable").map(|kept| kept.decisions)
}

fn other_heads() -> MergeHeads {
    MergeHeads { target: id("01M7ZTGDXYKVD9N873RVGQD10C"), ..heads() }
}

#[test]
fn a_draft_is_found_for_the_same_heads_and_forgotten_with_the_choices() {
    let folder = Folder::new("same");
    let mut key = folder.key("/data/crm", heads());
    assert_eq!(found(&mut key), None);
    keep(&key, &decisions()).expect("written");
    assert_eq!(found(&mut key), Some(decisions()));
    let none = MergeDecisions { decisions: Vec::new(), ..decisions() };
    keep(&key, &none).expect("removed");
    assert_eq!(found(&mut key), None);
    forget(&key).expect("it need not be there");
}

#[test]
fn drafts_of_former_heads_go_with_the_merge_and_those_of_other_branches_stay() {
    let folder = Folder::new("forget");
    let mut key = folder.key("/data/crm", heads());
    keep(&folder.key("/data/crm", other_heads()), &decisions()).expect("written");
    keep(&key, &decisions()).expect("written");
    let others = MergeHeads { source: id("01M7ZTGDXYKVD9N873RVGQD10C"), ..heads() };
    let of_prices = MergeDecisions { source: branch("prices"), ..decisions() };
    let prices = || Pair { source: branch("prices"), target: branch("main") };
    keep(&folder.of_pair("/data/crm", prices(), others), &of_prices).expect("written");
    // Two branches may have one head.
    keep(&folder.of_pair("/data/crm", prices(), heads()), &of_prices).expect("written");
    assert_eq!(found(&mut key), Some(decisions()));
    forget(&key).expect("removed");
    assert_eq!(found(&mut key), None);
    assert_eq!(found(&mut folder.of_pair("/data/crm", prices(), others)), Some(of_prices));
}

#[test]
fn a_draft_of_other_heads_is_found_for_the_same_branches_of_the_same_graph_only() {
    let folder = Folder::new("moved");
    keep(&folder.key("/data/crm", heads()), &decisions()).expect("written");
    let found = |uri: &str, pair: Pair| found(&mut folder.of_pair(uri, pair, other_heads()));
    assert_eq!(found("/data/crm", pair()), Some(decisions()));
    assert_eq!(found("/data/other", pair()), None);
    let turned = Pair { source: branch("main"), target: branch("people") };
    assert_eq!(found("/data/crm", turned), None);
}

#[test]
fn a_draft_that_is_no_draft_is_told_and_not_replaced() {
    let folder = Folder::new("broken");
    let mut key = folder.key("/data/crm", heads());
    keep(&key, &decisions()).expect("written");
    let file = std::fs::read_dir(folder.0.join("drafts")).expect("a folder").flatten().next().expect("a file");
    std::fs::write(file.path(), "{").expect("written");
    let failure = find(&mut key, |_| false).expect_err("no JSON");
    assert!(failure.sentence().starts_with("cannot understand the decisions kept in"), "{}", failure.sentence());
}

/// Two workbenches that decide the same merge: neither's choices are lost to the other, and the newest are continued.
#[test]
fn workbenches_keep_drafts_of_their_own() {
    let folder = Folder::new("two");
    let key = |workbench: &str, heads| folder.key("/data/crm", heads).of_workbench(workbench);
    let found_by = |workbench: &str| found(&mut key(workbench, heads()));
    let one = MergeDecisions { decisions: decisions().decisions[..1].to_vec(), ..decisions() };
    let none = MergeDecisions { decisions: Vec::new(), ..decisions() };
    let (ours, theirs) = (key("ours", heads()), key("theirs", heads()));
    keep(&ours, &one).expect("written");
    keep(&theirs, &decisions()).expect("written");
    assert_eq!(folder.drafts(), 2);
    keep(&theirs, &none).expect("removed");
    let mut next = key("next", heads());
    assert_eq!(found(&mut next), Some(one.clone()));
    let kept = |key: &mut DraftKey| find(key, |_| false).expect("readable").expect("some");
    assert_eq!(kept(&mut key("other", heads())).others, 0);
    // Who continues a draft takes it over; what its workbench adds meanwhile stays its own.
    let mut late = next.clone().of_workbench("late");
    keep(&next, &decisions()).expect("written");
    assert_eq!((folder.drafts(), found_by("last")), (1, Some(decisions())));
    keep(&ours, &decisions()).expect("written");
    assert_eq!(kept(&mut key("other", heads())).others, 1);
    for key in [&next, &late] {
        keep(key, &one).expect("written");
        keep(key, &none).expect("removed");
        assert_eq!(found_by("last"), Some(decisions()), "ours is still there");
    }
    // The same choices after the branches moved.
    find(&mut late, |_| false).expect("readable");
    keep(&late, &one).expect("written");
    let moved = key("late", other_heads()).after(&late);
    keep(&moved, &one).expect("written");
    assert_eq!(folder.drafts(), 1);
    keep(&ours, &one).expect("written");
    forget(&moved).expect("removed");
    assert_eq!((folder.drafts(), found_by("last")), (1, Some(one)), "the merge is done, and ours is not its own");
}

/// Choices that were continued, carried over moved heads, and taken back do not come up again.
#[test]
fn a_draft_that_was_carried_over_goes_with_its_choices() {
    let folder = Folder::new("carried");
    let key = |workbench: &str, heads| folder.key("/data/crm", heads).of_workbench(workbench);
    keep(&key("dead", heads()), &decisions()).expect("written");
    let mut before = key("next", heads());
    find(&mut before, |_| false).expect("readable");
    let moved = key("next", other_heads()).after(&before);
    keep(&moved, &decisions()).expect("written");
    keep(&moved, &MergeDecisions { decisions: Vec::new(), ..decisions() }).expect("removed");
    assert_eq!(folder.drafts(), 0);
}

#[test]
fn what_this_workbench_kept_is_continued_before_newer_drafts_of_others() {
    let folder = Folder::new("own");
    let key = |workbench: &str| folder.key("/data/crm", heads()).of_workbench(workbench);
    let one = MergeDecisions { decisions: decisions().decisions[..1].to_vec(), ..decisions() };
    keep(&key("ours"), &one).expect("written");
    keep(&key("theirs"), &decisions()).expect("written");
    let kept = find(&mut key("ours"), |_| false).expect("readable").expect("some");
    assert_eq!((kept.decisions, kept.others), (one, 1));
}

#[test]
fn drafts_of_merges_that_were_done_do_not_come_up_again() {
    let folder = Folder::new("done");
    keep(&folder.key("/data/crm", heads()).of_workbench("theirs"), &decisions()).expect("written");
    let mut later = folder.key("/data/crm", other_heads());
    let is_done = |of: &MergeHeads| of.source == heads().source;
    assert_eq!(find(&mut later, is_done).expect("readable"), None);
    assert_eq!(folder.drafts(), 0);
}

#[test]
fn a_merge_forgets_what_it_continued_unless_it_was_added_to() {
    let folder = Folder::new("continued");
    let key = |workbench: &str| folder.key("/data/crm", heads()).of_workbench(workbench);
    let one = MergeDecisions { decisions: decisions().decisions[..1].to_vec(), ..decisions() };
    for (added, left) in [(false, 0), (true, 1)] {
        keep(&key("dead"), &one).expect("written");
        let mut next = key("next");
        assert_eq!(found(&mut next), Some(one.clone()));
        if added {
            keep(&key("dead"), &decisions()).expect("written");
        }
        forget(&next).expect("removed");
        assert_eq!(folder.drafts(), left);
    }
}

#[test]
fn without_a_home_nothing_is_kept() {
    let mut key = DraftKey::new(None, "/data/crm".to_owned(), pair(), heads());
    keep(&key, &decisions()).expect("nothing to do");
    assert_eq!(found(&mut key), None);
}

#[test]
fn kept_choices_are_there_when_the_preview_is_made_again() {
    let mut stage = Stage::choosing(120, 30);
    stage.keys("enter enter");
    let kept = Kept { decisions: decisions(), at_micros: NOW.utc_micros - 7 * 60_000_000, others: 1 };
    let preview = Preview { kept: Some(kept), ..preview(conflicts()) };
    stage.answer("merge preview", vec![Reply::Preview(Box::new(preview))]);
    let said = "2 choices kept 7m ago, u does not take them back; another workbench keeps choices of its own";
    assert!(stage.state.shared.messages.history().any(|message| message.text.contains(said)));
    stage.checked();
    assert!(stage.words().contains("6 of 8 open"), "{}", stage.picture());
    assert_eq!(stage.decisions(), decisions());
}

#[test]
fn after_heads_moved_choices_stay_where_their_rows_do_and_others_are_listed() {
    let mut stage = Stage::resolving(120, 30);
    stage.select(ConflictKind::DivergentUpdate, "ada");
    stage.keys("s");
    stage.select(ConflictKind::DivergentUpdate, "bob");
    stage.keys("t");
    stage.checked();
    stage.keys("r");
    let mut moved = Preview { heads: other_heads(), ..preview(conflicts()) };
    moved.conflicts[3].rows = "other rows of bob".to_owned();
    stage.answer("merge preview", vec![Reply::Preview(Box::new(moved))]);
    assert_eq!(stage.decisions().heads, other_heads());
    stage.checked();
    let tree = &stage.state.screens.merge.tree;
    assert!(tree.nodes().iter().any(|node| node.name == Name::StaleChoice(1)), "{:?}", tree.nodes());
    let words = stage.words();
    assert!(words.contains("1 choice that holds no more"), "{words}");
    assert!(words.contains("node:Person bob: target · the rows have changed since"), "{words}");
    assert!(words.contains("7 of 8 open"), "{words}");
}
