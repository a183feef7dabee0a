//! Numbers and paths that follow from declared names alone.
//!
//! All are FNV-1a over the UTF-8 bytes of a name. They are part of the format: the 32-bit ids stand in `_schema.ir.json`,
//! the 64-bit hash names the directory of a table.
//!
//! Source: FNV-1a, <http://www.isthe.com/chongo/tech/comp/fnv/>.

use std::fmt;

use crate::id::TableKind;

/// The three kinds of declarations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeclarationKind {
    /// `interface`
    Interface,
    /// `node`
    Node,
    /// `edge`
    Edge,
}

impl fmt::Display for DeclarationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interface => "interface",
            Self::Node => "node",
            Self::Edge => "edge",
        })
    }
}

/// Returns the path of a new table below the graph root, `nodes/<16 hex digits>`.
///
/// Only for making tables: a reader uses the location the manifest names. Two names of one kind with the same hash would
/// share a directory; the format has no answer to that.
#[must_use]
pub fn table_dir_name(kind: TableKind, name: &str) -> String {
    let hash = fnv1a_64(name.as_bytes());
    match kind {
        TableKind::Node => format!("nodes/{hash:016x}"),
        TableKind::Edge => format!("edges/{hash:016x}"),
    }
}

/// Id of a declared type.
pub(super) fn type_id(kind: DeclarationKind, name: &str) -> u32 {
    nonzero(fnv1a_32(format!("{kind}:{name}").as_bytes()))
}

/// Id of a property of a declared type.
pub(super) fn prop_id(kind: DeclarationKind, owner: &str, property: &str) -> u32 {
    nonzero(fnv1a_32(format!("{kind}:{owner}:{property}").as_bytes()))
}

/// 0 stands for "no id", so the one hash that is 0 gives way to 1.
fn nonzero(hash: u32) -> u32 {
    hash.max(1)
}

fn fnv1a_32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(2_166_136_261, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(16_777_619))
}

fn fnv1a_64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_directories_are_those_of_the_format_description() {
        assert_eq!(table_dir_name(TableKind::Node, "Person"), "nodes/40d76f1f51639ec0");
        assert_eq!(table_dir_name(TableKind::Node, "Company"), "nodes/7cb4e55c59663b1c");
        assert_eq!(table_dir_name(TableKind::Edge, "Knows"), "edges/602a25a3bd0b455b");
        assert_eq!(table_dir_name(TableKind::Edge, "WorksAt"), "edges/844eefbe5068b644");
    }

    #[test]
    fn ids_are_those_of_the_format_description() {
        assert_eq!(type_id(DeclarationKind::Node, "Person"), 3_227_219_152);
        assert_eq!(type_id(DeclarationKind::Edge, "Knows"), 2_041_814_322);
        assert_eq!(prop_id(DeclarationKind::Node, "Person", "age"), 3_446_138_241);
        assert_eq!(prop_id(DeclarationKind::Edge, "Knows", "since"), 2_596_498_354);
    }

    #[test]
    fn zero_is_no_id() {
        assert_eq!(nonzero(0), 1);
        assert_eq!(nonzero(7), 7);
        assert_eq!(fnv1a_32(&[]), 2_166_136_261);
    }
}
