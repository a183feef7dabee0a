//! Values as JSON, exactly as the reference exports them (graph-format §13).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Number, Value as Json};

use super::{Blob, Value, date_time_text};

impl Value {
    /// The cell as an export writes it.
    ///
    /// Dates are integer days and times ISO text without a zone, or milliseconds where the calendar ends; 32-bit floats appear widened (`0.10000000149011612`); numbers
    /// JSON cannot write (`NaN`, infinities) are null. A blob is its URI, or `base64:<bytes>`; if its bytes were not read it is
    /// an object `{"size_bytes": …}` with, where known, the content's `sha256`.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Int(value) => Json::from(*value),
            Self::UInt(value) => Json::from(*value),
            Self::Float(value) => float(*value),
            Self::Text(text) => Json::from(&**text),
            Self::Date(days) => Json::from(*days),
            Self::DateTime(millis) => date_time_text(*millis).map_or_else(|| Json::from(*millis), Json::from),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Vector(items) => items.iter().map(|&item| float(f64::from(item))).collect(),
            Self::Blob(blob) => blob.to_json(),
        }
    }
}

impl Blob {
    fn to_json(&self) -> Json {
        if let Some(uri) = self.uri() {
            return Json::from(uri);
        }
        if let Some(bytes) = self.bytes() {
            return Json::from(format!("base64:{}", STANDARD.encode(bytes)));
        }
        let mut object = serde_json::Map::new();
        object.insert("size_bytes".to_owned(), self.size_bytes().into());
        if let Some(digest) = self.digest_hex() {
            object.insert("sha256".to_owned(), digest.into());
        }
        Json::Object(object)
    }
}

fn float(value: f64) -> Json {
    Number::from_f64(value).map_or(Json::Null, Json::Number)
}
