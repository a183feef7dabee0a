//! Whether the record of an interrupted write can be right at all. Pure.
//!
//! A record that cannot be right is not acted on: it would restore or publish what no writer meant. It is refused by name, and
//! because one wrong field makes the others doubtful, nothing is concluded about the tables that it may concern.

use std::collections::{BTreeMap, BTreeSet};

use super::{Pin, Registration, Sidecar, SidecarFile, SidecarState, Tombstone, WriterKind};
use crate::id::{BranchName, CommitId, TableKey};
use crate::manifest::TableEntry;
use crate::schema::table_dir_name;

type Entries = BTreeMap<TableKey, TableEntry>;

/// The record in a file, if the file is one that a writer left.
///
/// # Errors
/// Why it is not.
pub(super) fn record(file: &SidecarFile) -> Result<&Sidecar, String> {
    let sidecar = match &file.state {
        SidecarState::Readable(sidecar) => sidecar,
        SidecarState::Newer { schema_version } => {
            return Err(format!("it has format {schema_version}, newer than 2: upgrade this program"));
        }
        SidecarState::Unreadable { reason } => return Err(format!("it cannot be read: {reason}")),
    };
    if sidecar.schema_version == 0 {
        return Err("it has format 0, which no program ever wrote".to_owned());
    }
    if sidecar.operation_id != file.id {
        let of = &sidecar.operation_id;
        return Err(format!("it is the record of operation {of} under another name: a copy of it, or renamed"));
    }
    Ok(sidecar)
}

/// Why a record cannot be of the graph, whose branch of that name shows these tables; none if it can.
pub(super) fn misfit(sidecar: &Sidecar, entries: &Entries) -> Option<String> {
    let mut seen = BTreeSet::new();
    let twice = sidecar.tables.iter().find(|pin| !seen.insert(&pin.table_key));
    twice
        .map(|pin| format!("it names {} twice", pin.table_key))
        .or_else(|| kind_misfit(sidecar))
        .or_else(|| sidecar.tables.iter().find_map(|pin| pin_misfit(sidecar, entries, pin)))
        .or_else(|| sidecar.additional_registrations.iter().find_map(|added| added_misfit(sidecar, entries, added)))
        .or_else(|| sidecar.tombstones.iter().find_map(dropped_misfit))
}

/// What only some writers write.
fn kind_misfit(sidecar: &Sidecar) -> Option<String> {
    let kind = sidecar.writer_kind;
    match &sidecar.merge_source_commit_id {
        Some(_) if kind != WriterKind::BranchMerge => {
            return Some(format!("it is of a {kind} and names a merged commit"));
        }
        Some(id) if id.parse::<CommitId>().is_err() => {
            return Some(format!("the commit that it merged, `{id}`, is not the id of one"));
        }
        Some(_) | None => {}
    }
    let changes_schema = !(sidecar.additional_registrations.is_empty() && sidecar.tombstones.is_empty());
    (changes_schema && kind != WriterKind::SchemaApply).then(|| format!("it is of a {kind} and adds or drops tables"))
}

fn pin_misfit(sidecar: &Sidecar, entries: &Entries, pin: &Pin) -> Option<String> {
    let Pin { table_key, table_path, expected_version: expected, post_commit_pin: planned, .. } = pin;
    let branch = sidecar.branch();
    let Some(entry) = table_key.parse::<TableKey>().ok().and_then(|key| entries.get(&key)) else {
        return Some(format!("it names {table_key}, which {branch} does not have"));
    };
    if !is_path_of(table_path, &entry.path) {
        return Some(format!("the path it gives for {table_key}, {table_path}, is not that of {}", entry.path));
    }
    if let Some(reason) = lineage_misfit(&branch, table_key, pin.table_branch.as_deref()) {
        return Some(reason);
    }
    if *expected == 0 || planned <= expected {
        return Some(format!("it expects version {expected} of {table_key} and plans {planned}, which no write does"));
    }
    match pin.confirmed_version {
        Some(confirmed) if confirmed <= *expected => {
            Some(format!("it expects version {expected} of {table_key} and confirms {confirmed}, which no write does"))
        }
        Some(_) | None => None,
    }
}

