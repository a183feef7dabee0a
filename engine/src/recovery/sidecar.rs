//! The record a writer leaves before it touches a table (graph-format §10).

use std::ffi::{OsStr, OsString};
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Result;
use crate::fail::fail_point;
use crate::id::BranchName;
use crate::storage::{Storage, names};

/// Newest sidecar format this program understands.
pub(crate) const NEWEST_FORMAT: u64 = 2;

/// Which kind of write an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are the format's own")]
pub enum WriterKind {
    Mutation,
    Load,
    SchemaApply,
    BranchMerge,
    EnsureIndices,
    Optimize,
}

/// As the format spells it.
impl fmt::Display for WriterKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Mutation => "Mutation",
            Self::Load => "Load",
            Self::SchemaApply => "SchemaApply",
            Self::BranchMerge => "BranchMerge",
            Self::EnsureIndices => "EnsureIndices",
            Self::Optimize => "Optimize",
        })
    }
}

/// What a write intended to do. Unknown keys are kept in `extra`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sidecar {
    /// Format: 1 or 2.
    pub schema_version: u64,
    /// ULID of the operation; also the file's name.
    pub operation_id: String,
    /// Decimal microseconds since the epoch, as text.
    pub started_at: String,
    /// Branch being published; none for main.
    pub branch: Option<String>,
    /// Who started it.
    pub actor_id: Option<String>,
    /// What kind of write it is.
    pub writer_kind: WriterKind,
    /// Tables it moves.
    pub tables: Vec<Pin>,
    /// Merges only: the commit that is merged in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge_source_commit_id: Option<String>,
    /// Schema changes only: tables it adds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub additional_registrations: Vec<Registration>,
    /// Schema changes only: tables it drops.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tombstones: Vec<Tombstone>,
    /// Keys this program does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One table a write moves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pin {
    /// The table.
    pub table_key: String,
    /// Full path of its base folder.
    pub table_path: String,
    /// Version pinned before the write.
    pub expected_version: u64,
    /// Version the write plans to reach.
    pub post_commit_pin: u64,
    /// Version the write reached, once confirmed (merges, format 2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_version: Option<u64>,
    /// Lineage of the table the write lands on; none for its main one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_branch: Option<String>,
    /// Keys this program does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One table a schema change adds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Registration {
    /// The table.
    pub table_key: String,
    /// Its folder, relative to the root.
    pub table_path: String,
    /// Lineage it is on; none for its main one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_branch: Option<String>,
    /// Keys this program does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One table a schema change drops.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tombstone {
    /// The table.
    pub table_key: String,
    /// Last visible version + 1.
    pub tombstone_version: u64,
    /// Keys this program does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Sidecar {
    /// Branch being published.
    #[must_use]
    pub fn branch(&self) -> BranchName {
        BranchName::from_stored(self.branch.as_deref())
    }

    /// When it started, microseconds since the epoch; none if the text is no number.
    #[must_use]
    pub fn started_at_micros(&self) -> Option<i64> {
        self.started_at.parse().ok()
    }
}

/// What a sidecar file holds.
#[derive(Debug, Clone, PartialEq)]
pub enum SidecarState {
    /// A record of format 1 or 2.
    Readable(Box<Sidecar>),
    /// A record of a newer format; it blocks writing until the program that wrote it has settled it.
    Newer {
        /// Its format.
        schema_version: u64,
    },
    /// Not a record; it blocks writing until it is removed by hand.
    Unreadable {
        /// What is wrong with it.
        reason: String,
    },
}

/// One file in `__recovery/`.
#[derive(Debug, Clone, PartialEq)]
pub struct SidecarFile {
    /// Name without `.json`, bytes that are no text escaped (`\xff`); the operation id unless someone renamed it.
    pub id: String,
    /// The text as stored.
    pub text: String,
    /// What it says.
    pub state: SidecarState,
}

impl SidecarFile {
    /// The record, if it is one this program understands.
    #[must_use]
    pub fn readable(&self) -> Option<&Sidecar> {
        match &self.state {
            SidecarState::Readable(sidecar) => Some(sidecar),
            SidecarState::Newer { .. } | SidecarState::Unreadable { .. } => None,
        }
    }
}

/// Writes a sidecar, whole. Nothing it names may have moved yet.
pub(crate) async fn write_sidecar(storage: &Storage, sidecar: &Sidecar) -> Result<()> {
    fail_point!(crate::fail::RECOVERY_SIDECAR_WRITE);
    let text = serde_json::to_string_pretty(sidecar).expect("texts and numbers can be written");
    Ok(storage.write_text(&format!("{}/{}.json", names::SIDECARS, sidecar.operation_id), &text).await?)
}

/// Deletes a sidecar: what it says is settled.
pub(crate) async fn delete_sidecar(storage: &Storage, id: &str) -> Result<()> {
    fail_point!(crate::fail::RECOVERY_SIDECAR_DELETE);
    let Some(name) = find_name(storage, id).await? else { return Ok(()) };
    Ok(storage.delete_file(names::SIDECARS, &name).await?)
}

/// Reads what a sidecar text says. Never fails: what cannot be read is said to be unreadable.
fn parse(text: &str) -> SidecarState {
    let unreadable = |error: serde_json::Error| SidecarState::Unreadable { reason: error.to_string() };
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return unreadable(error),
    };
    match value.get("schema_version").and_then(Value::as_u64) {
        Some(schema_version) if schema_version > NEWEST_FORMAT => SidecarState::Newer { schema_version },
        Some(_) | None => match serde_json::from_value(value) {
            Ok(sidecar) => SidecarState::Readable(Box::new(sidecar)),
            Err(error) => unreadable(error),
        },
    }
}

