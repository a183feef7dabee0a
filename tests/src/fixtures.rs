//! Graphs written by OmniGraph 0.7.2, unpacked where the paths inside them point.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::unpack::unpack;

/// Folder all archives unpack to; branch manifests hold it as an absolute path.
const HOME: &str = "/tmp/omnigraph-fixtures";

/// One of the fixture graphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fixture {
    /// Three node types, two edge types, four branches, a merge, a fast-forward, a delete, drift.
    Team,
    /// A load killed after its sidecar was written.
    LoadCrash,
}

impl Fixture {
    fn name(self) -> &'static str {
        match self {
            Self::Team => "team",
            Self::LoadCrash => "load-crash",
        }
    }

    fn archive(self) -> PathBuf {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        match self {
            Self::Team => package.join("fixtures/team.tar.gz"),
            Self::LoadCrash => package.join("fixtures/load-crash.tar.gz"),
        }
    }

    /// Path of the unpacked graph, which is as it is in the archive. Several processes may ask at once.
    ///
    /// # Errors
    /// If the archive cannot be unpacked.
    pub fn path(self) -> Result<PathBuf> {
        let target = Path::new(HOME).join(self.name());
        let archive = fs::read(self.archive()).with_context(|| format!("{}", self.archive().display()))?;
        unpack(&archive, &target)?;
        Ok(target)
    }

    fn expected(self, file: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/{}.expected/{file}", self.name()))
    }

    /// What the reference says, as JSON: `branches`, `commits-<branch>`, `snapshot-<branch>`.
    ///
    /// # Errors
    /// If there is no such file.
    pub fn expected_json(self, name: &str) -> Result<Value> {
        let path = self.expected(&format!("{}.json", name.replace('/', "_")));
        let text = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
        Ok(serde_json::from_str(&text)?)
    }

    /// What the reference exports of a branch: one record a line, tables in key order, rows by id.
    ///
    /// # Errors
    /// If there is no such file.
    pub fn expected_export(self, branch: &str) -> Result<Vec<Value>> {
        let path = self.expected(&format!("export-{}.jsonl.gz", branch.replace('/', "_")));
        let mut text = String::new();
        flate2::read::GzDecoder::new(fs::File::open(path)?).read_to_string(&mut text)?;
        text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }
}
