//! Names and numbers of things: commits, branches, tables and their versions.
//!
//! Every type here is a newtype with a checked constructor, so that a signature says what it takes and a wrong kind of number
//! does not compile.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use regex::Regex;
use ulid::Ulid;

/// Why a text is not the name it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// Not 26 characters of Crockford base 32.
    #[error("`{text}` is not a commit id (26 characters of base 32, like 01ARZ3NDEKTSV4RRFFQ69G5FAV)")]
    Commit {
        /// What was given.
        text: String,
    },
    /// Outside the grammar of branch names.
    #[error("`{text}` is not a branch name: {reason}")]
    Branch {
        /// What was given.
        text: String,
        /// The rule it breaks.
        reason: String,
    },
    /// Not `node:Type` or `edge:Type`.
    #[error("`{text}` is not a table: write node:Type or edge:Type")]
    Table {
        /// What was given.
        text: String,
    },
}

/// Identity of one graph commit: a ULID, printed as 26 upper-case characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(Ulid);

impl CommitId {
    /// Makes an id from its 128 bits.
    #[must_use]
    pub fn from_u128(bits: u128) -> Self {
        Self(Ulid::from(bits))
    }

    /// The 128 bits; their order is the order of the printed ids.
    #[must_use]
    pub fn as_u128(self) -> u128 {
        self.0.into()
    }

    /// Returns when the id was made, microseconds since the epoch, as its first ten characters say to the millisecond.
    #[must_use]
    pub fn created_at_micros(self) -> i64 {
        i64::try_from(self.0.timestamp_ms()).unwrap_or(i64::MAX).saturating_mul(1000)
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string())
    }
}

impl FromStr for CommitId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Ulid::from_string(text)
            .ok()
            .filter(|id| id.to_string().eq_ignore_ascii_case(text))
            .map(Self)
            .ok_or_else(|| IdError::Commit { text: text.to_owned() })
    }
}

impl serde::Serialize for CommitId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Name of a branch of the graph; `main` is the default lineage, which the format stores as null.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BranchName(Arc<str>);

/// The name of the default branch.
pub const MAIN: &str = "main";

/// The most that [`BranchName::file_bytes`] may be: file systems allow names of 255 bytes, and `.json.tmp.`, 32 digits and `#1` follow.
pub const LONGEST_BRANCH: usize = 255 - 44;

impl BranchName {
    /// The default branch.
    #[must_use]
    pub fn main() -> Self {
        Self(MAIN.into())
    }

    /// A name as the storage has it: null is main, anything else is taken verbatim.
    ///
    /// Names are not validated here, because a graph may hold names older rules allowed.
    #[must_use]
    pub fn from_stored(name: Option<&str>) -> Self {
        Self(name.unwrap_or(MAIN).into())
    }

    /// Whether this is the default branch.
    #[must_use]
    pub fn is_main(&self) -> bool {
        &*self.0 == MAIN
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as the storage has it: none for main.
    #[must_use]
    pub fn stored(&self) -> Option<&str> {
        (!self.is_main()).then_some(&*self.0)
    }

    /// Bytes that the name takes in the longest name of a file that is written for the branch, at most [`LONGEST_BRANCH`].
    ///
    /// Its reference is written aside before it gets its place, and what is no plain ASCII letter of it is percent-encoded twice
    /// there: such a byte takes five.
    #[must_use]
    pub fn file_bytes(&self) -> usize {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        self.0.bytes().map(|byte| if is_plain(byte) { 1 } else { 5 }).sum()
    }
}

impl fmt::Display for BranchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for BranchName {
    type Err = IdError;

