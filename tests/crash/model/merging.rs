//! Merges of the world: what the engine finds is what the model finds, decided or not, one way and the other.

use anyhow::{Context, Result, ensure};
use stratigraph_engine::merge::{
    Choice, Conflict, ConflictDetail, ConflictKind, Decision, MergeDecisions, MergeOutcome, MergePlan, Rule,
};
use stratigraph_engine::{BranchName, CommitId, ErrorKind, Progress, fail as points};

use super::BRANCHES;
use super::merge::{Clash, Merged, Merging, Pick, States};
use super::world::World;
use crate::small::{Content, content, merge, undecided};

/// Names of branches that are made to merge the other way round.
const COPIES: [&str; 2] = ["x", "y"];

fn found_bases(plan: &MergePlan) -> impl Iterator<Item = CommitId> {
    std::iter::once(plan.heads().base).chain(plan.other_bases().iter().copied())
}

fn clash(conflict: &Conflict) -> Clash {
    let key = &conflict.key;
    let end = match &conflict.detail {
        ConflictDetail::Orphan { role, end, .. } => Some((role.clone(), end.clone())),
        ConflictDetail::Row { .. }
        | ConflictDetail::Unique { .. }
        | ConflictDetail::Cardinality { .. }
        | ConflictDetail::Value { .. } => None,
    };
    (key.table.to_string(), key.kind, key.id.clone(), end)
}

fn clashes(conflicts: &[Conflict]) -> Vec<Clash> {
    let mut found: Vec<Clash> = conflicts.iter().map(clash).collect();
    found.sort();
    found
}

/// How many rows come, change and go between two states of a table.
fn counts<R: PartialEq>(
    from: &std::collections::BTreeMap<String, R>,
    to: &std::collections::BTreeMap<String, R>,
) -> [usize; 3] {
    let new = to.keys().filter(|id| !from.contains_key(*id)).count();
    let changed = to.iter().filter(|(id, row)| from.get(*id).is_some_and(|old| old != *row)).count();
    [new, changed, from.keys().filter(|id| !to.contains_key(*id)).count()]
}

fn check_counts(plan: &MergePlan, from: &Content, to: &Content) -> Result<()> {
    for table in plan.tables() {
        let expected = match table.key.to_string().as_str() {
            "node:Person" => counts(&from.people, &to.people),
            _ => counts(&from.edges, &to.edges),
        };
        let found =
            [table.appends, table.upserts, table.deletes].map(|count| usize::try_from(count).unwrap_or(usize::MAX));
        ensure!(found == expected, "{}: {found:?} rows instead of {expected:?}", table.key);
    }
    Ok(())
}

impl World {
    /// What the model says of merging two branches, and the state of the source it merges.
    fn outcome(&self, source: &BranchName, target: &BranchName) -> Option<MergeOutcome> {
        let (source, target) = (self.history.head(source)?, self.history.head(target)?);
        Some(if self.history.ancestors(target).contains(&source) {
            MergeOutcome::AlreadyUpToDate
        } else if self.history.ancestors(source).contains(&target) {
            MergeOutcome::FastForward
        } else {
            MergeOutcome::Merged
        })
    }

