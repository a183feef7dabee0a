//! Words of a command line: how they are shown to be typed again, and which known one was meant.

use stratigraph_engine::nearest;

/// A word as a POSIX shell reads it back.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:@,+=%".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// The known word that was probably meant: the same one in other letter case, else the nearest.
pub(super) fn meant<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let same = known.clone().into_iter().find(|name| name.to_lowercase() == word.to_lowercase());
    same.or_else(|| nearest(word, known))
}

/// The table that was probably meant, as it was named: a type among types, a key among keys (`node:Person`).
pub(super) fn meant_table<'a>(name: &str, keys: &'a [String]) -> Option<&'a str> {
    let types = || keys.iter().map(|key| key.split_once(':').map_or(key.as_str(), |(_, name)| name));
    let of_types = || meant(name, types().collect::<Vec<_>>());
    if name.contains(':') { meant(name, keys.iter().map(String::as_str)) } else { of_types() }
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
    #[test]
    fn case_mistakes_and_near_misses_find_the_table_meant() {
        let keys = ["edge:Knows", "edge:WorksOn", "node:Person"].map(str::to_owned);
        let meant = |name| meant_table(name, &keys);
        assert_eq!(meant("PERSON"), Some("Person"));
        assert_eq!(meant("Persn"), Some("Person"));
        assert_eq!(meant("workson"), Some("WorksOn"));
        assert_eq!(meant("node:person"), Some("node:Person"));
        assert_eq!(meant("edge:Person"), Some("node:Person"));
        assert_eq!(meant("Company"), None);
    }
}
