//! Which files of a lineage were read: a lineage that only grew is read on from there.

use std::hash::{DefaultHasher, Hash, Hasher};

/// The files of a lineage at one version, in storage order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct SeenFiles {
    count: usize,
    fingerprint: u64,
}

impl SeenFiles {
    /// Notes files by their ids and names.
    pub(super) fn of(files: &[(u64, String)]) -> Self {
        let mut hasher = DefaultHasher::new();
        files.hash(&mut hasher);
        Self { count: files.len(), fingerprint: hasher.finish() }
    }

    /// Returns the positions of the files that were not seen: the last ones of a lineage that grew, all of one whose files were
    /// rewritten.
    pub(super) fn unread(&self, files: &[(u64, String)]) -> std::ops::Range<usize> {
        let grew = files.get(..self.count).is_some_and(|first| Self::of(first) == *self);
        if grew { self.count..files.len() } else { 0..files.len() }
    }

    /// Returns whether the lineage still has all the files that were seen.
    pub(super) fn is_kept_by(&self, files: &[(u64, String)]) -> bool {
        self.count == 0 || self.unread(files).start == self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(names: &[&str]) -> Vec<(u64, String)> {
        (0..).zip(names.iter().map(|name| (*name).to_owned())).collect()
    }

    #[test]
    fn only_a_lineage_that_grew_is_read_on() {
        let seen = SeenFiles::of(&files(&["a", "b"]));
        assert_eq!(seen.unread(&files(&["a", "b"])), 2..2);
        assert_eq!(seen.unread(&files(&["a", "b", "c", "d"])), 2..4);
        assert_eq!(seen.unread(&files(&["ab", "c"])), 0..2, "put together");
        assert_eq!(seen.unread(&files(&["a"])), 0..1);
        assert_eq!(SeenFiles::default().unread(&files(&["a"])), 0..1);
    }
}
