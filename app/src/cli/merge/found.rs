//! What a merge would do and what of it is open, given the decisions; and the file to decide the rest in.

use std::collections::HashSet;
use std::path::Path;

use serde_json::json;
use stratigraph_engine::merge::{Conflict, ConflictKey, MergeDecisions, MergePlan, StaleDecision, TableMerge};
use stratigraph_engine::{BranchName, Graph, Progress};

use super::given::Given;
use crate::cli::error::{CliError, note};
use crate::cli::output::Out;
use crate::cli::target::confirm;
use crate::theme::Role;

/// A plan with the decisions that were given.
pub(super) struct Found {
    pub(super) plan: MergePlan,
    pub(super) decisions: MergeDecisions,
    /// Every table in key order, untouched ones too, as the decisions make it.
    pub(super) tables: Vec<TableMerge>,
    pub(super) open: Vec<Conflict>,
    /// Number of conflicts that the decisions settle.
    pub(super) decided: usize,
    pub(super) stale: Vec<StaleDecision>,
    /// Decisions of the file that do nothing; `--take` may find nothing to decide.
    pub(super) idle: Vec<StaleDecision>,
}

impl Found {
    /// Plans the merge; decisions are checked if there are any.
    pub(super) async fn find(
        graph: &Graph,
        source: &BranchName,
        target: &BranchName,
        given: &Given,
        progress: &Progress,
    ) -> Result<Self, CliError> {
        let plan = graph.merge_plan(source, target, progress).await?;
        let decisions = given.decisions(&plan);
        if given.is_empty() {
            let (tables, open) = (plan.tables().to_vec(), plan.conflicts().to_vec());
            return Ok(Self { plan, decisions, tables, open, decided: 0, stale: Vec::new(), idle: Vec::new() });
        }
        let check = graph.merge_check(&plan, &decisions, progress).await.map_err(|error| given.numbered(error))?;
        let idle = check.idle.into_iter().filter(|idle| given.is_in_file(idle.decision)).collect();
        Ok(Self {
            plan,
            decisions,
            tables: check.tables,
            open: check.open,
            decided: check.decided.len(),
            stale: check.stale,
            idle,
        })
    }

    /// Whether all of its conflicts were there before, about the same rows.
    pub(super) fn has_no_conflict_beyond(&self, before: &Self) -> bool {
        let known: HashSet<(&ConflictKey, &str)> = before.plan.conflicts().iter().map(identity).collect();
        self.plan.conflicts().iter().map(identity).all(|conflict| known.contains(&conflict))
    }

    /// The decisions that are not used, in their order.
    pub(super) fn unused(&self) -> Vec<&StaleDecision> {
        let mut unused: Vec<&StaleDecision> = self.stale.iter().chain(&self.idle).collect();
        unused.sort_by_key(|unused| unused.decision);
        unused
    }

    /// Says which decisions are not used.
    pub(super) fn note_unused(&self, given: &Given) {
        for stale in self.unused() {
            note(&format!("{} is not used: {}", given.name(stale.decision), stale.reason));
        }
    }

    /// Says that the branches may have more in common than is known.
    pub(super) fn note_unknown(&self) {
        for commit in self.plan.unknown_commits() {
            note(&format!(
                "commit {commit} was merged by one side and is gone with its branch, and no merge recorded what it descends \
                 from: a row that the other side deleted since may come back; look for it in the preview"
            ));
        }
    }

    /// The decisions that hold, bound to the heads of the plan, and all that is open, undecided.
    fn template(&self) -> MergeDecisions {
        let plan = &self.plan;
        let mut template = MergeDecisions::template(plan.source(), plan.target(), plan.heads(), &self.open);
        let holds = |index: usize| !self.stale.iter().any(|stale| stale.decision == index);
        let kept = self.decisions.decisions.iter().enumerate();
        let kept = kept.filter(|(index, decision)| decision.choice.is_some() && holds(*index));
        let kept: Vec<_> = kept.map(|(_, decision)| decision.clone()).collect();
        template.decisions.splice(0..0, kept);
        template
    }
}

fn identity(conflict: &Conflict) -> (&ConflictKey, &str) {
    (&conflict.key, &conflict.rows)
}

/// Writes the file to decide in. A file that is there is replaced after a yes only: it may hold decisions.
pub(super) async fn write(found: &Found, path: &Path, yes: bool, out: &mut Out) -> Result<(), CliError> {
    let name = path.display().to_string();
    if path.exists() {
        confirm(format!("replace {name}?"), yes).await?;
    }
    let text = found.template().to_annotated_json(&found.open);
    std::fs::write(path, text).map_err(|source| CliError::Unwritten { path: name.clone(), source })?;
    let open = found.open.len();
    if out.is_json() {
        return out.json(&json!({ "decisions": name, "undecided": open }));
    }
    out.line("")?;
    let conflicts = if open == 1 { "conflict" } else { "conflicts" };
    let name = out.cell(Role::Title, &name).painted;
    out.line(&format!("wrote {name} with {open} {conflicts} to decide"))
}
