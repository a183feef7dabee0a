//! Ids of stored rows that go.

use std::collections::HashMap;
use std::sync::Arc;

use super::FEW;
use super::change::{Digest, Digests, Place};
use crate::storage::TextSet;

/// The ids of one table that go, each with what deletes it.
#[derive(Debug, Default)]
pub(crate) struct DeletedIds {
    ids: HashMap<Digest, Place>,
    /// The ids themselves, up to one more than are listed.
    few: Vec<String>,
}

impl DeletedIds {
    /// Adds an id; false if it was there.
    pub(crate) fn add(&mut self, id: &str, place: Place, digests: &Digests) -> bool {
        let digest = digests.of(id);
        let is_new = !self.ids.contains_key(&digest);
        if is_new {
            self.ids.insert(digest, place);
            if self.few.len() <= FEW {
                self.few.push(id.to_owned());
            }
        }
        is_new
    }

    /// Adds everything that another one has; what both have is told to be deleted by the other one.
    pub(crate) fn extend(&mut self, other: &Self) {
        self.ids.extend(&other.ids);
        let room = (FEW + 1).saturating_sub(self.few.len());
        self.few.extend(other.few.iter().take(room).cloned());
    }

    pub(crate) fn has(&self, id: Digest) -> bool {
        self.ids.contains_key(&id)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// What deletes a row.
    pub(super) fn place(&self, id: Digest) -> Option<Place> {
        self.ids.get(&id).copied()
    }

    /// The ids themselves, unless they are too many to be listed.
    pub(super) fn few(&self) -> Option<&[String]> {
        (self.few.len() <= FEW).then_some(&self.few)
    }

    /// The ids as a set.
    pub(crate) fn set(self: &Arc<Self>, digests: &Digests) -> TextSet {
        let few = self.few().map(<[String]>::to_vec);
        let (ids, digests) = (self.clone(), digests.clone());
        TextSet::new(few, move |id| ids.has(digests.of(id)))
    }
}
