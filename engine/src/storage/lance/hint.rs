//! Whether the newest version of a lineage is there.
//!
//! A lineage whose newest version file was lost looks like one that is a version older. Beside the files is a hint that says how far
//! they went: it is written after each commit, so it is never ahead of them. A missing hint says nothing.

use lance::Dataset;

/// The hint, in the folder of the versions.
const FILE: &str = "latest_version_hint.json";

#[derive(serde::Deserialize)]
struct Hint {
    version: u64,
}

/// The version that was written after the one that is open, if the hint tells of one.
pub(super) async fn newer_than(newest: &Dataset, uri: &str) -> Option<u64> {
    let hint = tokio::fs::read(format!("{uri}/_versions/{FILE}")).await.ok()?;
    let hint: Hint = serde_json::from_slice(&hint).ok()?;
    (hint.version > newest.version_id()).then_some(hint.version)
}

/// Says that the file of a version is gone.
pub(super) fn lost(newest: &Dataset, version: u64) -> lance::Error {
    let lineage = newest.branch_location().path;
    let file = newest.manifest_location().naming_scheme.manifest_path(&lineage, version);
    lance::Error::corrupt_file(file, format!("it was not found, and {FILE} beside it says that it was written"))
}
