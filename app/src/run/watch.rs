//! What wakes the loop from outside: branch heads, the configuration file and signals.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::config::{Config, FileSettings, Flags, Origin, merge, read_file};
use crate::event::Event;
use crate::message::Failure;
use crate::tasks::OpenGraph;

/// `SIGTERM` and `SIGHUP`.
#[derive(Debug)]
pub(super) struct Signals {
    term: Signal,
    hangup: Signal,
}

impl Signals {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self { term: signal(SignalKind::terminate())?, hangup: signal(SignalKind::hangup())? })
    }

    /// Returns when one of them arrives.
    pub(super) async fn terminate(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

/// Where settings come from.
#[derive(Debug, Clone)]
pub(super) struct Sources {
    pub(super) files: Vec<(PathBuf, Origin)>,
    pub(super) flags: Flags,
}

impl Sources {
    /// Reads and merges everything. A missing user file says nothing; any other problem is an error.
    pub(super) fn read(&self) -> Result<Config, Failure> {
        let mut layers: Vec<(FileSettings, Origin)> = Vec::new();
        for (path, origin) in &self.files {
            if *origin == Origin::UserFile && !path.exists() {
                continue;
            }
            layers.push((read_file(path)?, *origin));
        }
        Ok(merge(layers, &self.flags))
    }

    fn changed_at(&self) -> Vec<Option<SystemTime>> {
        let changed = |path: &PathBuf| std::fs::metadata(path).and_then(|data| data.modified()).ok();
        self.files.iter().map(|(path, _)| changed(path)).collect()
    }
}

/// Looks at branch heads and configuration now and then, on a worker.
#[derive(Debug)]
pub(super) struct Watch {
    runtime: tokio::runtime::Handle,
    events: mpsc::Sender<Event>,
    heads: Option<JoinHandle<()>>,
    settings: JoinHandle<()>,
}

/// Pause between two looks at the configuration file.
const SETTINGS_PACE: Duration = Duration::from_secs(2);

impl Watch {
    pub(super) fn new(runtime: tokio::runtime::Handle, events: mpsc::Sender<Event>, sources: Sources) -> Self {
        let settings = runtime.spawn(watch_settings(sources, events.clone()));
        Self { runtime, events, heads: None, settings }
    }

    /// Looks at the heads and for interrupted writes now and every `seconds`; 0 stops looking.
    pub(super) fn heads_every(&mut self, seconds: u64, graph: OpenGraph) {
        self.stop_heads();
        let events = self.events.clone();
        if seconds > 0 {
            let pause = Duration::from_secs(seconds);
            self.heads = Some(self.runtime.spawn(async move {
                loop {
                    look(&graph, &events).await;
                    tokio::time::sleep(pause).await;
                }
            }));
        }
    }

    /// Looks at the heads and for interrupted writes once.
    pub(super) fn look_now(&self, graph: OpenGraph) {
        let events = self.events.clone();
        self.runtime.spawn(async move { look(&graph, &events).await });
    }

    fn stop_heads(&mut self) {
        if let Some(task) = self.heads.take() {
            task.abort();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop_heads();
        self.settings.abort();
    }
}

async fn look(graph: &OpenGraph, events: &mpsc::Sender<Event>) {
    let Some(graph) = graph.get() else { return };
    let heads = graph.branch_heads().await.map_err(Failure::from);
    let sidecars = graph.sidecars().await.map_err(Failure::from);
    let sidecars = sidecars.map(|found| found.into_iter().map(|file| file.id).collect());
    for event in [Event::Heads(heads), Event::Interrupted(sidecars)] {
        // The loop is gone when the program ends; then nobody needs the events.
        drop(events.send(event).await);
    }
}

async fn watch_settings(sources: Sources, events: mpsc::Sender<Event>) {
    let mut known = sources.changed_at();
    loop {
        tokio::time::sleep(SETTINGS_PACE).await;
        let found = sources.changed_at();
        if found != known {
            known = found;
            let config = sources.read().map(Box::new);
            if events.send(Event::Config(config)).await.is_err() {
                return;
            }
        }
    }
}
