//! Commits of which some cannot be read: what that hides is said as long as it lasts, costs no answer that does not need it, and is
//! there again once it can be read.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use futures::TryStreamExt;
use lance::dataset::WriteMode;
use stratigraph_engine::diff::RowHistoryItem;
use stratigraph_engine::load::LoadMode;
use stratigraph_engine::{At, BranchName, CommitGraph, ErrorKind, Graph, HistoryProblem, OpenMode, Progress};
use stratigraph_tests::graph::{TestGraph, branch};
use stratigraph_tests::reader;
use stratigraph_tests::writer::{FIRST_COMMIT_MICROS, GraphWriter, Publish, commit_id, write};

const COMMITS: &str = "_graph_commits.lance";

fn columns() -> Arc<Schema> {
    Arc::new(Schema::new(vec![Field::new("id", DataType::Utf8, false), Field::new("name", DataType::Utf8, false)]))
}

async fn writer(root: &Path) -> Result<GraphWriter> {
    GraphWriter::create(root, "node Person { name: String @key }", &[("node:Person", columns())]).await
}

fn person(version: u64, rows: u64) -> [Publish; 1] {
    [Publish { key: "node:Person".into(), version, lineage: None, rows }]
}

/// A history of main, each commit in a file of its own.
async fn long(root: &Path, commits: u64) -> Result<GraphWriter> {
    let mut writer = writer(root).await?;
    for number in 2..=commits {
        let version = writer.publish(&person(number, 0)).await?;
        writer.commit(version, Some("dana")).await?;
    }
    Ok(writer)
}

async fn open(root: &Path) -> Result<Graph> {
    Ok(Box::pin(Graph::open(&root.to_string_lossy(), OpenMode::ReadOnly)).await?)
}

/// A file that is not where it belongs for a while.
struct Hidden {
    place: PathBuf,
}

impl Hidden {
    fn hide(place: PathBuf) -> Result<Self> {
        fs::rename(&place, place.with_extension("hidden")).with_context(|| place.display().to_string())?;
        Ok(Self { place })
    }

    /// The file with the commit at a place of main's history.
    async fn commit(root: &Path, number: usize) -> Result<Self> {
        let commits = reader::open(&root.join(COMMITS), None).await?;
        let file = commits.fragments()[number].files[0].path.clone();
        Self::hide(root.join(COMMITS).join("data").join(file))
    }

    fn show(self) -> Result<()> {
        Ok(fs::rename(self.place.with_extension("hidden"), self.place)?)
    }
}

fn unreadable(history: &CommitGraph) -> Vec<BranchName> {
    let branch = |problem: &HistoryProblem| match problem {
        HistoryProblem::UnreadableBranch { branch, kind: ErrorKind::Corrupt, .. } => Some(branch.clone()),
        _ => None,
    };
    history.problems().iter().filter_map(branch).collect()
}

/// A handle that knows a part comes to the same as one that sees the graph for the first time.
async fn is_whole(looking: &Graph, other: &Graph) -> Result<()> {
    let (kept, read) = (looking.history(&Progress::none()).await?, other.history(&Progress::none()).await?);
    assert_eq!(kept.commits(), read.commits());
    assert_eq!(kept.heads(), read.heads());
    assert_eq!((kept.problems(), read.problems()), (&[][..], &[][..]));
    Ok(())
}

#[tokio::test]
async fn what_main_could_not_read_is_told_until_it_can_be_read() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let writer = long(folder.path(), 80).await?;
    // What the writer makes cannot be opened any more once it has branches.
    let (looking, other) = (open(folder.path()).await?, open(folder.path()).await?);
    writer.branch("work").await?;
    let hidden = Hidden::commit(folder.path(), 10).await?;
    for look in 0..2 {
        let history = looking.history(&Progress::none()).await?;
        assert_eq!(unreadable(&history), [BranchName::main(), branch("work")], "look {look}");
        assert!(history.heads().is_empty(), "look {look}: {:?}", history.heads());
        assert!(history.get(commit_id(79).parse()?).is_some(), "what can be read is shown");
    }
    hidden.show()?;
    is_whole(&looking, &other).await
}

