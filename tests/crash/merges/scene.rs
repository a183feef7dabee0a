//! Graphs in which a merge is due, one for each way in which it can come to its tables.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use stratigraph_engine::merge::{MergeOutcome, MergeWay};
use stratigraph_engine::{BranchName, CommitId, CreateOptions, Error, Graph, OpenMode, Progress, fail as points};
use stratigraph_tests::folder;

use crate::small::{Content, SOURCE, content, merge, mutate, put};

/// How the tables of a merge come to their merged state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Only the source changed them, the target is main: written to its lineage.
    FastForward,
    /// As the former, and the target is a branch whose lineages have to be made first.
    Sibling,
    /// As the former, and the target is a branch that has lineages of its own.
    OwnLineages,
    /// Both sides changed them.
    ThreeWay,
    /// As the former, and the target is a branch whose lineages have to be made first.
    NewLineages,
    /// Main is merged into a branch that changed nothing.
    Pointer,
    /// A branch is merged into one that was branched off it and changed nothing.
    Fork,
    /// Main is merged into a branch that changed one of two tables.
    PointerAndRewrite,
    /// A branch is merged into one that was branched off it and changed one of two tables.
    ForkAndRewrite,
    /// The source took back all it had done.
    NetZero,
}

impl Shape {
    pub(crate) const ALL: [Self; 10] = [
        Self::FastForward,
        Self::Sibling,
        Self::OwnLineages,
        Self::ThreeWay,
        Self::NewLineages,
        Self::Pointer,
        Self::Fork,
        Self::PointerAndRewrite,
        Self::ForkAndRewrite,
        Self::NetZero,
    ];

    /// What happens to the nodes and to the edges.
    pub(crate) fn ways(self) -> [MergeWay; 2] {
        use MergeWay::{Delta, Fork, Pointer, Rewrite, Untouched};
        match self {
            Self::FastForward | Self::Sibling | Self::OwnLineages => [Delta; 2],
            Self::ThreeWay | Self::NewLineages => [Rewrite; 2],
            Self::Pointer => [Pointer; 2],
            Self::Fork => [Fork; 2],
            Self::PointerAndRewrite => [Pointer, Rewrite],
            Self::ForkAndRewrite => [Fork, Rewrite],
            Self::NetZero => [Untouched; 2],
        }
    }

    pub(crate) fn outcome(self) -> MergeOutcome {
        match self {
            Self::FastForward | Self::Sibling | Self::OwnLineages | Self::Pointer | Self::Fork | Self::NetZero => {
                MergeOutcome::FastForward
            }
            Self::ThreeWay | Self::NewLineages | Self::PointerAndRewrite | Self::ForkAndRewrite => MergeOutcome::Merged,
        }
    }

    /// The tables whose heads the merge moves.
    pub(crate) fn moving(self) -> Vec<&'static str> {
        let moves = |way: &MergeWay| matches!(way, MergeWay::Delta | MergeWay::Rewrite);
        let tables = ["node:Person", "edge:Knows"].into_iter().zip(self.ways());
        let mut moving: Vec<&str> = tables.filter(|(_, way)| moves(way)).map(|(key, _)| key).collect();
        moving.sort_unstable();
        moving
    }

    /// How often a merge passes each point if nothing fails: two tables of three commits each, unless states are taken over.
    pub(crate) fn passes(self) -> BTreeMap<&'static str, usize> {
        let mut passes = vec![
            (points::BRANCH_MERGE_POST_PHASE_B_PRE_MANIFEST_COMMIT, 1),
            (points::GRAPH_PUBLISH_AFTER_MANIFEST_COMMIT, 1),
            (points::GRAPH_PUBLISH_BEFORE_COMMIT_APPEND, 1),
        ];
        let moving = self.moving().len();
        if self != Self::NetZero {
            // To arm and to confirm; where no head moves, to say that it is published.
            let written = if moving == 2 { 2 } else { 1 };
            passes.extend([(points::RECOVERY_SIDECAR_WRITE, written), (points::RECOVERY_SIDECAR_DELETE, 1)]);
        }
        if moving > 0 {
            passes.push((points::WRITE_BEFORE_TABLE_COMMIT, 3 * moving));
        }
        if matches!(self, Self::Sibling | Self::NewLineages) {
            passes.push((points::FORK_BEFORE_FIRST_COMMIT, moving));
        }
        let between: &[&str] = match self {
            Self::FastForward | Self::Sibling | Self::OwnLineages => &[
                points::BRANCH_MERGE_ADOPT_AFTER_APPEND_PRE_UPSERT,
                points::BRANCH_MERGE_ADOPT_AFTER_UPSERT_PRE_DELETE,
            ],
            Self::ThreeWay | Self::NewLineages | Self::PointerAndRewrite | Self::ForkAndRewrite => &[
                points::BRANCH_MERGE_REWRITE_AFTER_MERGE_PRE_DELETE,
                points::BRANCH_MERGE_REWRITE_AFTER_DELETE_PRE_INDEX,
            ],
            Self::Pointer | Self::Fork | Self::NetZero => &[],
        };
        passes.extend(between.iter().map(|&point| (point, moving)));
        passes.into_iter().collect()
    }

    /// Whether states are taken over besides: then nothing of the merge is published before all of it is.
    pub(crate) fn is_mixed(self) -> bool {
        matches!(self, Self::PointerAndRewrite | Self::ForkAndRewrite)
    }
}

