//! What became of a write in a table that stands still, although its branch pins a later version than the write expected. Pure.
//!
//! The format takes such a table for published (graph-format §10.5). That is not always so: recovery publishes a restored version,
//! too, and may stop before it has recorded that; and others may have written to a table that the write never got to. A merge that is
//! recorded as done by mistake is lost, because later merges find nothing to do. So the versions in between are asked.

use super::classify::{Mode, Standing};
use crate::storage::{OPERATION_ID, Origin};

/// What became of a write in one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
pub enum Fate {
    /// Nothing of it is visible.
    Unpublished,
    /// It is visible.
    Published,
    /// Recovery took it back.
    TakenBack {
        /// The version it had reached.
        head: u64,
        /// The version that was restored.
        to: u64,
    },
}

/// Tells a table's fate from the versions after the expected one, oldest first; none if the branch does not show the lineage that the
/// write lands on.
///
/// A restore to the expected version or an older one undid the write: those of later writes go to a version that shows it. A first
/// version that another operation marked as its own is not this write's. A merge is published only if something proves it: it
/// confirmed a version that is visible, or marked one of the versions.
pub(super) fn fate(mode: Mode, table: Standing, origins: Option<&[Origin]>, operation_id: &str) -> Fate {
    if table.pinned <= table.expected {
        return Fate::Unpublished;
    }
    let Some(origins) = origins else {
        return if mode == Mode::Confirmed { Fate::Unpublished } else { Fate::Published };
    };
    let undone = origins.iter().find_map(|origin| {
        let to = origin.restored.filter(|&to| to <= table.expected)?;
        Some(Fate::TakenBack { head: origin.version - 1, to })
    });
    if let Some(undone) = undone {
        return undone;
    }
    let first = origins.iter().find(|origin| origin.version == table.expected + 1);
    if first.and_then(|origin| origin.notes.get(OPERATION_ID)).is_some_and(|id| id != operation_id) {
        return Fate::Unpublished;
    }
    let is_confirmed = table.confirmed.is_some_and(|confirmed| confirmed <= table.pinned);
    let is_marked = || origins.iter().any(|origin| origin.notes.get(OPERATION_ID).is_some_and(|id| id == operation_id));
    if mode != Mode::Confirmed || is_confirmed || is_marked() { Fate::Published } else { Fate::Unpublished }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "01JY2Z8Q5R0000000000000004";

    fn standing(confirmed: Option<u64>, pinned: u64) -> Standing {
        Standing { expected: 4, planned: 5, confirmed, pinned, head: pinned }
    }

    fn origin(version: u64, restored: Option<u64>, operation_id: Option<&str>) -> Origin {
        let notes = operation_id.map(|id| (OPERATION_ID.to_owned(), id.to_owned())).into_iter().collect();
        Origin { version, restored, notes }
    }

    #[test]
    fn a_pin_that_did_not_move_shows_nothing() {
        for mode in [Mode::Strict, Mode::Loose, Mode::Confirmed] {
            assert_eq!(fate(mode, standing(Some(5), 4), Some(&[]), OURS), Fate::Unpublished);
        }
    }

    #[test]
    fn a_restore_to_what_was_before_took_it_back() {
        let half_undone = [origin(5, None, Some(OURS)), origin(6, Some(4), None), origin(7, None, None)];
        for mode in [Mode::Strict, Mode::Loose, Mode::Confirmed] {
            let found = fate(mode, standing(None, 7), Some(&half_undone), OURS);
            assert_eq!(found, Fate::TakenBack { head: 5, to: 4 });
        }
        let later_undone = [origin(5, None, Some(OURS)), origin(6, None, None), origin(7, Some(5), None)];
        assert_eq!(fate(Mode::Confirmed, standing(Some(5), 7), Some(&later_undone), OURS), Fate::Published);
    }

    #[test]
    fn a_version_that_another_operation_made_is_not_the_writes() {
        let others = [origin(5, None, Some("01JY2Z8Q5R0000000000000009")), origin(6, None, None)];
        for mode in [Mode::Strict, Mode::Loose, Mode::Confirmed] {
            assert_eq!(fate(mode, standing(Some(5), 6), Some(&others), OURS), Fate::Unpublished);
        }
    }

    #[test]
    fn a_merge_is_published_only_if_something_proves_it() {
        let unmarked = [origin(5, None, None), origin(6, None, None)];
        assert_eq!(fate(Mode::Confirmed, standing(None, 6), Some(&unmarked), OURS), Fate::Unpublished);
        assert_eq!(fate(Mode::Confirmed, standing(Some(7), 6), Some(&unmarked), OURS), Fate::Unpublished);
        assert_eq!(fate(Mode::Confirmed, standing(Some(6), 6), Some(&unmarked), OURS), Fate::Published);
        assert_eq!(fate(Mode::Confirmed, standing(Some(6), 6), None, OURS), Fate::Unpublished, "another lineage");
        let ours = [origin(5, None, Some(OURS))];
        assert_eq!(fate(Mode::Confirmed, standing(None, 5), Some(&ours), OURS), Fate::Published);
        for mode in [Mode::Strict, Mode::Loose] {
            assert_eq!(fate(mode, standing(None, 6), Some(&[]), OURS), Fate::Published, "as the format has it");
        }
    }
}