fn lineage_misfit(branch: &BranchName, table_key: &str, lineage: Option<&str>) -> Option<String> {
    let lineage = BranchName::from_stored(lineage);
    (lineage != *branch).then(|| format!("it is of a write to {branch} and moves {table_key} on {lineage}"))
}

/// Whether a full path of a writer leads to a folder of the graph, wherever the graph was when it was written.
fn is_path_of(full: &str, folder: &str) -> bool {
    let full = full.trim_end_matches('/');
    let is_below = full == folder || full.strip_suffix(folder).is_some_and(|root| root.ends_with('/'));
    is_below && full.split('/').all(|segment| segment != "..")
}

fn added_misfit(sidecar: &Sidecar, entries: &Entries, added: &Registration) -> Option<String> {
    let Registration { table_key, table_path, .. } = added;
    let Ok(key) = table_key.parse::<TableKey>() else {
        return Some(format!("it adds `{table_key}`, which is no table"));
    };
    let derived = || table_dir_name(key.kind, &key.name);
    let folder = entries.get(&key).map_or_else(derived, |entry| entry.path.to_string());
    if *table_path != folder {
        return Some(format!("it adds {table_key} at {table_path}, whose folder is {folder}"));
    }
    lineage_misfit(&sidecar.branch(), table_key, added.table_branch.as_deref())
}

