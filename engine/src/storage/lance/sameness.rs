//! Whether later versions of a lineage hold the same rows as an earlier one, told by what made them.

use std::collections::BTreeMap;

use lance::dataset::transaction::Operation;

use super::Table;
use super::versions::records;
use crate::storage::StorageError;

/// What a later version is to an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sameness {
    /// Every row is the same.
    Same {
        /// Whether rows may be at other addresses.
        is_rearranged: bool,
    },
    /// Rows may differ since a version.
    Differs {
        /// The version.
        version: u64,
        /// What made it (`Append`, `Update` …); none if its record is gone.
        operation: Option<String>,
    },
}

/// What an operation does to the rows of the version before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// They stay where they are.
    Keeps,
    /// They stay what they are.
    Rearranges,
    /// They are those of this version again.
    Restores(u64),
    /// Some may be others.
    Changes,
}

/// Tells what an operation does; one that is not known to keep rows may change some.
fn effect(operation: &Operation) -> Effect {
    let is_nothing = match operation {
        Operation::Append { fragments } => fragments.is_empty(),
        Operation::Delete { updated_fragments, deleted_fragment_ids, .. } => {
            updated_fragments.is_empty() && deleted_fragment_ids.is_empty()
        }
        Operation::Update { removed_fragment_ids, updated_fragments, new_fragments, compacted_sstables, .. } => {
            removed_fragment_ids.is_empty()
                && updated_fragments.is_empty()
                && new_fragments.is_empty()
                && compacted_sstables.is_empty()
        }
        Operation::CreateIndex { .. } | Operation::ReserveFragments { .. } => true,
        Operation::Rewrite { .. } => return Effect::Rearranges,
        Operation::Restore { version } => return Effect::Restores(*version),
        _ => false,
    };
    if is_nothing { Effect::Keeps } else { Effect::Changes }
}

/// Follows what made the versions after `since`, up to `to`. Pure.
fn follow(since: u64, to: u64, made: &BTreeMap<u64, (Effect, String)>) -> Sameness {
    let mut states = BTreeMap::from([(since, Sameness::Same { is_rearranged: false })]);
    for version in since + 1..=to {
        let before = states[&(version - 1)].clone();
        let (effect, operation) = match made.get(&version) {
            Some((effect, operation)) => (*effect, Some(operation.clone())),
            None => (Effect::Changes, None),
        };
        let differs = Sameness::Differs { version, operation };
        let now = match (effect, before) {
            (Effect::Restores(restored), _) => states.get(&restored).cloned().unwrap_or(differs),
            (_, before @ Sameness::Differs { .. }) => before,
            (Effect::Keeps, before) => before,
            (Effect::Rearranges, _) => Sameness::Same { is_rearranged: true },
            (Effect::Changes, _) => differs,
        };
        states.insert(version, now);
    }
    states.remove(&to).expect("the last one was just put there")
}

impl Table {
    /// Whether the version that is open holds the same rows as an earlier one of the lineage.
    ///
    /// # Errors
    /// [`StorageError::Table`].
    pub(crate) async fn sameness(&self, since: u64) -> Result<Sameness, StorageError> {
        let found = records(self, since).await?;
        let made = found
            .into_iter()
            .map(|(version, made)| (version, (effect(&made.operation), made.operation.name().to_owned())));
        Ok(follow(since, self.version(), &made.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Effect::{Changes, Keeps, Rearranges, Restores};

    /// What version 5 and those made after it come to.
    fn followed(effects: &[Effect]) -> Sameness {
        let made = (6..).zip(effects).map(|(version, effect)| (version, (*effect, format!("{effect:?}"))));
        follow(5, 5 + effects.len() as u64, &made.collect())
    }

    #[test]
    fn rows_are_the_same_where_every_step_keeps_them() {
        let same = |is_rearranged| Sameness::Same { is_rearranged };
        assert_eq!(followed(&[]), same(false));
        assert_eq!(followed(&[Keeps, Keeps]), same(false));
        assert_eq!(followed(&[Keeps, Rearranges, Keeps]), same(true));
        assert_eq!(followed(&[Changes, Restores(5)]), same(false));
        assert_eq!(followed(&[Keeps, Changes, Restores(6), Keeps]), same(false));
        assert_eq!(followed(&[Rearranges, Changes, Restores(6)]), same(true));
    }

    #[test]
    fn the_first_step_that_may_change_rows_is_named() {
        let differs = |version, operation: &str| Sameness::Differs { version, operation: Some(operation.to_owned()) };
        assert_eq!(followed(&[Keeps, Changes, Keeps]), differs(7, "Changes"));
        assert_eq!(followed(&[Changes, Restores(6)]), differs(6, "Changes"), "what it restores differs itself");
        assert_eq!(followed(&[Restores(4)]), differs(6, "Restores(4)"), "what was before is not known to be the same");
        let gone = follow(5, 7, &[(7, (Keeps, "Keeps".to_owned()))].into());
        assert_eq!(gone, Sameness::Differs { version: 6, operation: None }, "a record that is gone proves nothing");
    }

    #[test]
    fn what_removed_or_added_nothing_keeps_all() {
        let delete = |ids: &[u64]| {
            let predicate = "src IN ('Linus')".to_owned();
            Operation::Delete { updated_fragments: Vec::new(), deleted_fragment_ids: ids.to_vec(), predicate }
        };
        assert_eq!(effect(&delete(&[])), Keeps);
        assert_eq!(effect(&delete(&[0])), Changes);
        assert_eq!(effect(&Operation::Append { fragments: Vec::new() }), Keeps);
        assert_eq!(effect(&Operation::ReserveFragments { num_fragments: 3 }), Keeps);
        assert_eq!(effect(&Operation::Restore { version: 4 }), Restores(4));
        let rewrite = Operation::Rewrite { groups: Vec::new(), rewritten_indices: Vec::new(), frag_reuse_index: None };
        assert_eq!(effect(&rewrite), Rearranges);
    }
}
