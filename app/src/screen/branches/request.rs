//! What the screen asks of a worker thread, and what comes back.

use std::collections::BTreeMap;

use stratigraph_engine::{At, Branch, BranchName, CommitId, ManifestVersion, TableEntry};

use crate::loss::{Doomed, Loss};
use crate::message::Failure;
use crate::moved::Moved;
use crate::summary::{Brief, Told};
use crate::walk::Divergence;

/// The head of a branch and that of main, which it is compared with.
pub type HeadPair = (CommitId, CommitId);

/// What a worker does for the screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Read the branches.
    Load,
    /// Read the interrupted writes alone.
    Pending,
    /// Count the commits that each of two heads has alone.
    Count(Vec<HeadPair>),
    /// Read what the details show of a branch.
    Details(DetailsKey),
    /// Find the commit at which a new branch is to start.
    Find {
        /// The new name.
        name: BranchName,
        /// The position, as it was typed.
        text: String,
        /// The branch that versions and times belong to.
        on: BranchName,
    },
    /// Find what deleting a branch loses, and what forbids it.
    Loss(BranchName),
    /// Make a branch.
    Create(NewBranch),
    /// Delete a branch.
    Delete(Doomed),
}

/// What a worker delivers.
#[derive(Debug)]
pub enum Reply {
    /// The branches.
    Loaded(Box<Loaded>),
    /// The interrupted writes.
    Pending(Pending),
    /// Commits that each of two heads has alone; none if a head is not in the history.
    Counted(Vec<(HeadPair, Option<Divergence>)>),
    /// What the details show.
    Details(DetailsKey, Box<Details>),
    /// The commit at which a new branch is to start, or why there is none; with what was typed.
    Found(String, Result<Box<NewBranch>, Failure>),
    /// What deleting a branch loses.
    Loss(Box<Loss>),
    /// A branch was made.
    Created(NewBranch),
    /// A branch was deleted.
    Deleted(Doomed),
}

/// What is known of one branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// As the engine lists it.
    pub branch: Branch,
    /// Its newest commit; none if its commits cannot be read.
    pub head: Option<Brief>,
    /// The commit it was made at; none for main, and if it cannot be read.
    pub fork: Option<Brief>,
    /// Interrupted writes on it.
    pub pending: usize,
}

/// Interrupted writes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pending {
    /// By branch, be it gone.
    pub on: BTreeMap<BranchName, usize>,
    /// Those whose record cannot be read: nobody knows their branch.
    pub unreadable: usize,
}

/// What a look at the branches found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The branches, in no particular order.
    pub branches: Vec<Facts>,
    /// Interrupted writes on branches that are gone, by branch.
    pub gone: BTreeMap<BranchName, usize>,
    /// Interrupted writes whose record cannot be read: nobody knows their branch.
    pub unreadable: usize,
    /// Branches that read files of another folder, because the graph was moved.
    pub moved: Option<Moved>,
}

/// One state of a branch: what is known of it stays true.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DetailsKey {
    /// The branch.
    pub branch: BranchName,
    /// Its newest version; none if it cannot be read.
    pub version: Option<ManifestVersion>,
    /// Its newest commit.
    pub head: Option<CommitId>,
}

/// What the details show of one state of a branch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// Tables that the branch holds itself, in key order.
    pub owned: Vec<TableEntry>,
    /// How many tables it reads from other branches, by branch.
    pub read_from: BTreeMap<BranchName, usize>,
    /// Its last commits, newest first.
    pub recent: Vec<Told>,
}

/// A branch to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBranch {
    /// Its name.
    pub name: BranchName,
    /// Where it starts, for the engine.
    pub at: At,
    /// The commit it starts at, as it was told.
    pub start: Brief,
    /// The branch whose head that is; none if it is an older commit.
    pub head_of: Option<BranchName>,
}
