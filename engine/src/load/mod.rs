//! Loading records into a branch: read, check, then one write for all tables.
//!
//! | file | answers |
//! |---|---|
//! | `record` | what a record is |
//! | `column` | how a JSON value becomes a cell |
//! | `check` | which rules a single row breaks |
//! | `intake` | all inputs, read once into temporary files |
//! | `stored` | which rules the rows break together with those that are stored |
//! | `problem` | how problems are told |
//!
//! Nothing of the graph moves before everything is checked.

mod check;
mod column;
mod intake;
mod problem;
mod record;
mod stored;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use intake::Input;
pub use problem::{LoadError, LoadProblem};

use intake::{Intake, TableRows};

use crate::error::Result;
use crate::id::{BranchName, TableKey};
use crate::manifest;
use crate::progress::Progress;
use crate::recovery::{self, WriterKind};
use crate::schema::Catalog;
use crate::write::{Basis, Change, Effect, WritePlan, Writer, Written, run};

/// What happens to rows that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadMode {
    /// Rows are added; an id that is stored already is an error.
    Append,
    /// Rows replace stored ones with the same id, or are added.
    Merge,
    /// Rows replace all rows of each table that occurs in the input.
    Overwrite,
}

/// What to load, and where.
#[derive(Debug)]
pub struct LoadRequest {
    /// What happens to rows that are there.
    pub mode: LoadMode,
    /// Branch to load into.
    pub branch: BranchName,
    /// Who does it.
    pub actor: Option<Arc<str>>,
    /// The records.
    pub inputs: Vec<Input>,
}

/// What was loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The commit; none if the input had no records.
    pub written: Option<Written>,
    /// Records of each table.
    pub records: BTreeMap<TableKey, u64>,
}

/// Loads records into a branch that exists.
pub(crate) async fn load(
    writer: &Writer,
    catalog: &Catalog,
    request: LoadRequest,
    progress: &Progress,
) -> Result<Loaded> {
    recovery::heal(writer).await?;
    let LoadRequest { mode, branch, actor, inputs } = request;
    let names: Vec<String> = inputs.iter().map(|input| input.name.clone()).collect();
    let folder = tempfile::Builder::new().prefix("stratigraph-load-").tempdir().map_err(problem::no_folder)?;
    let mut intake = take_in(writer, catalog, mode, inputs, folder.path(), progress).await?;
    let entries = manifest::read_state(&manifest::open(&writer.storage, &branch, None).await?).await?;
    stored::check(&writer.storage, catalog, mode, &entries, &mut intake, &names, progress).await?;
    let records = intake.tables.iter().map(|(key, rows)| (key.clone(), rows.spool.rows())).collect();
    let mut effects = Vec::with_capacity(intake.tables.len());
    for (key, rows) in intake.tables {
        let table = entries.get(&key).cloned().expect("the check found the table");
        let (change, basis) = change(mode, rows);
        effects.push(Effect { table, change, basis });
    }
    let plan = WritePlan { kind: WriterKind::Load, branch, actor, effects };
    let written = Box::pin(run(writer, plan, progress)).await?;
    drop(folder);
    Ok(Loaded { written, records })
}

/// Reading is work for a processor, so it leaves the threads that wait for storage alone.
async fn take_in(
    writer: &Writer,
    catalog: &Catalog,
    mode: LoadMode,
    inputs: Vec<Input>,
    folder: &std::path::Path,
    progress: &Progress,
) -> Result<Intake> {
    let (catalog, folder) = (catalog.clone(), folder.to_owned());
    let (clock, progress) = (writer.clock.clone(), progress.clone());
    let read = move || intake::read(&catalog, mode, inputs, &folder, &*clock, &progress);
    let joined = tokio::task::spawn_blocking(read).await;
    joined.map_err(|error| LoadError::Reading { reason: error.to_string() })?
}

fn change(mode: LoadMode, rows: TableRows) -> (Change, Basis) {
    let source = rows.spool.without(rows.replaced);
    match mode {
        LoadMode::Append => (Change::Append(source), Basis::Newest),
        LoadMode::Merge => (Change::Upsert(source), Basis::Newest),
        LoadMode::Overwrite => (Change::Overwrite(source), Basis::Exact),
    }
}
