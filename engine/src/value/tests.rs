use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, Date32Array, Date64Array, FixedSizeListArray, Float32Array, Float64Array, Int32Array,
    ListArray, RecordBatch, StringArray, UInt64Array,
};
use arrow::datatypes::{Float32Type, Int32Type};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::*;

fn cell(array: impl arrow::array::Array) -> Value {
    Value::from_array(&array, 0)
}

#[test]
fn cells_export_as_the_reference_exports_them() {
    let vector = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>([Some([Some(0.1), Some(0.0)])], 2);
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1), None])]);
    let cases: [(Value, serde_json::Value); 10] = [
        (cell(Date32Array::from(vec![19754])), json!(19754)),
        (cell(Date64Array::from(vec![1_767_605_400_000])), json!("2026-01-05T09:30:00")),
        (cell(Date64Array::from(vec![-1])), json!("1969-12-31T23:59:59.999")),
        (cell(Date64Array::from(vec![i64::MAX])), json!(i64::MAX)),
        (cell(vector), json!([0.100_000_001_490_116_12, 0.0])),
        (cell(list), json!([1, null])),
        (cell(Float64Array::from(vec![140_000.0])), json!(140_000.0)),
        (cell(UInt64Array::from(vec![u64::MAX])), json!(u64::MAX)),
        (cell(StringArray::from(vec![None::<&str>])), json!(null)),
        (cell(BinaryArray::from_vec(vec![b"hi"])), json!("base64:aGk=")),
    ];
    for (value, expected) in cases {
        assert_eq!(value.to_json(), expected, "{value:?}");
    }
    assert_eq!(Value::Blob(Blob::external("s3://b/x")).to_json(), json!("s3://b/x"));
    assert_eq!(Value::Float(f64::NAN).to_json(), json!(null));
}

#[test]
fn cells_print_for_people() {
    let cases = [
        (Value::Date(19754), "2024-02-01"),
        (Value::Date(-1), "1969-12-31"),
        (Value::DateTime(1_767_605_400_000), "2026-01-05T09:30:00"),
        (Value::List(vec![Value::from("a"), Value::Null].into()), "[a, null]"),
        (Value::Vector(vec![0.1, 2.0].into()), "[0.1, 2]"),
        (Value::Blob(Blob::stored(12)), "12 bytes"),
        (Value::Blob(Blob::digest(12, [0xab; 32])), "12 bytes #abababab"),
        (Value::Null, "null"),
    ];
    for (value, expected) in cases {
        assert_eq!(value.to_string(), expected);
    }
    assert_eq!(Value::Date(i32::MAX).to_string(), format!("day {}", i32::MAX), "outside the calendar");
}

#[test]
fn equality_is_typed() {
    let list = |items: &[Value]| Value::List(items.into());
    assert_ne!(Value::Null, Value::from(""));
    assert_ne!(Value::Null, list(&[]));
    assert_ne!(list(&[Value::Null]), list(&[]));
    assert_ne!(list(&[Value::from("a,b")]), list(&[Value::from("a"), Value::from("b")]));
    assert_ne!(Value::Int(1), Value::UInt(1));
    assert_eq!(Value::Float(f64::NAN), Value::Float(f64::NAN));
    assert_eq!(Value::Vector(vec![f32::NAN].into()), Value::Vector(vec![f32::NAN].into()));
    // They are stored, exported and read back differently.
    assert_ne!(Value::Float(0.0), Value::Float(-0.0));
    assert_ne!(Value::Vector(vec![0.0].into()), Value::Vector(vec![-0.0].into()));
    assert_ne!(Value::Vector(vec![1.0].into()), Value::Vector(vec![1.0, 1.0].into()));
}

#[test]
fn conditions_compare_numbers_and_not_their_bits() {
    assert_eq!(Value::Float(-0.0).compared(), Value::Float(0.0));
    let apart =
        [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0].map(|number| Value::Float(number).compared().to_json());
    for (at, one) in apart.iter().enumerate() {
        assert!(!one.is_null() && !apart[..at].contains(one), "{one}");
    }
    assert_eq!(Value::Float(-f64::NAN).compared(), Value::Float(f64::NAN).compared());
}

#[test]
fn blobs_compare_by_content_even_when_only_digests_are_left() {
    let a = Blob::from_bytes(b"aa");
    let digest = |text: &[u8]| Blob::digest(text.len() as u64, Sha256::digest(text).into());
    assert_eq!(a, digest(b"aa"));
    assert_ne!(a, digest(b"bb"));
    assert_ne!(digest(b"aa"), digest(b"bb"));
    assert_ne!(a, Blob::from_bytes(b"bb"));
    assert_ne!(a, Blob::external("x"));
    assert_ne!(Blob::stored(0), Blob::stored(1));
}

#[test]
fn rows_keep_column_order_and_nulls() {
    let columns: Vec<(&str, ArrayRef)> =
        vec![("z", Arc::new(Int32Array::from(vec![1, 2]))), ("a", Arc::new(Float32Array::from(vec![None, Some(0.5)])))];
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true))).unwrap();
    let names = Row::columns_of(&batch);
    let row = Row::from_batch(&names, &batch, 0);
    assert_eq!(row.to_json().to_string(), r#"{"z":1,"a":null}"#);
    assert_eq!(row.get("a"), Some(&Value::Null));
    assert_eq!(row.get("b"), None);
}
