//! What becomes of the files that a schema change was about to put in place (graph-format §3.3). Pure.
//!
//! A schema change writes its three files beside the accepted ones, publishes, and then puts them in place, the source first. What
//! is found later tells how far it came:
//!
//! | found | so | action |
//! |---|---|---|
//! | the accepted files disagree, with the staged ones over them they agree and have the manifest's tables | it was putting them in place | promote |
//! | a sidecar of a schema change, the staged files agree | recovery finishes it | promote |
//! | the staged files stand for the accepted schema, or are not all there | nothing to take over, or nothing was published | discard |
//! | the manifest has the tables of the accepted schema and not those of the staged one | nothing was published | discard |
//! | the manifest has the tables of the staged schema and not those of the accepted one | it was published | promote |
//! | anything else | it cannot be told | refuse |

use std::collections::BTreeSet;

use super::contract::{ContractError, ContractOrigin, SchemaContract};
use crate::id::TableKey;

/// The texts of the three schema files; none for a file that does not exist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContractTexts {
    /// `_schema.pg`
    pub source: Option<String>,
    /// `_schema.ir.json`
    pub ir: Option<String>,
    /// `__schema_state.json`
    pub state: Option<String>,
}

impl ContractTexts {
    /// Whether there is no file at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// These files where they exist, else the others.
    #[must_use]
    pub fn over(&self, below: &Self) -> Self {
        Self {
            source: self.source.clone().or_else(|| below.source.clone()),
            ir: self.ir.clone().or_else(|| below.ir.clone()),
            state: self.state.clone().or_else(|| below.state.clone()),
        }
    }

    /// Checks that they agree.
    ///
    /// # Errors
    /// As [`SchemaContract::check`]; a source that does not exist is an empty one.
    pub fn check(&self) -> Result<SchemaContract, ContractError> {
        SchemaContract::check(self.source.as_deref().unwrap_or(""), self.ir.as_deref(), self.state.as_deref())
    }

    fn is_complete(&self) -> bool {
        self.source.is_some() && self.ir.is_some() && self.state.is_some()
    }
}

/// What is done about staged schema files when a graph is opened for writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StagedSchema {
    /// There are none.
    #[default]
    None,
    /// They take the places of the accepted ones.
    Promote,
    /// They are removed.
    Discard,
}

/// Decides about staged files. `manifest` are the tables that main shows; `has_sidecar` says whether a schema change left a
/// sidecar.
///
/// # Errors
/// [`ContractError::Unsettled`] if it cannot be told whether the change was published; what is wrong with the accepted files if
/// the staged ones do not explain it.
pub(crate) fn decide(
    accepted: &ContractTexts,
    staged: &ContractTexts,
    has_sidecar: bool,
    manifest: &BTreeSet<TableKey>,
) -> Result<StagedSchema, ContractError> {
    if staged.is_empty() {
        return Ok(StagedSchema::None);
    }
    let (before, after) = (accepted.check(), staged.over(accepted).check());
    let (before, after) = match (before, after) {
        (Err(_), Ok(after)) if has_sidecar || tables(&after) == *manifest => return Ok(StagedSchema::Promote),
        (Err(error), Ok(_) | Err(_)) => return Err(error),
        (Ok(before), Err(_)) if has_sidecar || !staged.is_complete() && staged.source.is_some() => {
            drop(before);
            return Ok(StagedSchema::Discard);
        }
        (Ok(before), Err(_)) if before.origin() == ContractOrigin::Derived => return Ok(StagedSchema::Discard),
        (Ok(_), Err(_)) => return Err(ContractError::Unsettled),
        (Ok(before), Ok(after)) => (before, after),
    };
    if has_sidecar || (before.origin(), after.origin()) == (ContractOrigin::Derived, ContractOrigin::Recorded) {
        return Ok(StagedSchema::Promote);
    }
    if before.hash() == after.hash() {
        return Ok(StagedSchema::Discard);
    }
    match (tables(&before) == *manifest, tables(&after) == *manifest) {
        (true, false) => Ok(StagedSchema::Discard),
        (false, true) => Ok(StagedSchema::Promote),
        (true, true) | (false, false) => Err(ContractError::Unsettled),
    }
}

