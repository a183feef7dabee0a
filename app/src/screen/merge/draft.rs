//! Decisions that are kept between runs of the program: outside the graph, one file per graph and heads.
//!
//! The file is the same JSON that `merge --write-decisions` writes. If there is none for the present heads, the newest one of the same
//! branches is taken: the engine says which of its decisions still hold.

use std::path::{Path, PathBuf};

use stratigraph_engine::ErrorKind;
use stratigraph_engine::merge::{MergeDecisions, MergeHeads};

use super::request::Pair;
use crate::message::Failure;

/// What a draft belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftKey {
    /// Where drafts are; none without a home directory: then nothing is kept.
    pub directory: Option<PathBuf>,
    /// Location of the graph.
    pub uri: String,
    /// The states.
    pub heads: MergeHeads,
}

impl DraftKey {
    fn file(&self) -> Option<PathBuf> {
        let heads = format!("{} {} {}", self.heads.source, self.heads.target, self.heads.base);
        let name = format!("{}-{:016x}.json", self.graph(), digest(&heads));
        self.directory.as_ref().map(|directory| directory.join(name))
    }

    /// What the names of all drafts of the graph begin with.
    fn graph(&self) -> String {
        format!("{:016x}", digest(&self.uri))
    }
}

/// FNV-1a: the same name in every version of the program.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Keeps decisions; none forgets the draft. The file is replaced as a whole.
///
/// # Errors
/// `Unavailable` if it cannot be written.
pub(super) fn keep(key: &DraftKey, decisions: &MergeDecisions) -> Result<(), Failure> {
    if decisions.decisions.is_empty() {
        return forget(key, &Pair { source: decisions.source.clone(), target: decisions.target.clone() });
    }
    let Some(path) = key.file() else { return Ok(()) };
    let written = path.with_extension("part");
    let write = || {
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        std::fs::write(&written, decisions.to_json())?;
        std::fs::rename(&written, &path)
    };
    write().map_err(|error| failure(&error, "keep the decisions in", &path))
}

/// Forgets the draft and those for other heads of the same branches; none need be there.
///
/// # Errors
/// `Unavailable` if one cannot be removed.
pub(super) fn forget(key: &DraftKey, pair: &Pair) -> Result<(), Failure> {
    let others = others(key).into_iter().filter(|path| read(path).is_ok_and(|decisions| is_of(&decisions, pair)));
    for path in key.file().into_iter().chain(others) {
        match std::fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(failure(&error, "remove", &path)),
        }
    }
    Ok(())
}

fn is_of(decisions: &MergeDecisions, pair: &Pair) -> bool {
    (&decisions.source, &decisions.target) == (&pair.source, &pair.target)
}

/// The decisions kept for these heads, else the newest ones kept for the same branches of the graph.
///
/// # Errors
/// `Unavailable` or `Invalid`, in words, if there is a draft that cannot be read.
pub(super) fn find(key: &DraftKey, pair: &Pair) -> Result<Option<MergeDecisions>, Failure> {
    let Some(path) = key.file() else { return Ok(None) };
    if path.exists() {
        return read(&path).map(Some);
    }
    // A draft of other heads that cannot be read is none of this merge's.
    Ok(others(key).iter().filter_map(|path| read(path).ok()).find(|decisions| is_of(decisions, pair)))
}

/// Drafts of the graph for other heads, newest first.
fn others(key: &DraftKey) -> Vec<PathBuf> {
    let Some(files) = key.directory.as_ref().and_then(|directory| std::fs::read_dir(directory).ok()) else {
        return Vec::new();
    };
    let prefix = format!("{}-", key.graph());
    let is_draft = |path: &Path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with(&prefix) && path.extension().is_some_and(|extension| extension == "json")
    };
    let files = files.flatten().filter(|file| is_draft(&file.path()));
    let mut files: Vec<_> =
        files.filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, file.path()))).collect();
    files.sort_by(|a, b| b.cmp(a));
    files.into_iter().map(|(_, path)| path).collect()
}

fn read(path: &Path) -> Result<MergeDecisions, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| failure(&error, "read", path))?;
    MergeDecisions::from_json(&text).map_err(|error| {
        let what = format!("cannot understand the decisions kept in {}", path.display());
        Failure::of(ErrorKind::Invalid, &error).during(what)
    })
}

fn failure(error: &std::io::Error, what: &str, path: &Path) -> Failure {
    Failure::of(ErrorKind::Unavailable, error).during(format!("cannot {what} {}", path.display()))
}
