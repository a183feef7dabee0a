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
fn the_table_keeps_the_widths_of_its_first_batch() {
    let first = batch(&[Some("abc\n"), None], &[Some(0.5), Some(10.25)]);
    let second = batch(&[Some("much longer")], &[Some(1.0)]);
    let expected = "\
name    size  day
abc\\n    0.5  2024-02-01
∅      10.25  2024-02-01
much…      1  2024-02-01
";
    assert_eq!(written(RowFormat::Table, &[first, second]), expected);
    assert_eq!(written(RowFormat::Table, &[]), "name  size  day\n");
}

#[test]
fn wide_columns_shrink_until_the_line_fits() {
    assert_eq!(fit(vec![10, 40, 40], 80), [10, 33, 33]);
    assert_eq!(fit(vec![10, 10], 80), [10, 10]);
    assert_eq!(fit(vec![40; 20], 80), [6; 20]);
}

#[test]
fn asked_columns_come_in_the_order_asked() {
    let mut out = Out::plain(Shared::default());
    let schema = Schema::new(vec![Field::new("a", DataType::Utf8, true), Field::new("b", DataType::Int32, true)]);
    let writer = RowWriter::new(&mut out, RowFormat::Csv, &schema, Some(&["b".to_owned(), "a".to_owned()]));
    assert_eq!(writer.columns, [("b".to_owned(), Align::Right), ("a".to_owned(), Align::Left)]);
}
