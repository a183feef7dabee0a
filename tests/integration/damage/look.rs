//! Everything that can be looked at, each question with its answer.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;

use arrow::util::pretty::pretty_format_batches;
use futures::TryStreamExt;
use stratigraph_engine::history::Recent;
use stratigraph_engine::{
    At, Blobs, BranchName, DiffFilter, DiffItem, Error, ErrorKind, Graph, OpenMode, Progress, ReadOptions, SqlOptions,
    TableKey,
};

/// An answer, as text.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) said: String,
    /// It says itself that something is wrong.
    pub(super) has_problems: bool,
}

/// Why there is none.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) kind: ErrorKind,
    pub(super) text: String,
}

/// The answers by their questions.
pub(super) type Answers = BTreeMap<String, Result<Answer, Failure>>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
        let text = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
        Self { kind: error.kind(), text }
    }
}

/// What is asked of a graph that may not even open.
struct Asked {
    graph: Graph,
    answers: Answers,
}

impl Asked {
    async fn ask<T: Into<Answer>>(&mut self, what: String, question: impl Future<Output = Result<T, Error>>) {
        let answer = Box::pin(question).await;
        self.answers.insert(what, answer.map(Into::into).map_err(Into::into));
    }
}

impl From<String> for Answer {
    fn from(said: String) -> Self {
        Self { said, has_problems: false }
    }
}

/// Asks everything. The same questions are asked whatever the answers are, so that they can be compared.
pub(super) async fn look_at_everything(root: &Path) -> Answers {
    let graph = match Graph::open(&root.to_string_lossy(), OpenMode::ReadOnly).await {
        Ok(graph) => graph,
        Err(error) => return Answers::from([("opening".to_owned(), Err(error.into()))]),
    };
    let mut asked = Asked { graph: graph.clone(), answers: Answers::new() };
    asked.answers.insert("opening".to_owned(), Ok(String::new().into()));
    asked.ask("history".into(), history(&graph)).await;
    asked.ask("branches".into(), branches(&graph)).await;
    asked.ask("heads".into(), async { Ok(format!("{:?}", graph.head_versions().await?)) }).await;
    asked.ask("recovery: sidecars".into(), async { Ok(format!("{:?}", graph.sidecars().await?)) }).await;
    asked.ask("recovery: plan".into(), async { Ok(format!("{:?}", graph.recovery_plan().await?)) }).await;
    asked.ask("audit".into(), async { Ok(format!("{:?}", graph.audit().await?)) }).await;
    for at in super::scene::POSITIONS {
        states(&mut asked, at).await;
    }
    let (from, to) = (super::scene::POSITIONS[0], super::scene::POSITIONS[1]);
    for branch in [from, to] {
        asked.ask(format!("the last commits of {branch}"), last_commits(&graph, branch)).await;
        asked.ask(format!("the head of {branch}"), head(&graph, branch)).await;
    }
    asked.ask(format!("diff of {from} and {to}"), diff(&graph, from, to)).await;
    asked.ask(format!("merge of {from} into {to}"), merge(&graph, from, to)).await;
    asked.ask("the history of a row".into(), row_history(&graph, to)).await;
    asked.answers
}

async fn history(graph: &Graph) -> Result<Answer, Error> {
    let history = graph.history(&Progress::none()).await?;
    let lines = history.commits().iter().map(|commit| format!("{commit:?} {:?}", history.changed_tables(commit)));
    let said = format!("{} {:?}", lines.collect::<Vec<_>>().join("\n"), history.heads());
    Ok(Answer { said, has_problems: !history.problems().is_empty() })
}

async fn last_commits(graph: &Graph, branch: &str) -> Result<Answer, Error> {
    let branch = branch.parse().expect("it is a branch");
    let recent = Recent { branch: Some(branch), limit: Some(2), ..Recent::default() };
    let history = graph.recent_history(&recent, &Progress::none()).await?;
    let said = format!("{:?}", history.commits().iter().take(2).collect::<Vec<_>>());
    Ok(Answer { said, has_problems: !history.problems().is_empty() })
}

/// As `show` has it.
async fn head(graph: &Graph, branch: &str) -> Result<Answer, Error> {
    let head = graph.resolve(&position(branch)).await?.commit;
    let Some(head) = head else { return Ok(Answer { said: "no commit".to_owned(), has_problems: true }) };
    let history = graph.history_about(head).await?;
    let said = format!("{:?}", history.get(head));
    Ok(Answer { said, has_problems: !history.problems().is_empty() })
}

/// What of the history could not be read is told with it, not with each answer that needs it.
async fn has_problems(graph: &Graph) -> Result<bool, Error> {
    Ok(!graph.history(&Progress::none()).await?.problems().is_empty())
}

