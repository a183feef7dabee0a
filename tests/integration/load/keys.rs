//! Keys of every type: the ids they give, that an export brings the same nodes back, and that no value is there twice.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float32Array, Float64Array, Int32Array, TimestampMillisecondArray, UInt64Array,
};
use serde_json::Value;

use super::tables::{FORMATS, batch, texts, write};
use crate::command_line::{lines, run, text};

const SCHEMA: &str = "node Text { k: String @key }\nnode Word { k: enum(no, yes) @key }\nnode Small { k: I32 @key }\n\
    node Big { k: U64 @key }\nnode Single { k: F32 @key }\nnode Double { k: F64 @key }\nnode Flag { k: Bool @key }\n\
    node Day { k: Date @key }\nnode Moment { k: DateTime @key }\n";

/// One node of each type as JSON, and the id it gets.
const NODES: [(&str, &str, &str); 9] = [
    ("Text", r#""a""#, "a"),
    ("Word", r#""yes""#, "yes"),
    ("Small", "-7", "-7"),
    ("Big", "18446744073709551615", "18446744073709551615"),
    ("Single", "0.1", "0.1"),
    ("Double", "0.5", "0.5"),
    ("Flag", "true", "true"),
    ("Day", r#""2026-05-02""#, "2026-05-02"),
    ("Moment", r#""2026-05-02T09:14:03Z""#, "2026-05-02T09:14:03Z"),
];

fn record(table: &str, key: &str) -> String {
    format!("{{\"type\":\"{table}\",\"data\":{{\"k\":{key}}}}}\n")
}

struct Stage(tempfile::TempDir);

impl Stage {
    fn new() -> Result<Self> {
        let stage = Self(tempfile::tempdir()?);
        fs::write(stage.path("schema.pg"), SCHEMA)?;
        for graph in ["g", "copy"] {
            text(&["init", &stage.name(graph), "--schema", &stage.name("schema.pg")])?;
        }
        Ok(stage)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn name(&self, name: &str) -> String {
        self.path(name).to_string_lossy().into_owned()
    }

    fn load(&self, graph: &str, records: &str, mode: &str) -> Result<std::process::Output> {
        fs::write(self.path("data.jsonl"), records)?;
        run(&["load", &self.name(graph), "--data", &self.name("data.jsonl"), "--mode", mode])
    }

    fn ids(&self, graph: &str) -> Result<Vec<(String, String)>> {
        let of = |node: &Value| (node["type"].to_string(), node["data"]["id"].to_string());
        let mut ids: Vec<_> = lines(&["export", &self.name(graph)])?.iter().map(of).collect();
        ids.sort();
        Ok(ids)
    }
}

fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn expected(ids: impl Iterator<Item = (&'static str, &'static str)>) -> Vec<(String, String)> {
    let mut ids: Vec<_> = ids.map(|(table, id)| (format!("\"{table}\""), format!("\"{id}\""))).collect();
    ids.sort();
    ids
}

#[test]
fn an_export_of_any_key_loads_into_the_same_export() -> Result<()> {
    let stage = Stage::new()?;
    let records: String = NODES.iter().map(|(table, key, _)| record(table, key)).collect();
    let loaded = stage.load("g", &records, "append")?;
    assert!(loaded.status.success(), "{}", said(&loaded));
    assert_eq!(stage.ids("g")?, expected(NODES.iter().map(|(table, _, id)| (*table, *id))));
    let exported = text(&["export", &stage.name("g")])?;
    for mode in ["overwrite", "merge"] {
        let loaded = stage.load("copy", &exported, mode)?;
        assert!(loaded.status.success(), "{mode}: {}", said(&loaded));
        assert_eq!(text(&["export", &stage.name("copy")])?, exported, "{mode}");
    }
    Ok(())
}

#[test]
fn a_value_is_there_once_however_it_is_written() -> Result<()> {
    let stage = Stage::new()?;
    let records: String = NODES.iter().map(|(table, key, _)| record(table, key)).collect();
    stage.load("g", &records, "append")?;
    let before = text(&["export", &stage.name("g")])?;
    for (table, key, reason) in [
        ("Day", "20575", "the id `2026-05-02` is stored already"),
        ("Moment", r#""2026-05-02T09:14:03""#, "@key(k) is broken"),
        ("Moment", r#""2026-05-02T11:14:03+02:00""#, "@key(k) is broken"),
        ("Double", "0.50", "the id `0.5` is stored already"),
        ("Flag", "true", "the id `true` is stored already"),
    ] {
        let refused = stage.load("g", &record(table, key), "append")?;
        assert!(said(&refused).contains(reason), "{table} {key}: {}", said(&refused));
    }
    let merged = stage.load("g", &record("Moment", r#""2026-05-02T11:14:03+02:00""#), "merge")?;
    assert!(said(&merged).contains("as in the stored row `2026-05-02T09:14:03Z`"), "{}", said(&merged));
    let twice = record("Moment", r#""2027-01-01T00:00:00Z""#) + &record("Moment", r#""2027-01-01T00:00:00""#);
    assert!(said(&stage.load("g", &twice, "append")?).contains("record 2"), "two texts of one load");
    let insert =
        "query q() { insert Day { k: date(\"2026-05-02\") } insert Double { k: 0.5 } insert Flag { k: true } }";
    text(&["mutate", &stage.name("g"), "-e", insert])?;
    assert_eq!(text(&["export", &stage.name("g")])?, before, "the same nodes again");
    Ok(())
}

#[test]
fn keys_in_columns_give_the_ids_of_their_texts() -> Result<()> {
    let columns: [(&str, ArrayRef, &str); 8] = [
        ("Text", texts(["a"]), "a"),
        ("Small", Arc::new(Int32Array::from(vec![-7])), "-7"),
        ("Big", Arc::new(UInt64Array::from(vec![u64::MAX])), "18446744073709551615"),
        ("Single", Arc::new(Float32Array::from(vec![0.1])), "0.1"),
        ("Double", Arc::new(Float64Array::from(vec![0.5])), "0.5"),
        ("Flag", Arc::new(BooleanArray::from(vec![true])), "true"),
        ("Day", Arc::new(Date32Array::from(vec![20575])), "2026-05-02"),
        ("Moment", Arc::new(TimestampMillisecondArray::from(vec![1_777_713_243_000])), "2026-05-02T09:14:03"),
    ];
    for format in FORMATS {
        let stage = Stage::new()?;
        let mut arguments = vec!["load".to_owned(), stage.name("g"), "--mode".into(), "merge".into(), "--data".into()];
        for (table, column, _) in &columns {
            write(&stage.path(table), format, &[batch([("k", column.clone())])])?;
            arguments.push(format!("{table}={}", stage.name(table)));
        }
        text(&arguments.iter().map(String::as_str).collect::<Vec<_>>())?;
        assert_eq!(stage.ids("g")?, expected(columns.iter().map(|(table, _, id)| (*table, *id))), "{format:?}");
        let rows = batch([("k", columns[6].1.clone()), ("id", texts(["2026-05-03"]))]);
        write(&stage.path("wrong"), format, &[rows])?;
        let wrong =
            run(&["load", &stage.name("g"), "--mode", "merge", "--data", &format!("Day={}", stage.name("wrong"))])?;
        assert!(said(&wrong).contains("its id is not its key k"), "{}", said(&wrong));
    }
    Ok(())
}
