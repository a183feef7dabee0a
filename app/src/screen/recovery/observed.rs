//! The interrupted writes as they were last seen: one entry for each file, with its prediction, what it depends on, and what is
//! different from a plan that was agreed to.

use std::collections::{BTreeMap, BTreeSet};

use stratigraph_engine::TableKey;
use stratigraph_engine::graph::Pending;
use stratigraph_engine::recovery::{Decision, RecoveryPlan, RecoveryStep, Sidecar, SidecarFile, SidecarState};

use super::request::Observation;
use crate::message::Failure;
use crate::recovery::{decision_words, is_young, started_micros, tail};

/// Letters of an operation's end that are shown at least.
const SHORT: usize = 6;

/// One interrupted write.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// Name of its file without `.json`.
    pub(super) id: String,
    /// The file; none if it was gone when the files were listed.
    pub(super) file: Option<SidecarFile>,
    /// The prediction; none if there is none.
    pub(super) step: Option<RecoveryStep>,
    /// The former one whose result this one is predicted on, because both name a table.
    pub(super) after: Option<String>,
    /// What is different from the plan that was agreed to.
    pub(super) changed: Option<String>,
}

/// All of them, and when they were seen.
#[derive(Debug)]
pub(super) struct Observed {
    /// When.
    pub(super) at_micros: i64,
    /// In the order in which a sweep takes them.
    pub(super) entries: Vec<Entry>,
    /// What opening for writing would do, or why that cannot be told.
    pub(super) pending: Result<Pending, Failure>,
    /// Those of the plan that was agreed to that are there no more.
    pub(super) gone: Vec<String>,
    /// Letters of an operation's end that tell it from the others.
    short: usize,
}

impl Entry {
    /// The record, if it can be read.
    pub(super) fn sidecar(&self) -> Option<&Sidecar> {
        let of_step = self.step.as_ref().and_then(|step| step.sidecar.as_ref());
        of_step.or_else(|| self.file.as_ref().and_then(SidecarFile::readable))
    }

    /// What would be done about it.
    pub(super) fn decision(&self) -> Option<Decision> {
        self.step.as_ref().map(|step| step.decision)
    }

    /// What its file is.
    pub(super) fn state(&self) -> Option<&SidecarState> {
        self.file.as_ref().map(|file| &file.state)
    }

    /// Returns whether recovery refuses it, so that it stays until a person or other files change that.
    pub(super) fn is_refused(&self) -> bool {
        self.decision().is_some_and(|decision| !decision.settles()) || self.is_closed()
    }

    /// Whether its file says nothing that this program understands.
    pub(super) fn is_closed(&self) -> bool {
        self.sidecar().is_none()
    }

    /// When it started, as its record says, else as its name does.
    pub(super) fn started_micros(&self) -> Option<i64> {
        started_micros(self.sidecar(), &self.id)
    }

    /// Whether a writer may still be at work on it.
    pub(super) fn is_young(&self, now_micros: i64) -> bool {
        is_young(self.started_micros(), now_micros)
    }

    /// The text of its file.
    pub(super) fn text(&self) -> &str {
        self.file.as_ref().map_or("", |file| &file.text)
    }

    /// Tables it names.
    pub(super) fn tables(&self) -> usize {
        self.sidecar().map_or(0, |sidecar| sidecar.tables.len())
    }
}