async fn branches(graph: &Graph) -> Result<Answer, Error> {
    let branches = graph.branches().await?;
    let is_broken = branches.iter().any(|branch| branch.broken.is_some());
    Ok(Answer { said: format!("{branches:?}"), has_problems: is_broken || has_problems(graph).await? })
}

async fn states(asked: &mut Asked, at: &str) {
    let graph = asked.graph.clone();
    asked.ask(format!("tables at {at}"), tables(&graph, at)).await;
    for table in super::scene::TABLES {
        let options = ReadOptions { blobs: Blobs::Bytes, ..ReadOptions::default() };
        asked.ask(format!("{table} at {at}"), rows(&graph, at, table, options)).await;
        asked.ask(format!("{table} itself at {at}"), facts(&graph, at, table)).await;
    }
    asked.ask(format!("a query at {at}"), sql(&graph, at, super::scene::TABLES[0])).await;
}

fn position(text: &str) -> At {
    text.parse().expect("it is a position")
}

fn key(table: &str) -> TableKey {
    table.parse().expect("it is a table")
}

async fn tables(graph: &Graph, at: &str) -> Result<Answer, Error> {
    let snapshot = graph.snapshot(&position(at)).await?;
    let status = graph.table_status(&snapshot).await;
    let heads = status.iter().map(|table| table.head.as_ref().map_or_else(ToString::to_string, ToString::to_string));
    let has_problems = status.iter().any(|table| table.head.is_err());
    let said = format!("{} {:?} {}", snapshot.version, snapshot.entries, heads.collect::<Vec<_>>().join(", "));
    Ok(Answer { said, has_problems })
}

async fn rows(graph: &Graph, at: &str, table: &str, options: ReadOptions) -> Result<String, Error> {
    let snapshot = graph.snapshot(&position(at)).await?;
    let batches: Vec<_> = graph.read(&snapshot, &key(table), &options).await?.try_collect().await?;
    Ok(pretty_format_batches(&batches).expect("rows can be shown").to_string())
}

async fn facts(graph: &Graph, at: &str, table: &str) -> Result<String, Error> {
    let snapshot = graph.snapshot(&position(at)).await?;
    let entry = snapshot.table(table)?;
    let one = graph.entity(&snapshot, &entry.key, super::scene::ROW, Blobs::Digested).await?;
    let count = graph.count(&snapshot, &entry.key, Some("id > 'a'")).await?;
    let (versions, indices) = (graph.table_versions(entry, 100).await?, graph.table_indices(entry).await?);
    Ok(format!("{one:?} {count} {versions:?} {indices:?} {:?}", graph.table_schema(entry).await?))
}

async fn sql(graph: &Graph, at: &str, table: &str) -> Result<String, Error> {
    let snapshot = graph.snapshot(&position(at)).await?;
    let (_, name) = table.split_once(':').expect("a table has a kind");
    let query = format!("select count(*) as n, min(id) as first, max(id) as last from \"{name}\" where id <> 'b'");
    let result = graph.sql(&snapshot, &query, SqlOptions::default()).await?;
    let batches: Vec<_> = result.batches.try_collect().await?;
    Ok(pretty_format_batches(&batches).expect("rows can be shown").to_string())
}

async fn diff(graph: &Graph, from: &str, to: &str) -> Result<String, Error> {
    let (from, to) = (graph.snapshot(&position(from)).await?, graph.snapshot(&position(to)).await?);
    let items: Vec<_> = graph.diff(&from, &to, DiffFilter::default(), &Progress::none()).try_collect().await?;
    // Which of two ways found the rows is no part of the answer.
    Ok(format!("{:?}", items.iter().filter(|item| matches!(item, DiffItem::Row(_))).collect::<Vec<_>>()))
}

async fn merge(graph: &Graph, from: &str, to: &str) -> Result<String, Error> {
    let branch = |name: &str| name.parse::<BranchName>().expect("it is a branch");
    let plan = graph.merge_plan(&branch(from), &branch(to), &Progress::none()).await?;
    let tables = plan.tables().iter().map(|table| (&table.key, table.appends, table.upserts, table.deletes));
    Ok(format!("{:?} {:?}", tables.collect::<Vec<_>>(), plan.conflicts()))
}

async fn row_history(graph: &Graph, branch: &str) -> Result<Answer, Error> {
    use stratigraph_engine::diff::RowHistoryItem;
    let branch = branch.parse().expect("it is a branch");
    let walk = graph.row_history(&key(super::scene::TABLES[0]), super::scene::ROW, &branch, &Progress::none());
    let items: Vec<RowHistoryItem> = walk.try_collect().await?;
    let ends = items.iter().any(|item| matches!(item, RowHistoryItem::Ended { .. }));
    Ok(Answer { said: format!("{items:?}"), has_problems: ends || has_problems(graph).await? })
}
