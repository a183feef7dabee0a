//! The graph engine of Stratigraph: reads, time-travels, loads, branches and recovers graphs in the on-disk format of
//! OmniGraph 0.6.2 – 0.7.2.
//!
//! | module | answers |
//! |---|---|
//! | [`id`], [`error`], [`progress`] | leaves: names of things, what can go wrong, how work reports itself |
//! | [`schema`] | the `.pg` language: text → catalog → canonical form and hash |
//! | [`storage`] | where bytes are; the only place that knows Lance |
//! | [`manifest`] | which table versions form one version of the graph |
//! | [`history`] | commits, branches, positions in time, snapshots |
//! | [`read`], [`value`] | rows of a table at a snapshot, and single cells |
//! | [`diff`] | row changes between two snapshots, and the history of one row |
//! | [`query`] | SQL over a snapshot |
//! | `constraint` | the rules of a schema, applied to a change before it is written |
//! | [`load`] | records into a branch, checked before anything moves |
//! | [`mutate`] | statements of a query language, carried out on a branch |
//! | [`write`] | how every write is carried out |
//! | [`recovery`] | interrupted writes, what to do about them, and the audit of it |
//! | [`Graph`] | the handle that ties them together |
//!
//! Opening a graph for reading never writes a byte.
//!
//! ```no_run
//! use stratigraph_engine::{At, Graph, OpenMode, Progress, ReadOptions};
//! use futures::TryStreamExt;
//!
//! # async fn example() -> stratigraph_engine::Result<()> {
//! let graph = Graph::open("/data/crm", OpenMode::ReadOnly).await?;
//! for commit in graph.history(&Progress::none()).await?.commits() {
//!     println!("{} {}", commit.id, commit.branch);
//! }
//! let snapshot = graph.snapshot(&"main@v7".parse::<At>()?).await?;
//! let person = snapshot.table("Person")?;
//! let mut rows = graph.read(&snapshot, &person.key, &ReadOptions::default()).await?;
//! while let Some(batch) = rows.try_next().await? {
//!     println!("{} rows", batch.num_rows());
//! }
//! # Ok(())
//! # }
//! ```

// Futures of the query engine are nested deeper than the compiler follows by itself.
#![recursion_limit = "256"]

pub mod clock;
mod constraint;
pub mod diff;
pub mod error;
mod excerpt;
pub mod fail;
pub mod graph;
pub mod history;
pub mod id;
pub mod load;
pub mod manifest;
pub mod merge;
pub mod mutate;
mod nearest;
pub mod progress;
pub mod query;
pub mod read;
pub mod recovery;
pub mod schema;
pub mod storage;
mod stream;
pub mod value;
pub mod write;

pub use diff::{
    DiffFilter, DiffItem, DiffStream, RowChange, RowHistoryItem, RowHistoryStream, RowOp, RowVersion, TableDiff,
};
pub use error::{Error, ErrorKind, Result};
pub use excerpt::Placed;
pub use graph::{BranchHead, CreateOptions, Graph, OpenMode};
pub use history::{At, Branch, Commit, CommitGraph, HistoryBatch, HistoryProblem, Position, Snapshot, TableStatus};
pub use id::{BranchName, CommitId, ManifestVersion, TableKey, TableKind, TableVersion};
pub use manifest::{ChangeKind, TableChange, TableEntry};
pub use nearest::nearest;
pub use progress::{Progress, ProgressEvent};
pub use query::{SqlOptions, SqlResult};
pub use read::{Blobs, Order, ReadOptions, RowStream};
pub use value::{Row, Value};
