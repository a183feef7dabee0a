//! What the tests share: fixture graphs, a writer of small graphs, digests of folders.

pub mod fixtures;
pub mod folder;
pub mod writer;
