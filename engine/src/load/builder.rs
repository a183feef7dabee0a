//! Columns of vectors and of blobs that are being filled.

use std::sync::Arc;

use arrow::array::{ArrayRef, FixedSizeListArray, Float32Array, LargeBinaryBuilder, StringBuilder, StructArray};
use arrow::buffer::NullBuffer;
use arrow_schema::{DataType, Field, Fields};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Prefix of bytes written as text.
const BASE64: &str = "base64:";
/// References that can be stored start with this.
const FILE: &str = "file://";

/// Vectors of one length.
pub(super) struct VectorBuilder {
    length: usize,
    cells: Vec<f32>,
    valid: Vec<bool>,
}

impl VectorBuilder {
    pub(super) fn new(length: usize) -> Self {
        Self { length, cells: Vec::new(), valid: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.valid.len()
    }

    pub(super) fn push_null(&mut self) {
        self.cells.extend(std::iter::repeat_n(0.0, self.length));
        self.valid.push(false);
    }

    /// Adds a vector, one that has a direction.
    ///
    /// # Errors
    /// What is wrong with it: it has another length, or all numbers are zero.
    pub(super) fn push(&mut self, numbers: &[f32]) -> Result<(), String> {
        if numbers.len() != self.length {
            return Err(format!("{} numbers are expected, not {}", self.length, numbers.len()));
        }
        if numbers.iter().all(|&number| number == 0.0) {
            return Err("a vector of zeros has no direction".to_owned());
        }
        self.cells.extend(numbers);
        self.valid.push(true);
        Ok(())
    }

    pub(super) fn finish(&mut self) -> ArrayRef {
        let valid = std::mem::take(&mut self.valid);
        let numbers = std::mem::take(&mut self.cells);
        // A null row has null children, as the format says.
        let numbers = if valid.contains(&false) {
            let numbers = numbers.into_iter().enumerate();
            numbers.map(|(at, number)| valid[at / self.length].then_some(number)).collect()
        } else {
            Float32Array::from(numbers)
        };
        let item = Arc::new(Field::new("item", DataType::Float32, true));
        let length = i32::try_from(self.length).expect("the schema allows no longer vectors");
        Arc::new(FixedSizeListArray::new(item, length, Arc::new(numbers), Some(NullBuffer::from(valid))))
    }
}

/// Blobs, each with its bytes or where they are.
pub(super) struct BlobBuilder {
    data: LargeBinaryBuilder,
    uri: StringBuilder,
    valid: Vec<bool>,
}

impl BlobBuilder {
    pub(super) fn new() -> Self {
        Self { data: LargeBinaryBuilder::new(), uri: StringBuilder::new(), valid: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.valid.len()
    }

    pub(super) fn push_null(&mut self) {
        self.data.append_null();
        self.uri.append_null();
        self.valid.push(false);
    }

    pub(super) fn push_bytes(&mut self, bytes: &[u8]) {
        self.data.append_value(bytes);
        self.uri.append_null();
        self.valid.push(true);
    }

    /// Adds a reference to bytes elsewhere. Lance looks whether it knows the place when the rows are written, which is too late
    /// to name the row.
    ///
    /// # Errors
    /// If it is none that can be stored.
    pub(super) fn push_uri(&mut self, uri: &str) -> Result<(), String> {
        if !uri.starts_with(FILE) {
            return Err(format!("bytes (after `{BASE64}`) or a {FILE} URI are expected, not {uri:?}"));
        }
        self.data.append_null();
        self.uri.append_value(uri);
        self.valid.push(true);
        Ok(())
    }

    /// Adds a blob that is given as text: its bytes in base 64 after a prefix, else where it is.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub(super) fn push_text(&mut self, text: &str) -> Result<(), String> {
        match text.strip_prefix(BASE64) {
            Some(encoded) => {
                let bytes = STANDARD.decode(encoded).map_err(|error| format!("it is not base 64: {error}"))?;
                self.push_bytes(&bytes);
            }
            None => self.push_uri(text)?,
        }
        Ok(())
    }

    pub(super) fn finish(&mut self) -> ArrayRef {
        let fields = Fields::from(vec![
            Field::new("data", DataType::LargeBinary, true),
            Field::new("uri", DataType::Utf8, true),
        ]);
        let arrays: Vec<ArrayRef> = vec![Arc::new(self.data.finish()), Arc::new(self.uri.finish())];
        Arc::new(StructArray::new(fields, arrays, Some(NullBuffer::from(std::mem::take(&mut self.valid)))))
    }
}
