//! Copies of the sample graph to work on, and questions to them afterwards.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value};
use stratigraph_engine::clock::SetClock;
use stratigraph_engine::history::At;
use stratigraph_engine::mutate::MutateRequest;
use stratigraph_engine::{Blobs, Graph, OpenMode, Progress};
use stratigraph_tests::folder;
use stratigraph_tests::graph::branch;
use tempfile::TempDir;

use super::session::{PROGRAM, Session};
use crate::demo;

/// The variable that names the folder to record to, for new recordings to keep.
const KEEP: &str = "STRATIGRAPH_KEEP_RECORDINGS";

/// Last part of the path of every sample; the graph is called so.
pub(super) const NAME: &str = "tidal";

/// What two branches do to the same rows, so that a merge of one into the other has to be decided about. The sample itself has
/// them disagree about the budget of `tidewater`.
const DISPUTES: [(&str, &str, &str); 4] = [
    (
        "budget/2027",
        "oskar",
        r#"update Project set { budget: 50000 } where slug = "blade-7"
           update Project set { budget: 291000 } where slug = "diver-training"
           update Project set { title: "Crane for both docks" } where slug = "dock-crane""#,
    ),
    (
        "main",
        "priya",
        r#"update Project set { budget: 61000 } where slug = "blade-7"
           update Project set { budget: 250000 } where slug = "diver-training"
           update Project set { status: "paused" } where slug = "dock-crane""#,
    ),
    ("budget/2027", "oskar", r#"delete Project where slug = "eel-passage""#),
    ("main", "priya", r#"update Project set { title: "Passage for eels and lampreys" } where slug = "eel-passage""#),
];

/// When they do it, the day after the sample ends: 2026-11-21 09:00 UTC.
const DISPUTED_AT_MICROS: i64 = 1_795_251_600_000_000;

/// A copy of the sample graph that goes away with this value.
pub(super) struct Sample {
    folder: TempDir,
}

impl Sample {
    /// The sample as `demo` makes it.
    pub(super) fn new() -> Result<Self> {
        Self::copy_of(Path::new(demo::sample()?))
    }

    /// The sample with five conflicts between `budget/2027` and `main`; its interrupted writes are settled.
    pub(super) fn disputed() -> Result<Self> {
        static MADE: OnceLock<Result<Sample, String>> = OnceLock::new();
        let made = MADE.get_or_init(|| Self::dispute().map_err(|error| format!("{error:#}")));
        Self::copy_of(&made.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?.path())
    }

    fn copy_of(graph: &Path) -> Result<Self> {
        let sample = Self { folder: tempfile::tempdir()? };
        folder::copy_graph(graph, &sample.path())?;
        Ok(sample)
    }

    /// The same ids in every run, so that recordings of what is done with it can be done again.
    fn dispute() -> Result<Self> {
        let sample = Self::new()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let clock = Arc::new(SetClock::new(DISPUTED_AT_MICROS, 7));
            let graph = Box::pin(Graph::open_with_clock(&sample.path().to_string_lossy(), clock.clone())).await?;
            for ((to, actor, statements), minutes) in DISPUTES.into_iter().zip(1..) {
                clock.set(DISPUTED_AT_MICROS + minutes * 60_000_000);
                let text = format!("query q() {{ {statements} }}");
                let (branch, actor, params) = (branch(to), Some(actor.into()), Map::new());
                let request = MutateRequest { branch, actor, text, name: None, params };
                Box::pin(graph.mutate(request, &Progress::none())).await?;
            }
            Ok::<_, anyhow::Error>(())
        })?;
        Ok(sample)
    }

    /// Root of the graph.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join(NAME)
    }

    /// A file beside the graph.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Opens the workbench on it and records what is done there. What it keeps of one session the next one finds.
    pub(super) fn session(
        &self,
        name: &str,
        size: (u16, u16),
        options: &[&str],
        variables: &[(&str, &str)],
    ) -> Result<Session> {
        let (graph, record) = (self.path(), self.recording(name));
        let (graph, record) = (graph.to_string_lossy(), record.to_string_lossy());
        let line = [&[PROGRAM, "open", &graph, "--record", &record], options].concat();
        Session::spawn(size, &line, variables, self.folder.path())
    }

    /// The file that a session records to: beside the graph, or where recordings are kept from.
    pub(super) fn recording(&self, name: &str) -> PathBuf {
        let folder = std::env::var_os(KEEP).map_or_else(|| self.folder.path().to_owned(), PathBuf::from);
        folder.join(format!("{name}.jsonl"))
    }

    /// Does recordings again on it that were made at the same time: the last screen of each.
    pub(super) fn replay(&self, recordings: &[PathBuf]) -> Result<String> {
        let files: Vec<_> = recordings.iter().map(|file| file.to_string_lossy()).collect();
        let mut command = Command::new(PROGRAM);
        command.arg(self.path()).env("STRATIGRAPH_REPLAY", files.join(";"));
        command.env("XDG_STATE_HOME", self.beside("state")).env("XDG_CONFIG_HOME", self.beside("config"));
        let output = command.output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Asks the engine about it.
    pub(super) fn ask<T>(&self, mode: OpenMode, question: impl AsyncFnOnce(Graph) -> Result<T>) -> Result<T> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let graph = Box::pin(Graph::open(&self.path().to_string_lossy(), mode)).await?;
            Box::pin(question(graph)).await
        })
    }

    /// The properties of a row on a branch, none if there is no such row.
    pub(super) fn row(&self, at: &str, table: &str, id: &str) -> Result<Option<Value>> {
        self.ask(OpenMode::ReadOnly, async |graph| {
            let snapshot = graph.snapshot(&at.parse::<At>()?).await?;
            let key = snapshot.table(table)?.key.clone();
            let row = graph.entity(&snapshot, &key, id, Blobs::Described).await?;
            Ok(row.map(|row| row.to_json()))
        })
    }

    /// One property of a row on a branch.
    pub(super) fn cell(&self, at: &str, table: &str, id: &str, column: &str) -> Result<Value> {
        let row = self.row(at, table, id)?.with_context(|| format!("{table} {id} on {at}"))?;
        Ok(row[column].clone())
    }

    /// The head of a branch: its commit's id, who made it, how many parents it has.
    pub(super) fn head(&self, of: &str) -> Result<(String, Option<String>, usize)> {
        self.ask(OpenMode::ReadOnly, async |graph| {
            let history = graph.history(&Progress::none()).await?;
            let id = history.heads().get(&branch(of)).copied().context("the branch has a head")?;
            let commit = history.get(id).context("the head is in the history")?;
            Ok((id.to_string(), commit.actor.as_deref().map(str::to_owned), commit.parents().count()))
        })
    }

    /// Who made a commit.
    pub(super) fn actor_of(&self, commit: &str) -> Result<Option<String>> {
        self.ask(OpenMode::ReadOnly, async |graph| {
            let history = graph.history(&Progress::none()).await?;
            let commit = history.get(history.resolve_id(commit)?).context("the commit is in the history")?;
            Ok(commit.actor.as_deref().map(str::to_owned))
        })
    }

    /// The id of a commit's first parent.
    pub(super) fn parent_of(&self, commit: &str) -> Result<String> {
        self.ask(OpenMode::ReadOnly, async |graph| {
            let history = graph.history(&Progress::none()).await?;
            let commit = history.get(history.resolve_id(commit)?).context("the commit is in the history")?;
            Ok(commit.parent.context("it has a parent")?.to_string())
        })
    }

    /// The number of rows of a table.
    pub(super) fn rows(&self, at: &str, table: &str) -> Result<u64> {
        self.ask(OpenMode::ReadOnly, async |graph| {
            let snapshot = graph.snapshot(&at.parse::<At>()?).await?;
            let key = snapshot.table(table)?.key.clone();
            Ok(graph.count(&snapshot, &key, None).await?)
        })
    }

    /// The newest version of every table of a branch, visible or not.
    pub(super) fn heads_of_tables(&self, of: &str) -> Result<Vec<u64>> {
        self.ask(OpenMode::ReadOnly, async |graph| {
            let snapshot = graph.snapshot(&of.parse::<At>()?).await?;
            let tables = graph.table_status(&snapshot).await;
            tables.into_iter().map(|table| Ok(table.head?.get())).collect()
        })
    }

    /// The number of tables that a branch writes whose head is not what the branch shows.
    pub(super) fn drift(&self, of: &str) -> Result<usize> {
        self.ask(OpenMode::ReadOnly, async |graph| {
            let snapshot = graph.snapshot(&of.parse::<At>()?).await?;
            let lineage = Some(branch(of)).filter(|branch| !branch.is_main());
            let tables = graph.table_status(&snapshot).await;
            let own = tables.iter().filter(|table| table.entry.lineage == lineage);
            Ok(own.filter(|table| table.drift().is_some_and(|drift| drift > 0)).count())
        })
    }

    /// The number of interrupted writes, and what recoveries did, newest first.
    pub(super) fn recoveries(&self) -> Result<(usize, Vec<String>)> {
        self.ask(OpenMode::ReadOnly, async |graph| {
            let audit = graph.audit().await?.into_iter().map(|row| row.recovery_kind).collect();
            Ok((graph.sidecars().await?.len(), audit))
        })
    }
}

/// Holds the program at a fail point: set before it starts, it waits from the moment it is told to, until it is let go.
pub(super) struct Hold {
    file: PathBuf,
    /// What the program is told in its environment.
    pub(super) setting: String,
}

impl Hold {
    /// Holds where the point is passed for the n-th time.
    pub(super) fn at(sample: &Sample, point: &str, pass: usize) -> Self {
        let file = sample.beside(&format!("hold-{}", point.replace('.', "-")));
        Self { setting: format!("{point}*{pass}={}", file.display()), file }
    }

    /// From now on.
    pub(super) fn begin(&self) -> Result<()> {
        Ok(std::fs::write(&self.file, "")?)
    }

    /// Waits until the program is there.
    pub(super) fn reached(&self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_mins(4);
        while !self.file.with_extension("reached").exists() {
            ensure!(Instant::now() < deadline, "{} is not reached", self.setting);
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Lets it go on.
    pub(super) fn end(&self) -> Result<()> {
        Ok(std::fs::remove_file(&self.file)?)
    }
}
