//! Files in each form, and what happens to a file that is there already.

use arrow::array::{Int64Array, StringArray};
use arrow::datatypes::{DataType, Field};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use stratigraph_engine::{Order, ReadOptions};

use super::*;
use crate::cli::sample;

fn schema() -> SchemaRef {
    let fields = vec![Field::new("id", DataType::Utf8, false), Field::new("age", DataType::Int64, true)];
    Arc::new(Schema::new(fields))
}

fn content() -> Content {
    let schema = schema();
    let batch = |ids: Vec<&str>, ages: Vec<Option<i64>>| {
        let columns: Vec<arrow::array::ArrayRef> =
            vec![Arc::new(StringArray::from(ids)), Arc::new(Int64Array::from(ages))];
        RecordBatch::try_new(Arc::clone(&schema), columns).expect("columns fit the schema")
    };
    let batches = [batch(vec!["a", "b, \"c\""], vec![Some(1), None]), batch(vec![""], vec![Some(-3)])];
    Content::Rows { name: "rows".to_owned(), batches: batches.into() }
}

/// A folder of this test alone.
fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("stratigraph-export-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&path).expect("a temporary folder");
    path
}

fn text_of(format: Format) -> String {
    let folder = folder(format.extension());
    let path = folder.join("out");
    write(&content(), None, format, path.clone(), Existing::Ask, &Progress::none()).expect("written");
    let text = std::fs::read_to_string(&path).expect("readable");
    std::fs::remove_dir_all(folder).expect("removable");
    text
}

#[test]
fn rows_become_text_in_three_forms() {
    assert_eq!(text_of(Format::Csv), "id,age\na,1\n\"b, \"\"c\"\"\",\n\"\",-3\n");
    assert_eq!(
        text_of(Format::JsonLines),
        "{\"id\":\"a\",\"age\":1}\n{\"id\":\"b, \\\"c\\\"\",\"age\":null}\n{\"id\":\"\",\"age\":-3}\n"
    );
    assert_eq!(text_of(Format::Markdown), "| id | age |\n| --- | --- |\n| a | 1 |\n| b, \"c\" | *null* |\n|  | -3 |\n");
}

#[test]
fn parquet_files_begin_and_end_with_their_mark() {
    let folder = folder("parquet");
    let path = folder.join("out.parquet");
    let reply = write(&content(), None, Format::Parquet, path.clone(), Existing::Ask, &Progress::none());
    let Ok(Reply::Exported(written)) = reply else { panic!("{reply:?}") };
    let bytes = std::fs::read(&path).expect("readable");
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    assert_eq!((written.rows, written.size_bytes), (Some(3), bytes.len() as u64));
    std::fs::remove_dir_all(folder).expect("removable");
}

/// The columns and the number of rows of a Parquet file.
fn parquet_of(path: &Path) -> (SchemaRef, usize) {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).expect("readable")).expect("Parquet");
    let schema = reader.schema().clone();
    let rows = reader.build().expect("readable").map(|batch| batch.expect("readable").num_rows()).sum();
    (schema, rows)
}

/// Writes what a source reads from the sample graph and returns where, below `folder`.
async fn written(folder: &Path, source: Source, format: Format) -> PathBuf {
    let rows = source.open(&sample().await, format.blobs()).await.expect("it can be read");
    let content = Content::Read { name: "rows".to_owned(), source };
    let path = folder.join(format.extension());
    let to = path.clone();
    let work = move || write(&content, Some(rows), format, to, Existing::Replace, &Progress::none());
    let reply = tokio::task::spawn_blocking(work).await.expect("no panic");
    assert!(matches!(reply, Ok(Reply::Exported(_))), "{reply:?}");
    path
}

async fn source(table: &str, options: ReadOptions) -> Source {
    let snapshot = sample().await.snapshot(&"main".parse().expect("a branch")).await.expect("it is there");
    Source::Table { snapshot: Arc::new(snapshot), table: table.parse().expect("a table"), options, remark: None }
}

