//! Files of rows that are refused: what is said, and that nothing of them is stored.

use std::sync::Arc;

use anyhow::Result;
use arrow::array::{
    ArrayRef, Date64Array, FixedSizeListArray, Float32Array, Float64Array, Int8Array, Int32Array, Int64Array,
    RecordBatch, StringArray, TimestampMicrosecondArray, TimestampSecondArray,
};
use arrow::datatypes::Float32Type;
use stratigraph_engine::ErrorKind;
use stratigraph_engine::load::LoadMode;

use super::Stage;
use super::tables::{FORMATS, Format, SOURCE, batch, text_lists, texts, vectors, write};

#[tokio::test]
async fn columns_that_do_not_fit_are_told_by_name_and_both_types() -> Result<()> {
    let one = |name: &'static str, array: ArrayRef| batch([("id", texts(["a"])), (name, array)]);
    let cases: Vec<(&str, RecordBatch, &str)> = vec![
        ("Thing", one("txt", texts(["x"])), "rows.parquet: Thing: it has no property txt"),
        (
            "Thing",
            one("small", Arc::new(Float64Array::from(vec![1.0]))),
            "rows.parquet: Thing: the column small has the type Float64, which does not become I32? without loss",
        ),
        ("Thing", one("small", texts(["1"])), "the type Utf8, which does not become I32?"),
        ("Thing", one("single", Arc::new(Float64Array::from(vec![1.0]))), "Float64, which does not become F32?"),
        ("Thing", one("double", Arc::new(Int64Array::from(vec![1]))), "Int64, which does not become F64?"),
        ("Thing", one("flag", Arc::new(Int8Array::from(vec![1]))), "Int8, which does not become Bool?"),
        ("Thing", one("text", Arc::new(Int8Array::from(vec![1]))), "Int8, which does not become String?"),
        ("Thing", one("day", texts(["2026-05-02"])), "Utf8, which does not become Date?"),
        ("Thing", one("day", Arc::new(TimestampSecondArray::from(vec![1]))), "which does not become Date?"),
        ("Thing", one("time", texts(["2026-05-02"])), "Utf8, which does not become DateTime?"),
        ("Thing", one("time", Arc::new(Int64Array::from(vec![1]))), "Int64, which does not become DateTime?"),
        ("Thing", one("face", Arc::new(Float32Array::from(vec![1.0]))), "Float32, which does not become Vector(2)?"),
        ("Thing", one("numbers", text_lists(texts(["1"]), &[1])), "which does not become [I32]?"),
        ("Thing", one("numbers", Arc::new(Int32Array::from(vec![1]))), "Int32, which does not become [I32]?"),
        ("Thing", one("photo", Arc::new(Int32Array::from(vec![1]))), "Int32, which does not become Blob?"),
        (
            "Thing",
            batch([("id", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]),
            "the column id has the type Int64, and must be text",
        ),
        ("Thing", batch([("id", texts(["a"])), ("id", texts(["a"]))]), "the column id is there twice"),
        ("Note", batch([("id", texts(["a"]))]), "rows.parquet: Note: body is required, and there is no column body"),
        ("Person", batch([("id", texts(["a"]))]), "rows.parquet: Person: name is required"),
        (
            "Knows",
            batch([("src", texts(["a"]))]),
            "rows.parquet: Knows: there is no column dst (or to), which an edge needs",
        ),
        (
            "Knows",
            batch([("src", texts(["a"])), ("from", texts(["a"])), ("to", texts(["a"]))]),
            "there are two columns, src and from, for the same end: keep one",
        ),
        ("Moves", batch([("from", texts(["a"])), ("to", texts(["a"]))]), "there is no column src (or from)"),
        ("person", batch([("name", texts(["a"]))]), "rows.parquet: there is no type person"),
        ("edge:Person", batch([("name", texts(["a"]))]), "rows.parquet: there is no edge type Person"),
        ("table:Person", batch([("name", texts(["a"]))]), "`table:Person` is no table: say node:TYPE or edge:TYPE"),
    ];
    let stage = Stage::of(SOURCE).await?;
    for (table, rows, expected) in cases {
        let message = stage.refused_rows(table, &rows).await;
        assert!(message.contains(expected), "{expected}\n{message}");
        assert_eq!(message.lines().count(), 2, "{message}");
    }
    let longer = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>([Some([Some(1.0); 3])], 3);
    let message = stage.refused_rows("Thing", &one("face", Arc::new(longer))).await;
    assert!(message.contains("the column face has the type FixedSizeList"), "{message}");
    // All that is wrong with the columns is told at once.
    let rows = batch([("x", texts(["a"])), ("y", texts(["a"])), ("age", texts(["a"]))]);
    assert_eq!(stage.refused_rows("Person", &rows).await.lines().count(), 1 + 4);
    stage.assert_settled().await
}

/// Three rows of a table, two columns of which one does not fit.
fn three(name: &'static str, array: ArrayRef) -> RecordBatch {
    batch([("id", texts(["a", "b", "c"])), (name, array)])
}

/// A table, rows of it, and what is said of them.
fn misfits() -> Vec<(&'static str, RecordBatch, &'static str)> {
    vec![
        (
            "Thing",
            three("small", Arc::new(Int64Array::from(vec![1, i64::from(i32::MAX) + 1, 3]))),
            "rows.parquet, record 2: Thing: small: 2147483648 does not fit I32",
        ),
        (
            "Thing",
            three("count", Arc::new(Int8Array::from(vec![1, 2, -1]))),
            "record 3: Thing: count: -1 does not fit U32",
        ),
        (
            "Thing",
            three("mood", texts(["sad", "glad", "happy"])),
            "record 2: Thing: mood: `glad` is not one of happy, sad",
        ),
        (
            "Thing",
            three("double", Arc::new(Float64Array::from(vec![1.0, f64::NAN, 1.0]))),
            "record 2: Thing: double: a finite number is expected, not NaN",
        ),
        (
            "Thing",
            three("single", Arc::new(Float32Array::from(vec![1.0, 1.0, f32::INFINITY]))),
            "record 3: Thing: single: a finite number is expected, not inf",
        ),
        (
            "Thing",
            three("time", Arc::new(TimestampMicrosecondArray::from(vec![1_000, 1_001, 0]))),
            "record 2: Thing: time: 1970-01-01T00:00:00.001001 is not a whole number of milliseconds",
        ),
        (
            "Thing",
            three("numbers", text_lists(Arc::new(Int64Array::from(vec![1, 2, i64::MAX])), &[1, 1, 3])),
            "record 3: Thing: numbers: item 2: 9223372036854775807 does not fit I32",
        ),
        (
            "Thing",
            three("face", text_lists(Arc::new(Float32Array::from(vec![1.0, 2.0, 3.0])), &[2, 2, 3])),
            "record 2: Thing: face: 2 numbers are expected, not 0",
        ),
        (
            "Thing",
            three("face", vectors(&[Some([1.0, 0.0]), None, Some([0.0, 0.0])])),
            "record 3: Thing: face: a vector of zeros",
        ),
        (
            "Thing",
            three("face", text_lists(Arc::new(Float32Array::from(vec![Some(1.0), None])), &[0, 2, 2])),
            "record 2: Thing: face: item 2: a number is expected, not null",
        ),
        ("Thing", three("photo", texts(["base64:aGk=", "base64:%", "x"])), "record 2: Thing: photo: it is not base 64"),
        ("Thing", batch([("id", texts(["a", ""]))]), "record 2: Thing: id must be a text that is not empty"),
        ("Thing", batch([("id", texts(["a", "a"]))]), "record 2: Thing: the id `a` is there twice"),
        (
            "Note",
            three("body", Arc::new(StringArray::from(vec![Some("x"), None, Some("y")]))),
            "record 2: Note: body is required",
        ),
        (
            "Person",
            batch([("name", Arc::new(StringArray::from(vec![Some("x"), None])) as ArrayRef)]),
            "record 2: Person: name is required: it is the key",
        ),
        (
            "Person",
            batch([("name", texts(["x", "y"])), ("id", texts(["x", "z"]))]),
            "record 2: Person: its id is not its key name",
        ),
        (
            "Person",
            batch([("name", texts(["x", "y"])), ("age", Arc::new(Int64Array::from(vec![150, 151])))]),
            "record 2: Person: age: 151 is more than 150",
        ),
        ("Person", batch([("name", texts(["x", "y"])), ("mail", texts(["m", "m"]))]), "@unique(mail) is broken"),
        (
            "Knows",
            batch([
                ("src", Arc::new(StringArray::from(vec![Some("Ada"), None])) as ArrayRef),
                ("dst", texts(["Ada", "Ada"])),
            ]),
            "record 2: Knows: src must be the id of a node, not null",
        ),
        (
            "Knows",
            batch([("from", texts(["Ada"])), ("to", texts(["Eve"]))]),
            "record 1: Knows: dst `Eve` not found in Person",
        ),
        (
            "Knows",
            batch([("from", texts(["Ada", "Ada", "Ada"])), ("to", texts(["Ada", "Ada", "Ada"]))]),
            "@card violation: `Ada` has 3 edges (max 2)",
        ),
    ]
}

#[tokio::test]
async fn cells_that_do_not_fit_are_told_by_record() -> Result<()> {
    let stage = Stage::of(SOURCE).await?;
    stage.load(LoadMode::Append, "main", r#"{"type":"Person","data":{"name":"Ada"}}"#).await?;
    for (table, rows, expected) in misfits() {
        let message = stage.refused_rows(table, &rows).await;
        assert!(message.contains(expected), "{expected}\n{message}");
    }
    // A day is no time: Parquet itself cannot hold such a column.
    let path = stage.file("rows.arrow");
    write(&path, Format::ArrowFile, &[three("day", Arc::new(Date64Array::from(vec![0, 86_400_000, 1])))])?;
    let message = stage.load_file(LoadMode::Append, "Thing", &path).await.unwrap_err().to_string();
    assert!(message.contains("rows.arrow, record 3: Thing: day: ") && message.contains("time of day"), "{message}");
    stage.assert_settled().await
}

#[tokio::test]
async fn a_damaged_file_stores_nothing() -> Result<()> {
    let stage = Stage::of(SOURCE).await?;
    for format in FORMATS {
        let path = stage.file("Person");
        let names: Vec<String> = (0..10_000).map(|number| format!("p{number}")).collect();
        let rows = batch([("name", Arc::new(StringArray::from(names)) as ArrayRef)]);
        write(&path, format, &[rows.clone(), rows.slice(0, 0), rows])?;
        let whole = std::fs::read(&path)?;
        let half = whole.len() / 2;
        for kept in [0, 3, 8, half, whole.len() - 20] {
            std::fs::write(&path, &whole[..kept])?;
            let error = stage.load_file(LoadMode::Append, "Person", &path).await.expect_err("it is refused");
            let message = error.to_string();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{format:?} {kept}: {message}");
            let told = if kept < 4 { "it is neither Parquet nor Arrow IPC" } else { "it cannot be read as" };
            assert!(message.contains(told) && message.contains("\nPerson"), "{format:?} {kept}: {message}");
        }
    }
    std::fs::write(stage.file("Person"), "{\"type\":\"Person\"}")?;
    let error = stage.load_file(LoadMode::Append, "Person", &stage.file("Person")).await.unwrap_err();
    assert!(error.to_string().contains("Person: it is neither Parquet nor Arrow IPC"), "{error}");
    assert_eq!(stage.ids("main", "Person").await?.len(), 0);
    stage.assert_settled().await
}

#[tokio::test]
async fn a_file_with_wrong_bytes_is_no_defect_of_the_program() -> Result<()> {
    let stage = Stage::of(SOURCE).await?;
    let ages: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
    let rows = batch([
        ("name", texts(["a", "b", "c"])),
        ("age", ages),
        ("mail", Arc::new(StringArray::from(vec![Some("x"), None, Some("y")]))),
    ]);
    for format in FORMATS {
        let path = stage.file("Person");
        write(&path, format, std::slice::from_ref(&rows))?;
        let whole = std::fs::read(&path)?;
        let mut refused = 0;
        for at in (8..whole.len()).step_by(whole.len().div_ceil(120)) {
            let mut bytes = whole.clone();
            bytes[at] ^= if at % 2 == 0 { 0xff } else { 1 << (at % 8) };
            std::fs::write(&path, bytes)?;
            if let Err(error) = stage.load_file(LoadMode::Overwrite, "Person", &path).await {
                assert_eq!(error.kind(), ErrorKind::Invalid, "{format:?}, byte {at}: {error}");
                refused += 1;
            }
        }
        assert!(refused > 10, "{format:?}: {refused}");
    }
    stage.assert_settled().await
}
