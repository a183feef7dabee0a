//! What a dataset is made of, as plain JSON, so that two can be compared field by field.

use anyhow::{Context, Result};
use lance::Dataset;
use serde_json::{Map, Value, json};

/// Columns with their Lance field ids and metadata, schema metadata, settings: everything that is decided when a dataset is
/// made, and nothing of its content.
#[must_use]
pub fn describe(dataset: &Dataset) -> Value {
    let manifest = dataset.manifest();
    let fields: Vec<Value> = dataset.schema().fields.iter().map(field).collect();
    let sorted = |map: &std::collections::HashMap<String, String>| -> Value {
        let sorted: std::collections::BTreeMap<_, _> = map.iter().collect();
        json!(sorted)
    };
    json!({
        "fields": fields,
        "schema_metadata": sorted(&dataset.schema().metadata),
        "config": sorted(&manifest.config),
        "stable_row_ids": manifest.uses_stable_row_ids(),
        "data_file_version": manifest.data_storage_format.version.to_string(),
        "reader_flags": manifest.reader_feature_flags,
        "writer_flags": manifest.writer_feature_flags,
    })
}

fn field(field: &lance::datatypes::Field) -> Value {
    let metadata: Map<String, Value> = field.metadata.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    json!({
        "name": field.name,
        "id": field.id,
        "type": field.logical_type.to_string(),
        "nullable": field.nullable,
        "metadata": metadata,
        "children": field.children.iter().map(self::field).collect::<Vec<_>>(),
    })
}

/// What made each version of a lineage that is still there, oldest first: `Overwrite`, `Append`, `Update`, `Restore` …
///
/// # Errors
/// If a version has no transaction.
pub async fn operations(dataset: &Dataset) -> Result<Vec<(u64, String)>> {
    let mut found = Vec::new();
    for version in dataset.versions().await? {
        let transaction = dataset.read_transaction_by_version(version.version).await?;
        let transaction = transaction.with_context(|| format!("version {} has no transaction", version.version))?;
        found.push((version.version, transaction.operation.name().to_owned()));
    }
    Ok(found)
}
