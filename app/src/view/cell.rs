//! One value as the screen shows it: a short text in a table, the whole of it in a record.

use std::borrow::Cow;
use std::cmp::Ordering;

use stratigraph_engine::Value;
use stratigraph_engine::value::Blob;
use stratigraph_widgets::data_table::CellKind;

/// A table cell shows no more of a text; the record view shows all of it.
const SHOWN_CHARS: usize = 240;

/// A value as a table cell shows it. Vectors and blobs are type, digest and length.
pub(crate) fn cell(value: &Value) -> (Cow<'_, str>, CellKind) {
    match value {
        Value::Null => (Cow::Borrowed(""), CellKind::Null),
        Value::Text(text) if text.is_empty() => (Cow::Borrowed(""), CellKind::Empty),
        Value::Text(text) => (Cow::Borrowed(beginning(text)), CellKind::Text),
        Value::Int(_) | Value::UInt(_) | Value::Float(_) => (Cow::Owned(value.to_string()), CellKind::Number),
        Value::Vector(items) => (Cow::Owned(vector(items)), CellKind::Text),
        Value::Blob(blob) => (Cow::Owned(blob_text(blob)), CellKind::Text),
        other => (Cow::Owned(beginning(&other.to_string()).to_owned()), CellKind::Text),
    }
}

fn beginning(text: &str) -> &str {
    text.char_indices().nth(SHOWN_CHARS).map_or(text, |(at, _)| &text[..at])
}

/// Type, length and digest of a vector: equal vectors have equal digests, whatever their length.
fn vector(items: &[f32]) -> String {
    format!("vector {} #{:08x}", items.len(), digest(items))
}

/// FNV-1a over the items' bit patterns.
fn digest(items: &[f32]) -> u32 {
    let bytes = items.iter().flat_map(|item| item.to_bits().to_le_bytes());
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

fn blob_text(blob: &Blob) -> String {
    match (blob.uri(), blob.size_bytes(), blob.short_digest()) {
        (Some(uri), ..) => format!("blob at {uri}"),
        // What tells two of one length apart comes first: columns are narrow.
        (None, Some(size), Some(digest)) => format!("blob #{digest} {size} bytes"),
        (None, Some(size), None) => format!("blob {size} bytes"),
        (None, None, _) => "blob".to_owned(),
    }
}

/// A value in a record: everything that can be read, with the numbers of a vector after its description.
pub(crate) fn whole(value: &Value) -> (Cow<'_, str>, CellKind) {
    match value {
        Value::Text(text) if !text.is_empty() => (Cow::Borrowed(text), CellKind::Text),
        Value::Vector(items) => (Cow::Owned(format!("{} {value}", vector(items))), CellKind::Text),
        Value::Blob(blob) => match (blob.size_bytes(), blob.digest_hex()) {
            (Some(size), Some(digest)) => (Cow::Owned(format!("blob {size} bytes sha256 {digest}")), CellKind::Text),
            (_, _) => cell(value),
        },
        Value::List(_) => (Cow::Owned(value.to_string()), CellKind::Text),
        other => cell(other),
    }
}

/// Order for sorting what is loaded: numbers by size, texts by bytes, nulls last in either direction.
pub(crate) fn compare(left: &Value, right: &Value, descending: bool) -> Ordering {
    match (left.is_null(), right.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) if descending => present(right, left),
        (false, false) => present(left, right),
    }
}

fn present(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) | (Value::DateTime(a), Value::DateTime(b)) => a.cmp(b),
        (Value::UInt(a), Value::UInt(b)) => a.cmp(b),
        (Value::Float(a), Value::Float(b)) => a.total_cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (a, b) => a.to_string().cmp(&b.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_four_kinds_and_numbers_are_numbers() {
        assert_eq!(cell(&Value::Null).1, CellKind::Null);
        assert_eq!(cell(&Value::from("")).1, CellKind::Empty);
        assert_eq!(cell(&Value::Int(-3)), (Cow::Borrowed("-3"), CellKind::Number));
        assert_eq!(cell(&Value::Bool(true)), (Cow::Borrowed("true"), CellKind::Text));
        assert_eq!(cell(&Value::Date(0)).0, "1970-01-01");
    }

    #[test]
    fn vectors_and_blobs_are_described() {
        // FNV-1a 32 of no bytes is its offset basis; of four zero bytes it is that times the prime four times.
        assert_eq!(cell(&Value::Vector([].into())).0, "vector 0 #811c9dc5");
        let basis: u32 = 0x811c_9dc5;
        let expected = (0..4).fold(basis, |hash, _| hash.wrapping_mul(16_777_619));
        assert_eq!(cell(&Value::Vector([0.0].into())).0, format!("vector 1 #{expected:08x}"));
        assert_eq!(cell(&Value::Blob(Blob::stored(12))).0, "blob 12 bytes");
        assert_eq!(cell(&Value::Blob(Blob::external("s3://b/k"))).0, "blob at s3://b/k");
        let sha256: [u8; 32] = std::array::from_fn(|at| at as u8);
        let hex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
        assert_eq!(whole(&Value::Blob(Blob::digest(3, sha256))).0, format!("blob 3 bytes sha256 {hex}"));
        assert_eq!(cell(&Value::Blob(Blob::digest(3, sha256))).0, "blob #00010203 3 bytes");
        assert!(whole(&Value::Vector([0.5, 2.0].into())).0.ends_with(" [0.5, 2]"));
    }

    #[test]
    fn long_text_is_cut_in_a_cell_and_whole_in_a_record() {
        let text = Value::from("ä".repeat(1000).as_str());
        assert_eq!(cell(&text).0.chars().count(), SHOWN_CHARS);
        assert_eq!(whole(&text).0.chars().count(), 1000);
    }

    #[test]
    fn nulls_sort_last_in_both_directions() {
        for descending in [false, true] {
            assert_eq!(compare(&Value::Null, &Value::Int(1), descending), Ordering::Greater);
            assert_eq!(compare(&Value::Int(1), &Value::Null, descending), Ordering::Less);
        }
        assert_eq!(compare(&Value::Int(10), &Value::Int(9), false), Ordering::Greater);
        assert_eq!(compare(&Value::Int(10), &Value::Int(9), true), Ordering::Less);
        assert_eq!(compare(&Value::from("10"), &Value::from("9"), false), Ordering::Less);
    }
}
