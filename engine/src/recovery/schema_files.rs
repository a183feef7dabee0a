//! The schema files of an interrupted schema change: what is staged is put in place or removed (graph-format §3.3), and whether
//! the schema in place is the one that the change's tables were written for.
//!
//! Files are put in place one by one, source first, each whole. A failure in between leaves what [`plan_schema_files`] takes for a
//! change that is being put in place, so it can be repeated.

use std::collections::BTreeSet;

use arrow_schema::Schema;

use super::soundness::{misfit, record};
use super::{RecoveryError, Sidecar, SidecarFile, TableStanding, WriterKind, list_sidecars};
use crate::error::Result;
use crate::id::{BranchName, TableKey};
use crate::manifest;
use crate::schema::{Catalog, ContractTexts, SchemaContract, StagedSchema, decide_staged};
use crate::storage::{Storage, StorageError, names};
use crate::write::Writer;

/// The files in the order in which they are put in place.
const FILES: [&str; 3] = [names::SCHEMA_SOURCE, names::SCHEMA_IR, names::SCHEMA_STATE];

fn staged_name(file: &str) -> String {
    format!("{file}.staging")
}

/// The schema files that are in place.
pub(crate) async fn accepted_texts(storage: &Storage) -> Result<ContractTexts, StorageError> {
    texts(storage, FILES.map(str::to_owned)).await
}

/// The schema files that are staged.
pub(crate) async fn staged_texts(storage: &Storage) -> Result<ContractTexts, StorageError> {
    texts(storage, FILES.map(staged_name)).await
}

async fn texts(storage: &Storage, [source, ir, state]: [String; 3]) -> Result<ContractTexts, StorageError> {
    let (source, ir, state) =
        futures::try_join!(storage.read_text(&source), storage.read_text(&ir), storage.read_text(&state))?;
    Ok(ContractTexts { source, ir, state })
}

/// What is to be done about staged files. Nothing is written.
///
/// # Errors
/// [`crate::schema::ContractError`] if that cannot be told, [`StorageError`].
pub(crate) async fn plan_schema_files(storage: &Storage) -> Result<StagedSchema> {
    let staged = staged_texts(storage).await?;
    if staged.is_empty() {
        return Ok(StagedSchema::None);
    }
    let shown = manifest::read_state(&manifest::open(storage, &BranchName::main(), None).await?).await?;
    let sidecars = list_sidecars(storage).await?;
    let is_change = |of: &Sidecar| of.writer_kind == WriterKind::SchemaApply;
    let is_sound = |file: &SidecarFile| record(file).is_ok_and(|of| is_change(of) && misfit(of, &shown).is_none());
    let has_sidecar = sidecars.iter().any(is_sound);
    // A record that is refused may be the change's: until a person has looked at it, its files wait.
    if !has_sidecar && sidecars.iter().any(|file| file.readable().is_none_or(is_change)) {
        return Ok(StagedSchema::None);
    }
    let shown: BTreeSet<TableKey> = shown.into_keys().collect();
    Ok(decide_staged(&accepted_texts(storage).await?, &staged, has_sidecar, &shown)?)
}

/// Does it. Tells what was done.
///
/// # Errors
/// As [`plan_schema_files`]; [`RecoveryError::NotAlone`].
pub(crate) async fn settle_schema_files(writer: &Writer) -> Result<StagedSchema> {
    let storage = &writer.storage;
    if staged_texts(storage).await?.is_empty() {
        return Ok(StagedSchema::None);
    }
    let _alone = writer.gates.soon_alone().await.ok_or(RecoveryError::NotAlone)?;
    let plan = plan_schema_files(storage).await?;
    match plan {
        StagedSchema::None => {}
        StagedSchema::Promote => promote(storage).await?,
        StagedSchema::Discard => {
            for file in FILES {
                storage.delete_text(&staged_name(file)).await?;
            }
        }
    }
    Ok(plan)
}

async fn promote(storage: &Storage) -> Result<()> {
    for file in FILES {
        if let Some(text) = storage.read_text(&staged_name(file)).await? {
            storage.write_text(file, &text).await?;
            storage.delete_text(&staged_name(file)).await?;
        }
    }
    Ok(())
}

/// Writes the two files that follow from the source, for a graph that has neither. Both are staged first: one without the other
/// is not a schema.
///
/// # Errors
/// [`RecoveryError::NotAlone`], [`StorageError`].
pub(crate) async fn write_derived(writer: &Writer, schema: &SchemaContract) -> Result<()> {
    let storage = &writer.storage;
    let _alone = writer.gates.soon_alone().await.ok_or(RecoveryError::NotAlone)?;
    storage.write_text(&staged_name(names::SCHEMA_IR), &schema.ir().to_pretty_json()).await?;
    storage.write_text(&staged_name(names::SCHEMA_STATE), &schema.state().to_pretty_json()).await?;
    promote(storage).await
}

/// Whether the schema in place is the one that a schema change wrote its tables for, and was not before: then its files were put
/// in place, be it by an earlier attempt.
pub(super) async fn is_in_place(storage: &Storage, sidecar: &Sidecar, tables: &[TableStanding]) -> Result<bool> {
    let Ok(contract) = accepted_texts(storage).await?.check() else { return Ok(false) };
    let catalog = contract.catalog();
    let has = |key: &str| catalog.tables().any(|table| table.key().to_string() == key);
    if !sidecar.additional_registrations.iter().all(|added| has(&added.table_key))
        || sidecar.tombstones.iter().any(|dropped| has(&dropped.table_key))
    {
        return Ok(false);
    }
    let mut differs = !(sidecar.additional_registrations.is_empty() && sidecar.tombstones.is_empty());
    for table in tables {
        let described = |schema: &Schema| describes(catalog, &table.table_key, schema);
        let head = storage.open(&table.path, table.lineage.as_deref(), Some(table.head)).await?;
        if !described(&head.schema()) {
            return Ok(false);
        }
        let pinned = storage.open(&table.path, table.lineage.as_deref(), Some(table.pinned)).await?;
        differs |= !described(&pinned.schema());
    }
    Ok(differs)
}

/// Whether a table has the columns that the schema gives it.
fn describes(catalog: &Catalog, table_key: &str, schema: &Schema) -> bool {
    let columns = |schema: &Schema| -> Vec<(String, bool)> {
        schema.fields().iter().map(|field| (field.name().clone(), field.is_nullable())).collect()
    };
    let table = catalog.tables().find(|table| table.key().to_string() == table_key);
    table.is_some_and(|table| columns(&table.arrow_schema()) == columns(schema))
}
