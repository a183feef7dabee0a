//! Stopping a write on purpose, as a crash would: for drills, demonstrations and tests of what comes after.

/// The step after which a rehearsed write stops. Everything up to it is done as in a real write, nothing after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StopAt {
    /// The sidecar is written, no table moved: recovery discards the write.
    Armed,
    /// The first table is committed, in the order of keys: recovery rolls the write back, if it has more tables.
    FirstTable,
    /// Every table is committed, nothing is published: recovery rolls the write forward.
    Applied,
    /// The write is published and its commit recorded, the sidecar is left: recovery closes it.
    Published,
}
