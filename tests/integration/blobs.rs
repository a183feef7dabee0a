//! Blob columns: references and bytes, as read, sorted, exported and compared.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use arrow::array::{Int64Array, RecordBatch, RecordBatchIterator, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use futures::TryStreamExt;
use lance::Dataset;
use lance::blob::{BlobArrayBuilder, blob_field};
use lance::dataset::optimize::{CompactionOptions, compact_files};
use lance::dataset::{WriteMode, WriteParams};
use stratigraph::effect::{Request, Start};
use stratigraph::event::Event;
use stratigraph::export::{Content, Existing, Format, Source};
use stratigraph::job::{JobId, JobStatus, JobUpdate, Lifetime, Slot};
use stratigraph::screen::{PaneId, ScreenId};
use stratigraph::tasks::Tasks;
use stratigraph::writing::Mode;
use stratigraph_engine::diff::{DiffFilter, DiffItem, Way, table_changes};
use stratigraph_engine::manifest::{ChangeKind, TableChange, TableEntry};
use stratigraph_engine::read::{self, Blobs, ReadOptions, RowStream};
use stratigraph_engine::storage::Storage;
use stratigraph_engine::{ErrorKind, Graph, OpenMode, Order, Progress, Row, Snapshot, TableVersion};
use stratigraph_tests::writer::{self, GraphWriter, Publish};
use tokio::sync::mpsc::Receiver;

fn batch(rows: &[(&str, Option<&[u8]>)]) -> RecordBatch {
    let schema = Schema::new(vec![Field::new("id", DataType::Utf8, false), blob_field("file", true)]);
    let mut blobs = BlobArrayBuilder::new(rows.len());
    for (_, bytes) in rows {
        match bytes {
            Some(bytes) => blobs.push_bytes(bytes).expect("bytes"),
            None => blobs.push_null().expect("null"),
        }
    }
    let ids = StringArray::from_iter_values(rows.iter().map(|(id, _)| id));
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(ids), blobs.finish().expect("an array")]).expect("a batch")
}

async fn write(uri: &str, mode: WriteMode, rows: &[(&str, Option<&[u8]>)]) -> Result<Dataset> {
    let batch = batch(rows);
    let schema = batch.schema();
    let params = WriteParams {
        mode,
        enable_stable_row_ids: true,
        data_storage_version: Some("2.2".parse()?),
        ..WriteParams::default()
    };
    Ok(Dataset::write(RecordBatchIterator::new([Ok(batch)], schema), uri, Some(params)).await?)
}

async fn lines(storage: &Storage, blobs: Blobs, limit: Option<u64>) -> Result<Vec<String>> {
    let table = storage.open("nodes/f", None, None).await?;
    json_lines(read::rows(&table, &ReadOptions { blobs, limit, ..ReadOptions::default() }).await?).await
}

async fn json_lines(mut batches: RowStream) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    while let Some(batch) = batches.try_next().await? {
        let columns = Row::columns_of(&batch);
        lines.extend((0..batch.num_rows()).map(|row| Row::from_batch(&columns, &batch, row).to_json().to_string()));
    }
    Ok(lines)
}