fn dropped_misfit(dropped: &Tombstone) -> Option<String> {
    let Tombstone { table_key, tombstone_version, .. } = dropped;
    if table_key.parse::<TableKey>().is_err() {
        return Some(format!("it drops `{table_key}`, which is no table"));
    }
    (*tombstone_version < 2).then(|| format!("it drops {table_key} after version 0, which no table has"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::id::TableVersion;

    const ID: &str = "01JY2Z8Q5R0000000000000001";

    fn entries() -> Entries {
        let entry = |key: &str, path: &str| {
            let key: TableKey = key.parse().unwrap();
            let version = TableVersion::new(5);
            (key.clone(), TableEntry { key, path: path.into(), version, lineage: None, rows: 1 })
        };
        [entry("node:Person", "nodes/40d76f1f51639ec0"), entry("edge:Knows", "edges/602a25a3bd0b455b")].into()
    }

    fn load() -> Value {
        json!({
            "schema_version": 2, "operation_id": ID, "started_at": "1750310400123456", "branch": null, "actor_id": null,
            "writer_kind": "Load",
            "tables": [{
                "table_key": "node:Person", "table_path": "/data/g/nodes/40d76f1f51639ec0",
                "expected_version": 5, "post_commit_pin": 6,
            }],
        })
    }

    fn said(record: Value) -> Option<String> {
        misfit(&serde_json::from_value(record).unwrap(), &entries())
    }

    /// The record of a load with one field changed, by JSON pointer.
    fn with(pointer: &str, value: Value) -> Value {
        let mut record = load();
        match record.pointer_mut(pointer) {
            Some(field) => *field = value,
            None => record[pointer.trim_start_matches('/')] = value,
        }
        record
    }

    #[test]
    fn what_writers_write_fits_wherever_the_graph_was() {
        for root in ["/data/g", "s3://bucket/g", "g", "file:///a b/g"] {
            let path = format!("{root}/nodes/40d76f1f51639ec0");
            assert_eq!(said(with("/tables/0/table_path", path.into())), None, "{root}");
        }
        // How far a write planned to go tells nothing about where its tables are.
        assert_eq!(said(with("/tables/0/post_commit_pin", 99.into())), None);
        assert_eq!(said(with("/tables", json!([]))), None);
        let mut on_branch = with("/branch", "b".into());
        on_branch["tables"][0]["table_branch"] = "b".into();
        assert_eq!(said(on_branch), None);
        let mut change = with("/writer_kind", "SchemaApply".into());
        change["additional_registrations"] =
            json!([{ "table_key": "node:Company", "table_path": "nodes/7cb4e55c59663b1c" }]);
        change["tombstones"] = json!([{ "table_key": "edge:Knows", "tombstone_version": 6 }]);
        assert_eq!(said(change), None);
    }

    #[test]
    fn what_cannot_be_is_named() {
        let second = |pin: Value| json!([load()["tables"][0], pin]);
        let mut no_folder = load()["tables"][0].clone();
        no_folder["table_key"] = "edge:Knows".into();
        let cases = [
            (with("/tables/0/table_key", "node:Ghost".into()), "node:Ghost, which main does not have"),
            (with("/tables/0/table_key", "Person".into()), "Person, which main does not have"),
            (with("/tables/0/table_path", "/etc/passwd".into()), "/etc/passwd"),
            (
                with("/tables/0/table_path", "/data/g/edges/602a25a3bd0b455b".into()),
                "is not that of nodes/40d76f1f51639ec0",
            ),
            (with("/tables/0/table_path", "/data/g/nodes/40d76f1f51639ec0/tree/b".into()), "is not that of"),
            (with("/tables/0/table_path", "/data/g/../nodes/40d76f1f51639ec0".into()), "is not that of"),
            (with("/tables/0/table_path", "/data/gnodes/40d76f1f51639ec0".into()), "is not that of"),
            (with("/tables/0/table_path", "".into()), "is not that of"),
            (with("/tables", second(no_folder)), "the path it gives for edge:Knows"),
            (with("/tables", second(load()["tables"][0].clone())), "node:Person twice"),
            (with("/tables/0/expected_version", 0.into()), "expects version 0"),
            (with("/tables/0/post_commit_pin", 0.into()), "plans 0"),
            (with("/tables/0/post_commit_pin", 5.into()), "plans 5"),
            (with("/tables/0/expected_version", u64::MAX.into()), "which no write does"),
            (with("/branch", "b".into()), "a write to b and moves node:Person on main"),
            (with("/merge_source_commit_id", ID.into()), "is of a Load and names a merged commit"),
            (
                with("/tombstones", json!([{ "table_key": "edge:Knows", "tombstone_version": 6 }])),
                "adds or drops tables",
            ),
        ];
        for (record, expected) in cases {
            let found = said(record.clone());
            assert!(
                found.as_ref().is_some_and(|reason| reason.contains(expected)),
                "{expected}: {found:?} for {record}"
            );
        }
    }

    #[test]
    fn what_only_merges_and_schema_changes_say_is_checked_as_well() {
        let merge = |field: &str, value: Value| {
            let mut record = with("/writer_kind", "BranchMerge".into());
            record["merge_source_commit_id"] = ID.into();
            match field {
                "confirmed_version" => record["tables"][0][field] = value,
                _ => record[field] = value,
            }
            said(record)
        };
        assert_eq!(merge("confirmed_version", 9.into()), None);
        assert!(merge("confirmed_version", 5.into()).is_some_and(|reason| reason.contains("confirms 5")));
        assert!(merge("merge_source_commit_id", "no id".into()).is_some_and(|reason| reason.contains("`no id`")));
        let apply = |field: &str, value: Value| {
            let mut record = with("/writer_kind", "SchemaApply".into());
            record[field] = json!([value]);
            said(record)
        };
        let cases = [
            ("additional_registrations", json!({ "table_key": "Company", "table_path": "nodes/7cb4e55c59663b1c" })),
            ("additional_registrations", json!({ "table_key": "node:Company", "table_path": "/etc" })),
            ("additional_registrations", json!({ "table_key": "node:Person", "table_path": "nodes/7cb4e55c59663b1c" })),
            ("tombstones", json!({ "table_key": "Knows", "tombstone_version": 6 })),
            ("tombstones", json!({ "table_key": "edge:Knows", "tombstone_version": 1 })),
        ];
        for (field, value) in cases {
            assert!(apply(field, value.clone()).is_some(), "{field} {value}");
        }
    }

    #[test]
    fn a_file_is_a_record_only_under_the_name_of_its_operation() {
        let file = |id: &str, record: &Value| SidecarFile {
            id: id.to_owned(),
            text: String::new(),
            state: SidecarState::Readable(Box::new(serde_json::from_value(record.clone()).unwrap())),
        };
        assert!(record(&file(ID, &load())).is_ok());
        let copy = record(&file("copy", &load())).unwrap_err();
        assert!(copy.contains(ID) && copy.contains("under another name"), "{copy}");
        assert!(record(&file(ID, &with("/schema_version", 0.into()))).unwrap_err().contains("format 0"));
        let newer = SidecarState::Newer { schema_version: 9 };
        assert!(record(&SidecarFile { state: newer, ..file(ID, &load()) }).unwrap_err().contains("format 9"));
    }
}
