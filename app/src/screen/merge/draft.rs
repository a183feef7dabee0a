//! Decisions that are kept between runs of the program: outside the graph, one file per graph, heads and workbench.
//!
//! The file is the same JSON that `merge --write-decisions` writes. If there is none for the present heads, the newest one of the same
//! branches is taken: the engine says which of its decisions still hold. Two workbenches that decide the same merge at the same
//! time keep a file each, so that neither replaces what the other decided.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use stratigraph_engine::ErrorKind;
use stratigraph_engine::merge::{MergeDecisions, MergeHeads};

use super::request::Pair;
use crate::clock::utc_micros;
use crate::message::Failure;

/// Tells this workbench from others.
static WORKBENCH: LazyLock<String> = LazyLock::new(|| format!("{:x}-{:x}", std::process::id(), utc_micros()));

/// What a draft belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftKey {
    /// Where drafts are; none without a home directory: then nothing is kept.
    pub(super) directory: Option<PathBuf>,
    /// Location of the graph.
    uri: String,
    /// What is merged.
    pair: Pair,
    /// The states.
    heads: MergeHeads,
    /// Who keeps it.
    workbench: String,
    /// Drafts that this one takes the place of.
    former: Vec<Former>,
}

/// A draft of which another one takes the place.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Former {
    path: PathBuf,
    /// Digest of what was continued: what somebody else adds later is not ours to remove. None for our own.
    read: Option<u64>,
}

impl DraftKey {
    /// The place for decisions that this workbench makes about a merge of a graph.
    #[must_use]
    pub fn new(directory: Option<PathBuf>, uri: String, pair: Pair, heads: MergeHeads) -> Self {
        Self { directory, uri, pair, heads, workbench: WORKBENCH.clone(), former: Vec::new() }
    }

    #[cfg(test)]
    pub(super) fn of_workbench(self, workbench: &str) -> Self {
        Self { workbench: workbench.to_owned(), ..self }
    }

    /// The place for the same choices, which this workbench kept elsewhere before the branches moved.
    pub(super) fn after(self, before: &Self) -> Self {
        let own = before.file().map(|path| Former { path, read: None });
        Self { former: before.former.iter().cloned().chain(own).collect(), ..self }
    }

    fn file(&self) -> Option<PathBuf> {
        let name = format!("{}{}.json", self.of_heads(), self.workbench);
        self.directory.as_ref().map(|directory| directory.join(name))
    }

    /// What the names of all drafts for the same branches and heads begin with.
    fn of_heads(&self) -> String {
        let (pair, heads) = (&self.pair, &self.heads);
        let states = format!("{} {} {} {} {}", pair.source, pair.target, heads.source, heads.target, heads.base);
        format!("{}{:016x}-", self.of_graph(), digest(&states))
    }

    /// What the names of all drafts of the graph begin with.
    fn of_graph(&self) -> String {
        format!("{:016x}-", digest(&self.uri))
    }
}

/// FNV-1a: the same name in every version of the program.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Keeps decisions in place of what this workbench kept and of the draft it continued; none leaves no draft. The file is replaced
/// as a whole.
///
/// # Errors
/// `Unavailable` if it cannot be written.
pub(super) fn keep(key: &DraftKey, decisions: &MergeDecisions) -> Result<(), Failure> {
    let Some(path) = key.file() else { return Ok(()) };
    if decisions.decisions.is_empty() {
        remove(&path)?;
    } else {
        let written = path.with_extension("part");
        let write = || {
            path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            std::fs::write(&written, decisions.to_json())?;
            std::fs::rename(&written, &path)
        };
        write().map_err(|error| failure(&error, "keep the decisions in", &path))?;
    }
    let is_as_read = |former: &&Former| match former.read {
        Some(read) => std::fs::read_to_string(&former.path).is_ok_and(|text| digest(&text) == read),
        None => true,
    };
    let replaced = key.former.iter().filter(|former| former.path != path).filter(is_as_read);
    replaced.map(|former| &former.path).try_for_each(|former| remove(former))
}

/// Forgets the drafts of a merge that is done, those for other heads of the same branches and of other workbenches, too; none
/// need be there.
///
/// # Errors
/// `Unavailable` if one cannot be removed.
pub(super) fn forget(key: &DraftKey) -> Result<(), Failure> {
    let drafts = drafts(key, &key.of_graph()).into_iter();
    let of_pair = drafts.filter(|path| read(path).is_ok_and(|(decisions, _)| is_of(&decisions, &key.pair)));
    key.file().into_iter().chain(of_pair).try_for_each(|path| remove(&path))
}

fn remove(path: &Path) -> Result<(), Failure> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failure(&error, "remove", path)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn is_of(decisions: &MergeDecisions, pair: &Pair) -> bool {
    (&decisions.source, &decisions.target) == (&pair.source, &pair.target)
}

/// The newest decisions kept for these heads, else the newest ones kept for the same branches of the graph; the key remembers
/// where they were.
///
/// # Errors
/// `Unavailable` or `Invalid`, in words, if there is a draft that cannot be read.
pub(super) fn find(key: &mut DraftKey) -> Result<Option<MergeDecisions>, Failure> {
    let found = if let Some(path) = drafts(key, &key.of_heads()).into_iter().next() {
        let (decisions, digest) = read(&path)?;
        Some((path, decisions, digest))
    } else {
        // A draft of other heads that cannot be read is none of this merge's.
        let others = drafts(key, &key.of_graph()).into_iter();
        let mut others =
            others.filter_map(|path| read(&path).ok().map(|(decisions, digest)| (path, decisions, digest)));
        others.find(|(_, decisions, _)| is_of(decisions, &key.pair))
    };
    Ok(found.map(|(path, decisions, digest)| {
        key.former = vec![Former { path, read: Some(digest) }];
        decisions
    }))
}

/// Drafts whose names begin so, newest first.
fn drafts(key: &DraftKey, prefix: &str) -> Vec<PathBuf> {
    let Some(files) = key.directory.as_ref().and_then(|directory| std::fs::read_dir(directory).ok()) else {
        return Vec::new();
    };
    let is_draft = |path: &Path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with(prefix) && path.extension().is_some_and(|extension| extension == "json")
    };
    let files = files.flatten().filter(|file| is_draft(&file.path()));
    let mut files: Vec<_> =
        files.filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, file.path()))).collect();
    files.sort_by(|a, b| b.cmp(a));
    files.into_iter().map(|(_, path)| path).collect()
}

/// The decisions in a file, and the digest of its text.
fn read(path: &Path) -> Result<(MergeDecisions, u64), Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| failure(&error, "read", path))?;
    let decisions = MergeDecisions::from_json(&text).map_err(|error| {
        let what = format!("cannot understand the decisions kept in {}", path.display());
        Failure::of(ErrorKind::Invalid, &error).during(what)
    })?;
    Ok((decisions, digest(&text)))
}

fn failure(error: &std::io::Error, what: &str, path: &Path) -> Failure {
    Failure::of(ErrorKind::Unavailable, error).during(format!("cannot {what} {}", path.display()))
}
