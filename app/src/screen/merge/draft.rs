//! Decisions that are kept between runs of the program: outside the graph, one file per graph, heads and workbench.
//!
//! The file is the same JSON that `merge --write-decisions` writes. If there is none for the present heads, the newest one of the same
//! branches is taken: the engine says which of its decisions still hold. Two workbenches that decide the same merge at the same
//! time keep a file each, so that neither replaces or removes what the other decided.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::UNIX_EPOCH;

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

/// Decisions that were kept, and now are continued.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// What was decided.
    pub decisions: MergeDecisions,
    /// When it was kept, microseconds since 1970 UTC.
    pub at_micros: i64,
    /// How many other workbenches keep decisions for these heads.
    pub others: usize,
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

impl Former {
    fn is_as_read(&self) -> bool {
        self.read.is_none_or(|read| std::fs::read_to_string(&self.path).is_ok_and(|text| digest(&text) == read))
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
    let replaced = key.former.iter().filter(|former| former.path != path && former.is_as_read());
    replaced.map(|former| &former.path).try_for_each(|former| remove(former))
}

/// Forgets the drafts of a merge that is done: those of this workbench for the same branches, whatever their heads, and what it
/// continued; none need be there. What other workbenches keep stays.
///
/// # Errors
/// `Unavailable` if one cannot be removed.
pub(super) fn forget(key: &DraftKey) -> Result<(), Failure> {
    let drafts = drafts(key, &key.of_graph()).into_iter().map(|draft| draft.path);
    let own = drafts.filter(|path| is_of_workbench(path, &key.workbench));
    let of_pair = own.filter(|path| read(path).is_ok_and(|(decisions, _)| is_of(&decisions, &key.pair)));
    let continued = key.former.iter().filter(|former| former.is_as_read()).map(|former| former.path.clone());
    key.file().into_iter().chain(of_pair).chain(continued).try_for_each(|path| remove(&path))
}

fn is_of_workbench(path: &Path, workbench: &str) -> bool {
    path.file_stem().is_some_and(|name| name.to_string_lossy().ends_with(&format!("-{workbench}")))
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

/// The decisions that this workbench kept for these heads, else the newest ones kept for them, else the newest ones kept for the
/// same branches of the graph; the key remembers where they were. Drafts of merges that were done since are removed: their rules
/// would decide what nobody saw when they were made.
///
/// # Errors
/// `Unavailable` or `Invalid`, in words, if there is a draft that cannot be read.
pub(super) fn find(key: &mut DraftKey, is_done: impl Fn(&MergeHeads) -> bool) -> Result<Option<Kept>, Failure> {
    let of_heads = drafts(key, &key.of_heads());
    let own = of_heads.iter().find(|draft| key.file().as_ref() == Some(&draft.path));
    let found = if let Some(draft) = own.or(of_heads.first()) {
        let (decisions, digest) = read(&draft.path)?;
        Some((draft.clone(), decisions, digest))
    } else {
        of_other_heads(key, is_done)?
    };
    Ok(found.map(|(draft, decisions, digest)| {
        let is_other = |other: &&Draft| other.path != draft.path && !is_of_workbench(&other.path, &key.workbench);
        let others = of_heads.iter().filter(is_other).count();
        key.former = vec![Former { path: draft.path, read: Some(digest) }];
        Kept { decisions, at_micros: draft.at_micros, others }
    }))
}

/// The newest draft of the same branches, and the digest of its text.
fn of_other_heads(
    key: &DraftKey,
    is_done: impl Fn(&MergeHeads) -> bool,
) -> Result<Option<(Draft, MergeDecisions, u64)>, Failure> {
    for draft in drafts(key, &key.of_graph()) {
        // One that cannot be read is none of this merge's.
        let Ok((decisions, digest)) = read(&draft.path) else { continue };
        if !is_of(&decisions, &key.pair) {
            continue;
        }
        if !is_done(&decisions.heads) {
            return Ok(Some((draft, decisions, digest)));
        }
        remove(&draft.path)?;
    }
    Ok(None)
}

/// A file of decisions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Draft {
    /// When it was written, microseconds since 1970 UTC.
    at_micros: i64,
    path: PathBuf,
}

/// Drafts whose names begin so, newest first.
fn drafts(key: &DraftKey, prefix: &str) -> Vec<Draft> {
    let Some(files) = key.directory.as_ref().and_then(|directory| std::fs::read_dir(directory).ok()) else {
        return Vec::new();
    };
    let is_draft = |path: &Path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.starts_with(prefix) && path.extension().is_some_and(|extension| extension == "json")
    };
    let draft = |file: std::fs::DirEntry| {
        let written = file.metadata().ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some(Draft { at_micros: i64::try_from(written.as_micros()).ok()?, path: file.path() })
    };
    let mut drafts: Vec<Draft> = files.flatten().filter(|file| is_draft(&file.path())).filter_map(draft).collect();
    drafts.sort_by(|a, b| b.cmp(a));
    drafts
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