    /// Accepts the grammar of Lance: segments of alphanumerics, `.`, `-` and `_`, separated by single slashes.
    fn from_str(text: &str) -> Result<Self, IdError> {
        match branch_name_fault(text.trim()) {
            None => Ok(Self(text.trim().into())),
            Some(reason) => Err(IdError::Branch { text: text.to_owned(), reason }),
        }
    }
}

fn branch_name_fault(name: &str) -> Option<String> {
    let is_allowed = |c: &char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
    let fault = if name.is_empty() {
        "it is empty"
    } else if name.starts_with('/') || name.ends_with('/') || name.contains("//") {
        "its segments must be separated by single slashes"
    } else if name.contains("..") {
        "`..` is not allowed"
    } else if name.rsplit_once('.').is_some_and(|(_, extension)| extension == "lock") {
        "it must not end in .lock"
    } else {
        return name.chars().find(|c| !is_allowed(c)).map(refused_character);
    };
    Some(fault.to_owned())
}

/// Says which character a name must not have: one that cannot be seen for itself by its number.
fn refused_character(refused: char) -> String {
    const ALLOWED: &str = "only letters, digits, `.`, `-`, `_` and `/` are allowed";
    let number = format!("U+{:04X}", u32::from(refused));
    if is_combining(refused) {
        let hint = "a letter with its mark is allowed where it is one character";
        return format!("{ALLOWED}, not the combining mark {number}; {hint}");
    }
    let is_seen =
        refused.is_ascii_graphic() || (!refused.is_ascii() && !refused.is_control() && !refused.is_whitespace());
    match refused {
        ' ' => format!("{ALLOWED}, no blank"),
        _ if is_seen && refused.is_ascii() => format!("{ALLOWED}, not `{refused}`"),
        _ if is_seen => format!("{ALLOWED}, not `{refused}` ({number})"),
        _ => format!("{ALLOWED}, not {number}"),
    }
}

/// Whether a character changes the one before it.
fn is_combining(c: char) -> bool {
    static MARKS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\p{M}$").expect("the expression is constant"));
    MARKS.is_match(c.encode_utf8(&mut [0; 4]))
}

impl serde::Serialize for BranchName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Whether a table holds nodes or edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TableKind {
    /// Edges: `id`, `src`, `dst` and properties.
    Edge,
    /// Nodes: `id` and properties.
    Node,
}

impl TableKind {
    /// The word before the colon of a table key.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Node => "node",
        }
    }
}

/// Identity of a table inside the graph: `node:Person`, `edge:Knows`. Ordered as its text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableKey {
    /// Node or edge table. Declared first: the derived order is then that of the printed key.
    pub kind: TableKind,
    /// The type's name as declared.
    pub name: Arc<str>,
}

impl TableKey {
    /// Makes a key from its parts.
    #[must_use]
    pub fn new(kind: TableKind, name: &str) -> Self {
        Self { kind, name: name.into() }
    }
}

impl fmt::Display for TableKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}:{}", self.kind.as_str(), self.name))
    }
}

impl FromStr for TableKey {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let kind = |word| match word {
            "node" => Some(TableKind::Node),
            "edge" => Some(TableKind::Edge),
            _ => None,
        };
        text.split_once(':')
            .filter(|(_, name)| !name.is_empty())
            .and_then(|(word, name)| Some(Self::new(kind(word)?, name)))
            .ok_or_else(|| IdError::Table { text: text.to_owned() })
    }
}

impl serde::Serialize for TableKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

macro_rules! deserialized_from_text {
    ($($name:ident: $expected:literal),*) => {$(
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;

                impl serde::de::Visitor<'_> for Text {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }

                deserializer.deserialize_str(Text)
            }
        }
    )*};
}

deserialized_from_text!(CommitId: "the id of a commit", BranchName: "the name of a branch", TableKey: "a table");

