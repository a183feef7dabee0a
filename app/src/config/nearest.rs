//! The known name that an unknown one was probably meant to be.

/// The name among `known` with the fewest edits from `word`; `None` if every name is too far away (more than a third of the
/// letters, at least two edits).
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let best = known.into_iter().map(|name| (edits(word, name), name)).min_by_key(|(edits, _)| *edits)?;
    let limit = (word.chars().count() / 3).max(2);
    (best.0 <= limit).then_some(best.1)
}

/// Number of insertions, deletions and substitutions from one text to the other (Levenshtein distance).
fn edits(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, letter) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, other) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
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
        assert_eq!(nearest("colour", known), None);
        assert_eq!(edits("kitten", "sitting"), 3);
    }
}
