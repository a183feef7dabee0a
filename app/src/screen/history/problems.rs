//! What is wrong with a history, sorted once by what it concerns, so that drawing only looks it up.

use std::collections::HashMap;

use stratigraph_engine::{CommitId, HistoryProblem};

/// The problems of one history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    all: Vec<HistoryProblem>,
    /// Parents that no branch holds any more, by the commit that names them.
    missing: HashMap<CommitId, Vec<CommitId>>,
    general: Vec<HistoryProblem>,
}

impl Problems {
    /// Sorts problems. O(problems).
    #[must_use]
    pub fn new(all: &[HistoryProblem]) -> Self {
        let mut problems = Self { all: all.to_vec(), ..Self::default() };
        for problem in all {
            match problem {
                HistoryProblem::DanglingParent { commit, parent } => {
                    problems.missing.entry(*commit).or_default().push(*parent);
                }
                // The engine's enum is open; what this version does not know concerns the whole history.
                general => problems.general.push(general.clone()),
            }
        }
        problems
    }

    /// All of them, as the engine lists them.
    #[must_use]
    pub fn all(&self) -> &[HistoryProblem] {
        &self.all
    }

    /// Those that concern no single commit, as the engine lists them.
    #[must_use]
    pub fn general(&self) -> &[HistoryProblem] {
        &self.general
    }

    /// Parents of a commit that no branch holds any more.
    #[must_use]
    pub fn missing_parents(&self, commit: CommitId) -> &[CommitId] {
        self.missing.get(&commit).map_or(&[], Vec::as_slice)
    }

    /// Commits that lack a parent, in no particular order.
    pub fn broken_commits(&self) -> impl Iterator<Item = CommitId> + '_ {
        self.missing.keys().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_told_where_they_belong() {
        let id = CommitId::from_u128;
        let dangling = |commit, parent| HistoryProblem::DanglingParent { commit: id(commit), parent: id(parent) };
        let actors = HistoryProblem::UnreadableActors { reason: "gone".to_owned() };
        let all = [dangling(7, 1), actors.clone(), dangling(9, 3), dangling(7, 2)];
        let problems = Problems::new(&all);
        assert_eq!(problems.all(), all);
        assert_eq!(problems.general(), [actors]);
        assert_eq!(problems.missing_parents(id(7)), [id(1), id(2)]);
        assert!(problems.missing_parents(id(1)).is_empty(), "the missing commit itself lacks nothing");
        let mut broken: Vec<CommitId> = problems.broken_commits().collect();
        broken.sort_unstable();
        assert_eq!(broken, [id(7), id(9)]);
    }
}
