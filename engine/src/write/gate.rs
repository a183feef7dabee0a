//! Who may write what, in this process and beside others.
//!
//! Inside a process every writer takes the gates of all tables it moves, in one order, before its sidecar is written, and keeps
//! them until the sidecar is gone. There is one set of gates for each graph, whatever handle is used. Between processes the
//! folder of the graph is locked by the system: one process at a time writes or recovers. The system releases the lock of a
//! process that dies.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;

use super::lease::Lease;
use crate::id::{BranchName, TableKey};

/// How often another process is asked for, and the pause between: ten seconds in all.
const ATTEMPTS: usize = 200;
const PAUSE: Duration = Duration::from_millis(50);

/// What a gate stands before. The order is the order of acquisition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Gate {
    /// A lineage of a table; none is its main one.
    Table(TableKey, BranchName),
    /// Branches are made or deleted.
    Branches,
    /// A branch is merged into.
    Merge(BranchName),
    /// Publishing on a branch and recording the commit. Taken last and held shortly.
    Publish(BranchName),
}

/// The gates of one graph.
#[derive(Debug)]
pub(crate) struct Gates {
    locks: Mutex<HashMap<Gate, Arc<tokio::sync::Mutex<()>>>>,
    lease: Mutex<Lease>,
    live: Mutex<HashSet<String>>,
}

/// Gates that are held; dropping it opens them.
#[derive(Debug)]
pub(crate) struct Held {
    _guards: Vec<OwnedMutexGuard<()>>,
}

/// The gates of every graph that is open for writing in this process, by canonical root.
static REGISTRY: LazyLock<Mutex<HashMap<PathBuf, Weak<Gates>>>> = LazyLock::new(Mutex::default);

impl Gates {
    /// The gates of a graph: the same for every handle on the same folder, however its path was written.
    pub(crate) fn of(root: &Path) -> Arc<Self> {
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let mut registry = REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
        registry.retain(|_, gates| gates.strong_count() > 0);
        if let Some(gates) = registry.get(&root).and_then(Weak::upgrade) {
            return gates;
        }
        let gates = Arc::new(Self {
            locks: Mutex::default(),
            lease: Mutex::new(Lease::new(root.clone())),
            live: Mutex::default(),
        });
        registry.insert(root, Arc::downgrade(&gates));
        gates
    }

    /// Waits for all of these gates, in their order.
    pub(crate) async fn acquire(&self, gates: impl IntoIterator<Item = Gate>) -> Held {
        let gates: BTreeSet<Gate> = gates.into_iter().collect();
        let mut guards = Vec::with_capacity(gates.len());
        for gate in &gates {
            let lock =
                self.locks.lock().unwrap_or_else(PoisonError::into_inner).entry(gate.clone()).or_default().clone();
            guards.push(lock.lock_owned().await);
        }
        Held { _guards: guards }
    }
}

/// No other process writes to the graph while this is held.
#[derive(Debug)]
pub(crate) struct Alone(Arc<Gates>);

impl Gates {
    fn lease(&self) -> std::sync::MutexGuard<'_, Lease> {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps other processes from writing; none if one writes now.
    pub(crate) fn alone(self: &Arc<Self>) -> Option<Alone> {
        self.lease().add().then(|| Alone(self.clone()))
    }

    /// As [`Gates::alone`], after giving the other process time to finish its write.
    pub(crate) async fn soon_alone(self: &Arc<Self>) -> Option<Alone> {
        for _ in 0..ATTEMPTS {
            if let Some(alone) = self.alone() {
                return Some(alone);
            }
            tokio::time::sleep(PAUSE).await;
        }
        None
    }
}

/// An operation of this process that has a sidecar; dropping it says that nobody works on it any more.
#[derive(Debug)]
pub(crate) struct Live {
    gates: Arc<Gates>,
    operation_id: String,
}

impl Gates {
    /// Says that this process works on an operation.
    pub(crate) fn live(self: &Arc<Self>, operation_id: &str) -> Live {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).insert(operation_id.to_owned());
        Live { gates: self.clone(), operation_id: operation_id.to_owned() }
    }

    /// Whether this process works on an operation: then its sidecar is no interrupted write.
    pub(crate) fn is_live(&self, operation_id: &str) -> bool {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).contains(operation_id)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.gates.live.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.operation_id);
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        self.0.lease().remove();
    }
}
