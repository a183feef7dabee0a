//! Words of a command line, as they are shown to be typed again.

/// A word as a POSIX shell reads it back.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:@,+=%".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_a_shell() {
        assert_eq!(quoted("node:Person"), "node:Person");
        assert_eq!(quoted("age > 30"), "'age > 30'");
        assert_eq!(quoted("name = 'x'"), r"'name = '\''x'\'''");
        assert_eq!(quoted(""), "''");
    }
}
