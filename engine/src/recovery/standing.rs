//! Where the tables of an interrupted write stand, observed and judged.

use std::collections::BTreeMap;

use super::classify::{Mode, Standing, classify};
use super::decide::Judged;
use super::fate::{Fate, fate};
use super::outlook::{Foreseen, Outlook};
use super::{Classification, Pin, Sidecar};
use crate::error::{ErrorKind, Result};
use crate::id::{BranchName, TableKey};
use crate::manifest::{self, TableEntry};
use crate::storage::{LineageRef, OPERATION_ID, Origin, Storage, Table};

/// One pinned table of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableStanding {
    /// The table, as the sidecar names it.
    pub table_key: String,
    /// Its folder under the root.
    pub path: String,
    /// Lineage the write lands on; none for the main one.
    pub lineage: Option<String>,
    /// Pin before the write.
    pub expected: u64,
    /// Head the write planned to reach.
    pub planned: u64,
    /// Pin of the branch; 0 if it does not show the table.
    pub pinned: u64,
    /// Head of the lineage; the pin if there is no such lineage.
    pub head: u64,
    /// What happened to it.
    pub classification: Classification,
    /// What became of the write in it, if it did not move.
    pub fate: Fate,
}

/// The branch of an interrupted write, as it is.
pub(super) struct Branch<'b> {
    pub(super) name: &'b BranchName,
    /// The reference that makes it; none for main.
    pub(super) made: Option<&'b LineageRef>,
    pub(super) manifest: &'b Table,
    pub(super) entries: &'b BTreeMap<TableKey, TableEntry>,
}

/// One table, with what is known of it beside its standing.
pub(super) struct Observed {
    pub(super) standing: TableStanding,
    /// Whether the branch shows the lineage that the write lands on, so that its head past the pin is no leftover.
    pub(super) is_shown: bool,
    /// Whether the branch's own versions, or a fork that is younger than it, prove that the write was to it.
    pub(super) is_proved: bool,
}

impl Observed {
    pub(super) fn judged(&self) -> Judged {
        let TableStanding { classification, fate, pinned, expected, .. } = self.standing;
        Judged { classification, fate, is_before: pinned < expected }
    }

    /// The same table if the write was to an earlier branch of the name: what is on a lineage that the branch does not show is
    /// left from that.
    pub(super) fn of_former_branch(mut self) -> Self {
        if !self.is_shown {
            self.standing.head = self.standing.pinned;
            self.standing.classification = Classification::NoMovement;
        }
        self.standing.fate = Fate::Unpublished;
        self
    }
}

/// Observes all tables of a record that fits its branch.
pub(super) async fn observe_all(
    storage: &Storage,
    sidecar: &Sidecar,
    branch: &Branch<'_>,
    outlook: &Outlook,
) -> Result<Vec<Observed>> {
    let mut tables = Vec::with_capacity(sidecar.tables.len());
    for pin in &sidecar.tables {
        let entry = pin.table_key.parse::<TableKey>().ok().and_then(|key| branch.entries.get(&key));
        let entry = entry.expect("the record fits the branch");
        tables.push(observe(storage, sidecar, (pin, entry), branch, outlook).await?);
    }
    Ok(tables)
}

async fn observe(
    storage: &Storage,
    sidecar: &Sidecar,
    (pin, entry): (&Pin, &TableEntry),
    branch: &Branch<'_>,
    outlook: &Outlook,
) -> Result<Observed> {
    let mode = Mode::of(sidecar.writer_kind, sidecar.schema_version);
    let (path, lineage) = (entry.path.to_string(), pin.table_branch.as_deref());
    let now = || Foreseen { lineage: entry.stored_lineage().map(str::to_owned), version: entry.version.get() };
    let shown = outlook.shown(branch.name, &pin.table_key).cloned().unwrap_or_else(now);
    let is_shown = shown.lineage.as_deref() == lineage;
    let pinned = shown.version;
    let head = match outlook.head(&path, lineage) {
        Some(head) => head,
        None if is_shown => storage.head(&path, lineage).await?,
        None => head_of_fork(storage, (&path, lineage), &shown, branch.made).await?.unwrap_or(pinned),
    };
    let (expected, planned, confirmed) = (pin.expected_version, pin.post_commit_pin, pin.confirmed_version);
    let standing = Standing { expected, planned, confirmed, pinned, head };
    let is_asked = head > pinned && !branch.name.is_main() || head == pinned && pinned > expected;
    let known = match is_shown && is_asked && pinned >= expected {
        true => origins(storage, (&path, lineage), (expected, head), outlook.restores(&path, lineage)).await?,
        false => None,
    };
    let is_ours = |origin: &Origin| origin.notes.get(OPERATION_ID) == Some(&sidecar.operation_id);
    let was_shown = match !is_shown && pinned > expected {
        true => manifest::has_shown(branch.manifest, &entry.key, lineage, expected).await?,
        false => false,
    };
    let fate = match is_shown || was_shown {
        true => fate(mode, standing, known.as_deref().filter(|_| head == pinned), &sidecar.operation_id),
        // The branch never showed a version of that lineage past the expected one.
        false => Fate::Unpublished,
    };
    Ok(Observed {
        is_shown,
        is_proved: was_shown || (!is_shown && head > pinned) || known.iter().flatten().any(is_ours),
        standing: TableStanding {
            table_key: pin.table_key.clone(),
            path,
            lineage: pin.table_branch.clone(),
            expected,
            planned,
            pinned,
            head,
            classification: classify(mode, standing),
            fate,
        },
    })
}

/// The head of a lineage that the branch does not show, if that is the fork which the write made off the state that the branch shows.
/// Others of the name are left from what was there before, and say nothing of the write; so are those that are older than the branch.
async fn head_of_fork(
    storage: &Storage,
    (path, lineage): (&str, Option<&str>),
    shown: &Foreseen,
    made: Option<&LineageRef>,
) -> Result<Option<u64>> {
    let Some(name) = lineage else { return Ok(Some(storage.head(path, None).await?)) };
    let lineages = storage.lineages(path).await?;
    let is_off = |fork: &LineageRef| fork.parent == shown.lineage && fork.parent_version == shown.version;
    let is_of_branch = |fork: &LineageRef| made.is_none_or(|made| fork.created_at_seconds >= made.created_at_seconds);
    let fork = lineages.iter().find(|fork| fork.name == name);
    if !fork.is_some_and(|fork| is_off(fork) && is_of_branch(fork)) {
        return Ok(None);
    }
    match storage.head(path, lineage).await {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        head => Ok(Some(head?)),
    }
}

/// What made the versions after one, up to another, of which the last may only be foreseen; none if they are not there.
async fn origins(
    storage: &Storage,
    (path, lineage): (&str, Option<&str>),
    (after, to): (u64, u64),
    foreseen: &[Origin],
) -> Result<Option<Vec<Origin>>> {
    let stored = foreseen.first().map_or(to, |first| first.version - 1);
    let mut found = match storage.open(path, lineage, Some(stored)).await {
        Ok(table) => table.origins(after).await?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    found.extend(foreseen.iter().filter(|origin| origin.version > after).cloned());
    Ok(Some(found))
}