fn where_(filter: &str) -> ReadOptions {
    ReadOptions { filter: Some(filter.to_owned()), ..ReadOptions::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_without_rows_gives_a_file_with_its_columns() {
    let folder = folder("empty");
    let nobody = source("node:Person", where_("false")).await;
    for (format, expected) in [
        (Format::Csv, "id,age,joined,name,role\n"),
        (Format::JsonLines, ""),
        (Format::Markdown, "| id | age | joined | name | role |\n| --- | --- | --- | --- | --- |\n"),
    ] {
        let path = written(&folder, nobody.clone(), format).await;
        assert_eq!(std::fs::read_to_string(path).expect("readable"), expected);
    }
    for table in ["node:Person", "node:Note", "node:Project", "edge:WorksOn"] {
        let none = written(&folder, source(table, where_("false")).await, Format::Parquet).await;
        let (columns, rows) = parquet_of(&none);
        assert_eq!(rows, 0, "{table}");
        let all = written(&folder, source(table, ReadOptions::default()).await, Format::Parquet).await;
        let (same, rows) = parquet_of(&all);
        assert_eq!(same, columns, "the columns of {table} do not depend on its rows");
        assert!(rows > 0, "{table}");
    }
    std::fs::remove_dir_all(folder).expect("removable");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_changes_the_order_of_the_lines_and_nothing_else() {
    let folder = folder("order");
    for (table, column) in
        [("node:Person", "age"), ("node:Person", "joined"), ("node:Note", "embedding"), ("node:Project", "tags")]
    {
        let plain = written(&folder, source(table, ReadOptions::default()).await, Format::Csv).await;
        let plain = std::fs::read_to_string(plain).expect("readable");
        let order = Order { column: column.to_owned(), descending: true };
        let mut orders = Vec::new();
        for limit in [None, Some(1000)] {
            let options = ReadOptions { order: Some(order.clone()), limit, ..ReadOptions::default() };
            let sorted = written(&folder, source(table, options).await, Format::Csv).await;
            let sorted = std::fs::read_to_string(sorted).expect("readable");
            assert_eq!(sorted.lines().next(), plain.lines().next(), "{table}");
            let lines = |text: &str| text.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
            assert_eq!(lines(&sorted), lines(&plain), "{table} by {column}");
            orders.push(sorted);
        }
        assert_eq!(orders[0], orders[1], "{table} by {column}: a limit keeps the first of the same order");
    }
    std::fs::remove_dir_all(folder).expect("removable");
}

#[test]
fn an_existing_file_is_left_alone_until_replacing_is_agreed() {
    let folder = folder("existing");
    let path = folder.join("out.csv");
    std::fs::write(&path, "precious").expect("written");
    let ask = write(&content(), None, Format::Csv, path.clone(), Existing::Ask, &Progress::none());
    assert!(matches!(ask, Ok(Reply::Exists(found)) if found == path));
    assert_eq!(std::fs::read_to_string(&path).expect("readable"), "precious");
    write(&content(), None, Format::Csv, path.clone(), Existing::Replace, &Progress::none()).expect("written");
    assert!(std::fs::read_to_string(&path).expect("readable").starts_with("id,age"));
    assert_eq!(std::fs::read_dir(&folder).expect("listed").count(), 1, "no temporary file stays");
    std::fs::remove_dir_all(folder).expect("removable");
}

#[test]
fn a_cancelled_export_leaves_nothing_behind() {
    let folder = folder("cancelled");
    let token = tokio_util::sync::CancellationToken::new();
    token.cancel();
    let progress = Progress::new(|_| {}, token);
    let result = write(&content(), None, Format::Csv, folder.join("out.csv"), Existing::Ask, &progress);
    assert_eq!(result.expect_err("cancelled").kind, ErrorKind::Cancelled);
    assert_eq!(std::fs::read_dir(&folder).expect("listed").count(), 0);
    std::fs::remove_dir_all(folder).expect("removable");
}
