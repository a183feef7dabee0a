//! What is wrong with a change, as far as it is told.

use super::change::Place;

/// Problems that are told one by one; more are counted.
const TOLD: usize = 100;

/// The problems found so far: the first are kept, all are counted.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    found: Vec<(Option<Place>, String)>,
    count: u64,
}

/// All that was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The first problems by place; those of no single row come first.
    pub(crate) problems: Vec<(Option<Place>, String)>,
    /// How many there are besides.
    pub(crate) more: u64,
}

impl Problems {
    pub(crate) fn at(&mut self, place: Place, reason: impl Into<String>) {
        self.add(Some(place), || reason.into());
    }

    /// Adds a problem; its text is made only if it will be told.
    pub(crate) fn add(&mut self, place: Option<Place>, reason: impl FnOnce() -> String) {
        self.count += 1;
        if self.found.len() < TOLD {
            self.found.push((place, reason()));
        }
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

    #[test]
    fn the_first_are_told_by_place_and_all_are_counted() {
        let mut problems = Problems::default();
        assert_eq!(problems.take(), None);
        let mut made = 0;
        for record in (1..=250).rev() {
            problems.add(Some(Place { input: 0, record }), || {
                made += 1;
                record.to_string()
            });
        }
        let found = problems.take().unwrap();
        assert_eq!((found.problems.len(), found.more, made), (100, 150, 100), "no text is made that is not told");
        assert_eq!(found.problems[0], (Some(Place { input: 0, record: 151 }), "151".to_owned()));
    }
}