#[tokio::test]
async fn a_branch_that_left_a_file_to_another_misses_it_as_well() -> Result<()> {
    let made = TestGraph::new("node Person { name: String @key }").await?;
    made.load(LoadMode::Append, "main", r#"{"type":"Person","data":{"name":"first"}}"#).await?;
    made.branch("a", "main").await?;
    made.load(LoadMode::Append, "a", r#"{"type":"Person","data":{"name":"second"}}"#).await?;
    made.branch("b", "a").await?;
    made.branch("c", "main").await?;
    let mut files = fs::read_dir(made.path().join(COMMITS).join("tree/a/data"))?;
    let hidden = Hidden::hide(files.next().context("the branch has a commit")??.path())?;
    let looking = made.open(OpenMode::ReadOnly).await?;
    for look in 0..2 {
        let history = looking.history(&Progress::none()).await?;
        assert_eq!(unreadable(&history), [branch("a"), branch("b")], "look {look}");
        let heads: Vec<&BranchName> = history.heads().keys().collect();
        assert_eq!(heads, [&branch("c"), &branch("main")], "look {look}");
    }
    hidden.show()?;
    is_whole(&looking, &made.open(OpenMode::ReadOnly).await?).await
}

#[tokio::test]
async fn a_commit_is_found_where_it_can_be_read_and_not_called_unknown_elsewhere() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut writer = long(folder.path(), 40).await?;
    // What the writer makes cannot be opened any more once it has branches.
    let (graph, other) = (open(folder.path()).await?, open(folder.path()).await?);
    writer.branch("work").await?;
    let on_work = writer.commit_on("work").await?;

    let hidden = Hidden::commit(folder.path(), 5).await?;
    assert_eq!(by_end(&graph, &commit_id(30)).await, Ok(commit_id(30)));
    assert_eq!(by_end(&graph, &on_work).await, Ok(on_work.clone()));
    assert_eq!(by_end(&graph, &commit_id(5)).await, Err(ErrorKind::Corrupt));
    assert_eq!(by_end(&graph, "0123456789nobody").await, Err(ErrorKind::NotFound), "no id has such letters");
    assert_eq!(graph.commit(on_work.parse()?).await?.id.to_string(), on_work);
    assert_eq!(graph.commit(commit_id(5).parse()?).await.unwrap_err().kind(), ErrorKind::Corrupt);
    hidden.show()?;

    // A branch that is broken as a whole.
    for version in fs::read_dir(folder.path().join(COMMITS).join("tree/work/_versions"))? {
        fs::write(version?.path(), "damaged")?;
    }
    assert_eq!(by_end(&other, &commit_id(5)).await, Ok(commit_id(5)));
    assert_eq!(by_end(&other, &on_work).await, Err(ErrorKind::Corrupt));
    Ok(())
}

/// Finds a commit by the end of its id.
async fn by_end(graph: &Graph, id: &str) -> Result<String, ErrorKind> {
    let at = id[10..].parse().map_err(|_| ErrorKind::Invalid)?;
    let found = graph.resolve(&at).await.map_err(|error| error.kind())?;
    Ok(found.commit.map(|id| id.to_string()).unwrap_or_default())
}

/// Appends rows to the table of people and publishes them.
async fn people(writer: &mut GraphWriter, names: &[&str], version: u64, rows: u64) -> Result<u64> {
    let names: ArrayRef = Arc::new(StringArray::from(names.to_vec()));
    let batch = RecordBatch::try_new(columns(), vec![names.clone(), names])?;
    write(&writer.table("node:Person"), batch, WriteMode::Append).await?;
    writer.publish(&person(version, rows)).await
}

async fn history_of(graph: &Graph, id: &str) -> Result<Vec<String>> {
    let items = graph.row_history(&"node:Person".parse()?, id, &BranchName::main(), &Progress::none());
    let items: Vec<RowHistoryItem> = items.try_collect().await?;
    let commit = |item: RowHistoryItem| match item {
        RowHistoryItem::Changed(version) => version.commit.id.to_string(),
        RowHistoryItem::Ended { reason, .. } => panic!("everything is retained, but {reason}"),
    };
    Ok(items.into_iter().map(commit).collect())
}

/// Commit rows of main: id, parent, version.
fn commit_rows(rows: &[(&str, &str, u64)]) -> Result<RecordBatch> {
    let text = |name, nullable| Field::new(name, DataType::Utf8, nullable);
    let schema = Schema::new(vec![
        text("graph_commit_id", false),
        text("manifest_branch", true),
        Field::new("manifest_version", DataType::UInt64, false),
        text("parent_commit_id", true),
        text("merged_parent_commit_id", true),
        Field::new("created_at", DataType::Timestamp(TimeUnit::Microsecond, None), false),
    ]);
    let nothing = || -> ArrayRef { Arc::new(StringArray::from(vec![None::<&str>; rows.len()])) };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|(id, _, _)| Some(*id)).collect::<StringArray>()),
        nothing(),
        Arc::new(rows.iter().map(|(_, _, version)| *version).collect::<UInt64Array>()),
        Arc::new(rows.iter().map(|(_, parent, _)| Some(*parent)).collect::<StringArray>()),
        nothing(),
        Arc::new(TimestampMicrosecondArray::from(vec![FIRST_COMMIT_MICROS + 900_000_000; rows.len()])),
    ];
    Ok(RecordBatch::try_new(Arc::new(schema), columns)?)
}

