//! What is wrong with a change, as far as it is kept.

use super::change::Place;
use super::violation::Violation;

/// Problems that are told to people one by one; more are counted.
const TOLD: usize = 100;

/// The problems found so far: the first are kept, all are counted.
#[derive(Debug)]
pub(crate) struct Problems {
    found: Vec<(Option<Place>, Violation)>,
    most: usize,
    count: u64,
}

/// All that was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The first problems by place; those of no single row come first.
    pub(crate) problems: Vec<(Option<Place>, Violation)>,
    /// How many there are besides.
    pub(crate) more: u64,
}

/// As many are kept as are told to people.
impl Default for Problems {
    fn default() -> Self {
        Self::keeping(TOLD)
    }
}

impl Problems {
    /// None yet; `most` will be kept, all of them with [`usize::MAX`].
    pub(crate) fn keeping(most: usize) -> Self {
        Self { found: Vec::new(), most, count: 0 }
    }

    /// Adds what is wrong with an input.
    pub(crate) fn at(&mut self, place: Place, reason: impl Into<String>) {
        self.add(Some(place), || Violation::Input(reason.into()));
    }

    /// Adds a problem; it is made only if it will be kept.
    pub(crate) fn add(&mut self, place: Option<Place>, violation: impl FnOnce() -> Violation) {
        self.count += 1;
        if self.found.len() < self.most {
            self.found.push((place, violation()));
        }
    }

    /// Counts problems after those that are kept.
    pub(super) fn add_more(&mut self, count: u64) {
        self.count += count;
    }

    /// How many more will be kept.
    pub(super) fn room(&self) -> usize {
        self.most - self.found.len()
    }

    /// Everything that was found; none if there is nothing wrong.
    pub(crate) fn take(&mut self) -> Option<Found> {
        if self.count == 0 {
            return None;
        }
        let mut problems = std::mem::take(&mut self.found);
        let more = std::mem::take(&mut self.count) - problems.len() as u64;
        problems.sort_by_key(|(place, _)| *place);
        Some(Found { problems, more })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(record: u64) -> Place {
        Place { input: 0, record }
    }

    #[test]
    fn the_first_are_told_by_place_and_all_are_counted() {
        let mut problems = Problems::default();
        assert_eq!(problems.take(), None);
        let mut made = 0;
        for record in (1..=250).rev() {
            problems.add(Some(place(record)), || {
                made += 1;
                Violation::Input(record.to_string())
            });
        }
        let found = problems.take().unwrap();
        assert_eq!((found.problems.len(), found.more, made), (100, 150, 100), "nothing is made that is not told");
        assert_eq!(found.problems[0], (Some(place(151)), Violation::Input("151".to_owned())));
    }

    #[test]
    fn all_are_kept_for_who_needs_all() {
        let mut problems = Problems::keeping(usize::MAX);
        (1..=250).for_each(|record| problems.at(place(record), "wrong"));
        let found = problems.take().unwrap();
        assert_eq!((found.problems.len(), found.more), (250, 0));
    }
}