/// What main shows first.
pub(crate) fn base() -> Content {
    let mut base = Content::default();
    for (name, age) in [("Ada", 30), ("Bob", 20), ("Carol", 40), ("Dan", 25), ("Gus", 50)] {
        base.person(name, age);
    }
    for (id, from, to) in [("e1", "Ada", "Bob"), ("e2", "Bob", "Carol"), ("e3", "Carol", "Ada")] {
        base.edge(id, from, to, 1);
    }
    base.edge("e4", "Dan", "Ada", 1);
    base.edge("e5", "Gus", "Ada", 1);
    base
}

/// One set of changes to both tables: rows that come, change and go.
#[derive(Debug, Clone, Copy)]
enum Change {
    Left,
    Right,
    /// Only edges.
    Edges,
}

impl Change {
    fn rows(self) -> Content {
        let mut new = Content::default();
        match self {
            Self::Left => {
                new.person("Eve", 60);
                new.person("Carol", 41);
                new.edge("left", "Eve", "Ada", 1);
                new.edge("e2", "Bob", "Carol", 2);
            }
            Self::Right => {
                new.person("Finn", 70);
                new.person("Ada", 31);
                new.edge("right", "Finn", "Bob", 1);
                new.edge("e3", "Carol", "Ada", 3);
            }
            Self::Edges => {
                new.edge("edge", "Bob", "Ada", 1);
                new.edge("e2", "Bob", "Carol", 2);
            }
        }
        new
    }

    fn removal(self) -> &'static str {
        match self {
            Self::Left => "delete Person where name = \"Dan\"",
            Self::Right => "delete Person where name = \"Gus\"",
            Self::Edges => "delete Knows where from = \"Dan\"",
        }
    }

    async fn make(self, graph: &Graph, branch: &BranchName) -> Result<(), Error> {
        put(graph, branch, &self.rows()).await?;
        mutate(graph, branch, self.removal()).await
    }

    /// What it makes of what a branch shows.
    fn of(self, mut content: Content) -> Content {
        let new = self.rows();
        content.people.extend(new.people);
        content.edges.extend(new.edges);
        match self {
            Self::Left => content.without("Dan"),
            Self::Right => content.without("Gus"),
            Self::Edges => {
                content.edges.remove("e4");
            }
        }
        content
    }
}

/// A graph in which a merge is due. It is built once and put back before each use.
pub(crate) struct Scene {
    root: tempfile::TempDir,
    pub(crate) shape: Shape,
    pub(crate) source: BranchName,
    pub(crate) target: BranchName,
    pub(crate) source_head: CommitId,
    pub(crate) target_head: CommitId,
    /// What the branches show before the merge.
    pub(crate) before: BTreeMap<BranchName, Content>,
    /// What the target shows after it.
    pub(crate) after: Content,
}

