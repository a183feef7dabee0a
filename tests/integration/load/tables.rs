//! Files that hold the rows of one table: what they become, what is refused, and that nothing gets lost on the way.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Date64Array, DictionaryArray, FixedSizeBinaryArray,
    FixedSizeListArray, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, LargeListArray,
    LargeStringArray, ListArray, NullArray, RecordBatch, StringArray, StringViewArray, StructArray,
    TimestampMicrosecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt8Array, UInt32Array, UInt64Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Float32Type, Int32Type};
use arrow::ipc::writer::{FileWriter, StreamWriter};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::{Value, json};
use stratigraph_engine::load::{Input, LoadMode, LoadRequest, TableFile};
use stratigraph_engine::{BranchName, Error, ErrorKind, Progress};

use super::Stage;

pub(super) const SOURCE: &str = "node Person {\n  name: String @key\n  age: I32?\n  @range(age, 0..150)\n  mail: String? @unique\n}\n\
    node Note {\n  body: String\n}\n\
    node Thing {\n  text: String?\n  mood: enum(happy, sad)?\n  flag: Bool?\n  small: I32?\n  long: I64?\n  count: U32?\n  \
    big: U64?\n  single: F32?\n  double: F64?\n  day: Date?\n  time: DateTime?\n  tags: [String]?\n  numbers: [I32]?\n  \
    face: Vector(2)?\n  photo: Blob?\n}\n\
    edge Knows: Person -> Person @card(0..2) {\n  since: Date?\n}\n\
    edge Moves: Person -> Person {\n  from: String?\n}\n";

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Format {
    Parquet,
    ArrowFile,
    ArrowStream,
}

pub(super) const FORMATS: [Format; 3] = [Format::Parquet, Format::ArrowFile, Format::ArrowStream];

pub(super) fn write(path: &Path, format: Format, batches: &[RecordBatch]) -> Result<()> {
    let file = File::create(path)?;
    let schema = batches[0].schema();
    match format {
        Format::Parquet => {
            let mut writer = ArrowWriter::try_new(file, schema, None)?;
            batches.iter().try_for_each(|batch| writer.write(batch))?;
            writer.close()?;
        }
        Format::ArrowFile => {
            let mut writer = FileWriter::try_new(file, &schema)?;
            batches.iter().try_for_each(|batch| writer.write(batch))?;
            writer.finish()?;
        }
        Format::ArrowStream => {
            let mut writer = StreamWriter::try_new(file, &schema)?;
            batches.iter().try_for_each(|batch| writer.write(batch))?;
            writer.finish()?;
        }
    }
    Ok(())
}

/// Columns as a batch; every column may have nulls.
pub(super) fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> RecordBatch {
    let fields: Fields =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let schema = arrow::datatypes::Schema::new(fields);
    RecordBatch::try_new(Arc::new(schema), columns.into_iter().map(|(_, array)| array).collect())
        .expect("equal lengths")
}

pub(super) fn texts<const N: usize>(values: [&str; N]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

impl Stage {
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(super) async fn load_file(&self, mode: LoadMode, table: &str, path: &Path) -> Result<Option<u64>, Error> {
        let file = TableFile::new(table, File::open(path).expect("it was just written"));
        let name = path.file_name().expect("it has one").to_string_lossy().into_owned();
        let inputs = vec![Input { name, reader: Box::new(file) }];
        let request = LoadRequest { mode, branch: BranchName::main(), actor: None, inputs };
        let loaded = self.graph.load(request, &Progress::none()).await?;
        Ok(loaded.written.map(|written| written.manifest_version.get()))
    }

    pub(super) async fn load_rows(
        &self,
        mode: LoadMode,
        table: &str,
        rows: &RecordBatch,
    ) -> Result<Option<u64>, Error> {
        let path = self.file("rows.parquet");
        write(&path, Format::Parquet, std::slice::from_ref(rows)).expect("it can be written");
        self.load_file(mode, table, &path).await
    }

    pub(super) async fn refused_rows(&self, table: &str, rows: &RecordBatch) -> String {
        let error = self.load_rows(LoadMode::Append, table, rows).await.expect_err("it is refused");
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        error.to_string()
    }
}

pub(super) fn vectors(rows: &[Option<[f32; 2]>]) -> ArrayRef {
    let rows = rows.iter().map(|row| row.map(|numbers| numbers.map(Some)));
    Arc::new(FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(rows, 2))
}

fn lists(rows: &[Option<&[Option<i32>]>]) -> ArrayRef {
    let rows = rows.iter().map(|row| row.map(<[_]>::to_vec));
    Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(rows))
}