    /// The states of a merge, as if no branch were gone.
    fn states(&self, source: &BranchName, target: &BranchName) -> Option<States<'_>> {
        let (source_head, target_head) = (self.history.head(source)?, self.history.head(target)?);
        let bases = self.history.bases(source_head, target_head).into_values().collect();
        Some(States { bases, source: self.model.get(source)?, target: self.model.get(target)? })
    }

    pub(super) async fn merge(&mut self, merging: &Merging) -> Result<()> {
        let source: BranchName = BRANCHES[merging.source].parse()?;
        let target: BranchName = BRANCHES[merging.target].parse()?;
        if !self.graph.sidecars().await?.is_empty() {
            // What is left of a finished write would move a branch after the merge is planned.
            self.reopen().await?;
            self.follow().await?;
        }
        let planned = self.graph.merge_plan(&source, &target, &Progress::none()).await;
        if planned.as_ref().is_ok_and(|plan| !plan.unknown_commits().is_empty()) {
            // A merge that changed nothing noted nothing of what it brought: the engine says that it cannot know.
            self.tally.add("commits unknown");
            return Ok(());
        }
        let Some(outcome) = self.outcome(&source, &target).filter(|_| source != target) else {
            let error = planned.err().context("branches that are not there are merged")?;
            ensure!(matches!(error.kind(), ErrorKind::Invalid | ErrorKind::NotFound), "{error}");
            return Ok(());
        };
        let plan = match planned {
            Err(error) if error.to_string().contains("was deleted") => {
                ensure!(error.kind() == ErrorKind::NotFound, "{error}");
                self.tally.add("base lost");
                return Ok(());
            }
            planned => planned?,
        };
        ensure!(plan.outcome() == outcome, "{:?} instead of {outcome:?}", plan.outcome());
        self.tally.add(outcome.to_string());
        if outcome == MergeOutcome::AlreadyUpToDate {
            let merged = merge(&self.graph, &source, &target).await?;
            ensure!(merged.written.is_none() && plan.conflicts().is_empty(), "{merged:?}");
            return Ok(());
        }
        let gone = found_bases(&plan).any(|id| self.history.is_gone(id));
        if gone {
            self.tally.add("base told by merges");
            let conflicts = clashes(plan.conflicts());
            let expected = self.states(&source, &target).context("the branches are there")?.merged().open;
            if conflicts != expected {
                // What a decision settled is told by no merge: such rows are asked about, and no others are left out.
                ensure!(
                    expected.iter().all(|clash| conflicts.contains(clash)),
                    "{conflicts:?} instead of {expected:?}"
                );
                self.tally.add("base told by merges but for decided rows");
                return Ok(());
            }
        }
        let (decisions, expected) = self.decide(&plan, merging).await?;
        if plan.conflicts().is_empty() && merging.both_ways {
            self.both_ways(&source, &target, &expected.content).await?;
        }
        let all: Vec<&str> = points::WRITE.into_iter().chain(points::MERGE).collect();
        let point = merging.fails.map(|number| all[number]);
        if let Some(point) = point {
            fail::cfg(point, "return").expect("a valid action");
        }
        let merged = self.graph.merge(&plan, &decisions, None, &Progress::none()).await;
        if expected.open.is_empty() {
            let source_head = self.history.head(&source);
            self.tally.add(if merged.is_ok() { "merged" } else { "merge that failed" });
            self.done(&target, merged.map(drop), Some(expected.content), source_head, point).await?;
        } else {
            ensure!(merged.is_err(), "a merge was carried out that has open conflicts");
            self.done(&target, merged.map(drop), None, None, point).await?;
        }
        if point.is_none() && expected.open.is_empty() {
            let again = merge(&self.graph, &source, &target).await?;
            ensure!(again.outcome == MergeOutcome::AlreadyUpToDate && again.written.is_none(), "{again:?}");
        }
        Ok(())
    }

    /// Compares the conflicts, decides them, and compares what the decisions come to.
    async fn decide(&self, plan: &MergePlan, merging: &Merging) -> Result<(MergeDecisions, Merged)> {
        let states = self.states(plan.source(), plan.target()).context("the last common states are there")?;
        let bases = self.history.bases(plan.heads().source, plan.heads().target);
        let found: Vec<CommitId> = found_bases(plan).collect();
        ensure!(found.len() == bases.len() && found.iter().all(|id| bases.contains_key(id)), "{found:?} {bases:?}");
        let expected = states.merged();
        let conflicts = clashes(plan.conflicts());
        ensure!(conflicts == expected.open, "{conflicts:?} instead of {:?}", expected.open);
        for clash in &conflicts {
            self.tally.add(clash.1.to_string());
        }
        if bases.len() > 1 {
            self.tally.add("several bases");
        }
        check_counts(plan, states.target, &expected.content)?;
        self.check_reverse(plan, &conflicts).await?;

        let mut decisions = undecided(plan);
        let mut picks: Vec<(Clash, Pick)> = Vec::new();
        for (number, conflict) in plan.conflicts().iter().enumerate().skip(usize::from(merging.leaves_one)) {
            let clash = clash(conflict);
            let choices = states.choices(&clash, merging.value);
            let pick = choices[usize::from(merging.picks[number % merging.picks.len()]) % choices.len()];
            decisions.decisions.push(Decision::by_hand(conflict, Some(pick.choice(&clash.0))));
            picks.push((clash, pick));
        }
        let mut merged = states.decided(&picks, false);
        self.check(plan, &decisions, &merged).await?;
        if !merged.open.is_empty() {
            self.tally.add("decisions that leave something open");
            let refused = self.graph.merge(plan, &decisions, None, &Progress::none()).await;
            let error = refused.err().context("a merge was carried out that has open conflicts")?;
            ensure!(error.kind() == ErrorKind::Conflict, "{error}");
            let rule = Rule { kind: Some(ConflictKind::OrphanEdge), ..Rule::default() };
            decisions.decisions.push(Decision::by_rule(rule, Choice::Drop));
            merged = states.decided(&picks, true);
            self.check(plan, &decisions, &merged).await?;
        }
        Ok((decisions, merged))
    }

    async fn check(&self, plan: &MergePlan, decisions: &MergeDecisions, expected: &Merged) -> Result<()> {
        let check = self.graph.merge_check(plan, decisions, &Progress::none()).await?;
        let open = clashes(&check.open);
        ensure!(open == expected.open, "with {decisions:?}: {open:?} are open instead of {:?}", expected.open);
        Ok(())
    }

    /// The same conflicts the other way round; whether an edge lacks a node depends on what is undecided, which stays as it is.
    async fn check_reverse(&self, plan: &MergePlan, conflicts: &[Clash]) -> Result<()> {
        let reverse = self.graph.merge_plan(plan.target(), plan.source(), &Progress::none()).await?;
        if reverse.outcome() == MergeOutcome::AlreadyUpToDate {
            return Ok(());
        }
        let reverse = clashes(reverse.conflicts());
        let of_rows = |clashes: &[Clash]| -> Vec<Clash> {
            clashes.iter().filter(|clash| clash.1 != ConflictKind::OrphanEdge).cloned().collect()
        };
        ensure!(of_rows(&reverse) == of_rows(conflicts), "{reverse:?} the other way round, {conflicts:?} this way");
        ensure!(!of_rows(&reverse).is_empty() || reverse == conflicts, "{reverse:?} and {conflicts:?}");
        Ok(())
    }

    /// Merges copies of two branches into each other: both show the same then.
    async fn both_ways(&self, source: &BranchName, target: &BranchName, expected: &Content) -> Result<()> {
        self.tally.add("both ways");
        let [x, y]: [BranchName; 2] = [COPIES[0].parse()?, COPIES[1].parse()?];
        self.graph.create_branch(&x, target).await?;
        self.graph.create_branch(&y, source).await?;
        merge(&self.graph, source, &x).await.context("into a copy of the target")?;
        merge(&self.graph, target, &y).await.context("into a copy of the source")?;
        for copy in [&x, &y] {
            let found = content(&self.graph, copy).await?;
            ensure!(found == *expected, "{copy}: {found:?} instead of {expected:?}");
        }
        self.graph.delete_branch(&y).await?;
        Ok(self.graph.delete_branch(&x).await?)
    }
}
