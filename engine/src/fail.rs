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

/// All of them, for tests that go through every one.
pub const ALL: [&str; 5] = [STORAGE_READ, STORAGE_LIST, STORAGE_OPEN, STORAGE_HEAD, STORAGE_LINEAGES];

/// Returns the injected error from the enclosing function if a test configured the point.
macro_rules! storage_fail_point {
    ($point:expr) => {
        ::fail::fail_point!($point, |_| Err($crate::storage::StorageError::Injected { point: $point }))
    };
}

pub(crate) use storage_fail_point;
