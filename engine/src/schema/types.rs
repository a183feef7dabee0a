//! The value types a schema is made of, in the form `_schema.ir.json` stores them.
//!
//! The serde derives are the format: names, order and tagging of variants and fields decide the hash of a schema, so none
//! may change. How the same values read in a `.pg` source is `text`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The type of one value, without list and question mark.
///
/// In JSON the name as a string, or `{"Vector":N}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ScalarType {
    /// UTF-8 text; also the type of an enum.
    String,
    /// True or false.
    Bool,
    /// Signed 32-bit integer.
    I32,
    /// Signed 64-bit integer.
    I64,
    /// Unsigned 32-bit integer.
    U32,
    /// Unsigned 64-bit integer.
    U64,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// Days since 1970-01-01.
    Date,
    /// Milliseconds since 1970-01-01 without a time zone.
    DateTime,
    /// Bytes, in the table or at an external URI.
    Blob,
    /// A vector of that many 32-bit floats, 1 to 2147483647.
    Vector(u32),
}

impl ScalarType {
    /// The words of the types without argument, in the order the grammar tries them: `DateTime` before `Date`.
    pub(crate) const BASE_WORDS: [&'static str; 11] =
        ["String", "Blob", "Bool", "I32", "I64", "U32", "U64", "F32", "F64", "DateTime", "Date"];

    pub(crate) fn from_base_word(word: &str) -> Option<Self> {
        Some(match word {
            "String" => Self::String,
            "Blob" => Self::Blob,
            "Bool" => Self::Bool,
            "I32" => Self::I32,
            "I64" => Self::I64,
            "U32" => Self::U32,
            "U64" => Self::U64,
            "F32" => Self::F32,
            "F64" => Self::F64,
            "DateTime" => Self::DateTime,
            "Date" => Self::Date,
            _ => return None,
        })
    }

    /// Tells whether `@range` may be put on a property of this type.
    #[must_use]
    pub fn is_numeric(self) -> bool {
        match self {
            Self::I32 | Self::I64 | Self::U32 | Self::U64 | Self::F32 | Self::F64 => true,
            Self::String | Self::Bool | Self::Date | Self::DateTime | Self::Blob | Self::Vector(_) => false,
        }
    }

    /// Tells whether a key of this type has one text for each value, so that equal keys have equal ids. Dates, times and
    /// numbers with a fraction can be written in several ways.
    #[must_use]
    pub fn has_one_text(self) -> bool {
        match self {
            Self::String | Self::Bool | Self::I32 | Self::I64 | Self::U32 | Self::U64 => true,
            Self::F32 | Self::F64 | Self::Date | Self::DateTime | Self::Blob | Self::Vector(_) => false,
        }
    }
}

/// The full type of a property.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PropertyType {
    /// Type of the value, or of the items of a list.
    pub scalar: ScalarType,
    /// Whether the type was written with `?`.
    pub nullable: bool,
    /// Whether it is a list of `scalar`; items may always be null.
    pub list: bool,
    /// For an enum the allowed values, sorted by bytes and without duplicates; then `scalar` is [`ScalarType::String`].
    pub enum_values: Option<Vec<String>>,
}

/// One bound of a `@range`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Bound {
    /// A bound written without a fraction.
    Integer(i64),
    /// A bound written with a fraction.
    Float(f64),
}

/// What rows of one type have to fulfil, or what is indexed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Constraint {
    /// The properties that identify a node, sorted; the first is the value of `id`.
    Key(Vec<String>),
    /// Columns whose tuple may occur once, sorted; on an edge `src` and `dst` are possible.
    Unique(Vec<String>),
    /// Columns to index, sorted.
    Index(Vec<String>),
    /// Bounds of a numeric property, both inclusive. A source `..b` is kept as `min` = b without `max`.
    Range {
        /// Name of the property.
        property: String,
        /// Lower bound.
        min: Option<Bound>,
        /// Upper bound.
        max: Option<Bound>,
    },
    /// A regular expression that a text property has to match.
    Check {
        /// Name of the property.
        property: String,
        /// Pattern in the syntax of the `regex` crate.
        pattern: String,
    },
}

/// `@name(value, word = text)`, all values as text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Annotation {
    /// Name without the `@`.
    pub name: String,
    /// First argument: decoded text of a string, otherwise as written.
    pub value: Option<String>,
    /// Named arguments after the first.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kwargs: BTreeMap<String, String>,
}

/// How many edges of one type may leave one source node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cardinality {
    /// Least number of edges.
    pub min: u32,
    /// Largest number of edges; `None` is no limit.
    pub max: Option<u32>,
}

impl Cardinality {
    /// No limits, what an edge type without `@card` has.
    pub const ANY: Self = Self { min: 0, max: None };
}
