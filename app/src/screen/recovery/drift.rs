//! Tables whose head is not their pin although no sidecar names them: writes to them are refused, and nobody settles them.

use stratigraph_engine::recovery::{Sidecar, SidecarFile};
use stratigraph_engine::storage::VersionInfo;
use stratigraph_engine::{At, BranchName, Error, ErrorKind, Graph, Progress, TableEntry, TableStatus, TableVersion};

/// Most operations past a pin that are looked up.
const OPERATIONS: usize = 50;

/// A table that is not as its branch shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drifted {
    /// The branch.
    pub branch: BranchName,
    /// The table as the branch pins it.
    pub entry: TableEntry,
    /// In which way.
    pub standing: Standing,
}

/// How head and pin differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// The head is past the pin.
    Past {
        /// Newest version.
        head: u64,
        /// What was done past the pin, oldest first; not all if there is a lot, none if that cannot be read.
        operations: Vec<VersionInfo>,
    },
    /// The table lost the version that is pinned.
    Behind {
        /// Newest version.
        head: u64,
    },
    /// The head cannot be read, because …
    Unreadable(String),
}

/// Finds them on all branches.
pub(super) async fn find(graph: &Graph, progress: &Progress) -> Result<Vec<Drifted>, Error> {
    let mut suspects: Vec<(Vec<TableStatus>, BranchName)> = Vec::new();
    for branch in graph.head_versions().await?.into_keys() {
        progress.check()?;
        match look(graph, &branch).await {
            Ok(statuses) => suspects.push((statuses, branch)),
            Err(error) if branch.is_main() || error.kind() == ErrorKind::Cancelled => return Err(error),
            // A branch that cannot be read is told as broken in the list of branches.
            Err(_) => {}
        }
    }
    suspects.retain(|(statuses, _)| !statuses.is_empty());
    if suspects.is_empty() {
        return Ok(Vec::new());
    }
    // A write at work has moved heads, too. Its sidecar is there until it is published: what has neither a sidecar now nor another
    // pin afterwards was not moved by one.
    let sidecars = graph.sidecars().await?;
    let sidecars: Vec<&Sidecar> = sidecars.iter().filter_map(SidecarFile::readable).collect();
    let mut found = Vec::new();
    for (statuses, branch) in suspects {
        let snapshot = graph.snapshot(&At::Branch(branch.clone())).await?;
        for TableStatus { entry, head } in statuses {
            let is_named = sidecars.iter().any(|sidecar| names(sidecar, &entry));
            if is_named || snapshot.entries.get(&entry.key) != Some(&entry) {
                continue;
            }
            let standing = standing(graph, &entry, head).await;
            found.push(Drifted { branch: branch.clone(), entry, standing });
        }
    }
    Ok(found)
}

/// The tables of a branch that are not as it shows them. A table that another branch holds is that one's: its head may be past
/// this branch's pin rightly.
async fn look(graph: &Graph, branch: &BranchName) -> Result<Vec<TableStatus>, Error> {
    let mut snapshot = graph.snapshot(&At::Branch(branch.clone())).await?;
    snapshot.entries.retain(|_, entry| entry.lineage.as_ref().map_or(branch.is_main(), |lineage| lineage == branch));
    let mut statuses = graph.table_status(&snapshot).await;
    statuses.retain(|status| status.head.as_ref().ok() != Some(&status.entry.version));
    Ok(statuses)
}

fn names(sidecar: &Sidecar, entry: &TableEntry) -> bool {
    let (key, lineage) = (entry.key.to_string(), entry.lineage.as_ref().map(BranchName::as_str));
    sidecar.tables.iter().any(|pin| pin.table_key == key && pin.table_branch.as_deref() == lineage)
}

async fn standing(graph: &Graph, entry: &TableEntry, head: Result<TableVersion, Error>) -> Standing {
    let pin = entry.version.get();
    match head.map(TableVersion::get) {
        Err(error) => Standing::Unreadable(crate::message::chain(&error).join(": ")),
        Ok(head) if head < pin => Standing::Behind { head },
        Ok(head) => {
            let count = usize::try_from(head - pin).unwrap_or(OPERATIONS).min(OPERATIONS);
            let mut operations = graph.table_versions(entry, count).await.unwrap_or_default();
            operations.retain(|version| version.version > pin);
            operations.reverse();
            Standing::Past { head, operations }
        }
    }
}
