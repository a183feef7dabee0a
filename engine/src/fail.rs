//! Names of the fail points: places where a test can make storage fail. Without the feature `failpoints` they are nothing.
//!
//! Each name marks the boundary just before the call it names. What fails there reads "injected failpoint triggered: NAME".

/// Before a control object is read.
pub const STORAGE_READ: &str = "storage.read";
/// Before a folder of control objects is listed.
pub const STORAGE_LIST: &str = "storage.list";
/// Before a table is opened.
pub const STORAGE_OPEN: &str = "storage.open";
/// Before the head of a table's lineage is asked for.
pub const STORAGE_HEAD: &str = "storage.head";
/// Before the lineages of a table are listed.
pub const STORAGE_LINEAGES: &str = "storage.lineages";
/// A lineage is branched off inside a table, and whoever wanted it does not know yet.
pub const STORAGE_AFTER_FORK: &str = "storage.after_fork";

/// While a graph is made: the schema source is written, and with it the place is claimed.
pub const INIT_AFTER_SCHEMA_PG_WRITTEN: &str = "init.after_schema_pg_written";
/// While a graph is made: all three schema files are written.
pub const INIT_AFTER_SCHEMA_CONTRACT_WRITTEN: &str = "init.after_schema_contract_written";
/// While a graph is made: tables and manifest are there, the history is not.
pub const INIT_AFTER_COORDINATOR_INIT: &str = "init.after_coordinator_init";

/// While a branch is made: the manifest has it, the commits do not.
pub const BRANCH_CREATE_AFTER_MANIFEST_BRANCH_CREATE: &str = "branch_create.after_manifest_branch_create";
/// A branch is deleted, its commits are not.
pub const BRANCH_DELETE_BEFORE_COMMIT_GRAPH_RECLAIM: &str = "branch_delete.before_commit_graph_reclaim";
/// A branch and its commits are deleted, its lineages of tables are not.
pub const BRANCH_DELETE_BEFORE_TABLE_CLEANUP: &str = "branch_delete.before_table_cleanup";
/// A mutation: the nodes that it deletes and their edges are known, nothing is staged.
pub const MUTATION_DELETE_NODE_PRE_PRIMARY_DELETE: &str = "mutation.delete_node_pre_primary_delete";
/// A write: every table is committed, nothing is published.
pub const MUTATION_POST_FINALIZE_PRE_PUBLISHER: &str = "mutation.post_finalize_pre_publisher";
/// A write is published, its commit is not recorded.
pub const GRAPH_PUBLISH_AFTER_MANIFEST_COMMIT: &str = "graph_publish.after_manifest_commit";
/// As the former, with the parent known.
pub const GRAPH_PUBLISH_BEFORE_COMMIT_APPEND: &str = "graph_publish.before_commit_append";
/// Before a table of a write is committed; passed once for each table.
pub const WRITE_BEFORE_TABLE_COMMIT: &str = "write.before_table_commit";
/// A write is finished, and before an internal table's small files are put together; passed once for each table.
pub const TIDY_BEFORE_COMPACTION: &str = "tidy.before_compaction";
/// A merge: the new rows of a table that only the source changed are committed, the changed ones are not.
pub const BRANCH_MERGE_ADOPT_AFTER_APPEND_PRE_UPSERT: &str = "branch_merge.adopt_after_append_pre_upsert";
/// As the former, with the changed rows committed and the deletions not.
pub const BRANCH_MERGE_ADOPT_AFTER_UPSERT_PRE_DELETE: &str = "branch_merge.adopt_after_upsert_pre_delete";
/// A merge: the new and the changed rows of a table that both sides changed are committed, the deletions are not.
pub const BRANCH_MERGE_REWRITE_AFTER_MERGE_PRE_DELETE: &str = "branch_merge.rewrite_after_merge_pre_delete";
/// As the former, with the deletions committed.
pub const BRANCH_MERGE_REWRITE_AFTER_DELETE_PRE_INDEX: &str = "branch_merge.rewrite_after_delete_pre_index";
/// A merge has committed all tables and said so, nothing is published.
pub const BRANCH_MERGE_POST_PHASE_B_PRE_MANIFEST_COMMIT: &str = "branch_merge.post_phase_b_pre_manifest_commit";
/// A branch's own lineage of a table is made, nothing is committed to it.
pub const FORK_BEFORE_FIRST_COMMIT: &str = "fork.before_first_commit";
/// A lineage is in the way of a fork, and whose it is is not known.
pub const FORK_BEFORE_CLASSIFY: &str = "fork.before_classify";
/// Before the branch is read that may own a lineage.
pub const CLASSIFY_FRESH_READ: &str = "classify.fresh_read";
/// Before a lineage that nobody owns is deleted.
pub const FORK_BEFORE_RECLAIM: &str = "fork.before_reclaim";
/// A roll-forward is decided, nothing of it is published.
pub const RECOVERY_BEFORE_ROLL_FORWARD_PUBLISH: &str = "recovery.before_roll_forward_publish";
/// A roll-back has restored its tables, nothing of it is published.
pub const RECOVERY_AFTER_RESTORE: &str = "recovery.after_restore";
/// A recovery has done what it decided, nothing of that is recorded.
pub const RECOVERY_BEFORE_RECORD: &str = "recovery.before_record";
/// A recovery has its commit, not its audit row.
pub const RECOVERY_RECORD_AUDIT: &str = "recovery.record_audit";
/// As the former, for a write to a branch that is gone.
pub const RECOVERY_ORPHAN_DISCARD_AUDIT_APPEND: &str = "recovery.orphan_discard_audit_append";
/// Before a sidecar is written.
pub const RECOVERY_SIDECAR_WRITE: &str = "recovery.sidecar_write";
/// Before a sidecar is deleted.
pub const RECOVERY_SIDECAR_DELETE: &str = "recovery.sidecar_delete";
/// Before the sidecars are listed.
pub const RECOVERY_SIDECAR_LIST: &str = "recovery.sidecar_list";