#[tokio::test]
async fn bytes_are_read_when_asked_and_null_is_not_empty() -> Result<()> {
    let root = tempfile::tempdir()?;
    let uri = root.path().join("nodes/f").to_string_lossy().into_owned();
    write(&uri, WriteMode::Create, &[("c", Some(b"")), ("a", Some(b"hi")), ("b", None)]).await?;
    let storage = Storage::connect(&root.path().to_string_lossy())?;
    for limit in [None, Some(10)] {
        let expected =
            [r#"{"id":"a","file":"base64:aGk="}"#, r#"{"id":"b","file":null}"#, r#"{"id":"c","file":"base64:"}"#];
        assert_eq!(lines(&storage, Blobs::Bytes, limit).await?, expected, "limit {limit:?}");
        let described = [
            r#"{"id":"a","file":{"size_bytes":2}}"#,
            r#"{"id":"b","file":null}"#,
            r#"{"id":"c","file":{"size_bytes":0}}"#,
        ];
        assert_eq!(lines(&storage, Blobs::Described, limit).await?, described, "limit {limit:?}");
    }
    Ok(())
}

#[tokio::test]
async fn blobs_differ_by_content_alone() -> Result<()> {
    let root = tempfile::tempdir()?;
    let uri = root.path().join("nodes/f").to_string_lossy().into_owned();
    write(&uri, WriteMode::Create, &[("a", Some(b"hi")), ("b", Some(b"ho")), ("c", None)]).await?;
    write(&uri, WriteMode::Overwrite, &[("c", None), ("b", Some(b"he")), ("a", Some(b"hi"))]).await?;
    let mut dataset = write(&uri, WriteMode::Append, &[("d", Some(b"x"))]).await?;
    compact_files(&mut dataset, CompactionOptions::default(), None).await?;
    let entry = |version, rows| TableEntry {
        key: "node:F".parse().expect("a key"),
        path: "nodes/f".into(),
        version: TableVersion::new(version),
        lineage: None,
        rows,
    };
    let storage = Storage::connect(&root.path().to_string_lossy())?;
    for way in [None, Some(Way::Walk)] {
        let (from, to) = (entry(1, 3), entry(dataset.version_id(), 4));
        let change = TableChange { key: from.key.clone(), kind: ChangeKind::Changed, from: Some(from), to: Some(to) };
        let items = table_changes(&storage, vec![change], DiffFilter::default(), way, &Progress::none());
        let items: Vec<DiffItem> = items.try_collect().await?;
        let changed: Vec<String> = items
            .iter()
            .filter_map(|item| match item {
                DiffItem::Row(change) => Some(format!("{:?} {} {:?}", change.op, change.id, change.columns)),
                DiffItem::Table(_) => None,
            })
            .collect();
        assert_eq!(changed, [r#"Updated b ["file"]"#, "Inserted d []"], "{way:?}");
    }
    Ok(())
}

const RANKED: &str = "node F { rank: I64? file: Blob? }";

/// A row of the table that is sorted: id, rank, bytes, and these as JSON has them.
type Ranked = (&'static str, Option<i64>, Option<&'static [u8]>, &'static str);

/// Ids and ranks repeat, together and apart.
const ROWS: [Ranked; 8] = [
    ("b", Some(2), Some(b"b2"), r#""base64:YjI=""#),
    ("a", Some(3), Some(b"a3"), r#""base64:YTM=""#),
    ("b", Some(1), Some(b"b1"), r#""base64:YjE=""#),
    ("c", None, None, "null"),
    ("b", Some(3), Some(b"b3"), r#""base64:YjM=""#),
    ("d", Some(2), Some(b""), r#""base64:""#),
    ("a", Some(-1), Some(b"a-1"), r#""base64:YS0x""#),
    ("b", Some(10), None, "null"),
];

fn ranked_batch() -> RecordBatch {
    let mut blobs = BlobArrayBuilder::new(ROWS.len());
    for (_, _, bytes, _) in ROWS {
        match bytes {
            Some(bytes) => blobs.push_bytes(bytes).expect("bytes"),
            None => blobs.push_null().expect("null"),
        }
    }
    let fields = vec![
        Field::new("id", DataType::Utf8, false),
        Field::new("rank", DataType::Int64, true),
        blob_field("file", true),
    ];
    let ids = StringArray::from_iter_values(ROWS.map(|(id, ..)| id));
    let ranks: Int64Array = ROWS.iter().map(|(_, rank, ..)| *rank).collect();
    let columns: Vec<arrow::array::ArrayRef> = vec![Arc::new(ids), Arc::new(ranks), blobs.finish().expect("an array")];
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("a batch")
}

async fn ranked_graph(root: &Path) -> Result<()> {
    let batch = ranked_batch();
    let mut writer = GraphWriter::create(root, RANKED, &[("node:F", batch.schema())]).await?;
    let version = writer::write(&writer.table("node:F"), batch, WriteMode::Append).await?.version().version;
    let published = Publish { key: "node:F".into(), version, lineage: None, rows: ROWS.len() as u64 };
    let manifest_version = writer.publish(&[published]).await?;
    writer.commit(manifest_version, None).await?;
    Ok(())
}

/// The rows whose rank is kept as JSON lines, in order: by rank, nulls last, then by id.
fn ranked_lines(descending: bool, keep: impl Fn(Option<i64>) -> bool) -> Vec<String> {
    let mut rows: Vec<Ranked> = ROWS.into_iter().filter(|(_, rank, ..)| keep(*rank)).collect();
    rows.sort_by_key(|(id, rank, ..)| (rank.is_none(), rank.map(|rank| if descending { -rank } else { rank }), *id));
    let line = |(id, rank, _, file): &Ranked| {
        let rank = rank.map_or("null".to_owned(), |rank| rank.to_string());
        format!(r#"{{"id":"{id}","rank":{rank},"file":{file}}}"#)
    };
    rows.iter().map(line).collect()
}

/// Runs one job to its end.
async fn carry_out(tasks: &mut Tasks, events: &mut Receiver<Event>, id: JobId, request: Request) -> JobStatus {
    // A slot of its own: the one before may not be free yet.
    let kind = if id == JobId(0) { "open" } else { "export" };
    let slot = Slot { screen: ScreenId::Tables, pane: PaneId("rows"), kind };
    tasks.start(Start { id, slot, lifetime: Lifetime::Program, request });
    loop {
        match events.recv().await.expect("the job ends") {
            Event::Job(job, JobUpdate::Ended(status)) if job == id => return status,
            _ => {}
        }
    }
}

/// Exports a source as JSON lines.
async fn exported(root: &Path, source: Source) -> Result<Vec<String>> {
    let path = root.with_extension("jsonl");
    let (events, mut receiver) = tokio::sync::mpsc::channel(64);
    let (mut tasks, _left) = Tasks::new(tokio::runtime::Handle::current(), events);
    let open = Request::Open { uri: root.to_string_lossy().into_owned(), mode: Mode::ReadOnly };
    assert_eq!(carry_out(&mut tasks, &mut receiver, JobId(0), open).await, JobStatus::Succeeded);
    let content = Content::Read { name: "rows".to_owned(), source };
    let export =
        Request::Export { content, format: Format::JsonLines, path: path.clone(), existing: Existing::Replace };
    assert_eq!(carry_out(&mut tasks, &mut receiver, JobId(1), export).await, JobStatus::Succeeded);
    Ok(std::fs::read_to_string(path)?.lines().map(str::to_owned).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sorted_export_has_every_row_once_with_its_bytes() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let root = folder.path().join("graph");
    ranked_graph(&root).await?;
    let graph = Graph::open(&root.to_string_lossy(), OpenMode::ReadOnly).await?;
    let snapshot: Arc<Snapshot> = Arc::new(graph.snapshot(&"main".parse()?).await?);
    let rank_above_1 = |rank: Option<i64>| rank.is_some_and(|rank| rank > 1);
    for descending in [false, true] {
        for filter in [None, Some("rank > 1")] {
            let order = Order { column: "rank".to_owned(), descending };
            let filter_text = filter.map(str::to_owned);
            let options = ReadOptions { filter: filter_text, order: Some(order), ..ReadOptions::default() };
            let source = Source::Table { snapshot: snapshot.clone(), table: "node:F".parse()?, options, remark: None };
            let expected = ranked_lines(descending, |rank| filter.is_none() || rank_above_1(rank));
            assert_eq!(exported(&root, source).await?, expected, "descending: {descending}, filter {filter:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_first_rows_of_an_order_are_the_first_of_all_and_blobs_have_none() -> Result<()> {
    let folder = tempfile::tempdir()?;
    ranked_graph(folder.path()).await?;
    let graph = Graph::open(&folder.path().to_string_lossy(), OpenMode::ReadOnly).await?;
    let snapshot = graph.snapshot(&"main".parse()?).await?;
    let table = "node:F".parse()?;
    for descending in [false, true] {
        let expected = ranked_lines(descending, |_| true);
        for (limit, kept) in [(None, ROWS.len()), (Some(3), 3), (Some(200_000), ROWS.len())] {
            let order = Some(Order { column: "rank".to_owned(), descending });
            let options = ReadOptions { order, limit, blobs: Blobs::Bytes, ..ReadOptions::default() };
            let found = json_lines(graph.read(&snapshot, &table, &options).await?).await?;
            assert_eq!(found, expected[..kept], "descending: {descending}, limit {limit:?}");
        }
    }
    for (column, expected) in [
        ("file", "cannot sort by `file`: blobs have no order"),
        ("size", "there is no column `size`; the table has id, rank, file"),
    ] {
        let order = Some(Order { column: column.to_owned(), descending: false });
        let options = ReadOptions { order, ..ReadOptions::default() };
        let error = graph.read(&snapshot, &table, &options).await.err().expect("refused");
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Invalid, expected));
    }
    Ok(())
}
