//! The known name that an unknown one was probably meant to be.

/// The name among `known` with the fewest edits from `word`; `None` if every name is too far away (more than a third of the
/// letters, at least two edits, and fewer than the word has letters).
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let best = known.into_iter().map(|name| (edits(word, name), name)).min_by_key(|(edits, _)| *edits)?;
    let letters = word.chars().count();
    let limit = (letters / 3).max(2).min(letters.saturating_sub(1));
    (best.0 <= limit).then_some(best.1)
}

/// Number of insertions, deletions, substitutions and swaps of neighbors from one text to the other (Damerau-Levenshtein
/// distance, optimal string alignment).
fn edits(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut above: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, letter) in left.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, other) in right.iter().enumerate() {
            let replaced = row[j] + usize::from(letter != other);
            let mut best = replaced.min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && *letter == right[j - 1] && left[i - 1] == *other {
                best = best.min(above[j - 1] + 1);
            }
            next.push(best);
        }
        above = std::mem::replace(&mut row, next);
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let known = ["theme", "motion", "refresh_seconds"];
        assert_eq!(nearest("tehme", known), Some("theme"));
        assert_eq!(nearest("refresh_second", known), Some("refresh_seconds"));
        assert_eq!(nearest("color", known), None);
        assert_eq!(nearest("x", ["id"]), None, "nothing of it would be left");
        assert_eq!((edits("kitten", "sitting"), edits("tiem", "time"), edits("", "abc")), (3, 1, 3));
    }
}
