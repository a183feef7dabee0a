//! What the tests share: fixture graphs, a reader and a writer of the format that know it from its description alone, small
//! graphs, digests of folders.

pub mod fixtures;
pub mod folder;
pub mod graph;
#[cfg(target_os = "linux")]
pub mod opened;
pub mod reader;
pub mod unpack;
pub mod writer;
