//! A small graph in a folder of its own, written through the engine.

use std::path::PathBuf;

use anyhow::Result;
use stratigraph_engine::load::{Input, LoadMode, LoadRequest};
use stratigraph_engine::{BranchName, CreateOptions, Error, Graph, OpenMode, Progress};

use crate::reader::{GraphFiles, broken_rules};

/// Who loads, unless a test says otherwise.
pub const ACTOR: &str = "act-dana";

/// A graph that goes away with this value.
#[derive(Debug)]
pub struct TestGraph {
    folder: tempfile::TempDir,
    /// A handle opened for writing.
    pub graph: Graph,
}

impl TestGraph {
    /// Makes a graph of a schema.
    ///
    /// # Errors
    /// If it cannot be made.
    pub async fn new(schema: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let uri = folder.path().join("g").to_string_lossy().into_owned();
        Box::pin(Graph::create(&uri, schema, &CreateOptions::default())).await?;
        let graph = Box::pin(Graph::open(&uri, OpenMode::ReadWrite)).await?;
        Ok(Self { folder, graph })
    }

    /// Root of the graph.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("g")
    }

    /// Root of the graph, as text.
    #[must_use]
    pub fn uri(&self) -> String {
        self.path().to_string_lossy().into_owned()
    }

    /// Opens another handle.
    ///
    /// # Errors
    /// As [`Graph::open`].
    pub async fn open(&self, mode: OpenMode) -> Result<Graph, Error> {
        Box::pin(Graph::open(&self.uri(), mode)).await
    }

    /// Loads records through the handle; the version of `__manifest`, none if there was nothing to load.
    ///
    /// # Errors
    /// As [`Graph::load`].
    pub async fn load(&self, mode: LoadMode, branch: &str, records: &str) -> Result<Option<u64>, Error> {
        load(&self.graph, mode, branch, records).await
    }

    /// Makes a branch.
    ///
    /// # Errors
    /// As [`Graph::create_branch`].
    pub async fn branch(&self, name: &str, from: &str) -> Result<(), Error> {
        Box::pin(self.graph.create_branch(&branch(name), &branch(from))).await
    }

    /// What is stored, read by the independent reader, and that it breaks no rule of the format.
    ///
    /// # Errors
    /// If it cannot be read, or breaks a rule.
    pub async fn files(&self) -> Result<GraphFiles> {
        let files = Box::pin(GraphFiles::read(&self.path())).await?;
        let broken = Box::pin(broken_rules(&files)).await?;
        anyhow::ensure!(broken.is_empty(), "{broken:#?}");
        Ok(files)
    }
}

/// Loads records through a handle.
///
/// # Errors
/// As [`Graph::load`].
pub async fn load(graph: &Graph, mode: LoadMode, to: &str, records: &str) -> Result<Option<u64>, Error> {
    let input = Input { name: "data.jsonl".to_owned(), reader: Box::new(std::io::Cursor::new(records.to_owned())) };
    let request = LoadRequest { mode, branch: branch(to), actor: Some(ACTOR.into()), inputs: vec![input] };
    let loaded = Box::pin(graph.load(request, &Progress::none())).await?;
    Ok(loaded.written.map(|written| written.manifest_version.get()))
}

/// A branch's name.
#[must_use]
pub fn branch(name: &str) -> BranchName {
    name.parse().expect("tests use names that can be branches'")
}
