//! The program on the Branches screen, and branches as plain values.

use stratigraph_engine::{Branch, BranchName, Commit, CommitId, ManifestVersion, TableEntry, TableKey, TableVersion};

use super::super::{Branches, Details, DetailsKey, Facts, HeadPair, Loaded, Reply, Request};
use crate::event::{Event, Heads};
use crate::stage::NOW;
use crate::summary::Summary;
use crate::summary::{Brief, Told};
use crate::walk::Divergence;

const MINUTE: i64 = 60_000_000;

/// The program on the Branches screen.
pub(super) type Stage = crate::stage::Stage<Branches>;

impl Stage {
    /// A terminal of this size, the graph just opened, the branches asked for.
    pub(super) fn new(columns: u16, rows: u16) -> Self {
        let mut stage = Self::open(columns, rows);
        stage.event(Event::Heads(Ok(heads(41))));
        stage.starts.clear();
        stage.enter();
        stage
    }

    /// The same with the branches read, the selected one's details read and everything counted.
    pub(super) fn ready(columns: u16, rows: u16) -> Self {
        Self::with(columns, rows, loaded())
    }

    /// The same with these branches.
    pub(super) fn with(columns: u16, rows: u16, loaded: Loaded) -> Self {
        let mut stage = Self::new(columns, rows);
        stage.answer("branches", vec![Reply::Loaded(Box::new(loaded))]);
        stage.details();
        stage.count();
        stage
    }

    /// The same, open for writing by dana.
    pub(super) fn writing(columns: u16, rows: u16) -> Self {
        let mut stage = Self::ready(columns, rows);
        stage.write();
        stage
    }

    /// Answers the request for details.
    pub(super) fn details(&mut self) {
        let Some(Request::Details(key)) = self.asked("branch").cloned() else { return };
        let details = details(&key);
        self.answer("branch", vec![Reply::Details(key, Box::new(details))]);
    }

    /// Answers the request for what is ahead and behind.
    pub(super) fn count(&mut self) {
        let Some(Request::Count(pairs)) = self.asked("ahead and behind").cloned() else { return };
        let known = |(at, pair): (usize, HeadPair)| (pair, Some(Divergence { ahead: at + 1, behind: 12 * at }));
        let counted = pairs.into_iter().enumerate().map(known).collect();
        self.answer("ahead and behind", vec![Reply::Counted(counted)]);
    }

    /// The name of the selected branch.
    pub(super) fn selected(&self) -> String {
        let facts = self.state.screens.branches.list.selected();
        facts.map_or_else(String::new, |facts| facts.branch.name.to_string())
    }

    /// Compares the screen with its snapshots in three looks.
    pub(super) fn snapshot(&mut self, name: &str) {
        self.looks(name, |name, dump| insta::assert_snapshot!(name, dump));
    }
}

pub(super) fn branch(name: &str) -> BranchName {
    BranchName::from_stored(Some(name))
}

fn key(text: &str) -> TableKey {
    text.parse().expect("a table key")
}

/// A commit whose id ends with `end`, made `minutes` ago.
pub(super) fn brief(end: &str, on: &str, version: u64, minutes: i64) -> Brief {
    let id: CommitId = format!("01M7Y249A1EHFH4MJGAE{end}").parse().expect("an id");
    let commit = Commit {
        id,
        parent: None,
        merged_parent: None,
        branch: branch(on),
        manifest_version: ManifestVersion::new(version),
        created_at_micros: NOW.utc_micros - minutes * MINUTE,
        actor: Some(if on == "main" { "dana" } else { "act-李小龍" }.into()),
    };
    Brief { commit, short_id: end.to_owned() }
}

/// A branch made from main at version 30, with its head.
pub(super) fn facts(name: &str, head: Option<Brief>, version: u64, tables: &[&str]) -> Facts {
    let is_main = name == "main";
    let fork = brief("9GZ6N2", "main", 30, 3000);
    let branch = Branch {
        name: branch(name),
        manifest_version: Some(ManifestVersion::new(version)),
        head: head.as_ref().map(|head| head.commit.id),
        parent: (!is_main).then(BranchName::main),
        forked_at: (!is_main).then(|| ManifestVersion::new(30)),
        created_at_micros: (!is_main).then_some(NOW.utc_micros - 2900 * MINUTE),
        owned_tables: tables.iter().map(|table| key(table)).collect(),
        broken: None,
        reads_from: None,
    };
    Facts { branch, head, fork: (!is_main).then_some(fork), pending: 0 }
}

/// main, a branch with interrupted writes, one made from that, and one whose commits cannot be read.
pub(super) fn loaded() -> Loaded {
    let all = ["edge:WorksOn", "node:Person", "node:Project"];
    let mut child = facts("reorg/trial", Some(brief("CP5G0X", "reorg/trial", 69, 300)), 69, &["node:Person"]);
    child.branch.parent = Some(branch("reorg"));
    let hiring = facts("hiring", Some(brief("R22CH4", "hiring", 54, 125)), 54, &["edge:WorksOn", "node:Person"]);
    Loaded {
        branches: vec![
            facts("main", Some(brief("E5QXRC", "main", 41, 2)), 41, &all),
            Facts { pending: 2, ..hiring },
            facts("old", None, 33, &[]),
            facts("reorg", Some(brief("16BPKA", "reorg", 71, 45)), 71, &["node:Person"]),
            child,
        ],
        gone: [(branch("trial/badges"), 1)].into(),
        unreadable: 0,
        moved: None,
    }
}

/// Names that are long, wide or odd.
pub(super) fn odd_names() -> Loaded {
    let names = [
        "main",
        "a-branch-with-a-name-that-is-much-longer-than-any-column-of-the-list-can-be/and-goes-on",
        "功能分支/人事部门的招聘计划和预算",
        "esc\u{1b}[31m\u{202e}ape",
    ];
    let ends = ["E5QXRC", "R22CH4", "16BPKA", "CP5G0X"];
    let all =
        names.iter().zip(ends).map(|(name, end)| facts(name, Some(brief(end, name, 71, 45)), 71, &["node:Person"]));
    Loaded { branches: all.collect(), ..Loaded::default() }
}

fn details(of: &DetailsKey) -> Details {
    let entry = |table: &str, version: u64, rows: u64| TableEntry {
        key: key(table),
        path: "nodes/0".into(),
        version: TableVersion::new(version),
        lineage: None,
        rows,
    };
    let recent = |end: &str, minutes: i64, summary: Summary| Told {
        brief: brief(end, of.branch.as_str(), of.version.map_or(0, ManifestVersion::get), minutes),
        summary,
    };
    let merge = Summary::Merge { from: "hiring".to_owned(), into: BranchName::main() };
    Details {
        owned: vec![entry("edge:WorksOn", 12, 1_204_311), entry("node:Person", 7, 3)],
        read_from: [(BranchName::main(), 3), (branch("budget"), 1)].into(),
        recent: vec![
            recent("TQ2M91", 45, Summary::Tables(vec![key("node:Person"), key("edge:WorksOn")])),
            recent("6HX9F2", 180, merge),
            recent("7RW3N1", 7200, Summary::Nothing),
        ],
    }
}

/// Heads as the watch sees them, main at this version.
pub(super) fn heads(main: u64) -> Heads {
    [(BranchName::main(), crate::stage::seen(main)), (branch("hiring"), crate::stage::seen(54))].into()
}