#[tokio::test]
async fn a_row_has_its_history_although_the_newest_version_has_no_commit() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut writer = writer(folder.path()).await?;
    let version = people(&mut writer, &["ada"], 2, 1).await?;
    let commit = writer.commit(version, None).await?;
    let unrecorded = people(&mut writer, &["grace"], 3, 2).await?;
    let graph = open(folder.path()).await?;
    assert_eq!(graph.resolve(&At::Branch(BranchName::main())).await?.commit, None);
    assert_eq!(history_of(&graph, "ada").await?, std::slice::from_ref(&commit));
    assert_eq!(history_of(&graph, "grace").await?, [""; 0]);

    // Without a head, and where commits cannot be read, nothing is told for everything.
    let rows = commit_rows(&[("no id", &commit, unrecorded)])?;
    write(&folder.path().join(COMMITS), rows, WriteMode::Append).await?;
    let error = history_of(&graph, "ada").await.unwrap_err();
    assert!(error.to_string().contains("`main` has no newest commit"), "{error}");
    let _hidden = Hidden::commit(folder.path(), 0).await?;
    let error = history_of(&open(folder.path()).await?, "ada").await.unwrap_err();
    assert!(error.to_string().contains("is missing"), "{error}");
    let unknown = graph.row_history(&"node:Person".parse()?, "ada", &branch("nobody"), &Progress::none());
    let error = unknown.try_collect::<Vec<_>>().await.unwrap_err();
    assert!(error.to_string().contains("no branch `nobody`"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_commit_is_a_head_although_it_overtook_another_or_stands_beside_a_row_that_is_none() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut writer = writer(folder.path()).await?;
    let overtaken = writer.publish(&person(2, 0)).await?;
    let newest = writer.publish(&person(3, 0)).await?;
    let head = writer.commit(newest, None).await?;
    writer.commit(overtaken, None).await?;
    let heads = async |id: &str| -> Result<Vec<BranchName>> {
        let about = open(folder.path()).await?.history_about(id.parse()?).await?;
        Ok(about.heads_at(id.parse()?).into_iter().cloned().collect())
    };
    assert_eq!(heads(&head).await?, [BranchName::main()]);

    let (next, last) = (writer.publish(&person(4, 0)).await?, commit_id(77));
    let rows = commit_rows(&[("no id", &head, newest), (&last, &head, next)])?;
    write(&folder.path().join(COMMITS), rows, WriteMode::Append).await?;
    assert_eq!(heads(&last).await?, [BranchName::main()]);
    assert_eq!(heads(&head).await?, []);
    Ok(())
}
