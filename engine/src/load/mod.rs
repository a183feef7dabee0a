//! Loading records into a branch: read, check, then one write for all tables.
//!
//! | file | answers |
//! |---|---|
//! | `input` | what can be loaded: JSON records, files with rows of one table |
//! | `reader` | how all inputs become blocks of rows |
//! | `json`, `record`, `rows` | JSON text → values → records → blocks |
//! | `cell`, `column`, `builder` | what a value is as a cell of a type, and cells in a column |
//! | `given` | one value as a cell, for other writers |
//! | `columnar`, `messages` | Parquet and Arrow files |
//! | `header`, `convert`, `nested` | the columns of such files, and what they become |
//! | `block` | rows on their way from the reader to the intake |
//! | `intake` | all rows, checked for themselves, in temporary files |
//! | `problem` | how problems are told |
//!
//! Nothing of the graph moves before everything is checked ([`crate::constraint`]).

mod block;
mod builder;
mod cell;
mod column;
mod columnar;
mod convert;
mod given;
mod header;
mod input;
mod intake;
mod json;
mod key;
mod messages;
mod nested;
mod problem;
mod reader;
mod record;
mod rows;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use futures::FutureExt;

pub use input::{Content, Input, Source, TableFile, TableFormat};
pub use problem::{LoadError, LoadProblem};

pub(crate) use given::{cell, key_id};

use intake::Intake;

use crate::constraint::{self, Committed, Ends, GraphChange, Problems, Stored, TableChange, TableRows};
use crate::error::Result;
use crate::id::{BranchName, TableKey};
use crate::manifest::{self, TableEntry};
use crate::progress::Progress;
use crate::recovery::{self, WriterKind};
use crate::schema::Catalog;
use crate::write::{Change, Effect, Gate, WritePlan, Writer, Written, check_current, plan_and_run};

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
    // What is replaced must be what was there when the load was asked for.
    let pinned = match mode {
        LoadMode::Overwrite => Some(manifest::read_branch(&writer.storage, &branch).await?),
        LoadMode::Append | LoadMode::Merge => None,
    };
    let names: Vec<String> = inputs.iter().map(|input| input.name.clone()).collect();
    let intake = take_in(writer, catalog, mode, inputs, progress).await?;
    let records = intake.tables.iter().map(|(key, rows)| (key.clone(), rows.spool.rows())).collect();
    let gates: Vec<Gate> = gates(catalog, &branch, &change_of(mode, &intake));
    let plan = || plan(writer, catalog, mode, (&branch, &actor), pinned.as_ref(), (&intake, &names), progress).boxed();
    let written = Box::pin(plan_and_run(writer, &branch, &gates, progress, plan)).await?;
    Ok(Loaded { written, records })
}

/// What the records do, as the rules see it.
fn change_of(mode: LoadMode, intake: &Intake) -> GraphChange<'_> {
    let stored = match mode {
        LoadMode::Append => Stored::Stay,
        LoadMode::Merge => Stored::Replaced,
        LoadMode::Overwrite => Stored::Gone,
    };
    let table = |(key, rows): (&TableKey, _)| (key.clone(), TableChange { rows: Some(rows), deleted: None, stored });
    let tables = intake.tables.iter().map(table).collect();
    GraphChange { tables, ends: Ends::Noted(&intake.ends), cascaded: HashSet::new(), digests: &intake.digests }
}

/// The tables that are written, and those that the checks rely on.
fn gates(catalog: &Catalog, branch: &BranchName, change: &GraphChange<'_>) -> Vec<Gate> {
    let relied_on = constraint::relied_on(catalog, change);
    let keys = change.tables.keys().cloned().chain(relied_on);
    keys.map(|key| Gate::Table(key, branch.clone())).collect()
}

/// Checks the rows against the branch as it is now; the plan holds for exactly that.
async fn plan(
    writer: &Writer,
    catalog: &Catalog,
    mode: LoadMode,
    (branch, actor): (&BranchName, &Option<Arc<str>>),
    pinned: Option<&BTreeMap<TableKey, TableEntry>>,
    (intake, names): (&Intake, &[String]),
    progress: &Progress,
) -> Result<WritePlan> {
    let entries = manifest::read_branch(&writer.storage, branch).await?;
    check_current(branch, intake.tables.keys(), pinned.unwrap_or(&entries), &entries)?;
    let committed = Committed { storage: &writer.storage, entries: &entries, progress };
    let mut problems = Problems::default();
    constraint::check(&committed, catalog, &change_of(mode, intake), &mut problems).await?;
    problem::refuse(&mut problems, names)?;
    let effect = |(key, rows): (&TableKey, &TableRows)| {
        let table = entries.get(key).cloned().expect("every table was just found");
        Effect::of(table, change(mode, rows))
    };
    let effects = intake.tables.iter().map(effect).collect();
    Ok(WritePlan {
        kind: WriterKind::Load,
        branch: branch.clone(),
        actor: actor.clone(),
        effects,
        adoptions: Vec::new(),
        merged: None,
    })
}

/// Reading is work for a processor, so it leaves the threads that wait for storage alone.
async fn take_in(
    writer: &Writer,
    catalog: &Catalog,
    mode: LoadMode,
    inputs: Vec<Input>,
    progress: &Progress,
) -> Result<Intake> {
    let (catalog, clock, progress) = (catalog.clone(), writer.clock.clone(), progress.clone());
    let read = move || intake::read(&catalog, mode, inputs, &*clock, &progress);
    let joined = tokio::task::spawn_blocking(read).await;
    joined.map_err(|error| LoadError::Reading { reason: error.to_string() })?
}

fn change(mode: LoadMode, rows: &TableRows) -> Change {
    let source = rows.spool.clone().without(rows.replaced.clone());
    match mode {
        LoadMode::Append => Change::Append(Box::new(source)),
        LoadMode::Merge => Change::Upsert(Box::new(source)),
        LoadMode::Overwrite => Change::Overwrite(Box::new(source)),
    }
}