impl Observed {
    /// Puts together what was seen. `agreed` is a plan that turned out to be out of date.
    pub(super) fn new(seen: Observation, agreed: Option<&RecoveryPlan>, at_micros: i64) -> Self {
        let Observation { files, pending } = seen;
        let steps = pending.as_ref().map_or(&[][..], |pending| &pending.recovery.steps);
        let mut found: BTreeMap<&str, (Option<&SidecarFile>, Option<&RecoveryStep>)> = BTreeMap::new();
        for file in &files {
            found.entry(&file.id).or_default().0 = Some(file);
        }
        for step in steps {
            found.entry(&step.id).or_default().1 = Some(step);
        }
        let entry = |(id, (file, step)): (&str, (Option<&SidecarFile>, Option<&RecoveryStep>))| Entry {
            id: id.to_owned(),
            file: file.cloned(),
            step: step.cloned(),
            after: step.and_then(|step| former(steps, step)),
            changed: agreed.and_then(|plan| change(plan, id, step)),
        };
        let entries: Vec<Entry> = found.into_iter().map(entry).collect();
        let is_gone = |step: &&RecoveryStep| entries.iter().all(|entry| entry.id != step.id);
        let gone = agreed.map(|plan| plan.steps.iter().filter(is_gone).map(|step| step.id.clone()).collect());
        let short = distinct(&entries.iter().map(|entry| entry.id.as_str()).collect::<Vec<_>>());
        Self { at_micros, entries, gone: gone.unwrap_or_default(), short, pending }
    }

    /// The end of an operation, long enough to tell it from the others.
    pub(super) fn short<'a>(&self, id: &'a str) -> &'a str {
        tail(id, self.short)
    }

    /// The plan that is shown.
    pub(super) fn plan(&self) -> Option<&RecoveryPlan> {
        self.pending.as_ref().ok().map(|pending| &pending.recovery)
    }
}

/// How many last letters tell names apart.
fn distinct(ids: &[&str]) -> usize {
    let longest = ids.iter().map(|id| id.chars().count()).max().unwrap_or(0);
    let is_enough = |letters: &usize| {
        let tails: BTreeSet<&str> = ids.iter().map(|id| tail(id, *letters)).collect();
        tails.len() == ids.len()
    };
    (SHORT..longest).find(is_enough).unwrap_or(longest.max(SHORT))
}

/// The last step before this one that moves a table it names.
fn former(steps: &[RecoveryStep], step: &RecoveryStep) -> Option<String> {
    let shares = |other: &&RecoveryStep| {
        let same = |table: &stratigraph_engine::recovery::TableStanding| {
            step.tables.iter().any(|own| own.path == table.path && own.lineage == table.lineage)
        };
        other.tables.iter().any(same)
    };
    let before = steps.iter().take_while(|other| other.id != step.id);
    before.filter(shares).last().map(|other| other.id.clone())
}

/// What is different from a plan, in a few words.
fn change(plan: &RecoveryPlan, id: &str, step: Option<&RecoveryStep>) -> Option<String> {
    let Some(planned) = plan.steps.iter().find(|planned| planned.id == id) else {
        return Some("new since then".to_owned());
    };
    let step = step?;
    if step.decision != planned.decision {
        return Some(format!("was: {}", decision_words(planned.decision)));
    }
    if step.sidecar != planned.sidecar || step.blocked != planned.blocked {
        return Some("its record was written again".to_owned());
    }
    let moved = step.tables.iter().zip(&planned.tables).find(|(now, then)| now != then);
    moved.map(|(now, then)| {
        let (what, from, to) = match now.head == then.head {
            true => ("pin", then.pinned, now.pinned),
            false => ("head", then.head, now.head),
        };
        format!("{} of {} was {from}, is {to}", what, now.table_key)
    })
}

/// A table of a drift as it is selected.
pub(super) type Place = (stratigraph_engine::BranchName, TableKey);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_names_tell_them_apart() {
        assert_eq!(distinct(&["01ABCDEF", "01ABCDXX"]), 6);
        assert_eq!(distinct(&["01XABCDEF", "01YABCDEF"]), 7);
        assert_eq!(distinct(&["AB", "CD"]), 6);
        assert_eq!(tail("AB", 6), "AB");
        assert_eq!(tail("01ABCDEF", 6), "ABCDEF");
        assert_eq!(tail("ÄÖÜäöüß", 6), "ÖÜäöüß");
    }
}
