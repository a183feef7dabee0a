//! Files in each form, and what happens to a file that is there already.

use arrow::array::{Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema};

use super::*;

fn content() -> Content {
    let fields = vec![Field::new("id", DataType::Utf8, false), Field::new("age", DataType::Int64, true)];
    let schema = Arc::new(Schema::new(fields));
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
