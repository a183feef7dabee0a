//! Blob columns: references and bytes, as read, exported and compared.

use std::sync::Arc;

use anyhow::Result;
use arrow::array::{RecordBatch, RecordBatchIterator, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use futures::TryStreamExt;
use lance::Dataset;
use lance::blob::{BlobArrayBuilder, blob_field};
use lance::dataset::optimize::{CompactionOptions, compact_files};
use lance::dataset::{WriteMode, WriteParams};
use stratigraph_engine::diff::{DiffFilter, DiffItem, Way, table_changes};
use stratigraph_engine::manifest::{ChangeKind, TableChange, TableEntry};
use stratigraph_engine::read::{self, Blobs, ReadOptions};
use stratigraph_engine::storage::Storage;
use stratigraph_engine::{Progress, Row, TableVersion};

fn batch(rows: &[(&str, Option<&[u8]>)]) -> RecordBatch {
    let schema = Schema::new(vec![Field::new("id", DataType::Utf8, false), blob_field("file", true)]);
    let mut blobs = BlobArrayBuilder::new(rows.len());
    for (_, bytes) in rows {
        match bytes {
            Some(bytes) => blobs.push_bytes(bytes).expect("bytes"),
            None => blobs.push_null().expect("null"),
        }
    }
    let ids = StringArray::from_iter_values(rows.iter().map(|(id, _)| id));
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(ids), blobs.finish().expect("an array")]).expect("a batch")
}

async fn write(uri: &str, mode: WriteMode, rows: &[(&str, Option<&[u8]>)]) -> Result<Dataset> {
    let batch = batch(rows);
    let schema = batch.schema();
    let params = WriteParams {
        mode,
        enable_stable_row_ids: true,
        data_storage_version: Some("2.2".parse()?),
        ..WriteParams::default()
    };
    Ok(Dataset::write(RecordBatchIterator::new([Ok(batch)], schema), uri, Some(params)).await?)
}

async fn lines(storage: &Storage, blobs: Blobs, limit: Option<u64>) -> Result<Vec<String>> {
    let table = storage.open("nodes/f", None, None).await?;
    let mut batches = read::rows(&table, &ReadOptions { blobs, limit, ..ReadOptions::default() }).await?;
    let mut lines = Vec::new();
    while let Some(batch) = batches.try_next().await? {
        let columns = Row::columns_of(&batch);
        lines.extend((0..batch.num_rows()).map(|row| Row::from_batch(&columns, &batch, row).to_json().to_string()));
    }
    Ok(lines)
}

#[tokio::test]
async fn bytes_are_read_when_asked_and_null_is_not_empty() -> Result<()> {
    let root = tempfile::tempdir()?;
    let uri = root.path().join("nodes/f").to_string_lossy().into_owned();
    write(&uri, WriteMode::Create, &[("c", Some(b"")), ("a", Some(b"hi")), ("b", None)]).await?;
    let storage = Storage::connect(&root.path().to_string_lossy())?;
    for limit in [None, Some(10)] {
        let expected =
            [r#"{"id":"a","file":"base64:aGk="}"#, r#"{"id":"b","file":null}"#, r#"{"id":"c","file":"base64:"}"#];
        assert_eq!(lines(&storage, Blobs::Bytes, limit).await?, expected, "limit {limit:?}");
        let described = [
            r#"{"id":"a","file":{"size_bytes":2}}"#,
            r#"{"id":"b","file":null}"#,
            r#"{"id":"c","file":{"size_bytes":0}}"#,
        ];
        assert_eq!(lines(&storage, Blobs::Described, limit).await?, described, "limit {limit:?}");
    }
    Ok(())
}

#[tokio::test]
async fn blobs_differ_by_content_alone() -> Result<()> {
    let root = tempfile::tempdir()?;
    let uri = root.path().join("nodes/f").to_string_lossy().into_owned();
    write(&uri, WriteMode::Create, &[("a", Some(b"hi")), ("b", Some(b"ho")), ("c", None)]).await?;
    write(&uri, WriteMode::Overwrite, &[("c", None), ("b", Some(b"he")), ("a", Some(b"hi"))]).await?;
    let mut dataset = write(&uri, WriteMode::Append, &[("d", Some(b"x"))]).await?;
    compact_files(&mut dataset, CompactionOptions::default(), None).await?;
    let entry = |version| TableEntry {
        key: "node:F".parse().expect("a key"),
        path: "nodes/f".into(),
        version: TableVersion::new(version),
        lineage: None,
        rows: 3,
    };
    let storage = Storage::connect(&root.path().to_string_lossy())?;
    for way in [None, Some(Way::Walk)] {
        let (from, to) = (entry(1), entry(dataset.version_id()));
        let change = TableChange { key: from.key.clone(), kind: ChangeKind::Changed, from: Some(from), to: Some(to) };
        let items = table_changes(&storage, vec![change], DiffFilter::default(), way, &Progress::none());
        let items: Vec<DiffItem> = items.try_collect().await?;
        let changed: Vec<String> = items
            .iter()
            .filter_map(|item| match item {
                DiffItem::Row(change) => Some(format!("{:?} {} {:?}", change.op, change.id, change.columns)),
                DiffItem::Table(_) => None,
            })
            .collect();
        assert_eq!(changed, [r#"Updated b ["file"]"#, "Inserted d []"], "{way:?}");
    }
    Ok(())
}