macro_rules! version_number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        pub struct $name(u64);

        impl $name {
            /// Wraps the number Lance gives.
            #[must_use]
            pub fn new(number: u64) -> Self {
                Self(number)
            }

            /// The number Lance gives.
            #[must_use]
            pub fn get(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

version_number! {
    /// Version of one table's Lance dataset. Numbers of all lineages of a table share one line.
    TableVersion
}
version_number! {
    /// Version of the graph on one branch: the Lance version of `__manifest` there.
    ManifestVersion
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commit_ids_round_trip_and_refuse_everything_else() {
        let text = "01M7Y2AKA125T5VJJZZ1M5RCKN";
        assert_eq!(text.parse::<CommitId>().unwrap().to_string(), text);
        for bad in ["", "main", "01M7Y2AKA125T5VJJZZ1M5RCK", "01M7Y2AKA125T5VJJZZ1M5RCKU", "ZZZZZZZZZZZZZZZZZZZZZZZZZZ"]
        {
            assert!(bad.parse::<CommitId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn branch_names_follow_the_grammar() {
        for good in ["main", "feature/hiring", "a.b-c_d", " padded "] {
            assert!(good.parse::<BranchName>().is_ok(), "{good}");
        }
        for bad in ["", "/a", "a/", "a//b", "a..b", "a.lock", "a\\b", "a b", "a@b"] {
            assert!(bad.parse::<BranchName>().is_err(), "{bad}");
        }
        for good in ["功能", "\u{e9}t\u{e9}", "r2-d2", ".hidden", "ａ"] {
            assert!(good.parse::<BranchName>().is_ok(), "{good}");
        }
        assert_eq!(BranchName::from_stored(None), BranchName::main());
        assert_eq!(BranchName::main().stored(), None);
    }

    #[test]
    fn a_refused_character_is_named() {
        let told = |text: &str| text.parse::<BranchName>().unwrap_err().to_string();
        assert!(told("e\u{301}te\u{301}").contains("not the combining mark U+0301;"), "{}", told("e\u{301}"));
        assert!(told("\u{915}\u{94d}\u{937}").contains("not the combining mark U+094D;"));
        assert!(told("a b").ends_with("no blank"), "{}", told("a b"));
        assert!(told("a@b").ends_with("not `@`"));
        assert!(told("a⚡b").ends_with("not `⚡` (U+26A1)"));
        assert!(told("a\u{200d}b").ends_with("(U+200D)"), "{}", told("a\u{200d}b"));
        assert!(told("a\tb").ends_with("not U+0009"));
    }

    #[test]
    fn the_length_of_a_name_is_that_of_the_file_it_needs() {
        let bytes = |text: &str| text.parse::<BranchName>().unwrap().file_bytes();
        assert_eq!(bytes(&"a".repeat(LONGEST_BRANCH)), LONGEST_BRANCH);
        assert_eq!((bytes("a/b"), bytes("ä"), bytes("功"), bytes("a.b-c_d9")), (7, 10, 15, 8));
        assert!(bytes(&"功".repeat(14)) <= LONGEST_BRANCH && bytes(&"功".repeat(15)) > LONGEST_BRANCH);
    }

    #[test]
    fn names_are_read_from_json_as_from_text() {
        let text = "\"01M7Y2AKA125T5VJJZZ1M5RCKN\"";
        assert_eq!(serde_json::to_string(&serde_json::from_str::<CommitId>(text).unwrap()).unwrap(), text);
        assert_eq!(
            serde_json::from_str::<TableKey>("\"edge:Knows\"").unwrap(),
            TableKey::new(TableKind::Edge, "Knows")
        );
        assert_eq!(serde_json::from_str::<BranchName>("\"main\"").unwrap(), BranchName::main());
        let error = |text| serde_json::from_str::<BranchName>(text).unwrap_err().to_string();
        assert!(error("\"a b\"").starts_with(&"a b".parse::<BranchName>().unwrap_err().to_string()));
        assert!(error("7").starts_with("invalid type: integer `7`, expected the name of a branch"));
    }

    #[test]
    fn table_keys_sort_as_their_text() {
        let mut keys: Vec<TableKey> =
            ["node:Person", "edge:Works", "node:Note", "edge:Knows"].iter().map(|t| t.parse().unwrap()).collect();
        keys.sort();
        let text: Vec<String> = keys.iter().map(ToString::to_string).collect();
        assert_eq!(text, ["edge:Knows", "edge:Works", "node:Note", "node:Person"]);
        for bad in ["Person", "node:", "vertex:A", ""] {
            assert!(bad.parse::<TableKey>().is_err(), "{bad}");
        }
    }
}