/// Those a write passes, for tests that go through every one.
pub const WRITE: [&str; 7] = [
    RECOVERY_SIDECAR_WRITE,
    WRITE_BEFORE_TABLE_COMMIT,
    FORK_BEFORE_FIRST_COMMIT,
    MUTATION_POST_FINALIZE_PRE_PUBLISHER,
    GRAPH_PUBLISH_AFTER_MANIFEST_COMMIT,
    GRAPH_PUBLISH_BEFORE_COMMIT_APPEND,
    RECOVERY_SIDECAR_DELETE,
];

/// Those that a mutation passes besides, for tests that go through every one.
pub const MUTATION: [&str; 1] = [MUTATION_DELETE_NODE_PRE_PRIMARY_DELETE];

/// Those that a merge passes besides, for tests that go through every one.
pub const MERGE: [&str; 5] = [
    BRANCH_MERGE_ADOPT_AFTER_APPEND_PRE_UPSERT,
    BRANCH_MERGE_ADOPT_AFTER_UPSERT_PRE_DELETE,
    BRANCH_MERGE_REWRITE_AFTER_MERGE_PRE_DELETE,
    BRANCH_MERGE_REWRITE_AFTER_DELETE_PRE_INDEX,
    BRANCH_MERGE_POST_PHASE_B_PRE_MANIFEST_COMMIT,
];

/// Those of the storage, for tests that go through every one.
pub const STORAGE: [&str; 5] = [STORAGE_READ, STORAGE_LIST, STORAGE_OPEN, STORAGE_HEAD, STORAGE_LINEAGES];

/// Returns the injected error from the enclosing function if a test configured the point.
macro_rules! storage_fail_point {
    ($point:expr) => {
        ::fail::fail_point!($point, |_| Err($crate::storage::StorageError::Injected { point: $point }))
    };
}

/// Returns the injected error from the enclosing function if a test configured the point.
macro_rules! fail_point {
    ($point:expr) => {
        ::fail::fail_point!($point, |_| Err($crate::error::Error::Injected($point)))
    };
}

pub(crate) use {fail_point, storage_fail_point};
