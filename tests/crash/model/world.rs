//! The engine and the model side by side: each step is done to both, and then they show the same.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, ensure};
use stratigraph_engine::load::{Input, LoadMode, LoadRequest};
use stratigraph_engine::mutate::MutateRequest;
use stratigraph_engine::{
    BranchName, CommitId, CreateOptions, Error, ErrorKind, Graph, OpenMode, Progress, fail as points,
};
use stratigraph_tests::reader::{GraphFiles, broken_rules};

use super::history::History;
use super::{BRANCHES, Step, loaded, mutation, text};
use crate::small::{Content, SOURCE, content};

pub(super) struct World {
    uri: String,
    pub(super) graph: Graph,
    pub(super) model: BTreeMap<BranchName, Content>,
    pub(super) history: History,
    open: Option<Open>,
    /// The merge of this step.
    merging: Option<MergeCommit>,
    pub(super) tally: Tally,
}

/// How often something happened in all histories of a run.
#[derive(Clone, Default)]
pub(super) struct Tally(Arc<Mutex<BTreeMap<String, usize>>>);

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts = self.0.lock().expect("nobody panics with it");
        let counts: Vec<String> = counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
        f.write_str(&counts.join(", "))
    }
}

impl Tally {
    pub(super) fn add(&self, what: impl Into<String>) {
        *self.0.lock().expect("nobody panics with it").entry(what.into()).or_default() += 1;
    }
}

/// A write that failed: its branch shows this once it is recovered, or what it showed before.
struct Open {
    branch: BranchName,
    after: Content,
    /// What it merges.
    merged: Option<CommitId>,
}

/// The commit that a merge is to make.
struct MergeCommit {
    branch: BranchName,
    merged: CommitId,
    /// None if that cannot be told by the rows.
    is_there: Option<bool>,
}

impl World {
    pub(super) async fn new(root: &Path, tally: Tally) -> Result<Self> {
        let uri = root.join("g").to_string_lossy().into_owned();
        Graph::create(&uri, SOURCE, &CreateOptions::default()).await?;
        let graph = Graph::open(&uri, OpenMode::ReadWrite).await?;
        let model = BTreeMap::from([(BranchName::main(), Content::default())]);
        let mut world = Self { uri, graph, model, history: History::default(), open: None, merging: None, tally };
        world.follow().await?;
        Ok(world)
    }

    pub(super) async fn reopen(&mut self) -> Result<()> {
        self.graph = Graph::open(&self.uri, OpenMode::ReadWrite).await?;
        ensure!(self.graph.sidecars().await?.is_empty(), "sidecars are left");
        Ok(())
    }