/// Lists of texts: `ends` are where each ends among the items.
pub(super) fn text_lists(items: ArrayRef, ends: &[i32]) -> ArrayRef {
    let offsets: Vec<i32> = std::iter::once(0).chain(ends.iter().copied()).collect();
    let item = Arc::new(Field::new("element", items.data_type().clone(), true));
    Arc::new(ListArray::new(item, OffsetBuffer::new(offsets.into()), items, None))
}

/// The columns of a `Thing` in the very types of a table: two rows, the second one null but for its id.
fn things() -> RecordBatch {
    let blob_fields =
        Fields::from(vec![Field::new("data", DataType::LargeBinary, true), Field::new("uri", DataType::Utf8, true)]);
    let blobs = StructArray::new(
        blob_fields,
        vec![
            Arc::new(arrow::array::LargeBinaryArray::from(vec![Some(&b"hi"[..]), None])),
            Arc::new(StringArray::from(vec![None::<&str>, None])),
        ],
        Some(vec![true, false].into()),
    );
    batch([
        ("id", texts(["a", "b"])),
        ("text", Arc::new(StringArray::from(vec![Some("é\u{0}"), None]))),
        ("mood", Arc::new(StringArray::from(vec![Some("sad"), None]))),
        ("flag", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ("small", Arc::new(Int32Array::from(vec![Some(i32::MIN), None]))),
        ("long", Arc::new(Int64Array::from(vec![Some(i64::MIN), None]))),
        ("count", Arc::new(UInt32Array::from(vec![Some(u32::MAX), None]))),
        ("big", Arc::new(UInt64Array::from(vec![Some(u64::MAX), None]))),
        ("single", Arc::new(Float32Array::from(vec![Some(0.5), None]))),
        ("double", Arc::new(Float64Array::from(vec![Some(0.1), None]))),
        ("day", Arc::new(Date32Array::from(vec![Some(-1), None]))),
        ("time", Arc::new(Date64Array::from(vec![Some(1_000), None]))),
        ("tags", text_lists(texts(["x", ""]), &[2, 2])),
        ("numbers", lists(&[Some(&[Some(1), None]), None])),
        ("face", vectors(&[Some([0.0, 1.0]), None])),
        ("photo", Arc::new(blobs)),
    ])
}

fn expected_things() -> [Value; 2] {
    [
        json!({"id": "a", "big": u64::MAX, "count": u32::MAX, "day": -1, "double": 0.1, "face": [0.0, 1.0], "flag": true,
            "long": i64::MIN, "mood": "sad", "numbers": [1, null], "photo": "base64:aGk=", "single": 0.5, "small": i32::MIN,
            "tags": ["x", ""], "text": "é\u{0}", "time": "1970-01-01T00:00:01"}),
        json!({"id": "b", "big": null, "count": null, "day": null, "double": null, "face": null, "flag": null, "long": null,
            "mood": null, "numbers": null, "photo": null, "single": null, "small": null, "tags": [], "text": null,
            "time": null}),
    ]
}

#[tokio::test]
async fn every_format_gives_the_same_rows() -> Result<()> {
    for format in FORMATS {
        let stage = Stage::of(SOURCE).await?;
        let path = stage.file("things");
        // Two batches, so that the second one is read as well.
        write(&path, format, &[things().slice(0, 1), things().slice(1, 1)])?;
        assert_eq!(stage.load_file(LoadMode::Append, "Thing", &path).await?, Some(4), "{format:?}");
        assert_eq!(stage.rows("main", "Thing").await?, expected_things(), "{format:?}");
        stage.assert_settled().await?;

        // As JSON records they are the same rows again.
        let copy = Stage::of(SOURCE).await?;
        let records = expected_things().map(|row| json!({"type": "Thing", "data": row}).to_string());
        copy.load(LoadMode::Overwrite, "main", &records.concat()).await?;
        assert_eq!(copy.rows("main", "Thing").await?, expected_things());
    }
    Ok(())
}

#[tokio::test]
async fn a_column_may_have_any_type_that_loses_nothing() -> Result<()> {
    let stage = Stage::of(SOURCE).await?;
    std::fs::write(stage.file("photo"), "elsewhere")?;
    let elsewhere = format!("file://{}", stage.file("photo").display());
    let strings = || StringArray::from(vec!["happy", "sad"]);
    let dictionary = DictionaryArray::<Int32Type>::from_iter(["happy", "sad"]);
    let numbers = |values: ArrayRef| -> ArrayRef {
        let item = Arc::new(Field::new("x", values.data_type().clone(), true));
        Arc::new(LargeListArray::new(item, OffsetBuffer::new(vec![0_i64, 2, 2].into()), values, None))
    };
    let utc = |array: TimestampMicrosecondArray| array.with_timezone("UTC");
    let cases: Vec<(&str, ArrayRef, Value)> = vec![
        ("text", Arc::new(LargeStringArray::from(vec!["happy", "sad"])), json!(["happy", "sad"])),
        ("text", Arc::new(StringViewArray::from(vec!["happy", "sad"])), json!(["happy", "sad"])),
        ("mood", Arc::new(dictionary), json!(["happy", "sad"])),
        ("text", Arc::new(NullArray::new(2)), json!([null, null])),
        ("small", Arc::new(Int8Array::from(vec![-1, 1])), json!([-1, 1])),
        ("small", Arc::new(Int64Array::from(vec![-1, i64::from(i32::MAX)])), json!([-1, i32::MAX])),
        ("long", Arc::new(UInt64Array::from(vec![0, i64::MAX as u64])), json!([0, i64::MAX])),
        ("count", Arc::new(UInt8Array::from(vec![0, 255])), json!([0, 255])),
        ("big", Arc::new(Int64Array::from(vec![0, i64::MAX])), json!([0, i64::MAX])),
        ("single", Arc::new(Int16Array::from(vec![-3, 3])), json!([-3.0, 3.0])),
        ("double", Arc::new(Float32Array::from(vec![0.5, -2.0])), json!([0.5, -2.0])),
        ("double", Arc::new(Int32Array::from(vec![i32::MIN, 7])), json!([f64::from(i32::MIN), 7.0])),
        ("day", Arc::new(Date64Array::from(vec![86_400_000, -86_400_000])), json!([1, -1])),
        ("time", Arc::new(Date32Array::from(vec![1, -1])), json!(["1970-01-02T00:00:00", "1969-12-31T00:00:00"])),
        (
            "time",
            Arc::new(TimestampSecondArray::from(vec![1, -1])),
            json!(["1970-01-01T00:00:01", "1969-12-31T23:59:59"]),
        ),
        (
            "time",
            Arc::new(utc(TimestampMicrosecondArray::from(vec![1_000, 0]))),
            json!(["1970-01-01T00:00:00.001", "1970-01-01T00:00:00"]),
        ),
        (
            "time",
            Arc::new(TimestampNanosecondArray::from(vec![-1_000_000, 0])),
            json!(["1969-12-31T23:59:59.999", "1970-01-01T00:00:00"]),
        ),
        ("numbers", numbers(Arc::new(Int64Array::from(vec![Some(4), None]))), json!([[4, null], []])),
        ("tags", text_lists(Arc::new(LargeStringArray::from(vec!["a", "b"])), &[0, 2]), json!([[], ["a", "b"]])),
        (
            "face",
            text_lists(Arc::new(Float32Array::from(vec![1.0, 2.0, 3.0, 4.0])), &[2, 4]),
            json!([[1.0, 2.0], [3.0, 4.0]]),
        ),
        ("photo", Arc::new(BinaryArray::from(vec![&b"hi"[..], b""])), json!(["base64:aGk=", "base64:"])),
        (
            "photo",
            Arc::new(FixedSizeBinaryArray::try_from_iter([b"hi", b"ho"].into_iter())?),
            json!(["base64:aGk=", "base64:aG8="]),
        ),
        ("photo", Arc::new(StringArray::from(vec!["base64:aGk=", &elsewhere])), json!(["base64:aGk=", &elsewhere])),
        ("id", Arc::new(strings()), json!(["happy", "sad"])),
    ];
    for (column, array, expected) in cases {
        for format in FORMATS {
            let kind = array.data_type().clone();
            let path = stage.file("things");
            let rows = match column {
                "id" => batch([("id", array.clone())]),
                _ => batch([("id", texts(["happy", "sad"])), (column, array.clone())]),
            };
            // What a file cannot hold is not its problem.
            if format == Format::Parquet && kind == DataType::Date64 {
                continue;
            }
            write(&path, format, &[rows])?;
            stage.load_file(LoadMode::Overwrite, "node:Thing", &path).await?;
            let found: Value = stage.rows("main", "Thing").await?.iter().map(|row| row[column].clone()).collect();
            assert_eq!(found, expected, "{column} from {kind}, {format:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn edges_find_their_ends_by_either_name_and_their_ids_are_kept_or_made() -> Result<()> {
    let stage = Stage::of(SOURCE).await?;
    stage.load_rows(LoadMode::Append, "Person", &batch([("name", texts(["Ada", "Grace"]))])).await?;
    let ids: ArrayRef = Arc::new(StringArray::from(vec![Some("e1"), None]));
    let rows = batch([("id", ids), ("from", texts(["Ada", "Grace"])), ("to", texts(["Grace", "Ada"]))]);
    stage.load_rows(LoadMode::Append, "knows", &rows).await?;
    let rows = stage.rows("main", "Knows").await?;
    let ends: Vec<(&str, &str)> = rows
        .iter()
        .map(|row| (row["src"].as_str().unwrap_or_default(), row["dst"].as_str().unwrap_or_default()))
        .collect();
    assert!(ends.contains(&("Ada", "Grace")) && ends.contains(&("Grace", "Ada")), "{ends:?}");
    let ids = stage.ids("main", "Knows").await?;
    assert!(ids.contains(&"e1".to_owned()) && ids.iter().any(|id| id.len() == 26), "{ids:?}");

    // A property may be called like an end.
    let rows = batch([("src", texts(["Ada"])), ("to", texts(["Grace"])), ("from", texts(["Paris"]))]);
    stage.load_rows(LoadMode::Append, "edge:Moves", &rows).await?;
    let row = &stage.rows("main", "Moves").await?[0];
    assert_eq!((&row["src"], &row["dst"], &row["from"]), (&json!("Ada"), &json!("Grace"), &json!("Paris")));
    stage.assert_settled().await
}

#[tokio::test]
async fn a_file_without_rows_empties_a_table_only_if_it_is_overwritten() -> Result<()> {
    let stage = Stage::of(SOURCE).await?;
    stage.load_rows(LoadMode::Append, "Note", &batch([("body", texts(["x"]))])).await?;
    let nothing = batch([("body", texts([]))]);
    assert_eq!(stage.load_rows(LoadMode::Append, "Note", &nothing).await?, None);
    assert_eq!(stage.load_rows(LoadMode::Merge, "Note", &nothing).await?, None);
    assert_eq!(stage.ids("main", "Note").await?.len(), 1);
    assert!(stage.load_rows(LoadMode::Overwrite, "Note", &nothing).await?.is_some());
    assert_eq!(stage.ids("main", "Note").await?.len(), 0);
    stage.load_rows(LoadMode::Append, "Note", &batch([("body", texts(["y"]))])).await?;
    assert_eq!(stage.ids("main", "Note").await?.len(), 1);
    stage.assert_settled().await
}

#[tokio::test]
async fn records_and_files_go_into_one_commit() -> Result<()> {
    let stage = Stage::of(SOURCE).await?;
    let path = stage.file("Person.parquet");
    write(&path, Format::Parquet, &[batch([("name", texts(["Ada"]))])])?;
    let knows = r#"{"edge":"Knows","from":"Ada","to":"Grace"} {"type":"Person","data":{"name":"Grace"}}"#;
    let inputs = vec![
        Input { name: "a.jsonl".into(), reader: Box::new(knows.as_bytes()) },
        Input { name: "b.parquet".into(), reader: Box::new(TableFile::new("Person", File::open(&path)?)) },
    ];
    let request = LoadRequest { mode: LoadMode::Append, branch: BranchName::main(), actor: None, inputs };
    let loaded = stage.graph.load(request, &Progress::none()).await?;
    let records: Vec<String> = loaded.records.iter().map(|(key, records)| format!("{key} {records}")).collect();
    assert_eq!(records, ["edge:Knows 1", "node:Person 2"]);
    assert_eq!(loaded.written.map(|written| written.tables.len()), Some(2));
    assert_eq!(stage.ids("main", "Person").await?, ["Ada", "Grace"]);
    stage.assert_settled().await
}

#[tokio::test]
async fn many_rows_keep_their_numbers_and_problems_are_counted() -> Result<()> {
    const ROWS: i32 = 30_000;
    let stage = Stage::of(SOURCE).await?;
    let names = || Arc::new((0..ROWS).map(|number| Some(format!("p{number:05}"))).collect::<StringArray>()) as ArrayRef;
    let ages =
        |age: fn(i32) -> i32| Arc::new((0..ROWS).map(|number| Some(age(number))).collect::<Int32Array>()) as ArrayRef;
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::LZ4_RAW,
        Compression::GZIP(GzipLevel::default()),
        Compression::ZSTD(ZstdLevel::default()),
    ] {
        let rows = batch([("name", names()), ("age", ages(|number| if number == 20_000 { -1 } else { number % 100 }))]);
        let properties =
            WriterProperties::builder().set_compression(compression).set_max_row_group_row_count(Some(7_000)).build();
        let path = stage.file("Person.parquet");
        let mut writer = ArrowWriter::try_new(File::create(&path)?, rows.schema(), Some(properties))?;
        writer.write(&rows)?;
        writer.close()?;
        let message = stage.load_file(LoadMode::Append, "Person", &path).await.unwrap_err().to_string();
        assert_eq!(
            message, "nothing was loaded:\nPerson.parquet, record 20001: Person: age: -1 is less than 0",
            "{compression:?}"
        );
    }
    let message = stage.refused_rows("Person", &batch([("name", names()), ("age", ages(|_| 200))])).await;
    assert!(message.ends_with("and 29900 more problems"), "{message}");
    assert!(message.contains("record 1: Person: age: 200 is more than 150"), "{message}");
    stage
        .load_rows(LoadMode::Append, "Person", &batch([("name", names()), ("age", ages(|number| number % 100))]))
        .await?;
    let ids = stage.ids("main", "Person").await?;
    assert_eq!((ids.len(), ids[29_999].as_str()), (30_000, "p29999"));
    stage.assert_settled().await
}