/// The sidecars in the order a sweep takes them: by file name. Other files are ignored.
pub(crate) async fn list_sidecars(storage: &Storage) -> Result<Vec<SidecarFile>> {
    fail_point!(crate::fail::RECOVERY_SIDECAR_LIST);
    let mut sidecars = Vec::new();
    for name in storage.list_files(names::SIDECARS).await? {
        let Some(id) = id_of(&name) else { continue };
        // One that is gone was settled by its writer since it was listed.
        sidecars.extend(read_named(storage, &name, id).await?);
    }
    Ok(sidecars)
}

/// One sidecar as it is now; none if it is gone.
pub(super) async fn read_sidecar(storage: &Storage, id: &str) -> Result<Option<SidecarFile>> {
    match find_name(storage, id).await? {
        Some(name) => read_named(storage, &name, id.to_owned()).await,
        None => Ok(None),
    }
}

/// The bytes of a sidecar; none if it is gone.
pub(super) async fn read_bytes(storage: &Storage, id: &str) -> Result<Option<Bytes>> {
    match find_name(storage, id).await? {
        Some(name) => Ok(storage.read_file(names::SIDECARS, &name).await?),
        None => Ok(None),
    }
}

async fn read_named(storage: &Storage, name: &OsStr, id: String) -> Result<Option<SidecarFile>> {
    let unreadable = |reason: &str| SidecarState::Unreadable { reason: reason.to_owned() };
    let (text, state) = match storage.read_file(names::SIDECARS, name).await {
        Ok(None) => return Ok(None),
        Ok(Some(bytes)) => match (String::from_utf8(bytes.into()), name.to_str()) {
            (Ok(text), Some(_)) => {
                let state = parse(&text);
                (text, state)
            }
            (Ok(text), None) => (text, unreadable("its name is not UTF-8, and so no operation's")),
            (Err(_), _) => (String::new(), unreadable("it is not UTF-8 text")),
        },
        Err(error) => (String::new(), unreadable(&error.to_string())),
    };
    Ok(Some(SidecarFile { id, text, state }))
}

/// The name of a sidecar's file as it is told and asked for; none if it is no sidecar's.
fn id_of(name: &OsStr) -> Option<String> {
    let stem = name.as_encoded_bytes().strip_suffix(b".json")?;
    let mut id = String::new();
    for chunk in stem.utf8_chunks() {
        id.push_str(chunk.valid());
        id.push_str(&chunk.invalid().escape_ascii().to_string());
    }
    Some(id)
}

/// The file that is told as `id`; where two are told alike, the one whose name is that text.
async fn find_name(storage: &Storage, id: &str) -> Result<Option<OsString>> {
    let plain = OsString::from(format!("{id}.json"));
    if !id.contains('\\') {
        return Ok(Some(plain));
    }
    let names = storage.list_files(names::SIDECARS).await?;
    if names.contains(&plain) {
        return Ok(Some(plain));
    }
    Ok(names.into_iter().find(|name| id_of(name).as_deref() == Some(id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MERGE: &str = r#"{"schema_version":2,"operation_id":"01JY2Z8Q5R0000000000000004","started_at":"1750310400423456","branch":null,"actor_id":"act-bob","writer_kind":"BranchMerge","tables":[{"table_key":"node:Person","table_path":"/data/g/nodes/40d76f1f51639ec0","expected_version":6,"post_commit_pin":7,"confirmed_version":9}],"merge_source_commit_id":"01JY2Z0000000000000000SRC0"}"#;

    fn readable(text: &str) -> Sidecar {
        match parse(text) {
            SidecarState::Readable(sidecar) => *sidecar,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_record_round_trips_with_keys_nobody_knows() {
        assert_eq!(serde_json::to_string(&readable(MERGE)).unwrap(), MERGE);
        let extended =
            MERGE.replace("\"confirmed_version\":9", "\"confirmed_version\":9,\"transaction\":{\"uuid\":\"x\"}");
        let extended = extended.replace("SRC0\"}", "SRC0\",\"note\":[1]}");
        assert_eq!(serde_json::to_string(&readable(&extended)).unwrap(), extended);
    }

    #[test]
    fn both_formats_are_read_and_their_fields_mean_what_the_format_says() {
        for version in ["1", "2"] {
            let text = MERGE.replacen("\"schema_version\":2", &format!("\"schema_version\":{version}"), 1);
            let sidecar = readable(&text);
            assert_eq!(sidecar.writer_kind, WriterKind::BranchMerge);
            assert!(sidecar.branch().is_main());
            assert_eq!(sidecar.started_at_micros(), Some(1_750_310_400_423_456));
            assert_eq!(sidecar.tables[0].confirmed_version, Some(9));
        }
    }

    #[test]
    fn newer_and_broken_records_are_told_apart() {
        assert_eq!(parse(r#"{"schema_version":9,"protocol_v3":{}}"#), SidecarState::Newer { schema_version: 9 });
        for broken in ["", "{", "[]", r#"{"schema_version":2}"#, &MERGE[..MERGE.len() / 2]] {
            assert!(matches!(parse(broken), SidecarState::Unreadable { .. }), "{broken}");
        }
    }
}