    pub(super) async fn step(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Reopen => self.reopen().await?,
            Step::Branch { name, from } => {
                let (name, from): (BranchName, BranchName) = (BRANCHES[*name].parse()?, BRANCHES[*from].parse()?);
                let wanted = self.model.get(&from).filter(|_| !self.model.contains_key(&name)).cloned();
                let made = self.graph.create_branch(&name, &from).await;
                ensure!(made.is_ok() == wanted.is_some(), "{made:?}");
                if let Some(content) = wanted {
                    self.history.branch(&name, &from);
                    self.model.insert(name, content);
                }
            }
            Step::Delete { name } => {
                let name: BranchName = BRANCHES[*name].parse()?;
                match self.graph.delete_branch(&name).await {
                    Ok(()) => {
                        ensure!(self.model.remove(&name).is_some(), "{name} was not there");
                        self.history.delete(&name);
                    }
                    Err(error) => match error.kind() {
                        ErrorKind::NotFound => ensure!(!self.model.contains_key(&name), "{error}"),
                        ErrorKind::Conflict => ensure!(error.to_string().contains("on it; delete"), "{error}"),
                        _ => return Err(error.into()),
                    },
                }
            }
            Step::Load { branch, mode, people, edges, fails } => {
                let branch: BranchName = BRANCHES[*branch].parse()?;
                let point = fails.map(|number| points::WRITE[number]);
                self.load(&branch, *mode, people, edges, point).await?;
            }
            Step::Mutate { branch, deeds, fails } => {
                let branch: BranchName = BRANCHES[*branch].parse()?;
                let all: Vec<&str> = points::WRITE.into_iter().chain(points::MUTATION).collect();
                self.mutate(&branch, deeds, fails.map(|number| all[number])).await?;
            }
            Step::Merge(merging) => Box::pin(self.merge(merging)).await?,
        }
        self.compare().await?;
        self.follow().await
    }

    async fn load(
        &mut self,
        branch: &BranchName,
        mode: LoadMode,
        people: &[(u8, Option<i8>)],
        edges: &[(u8, u8, u8, Option<i8>)],
        point: Option<&str>,
    ) -> Result<()> {
        let wanted = self.model.get(branch).and_then(|before| loaded(before, mode, people, edges));
        let input = Input { name: "random".to_owned(), reader: Box::new(std::io::Cursor::new(text(people, edges))) };
        let request = LoadRequest { mode, branch: branch.clone(), actor: None, inputs: vec![input] };
        if let Some(point) = point {
            fail::cfg(point, "return").expect("a valid action");
        }
        let result = self.graph.load(request, &Progress::none()).await.map(drop);
        self.done(branch, result, wanted, None, point).await
    }

    async fn mutate(&mut self, branch: &BranchName, deeds: &[mutation::Deed], point: Option<&str>) -> Result<()> {
        let wanted = self.model.get(branch).and_then(|before| mutation::mutated(before, deeds));
        let (text, params) = (mutation::text(deeds), serde_json::Map::new());
        let request = MutateRequest { branch: branch.clone(), actor: None, text, name: None, params };
        if let Some(point) = point {
            fail::cfg(point, "return").expect("a valid action");
        }
        let result = self.graph.mutate(request, &Progress::none()).await.map(drop);
        self.done(branch, result, wanted, None, point).await
    }

    /// Takes over what a write did, or had to refuse, or may have done before it failed.
    pub(super) async fn done(
        &mut self,
        branch: &BranchName,
        result: Result<(), Error>,
        wanted: Option<Content>,
        merged: Option<CommitId>,
        point: Option<&str>,
    ) -> Result<()> {
        if let Some(point) = point {
            fail::remove(point);
        }
        match (result, wanted) {
            (Ok(()), Some(after)) => {
                let found = content(&self.graph, branch).await?;
                self.model.insert(branch.clone(), mutation::with_found_ids(after, &found));
                let branch = branch.clone();
                self.merging = merged.map(|merged| MergeCommit { branch, merged, is_there: Some(true) });
            }
            (Ok(()), None) => anyhow::bail!("a write was taken that had to be refused"),
            (Err(_), Some(after)) if point.is_some() => {
                self.open = Some(Open { branch: branch.clone(), after, merged });
                self.reopen().await?;
            }
            (Err(error), Some(_)) => return Err(error.into()),
            (Err(_), None) => {}
        }
        Ok(())
    }

    /// What is stored in the end keeps the format. Forks of writes that failed may be left: the next use of the name takes
    /// them away.
    pub(super) async fn conforms(&mut self) -> Result<()> {
        self.reopen().await?;
        let files = Box::pin(GraphFiles::read(Path::new(&self.uri))).await?;
        let mut broken = Box::pin(broken_rules(&files)).await?;
        broken.retain(|(_, what)| !what.contains("belongs to nobody"));
        ensure!(broken.is_empty(), "{broken:#?}");
        Ok(())
    }

    pub(super) async fn compare(&mut self) -> Result<()> {
        if let Some(Open { branch, after, merged }) = self.open.take() {
            let found = content(&self.graph, &branch).await?;
            let after = mutation::with_found_ids(after, &found);
            let before = &self.model[&branch];
            ensure!(found == after || found == *before, "half a write on {branch}: {found:?}");
            let is_there = (after != *before).then_some(found == after);
            self.merging = merged.map(|merged| MergeCommit { branch: branch.clone(), merged, is_there });
            self.model.insert(branch, found);
        }
        let branches: Vec<BranchName> = self.graph.branches().await?.into_iter().map(|branch| branch.name).collect();
        let mut expected: Vec<&BranchName> = self.model.keys().collect();
        expected.sort_by_key(|name| (!name.is_main(), name.as_str()));
        ensure!(branches.iter().collect::<Vec<_>>() == expected, "{branches:?} instead of {expected:?}");
        for (branch, expected) in &self.model {
            let found = content(&self.graph, branch).await?;
            ensure!(found == *expected, "{branch}: {found:?} instead of {expected:?}");
        }
        Ok(())
    }

    /// Takes the new commits into the model's history: a few on top of the head of a branch, with a second parent if and only if
    /// they are of a merge.
    pub(super) async fn follow(&mut self) -> Result<()> {
        let found = self.graph.history(&Progress::none()).await?;
        let mut merging = self.merging.take();
        for (branch, content) in &self.model {
            let head = *found.heads().get(branch).with_context(|| format!("{branch} has no head"))?;
            let known = self.history.head(branch);
            let mut merged = Vec::new();
            if known.is_some() {
                let mut new = found.first_parents(head).take_while(|commit| Some(commit.id) != known);
                merged.extend(new.by_ref().take(4).filter_map(|commit| commit.merged_parent));
                ensure!(new.next().is_none(), "{branch} is not on top of {known:?} any more");
            }
            let of_merge = merging.take_if(|merging| merging.branch == *branch);
            let expected = of_merge.map_or(Some(Vec::new()), |merging| match merging.is_there {
                Some(true) => Some(vec![merging.merged]),
                Some(false) => Some(Vec::new()),
                None => (merged.is_empty() || merged == [merging.merged]).then(|| merged.clone()),
            });
            ensure!(expected.as_ref() == Some(&merged), "{branch} merges {merged:?}, not {expected:?}");
            if known != Some(head) {
                self.history.add(branch, head, merged.pop(), content);
            }
        }
        Ok(())
    }
}
