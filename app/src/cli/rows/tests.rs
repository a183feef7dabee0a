use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Float64Array, StringArray};
use arrow::datatypes::{DataType, Field};

use super::super::text_table::tests::Shared;
use super::*;

fn batch(names: &[Option<&str>], sizes: &[Option<f64>]) -> RecordBatch {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("name", Arc::new(StringArray::from(names.to_vec()))),
        ("size", Arc::new(Float64Array::from(sizes.to_vec()))),
        ("day", Arc::new(Date32Array::from(vec![Some(19_754); names.len()]))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

fn written(format: RowFormat, batches: &[RecordBatch]) -> String {
    let shared = Shared::default();
    let mut out = Out::plain(shared.clone());
    let schema = batch(&[], &[]).schema();
    let mut writer = RowWriter::new(&mut out, format, &schema, None);
    for batch in batches {
        writer.batch(batch).unwrap();
    }
    writer.finish().unwrap();
    out.flush().unwrap();
    shared.text()
}

#[test]
fn csv_quotes_what_needs_it_and_tells_null_from_empty() {
    let rows = batch(&[Some("a,b"), Some("say \"x\"\r\n"), Some(""), None], &[Some(0.5), None, Some(1.0), Some(-2.0)]);
    let expected =
        "name,size,day\n\"a,b\",0.5,2024-02-01\n\"say \"\"x\"\"\r\n\",,2024-02-01\n\"\",1,2024-02-01\n,-2,2024-02-01\n";
    assert_eq!(written(RowFormat::Csv, std::slice::from_ref(&rows)), expected);
    assert_eq!(written(RowFormat::Csv, &[rows.slice(0, 1), rows.slice(1, 3)]), expected);
    assert_eq!(written(RowFormat::Csv, &[]), "name,size,day\n");
}

#[test]
fn json_lines_hold_export_values() {
    let rows = batch(&[Some("a\n"), None], &[Some(0.5), None]);
    let expected = "{\"name\":\"a\\n\",\"size\":0.5,\"day\":19754}\n{\"name\":null,\"size\":null,\"day\":19754}\n";
    assert_eq!(written(RowFormat::Jsonl, &[rows]), expected);
    assert_eq!(written(RowFormat::Jsonl, &[]), "");
}

#[test]
fn the_table_is_as_wide_as_the_values_of_all_its_batches() {
    let first = batch(&[Some("abc\n"), None], &[Some(0.5), Some(10.25)]);
    let second = batch(&[Some("much longer")], &[Some(1.0)]);
    let expected = "\
name          size  day
abc\\n          0.5  2024-02-01
∅            10.25  2024-02-01
much longer      1  2024-02-01
";
    assert_eq!(written(RowFormat::Table, &[first, second]), expected);
    assert_eq!(written(RowFormat::Table, &[]), "name  size  day\n");
}

#[test]
fn asked_columns_come_in_the_order_asked() {
    let mut out = Out::plain(Shared::default());
    let schema = Schema::new(vec![Field::new("a", DataType::Utf8, true), Field::new("b", DataType::Int32, true)]);
    let writer = RowWriter::new(&mut out, RowFormat::Csv, &schema, Some(&["b".to_owned(), "a".to_owned()]));
    assert_eq!(writer.columns, [("b".to_owned(), Align::Right), ("a".to_owned(), Align::Left)]);
}

#[test]
fn a_plan_is_written_whole_line_by_line() {
    let plan = format!("Filter: {}\n  Scan", "a > 1 AND ".repeat(30));
    let columns: [(&str, ArrayRef); 2] = [
        ("plan_type", Arc::new(StringArray::from(vec!["logical_plan"]))),
        ("plan", Arc::new(StringArray::from(vec![plan.as_str()]))),
    ];
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let shared = Shared::default();
    let mut out = Out::plain(shared.clone()).with_columns(Some(40));
    let mut writer = RowWriter::new(&mut out, RowFormat::Table, &rows.schema(), None);
    writer.batch(&rows).unwrap();
    writer.finish().unwrap();
    out.flush().unwrap();
    let lines: Vec<&str> = plan.lines().map(str::trim_end).collect();
    assert_eq!(shared.text().lines().collect::<Vec<_>>(), ["logical_plan", lines[0], lines[1]]);
}
