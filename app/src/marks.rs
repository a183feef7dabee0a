//! Marked rows of a list, by what they are and not by where they stand, with a way back.

use crate::screen::Answer;

/// Marks in the order they were made.
#[derive(Debug)]
pub struct Marks<T> {
    marked: Vec<T>,
    former: Vec<Vec<T>>,
}

impl<T> Default for Marks<T> {
    fn default() -> Self {
        Self { marked: Vec::new(), former: Vec::new() }
    }
}

impl<T: Clone + PartialEq> Marks<T> {
    /// All marks, in the order they were made.
    #[must_use]
    pub fn all(&self) -> &[T] {
        &self.marked
    }

    /// The last mark that is not this one.
    #[must_use]
    pub fn other_than(&self, selected: &T) -> Option<&T> {
        self.marked.iter().rev().find(|mark| *mark != selected)
    }

    /// Makes a mark, or takes it away.
    pub fn toggle(&mut self, mark: T) {
        self.former.push(self.marked.clone());
        match self.marked.iter().position(|other| *other == mark) {
            Some(at) => {
                self.marked.remove(at);
            }
            None => self.marked.push(mark),
        }
    }

    /// Forgets what is gone, in what came before, too.
    pub fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        self.marked.retain(&keep);
        for marked in &mut self.former {
            marked.retain(&keep);
        }
    }

    /// Whether there is a mark to take back.
    #[must_use]
    pub fn can_undo(&self) -> bool {
        !self.former.is_empty()
    }

    /// Takes the last marking back.
    pub fn undo(&mut self) -> Answer {
        let former = self.former.pop();
        let some = former.is_some();
        self.marked = former.unwrap_or_else(|| std::mem::take(&mut self.marked));
        Answer::when(some, "nothing to undo")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_made_taken_away_and_taken_back() {
        let mut marks = Marks::default();
        marks.toggle('a');
        marks.toggle('b');
        assert_eq!((marks.other_than(&'b'), marks.other_than(&'c')), (Some(&'a'), Some(&'b')));
        marks.toggle('a');
        assert_eq!(marks.all(), ['b']);
        marks.retain(|mark| *mark != 'b');
        assert_eq!(marks.undo(), Answer::Done);
        assert_eq!(marks.all(), ['a'], "what is gone does not come back");
        assert_eq!((marks.undo(), marks.undo()), (Answer::Done, Answer::Done));
        assert!(marks.all().is_empty() && !marks.can_undo());
        assert_eq!(marks.undo(), Answer::Nothing("nothing to undo".to_owned()));
    }
}