impl Scene {
    pub(crate) async fn new(shape: Shape) -> Result<Self> {
        let root = tempfile::tempdir()?;
        let path = root.path().join("g");
        let uri = path.to_string_lossy().into_owned();
        Graph::create(&uri, SOURCE, &CreateOptions::default()).await?;
        let graph = Graph::open(&uri, OpenMode::ReadWrite).await?;
        put(&graph, &BranchName::main(), &base()).await?;
        let (source, target) = build(&graph, shape).await?;
        let mut before = BTreeMap::new();
        for branch in graph.branches().await? {
            before.insert(branch.name.clone(), content(&graph, &branch.name).await?);
        }
        let history = graph.history(&Progress::none()).await?;
        let head = |branch| history.heads().get(branch).copied().context("a branch has a head");
        let (source_head, target_head) = (head(&source)?, head(&target)?);
        let after = merged(shape);
        if shape != Shape::NetZero {
            ensure!(before[&target] != after, "{shape:?} has nothing to merge");
        }
        folder::copy(&path, &root.path().join("saved"))?;
        Ok(Self { root, shape, source, target, source_head, target_head, before, after })
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.root.path().join("g")
    }

    pub(crate) fn uri(&self) -> String {
        self.path().to_string_lossy().into_owned()
    }

    /// Puts the graph back as it was built, at the same place. No handle may be open.
    pub(crate) fn put_back(&self) -> Result<()> {
        fs::remove_dir_all(self.path())?;
        folder::copy(&self.root.path().join("saved"), &self.path())
    }

    pub(crate) async fn open(&self, mode: OpenMode) -> Result<Graph, Error> {
        Graph::open(&self.uri(), mode).await
    }

    /// The one sidecar that is there, as it is stored.
    pub(crate) fn sidecar(&self) -> Result<Option<serde_json::Value>> {
        let folder = self.path().join("__recovery");
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).into_iter().flatten() {
            found.push(serde_json::from_str(&fs::read_to_string(entry?.path())?)?);
        }
        ensure!(found.len() <= 1, "several sidecars: {found:?}");
        Ok(found.pop())
    }
}

async fn build(graph: &Graph, shape: Shape) -> Result<(BranchName, BranchName)> {
    let (main, from, into): (_, BranchName, BranchName) = (BranchName::main(), "from".parse()?, "into".parse()?);
    graph.create_branch(&from, &main).await?;
    let of_into = if matches!(shape, Shape::Fork | Shape::ForkAndRewrite) { &from } else { &main };
    graph.create_branch(&into, of_into).await?;
    Ok(match shape {
        Shape::FastForward => {
            Change::Left.make(graph, &from).await?;
            (from, main)
        }
        Shape::OwnLineages => {
            Change::Right.make(graph, &into).await?;
            merge(graph, &into, &from).await?;
            Change::Left.make(graph, &from).await?;
            (from, into)
        }
        Shape::ThreeWay => {
            Change::Left.make(graph, &from).await?;
            Change::Right.make(graph, &main).await?;
            (from, main)
        }
        Shape::NewLineages => {
            Change::Left.make(graph, &from).await?;
            Change::Right.make(graph, &main).await?;
            merge(graph, &main, &into).await?;
            (from, into)
        }
        Shape::Pointer => {
            Change::Right.make(graph, &main).await?;
            (main, into)
        }
        Shape::Fork | Shape::Sibling => {
            Change::Left.make(graph, &from).await?;
            (from, into)
        }
        Shape::PointerAndRewrite => {
            Change::Edges.make(graph, &into).await?;
            Change::Right.make(graph, &main).await?;
            (main, into)
        }
        Shape::ForkAndRewrite => {
            Change::Edges.make(graph, &into).await?;
            Change::Right.make(graph, &from).await?;
            (from, into)
        }
        Shape::NetZero => {
            let mut zed = Content::default();
            zed.person("Zed", 1);
            put(graph, &from, &zed).await?;
            mutate(graph, &from, "delete Person where name = \"Zed\"").await?;
            (from, main)
        }
    })
}

/// What the target shows after the merge.
fn merged(shape: Shape) -> Content {
    match shape {
        Shape::FastForward | Shape::Sibling | Shape::Fork => Change::Left.of(base()),
        Shape::ThreeWay | Shape::NewLineages | Shape::OwnLineages => Change::Right.of(Change::Left.of(base())),
        Shape::Pointer => Change::Right.of(base()),
        Shape::PointerAndRewrite | Shape::ForkAndRewrite => Change::Right.of(Change::Edges.of(base())),
        Shape::NetZero => base(),
    }
}