fn tables(contract: &SchemaContract) -> BTreeSet<TableKey> {
    contract.catalog().tables().map(super::TableType::key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "node Person { name: String @key }";
    const WIDER: &str = "node Person { name: String @key age: I32? }";
    const MORE: &str = "node Person { name: String @key }\nnode City { name: String @key }";

    fn files(source: &str) -> ContractTexts {
        let contract = SchemaContract::check(source, None, None).unwrap();
        let (ir, state) = (contract.ir().to_pretty_json(), contract.state().to_pretty_json());
        ContractTexts { source: Some(source.to_owned()), ir: Some(ir), state: Some(state) }
    }

    fn keys(source: &str) -> BTreeSet<TableKey> {
        tables(&SchemaContract::check(source, None, None).unwrap())
    }

    /// What is decided; none if it is refused.
    fn decided(
        accepted: &ContractTexts,
        staged: &ContractTexts,
        has_sidecar: bool,
        manifest: &str,
    ) -> Option<StagedSchema> {
        decide(accepted, staged, has_sidecar, &keys(manifest)).ok()
    }

    #[test]
    fn every_row_of_the_table() {
        use StagedSchema::{Discard, None as Nothing, Promote};
        let (old, wider, more, none) = (files(OLD), files(WIDER), files(MORE), ContractTexts::default());
        let cases = [
            (&old, &none, false, OLD, Some(Nothing)),
            (&old, &none, true, OLD, Some(Nothing)),
            (&old, &wider, true, OLD, Some(Promote)),
            (&old, &more, true, OLD, Some(Promote)),
            (&old, &old, false, OLD, Some(Discard)),
            (&old, &wider, false, OLD, None),
            (&old, &more, false, OLD, Some(Discard)),
            (&old, &more, false, MORE, Some(Promote)),
            (&more, &old, false, OLD, Some(Promote)),
            (&old, &more, false, "node Other { name: String @key }", None),
        ];
        for (number, (accepted, staged, has_sidecar, manifest, expected)) in cases.into_iter().enumerate() {
            assert_eq!(decided(accepted, staged, has_sidecar, manifest), expected, "case {number}");
        }
    }

    #[test]
    fn files_that_are_half_in_place_are_put_there() {
        let (old, wider) = (files(OLD), files(WIDER));
        let renamed_source = ContractTexts { source: wider.source.clone(), ..old.clone() };
        let rest = ContractTexts { source: None, ..wider.clone() };
        assert_eq!(decided(&renamed_source, &rest, false, OLD), Some(StagedSchema::Promote));
        let renamed_both = ContractTexts { state: old.state.clone(), ..wider.clone() };
        let state = ContractTexts { state: wider.state.clone(), ..ContractTexts::default() };
        assert_eq!(decided(&renamed_both, &state, true, OLD), Some(StagedSchema::Promote));
        // Stores without renaming copy and delete: both may be there.
        assert_eq!(decided(&renamed_source, &wider, false, OLD), Some(StagedSchema::Promote));
        // Files that were changed by hand are no reason to put in place what was not published.
        let more = files(MORE);
        let edited = ContractTexts { source: Some("node Person { name: I32 @key }".to_owned()), ..old.clone() };
        assert_eq!(decided(&edited, &more, false, OLD), None);
        assert_eq!(decided(&edited, &more, false, MORE), Some(StagedSchema::Promote));
        // What is left does not belong to the source that is in place.
        assert_eq!(decided(&old, &rest, false, OLD), None);
    }

    #[test]
    fn files_that_are_not_all_written_were_not_published() {
        let (old, wider) = (files(OLD), files(WIDER));
        let source = ContractTexts { source: wider.source.clone(), ..ContractTexts::default() };
        for has_sidecar in [false, true] {
            assert_eq!(decided(&old, &source, has_sidecar, OLD), Some(StagedSchema::Discard));
        }
    }

    #[test]
    fn files_derived_from_the_source_can_be_derived_again() {
        let old = files(OLD);
        let alone = ContractTexts { source: old.source.clone(), ..ContractTexts::default() };
        let derived = ContractTexts { source: None, ..old.clone() };
        assert_eq!(decided(&alone, &derived, false, OLD), Some(StagedSchema::Promote));
        let half = ContractTexts { ir: old.ir.clone(), ..ContractTexts::default() };
        assert_eq!(decided(&alone, &half, false, OLD), Some(StagedSchema::Discard));
    }
}
