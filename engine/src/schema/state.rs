//! `__schema_state.json`: which compiled schema was accepted.

use serde::{Deserialize, Serialize};

use super::ir::SchemaIr;

/// The only version of the record there is.
pub const STATE_FORMAT_VERSION: u32 = 1;
/// The only way of deriving ids there is.
pub const SCHEMA_IDENTITY_VERSION: u32 = 1;

/// The record of the accepted schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaState {
    /// [`STATE_FORMAT_VERSION`].
    pub format_version: u32,
    /// [`SchemaIr::hash`] of the accepted schema.
    pub schema_ir_hash: String,
    /// [`SCHEMA_IDENTITY_VERSION`].
    pub schema_identity_version: u32,
}

impl SchemaState {
    /// Returns the record that accepts `ir`.
    #[must_use]
    pub fn accepting(ir: &SchemaIr) -> Self {
        Self {
            format_version: STATE_FORMAT_VERSION,
            schema_ir_hash: ir.hash(),
            schema_identity_version: SCHEMA_IDENTITY_VERSION,
        }
    }

    /// Reads the text of a `__schema_state.json`; unknown keys are dropped.
    ///
    /// # Errors
    /// The JSON error, with its place, if the text is not JSON or not of this shape.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Returns the text of the file: indented by two spaces, no newline at the end.
    #[must_use]
    pub fn to_pretty_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain structs with string keys always serialize")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEAM_STATE: &str = include_str!("testdata/team/__schema_state.json");
    const TEAM_IR: &str = include_str!("testdata/team/_schema.ir.json");

    #[test]
    fn the_record_of_the_reference_is_reproduced_byte_for_byte() {
        let ir = SchemaIr::from_json(TEAM_IR).expect("the fixture reads");
        assert_eq!(SchemaState::accepting(&ir).to_pretty_json(), TEAM_STATE);
    }

    #[test]
    fn reading_drops_unknown_keys_and_writing_is_its_inverse() {
        let text = TEAM_STATE.replace("{\n", "{\n  \"later\": [1],\n");
        let state = SchemaState::from_json(&text).expect("an unknown key is no error");
        assert_eq!(state.to_pretty_json(), TEAM_STATE);
    }
}
