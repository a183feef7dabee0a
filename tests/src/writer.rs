//! A second, independent writer of the format: just enough to make graphs for tests and benchmarks.
//!
//! It knows the format from its description only and shares no code with the engine, so that a reader and this writer agree on
//! the description or not at all. It writes no indices and no sidecars.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use arrow::array::{
    ArrayRef, ListArray, RecordBatch, RecordBatchIterator, StringArray, TimestampMicrosecondArray, UInt64Array,
    new_null_array,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use lance::Dataset;
use lance::dataset::write::merge_insert::{MergeInsertBuilder, WhenMatched, WhenNotMatched};
use lance::dataset::{WriteMode, WriteParams};
use lance_file::version::LanceFileVersion;

/// Id of the n-th commit a writer makes: increasing, valid ULIDs.
#[must_use]
pub fn commit_id(number: u64) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let digit = |place: u32| char::from(DIGITS[usize::try_from(number >> (5 * place) & 31).expect("five bits")]);
    let tail: String = (0..10).rev().map(digit).collect();
    format!("01M7Y2AKA0000000{tail}")
}

/// Microseconds of the first commit; each further one is a second later.
pub const FIRST_COMMIT_MICROS: i64 = 1_795_231_665_000_000;

/// One table to publish.
#[derive(Debug, Clone)]
pub struct Publish {
    /// `node:Person`.
    pub key: String,
    /// Lance version.
    pub version: u64,
    /// Lineage that holds it.
    pub lineage: Option<String>,
    /// Rows of it.
    pub rows: u64,
}

/// A graph being written, main branch only.
#[derive(Debug)]
pub struct GraphWriter {
    root: PathBuf,
    commits: u64,
    manifest: Dataset,
}

/// FNV-1a 64 of a type name, as the folder of its table.
#[must_use]
pub fn table_folder(key: &str) -> String {
    let (kind, name) = key.split_once(':').expect("keys have a colon");
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{kind}s/{hash:016x}")
}

impl GraphWriter {
    /// Creates a graph with a schema source (and no compiled schema) and its empty tables: key, Arrow schema.
    ///
    /// # Errors
    /// If something cannot be written.
    pub async fn create(root: &Path, source: &str, tables: &[(&str, SchemaRef)]) -> Result<Self> {
        std::fs::create_dir_all(root)?;
        std::fs::write(root.join("_schema.pg"), source)?;
        let mut rows = Vec::new();
        for (key, schema) in tables {
            let path = table_folder(key);
            write(&root.join(&path), RecordBatch::new_empty(schema.clone()), WriteMode::Create).await?;
            rows.push(ManifestRow::table(key, &path));
            rows.push(ManifestRow::version(root, &Publish { key: (*key).into(), version: 1, lineage: None, rows: 0 }));
        }
        let mut manifest = write(&root.join("__manifest"), manifest_batch(&rows)?, WriteMode::Create).await?;
        manifest.update_config([("table_version_management", "true")]).await?;
        manifest.update_schema_metadata([("omnigraph:internal_schema_version", "3")]).await?;
        let genesis = commit_batch(&commit_id(0), None, manifest.version().version, FIRST_COMMIT_MICROS)?;
        write(&root.join("_graph_commits.lance"), genesis, WriteMode::Create).await?;
        write(&root.join("_graph_commit_actors.lance"), actor_batch(&[])?, WriteMode::Create).await?;
        Ok(Self { root: root.to_owned(), commits: 1, manifest })
    }

    /// Root of the graph.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Folder of a table.
    #[must_use]
    pub fn table(&self, key: &str) -> PathBuf {
        self.root.join(table_folder(key))
    }

    /// Publishes table versions into the manifest and returns its new version. Records no commit.
    ///
    /// # Errors
    /// If something cannot be written.
    pub async fn publish(&mut self, tables: &[Publish]) -> Result<u64> {
        let rows: Vec<ManifestRow> = tables.iter().map(|table| ManifestRow::version(&self.root, table)).collect();
        let batch = manifest_batch(&rows)?;
        let schema = batch.schema();
        let mut builder = MergeInsertBuilder::try_new(Arc::new(self.manifest.clone()), vec!["object_id".into()])?;
        builder
            .when_matched(WhenMatched::UpdateAll)
            .when_not_matched(WhenNotMatched::InsertAll)
            .skip_auto_cleanup(true);
        let job = builder.try_build()?;
        let (manifest, _) = job.execute_reader(RecordBatchIterator::new([Ok(batch)], schema)).await?;
        self.manifest = manifest.as_ref().clone();
        Ok(self.manifest.version().version)
    }

    /// Appends a commit on top of the last one, in a file of its own, with an actor if one is given.
    ///
    /// # Errors
    /// If something cannot be written.
    pub async fn commit(&mut self, manifest_version: u64, actor: Option<&str>) -> Result<String> {
        let id = commit_id(self.commits);
        let parent = commit_id(self.commits - 1);
        let micros = FIRST_COMMIT_MICROS + i64::try_from(self.commits)? * 1_000_000;
        let batch = commit_batch(&id, Some(&parent), manifest_version, micros)?;
        write(&self.root.join("_graph_commits.lance"), batch, WriteMode::Append).await?;
        if let Some(actor) = actor {
            write(&self.root.join("_graph_commit_actors.lance"), actor_batch(&[(&id, actor)])?, WriteMode::Append)
                .await?;
        }
        self.commits += 1;
        Ok(id)
    }

    /// Appends `count` commits of one manifest version in one go, `in_file` to a file.
    ///
    /// # Errors
    /// If something cannot be written.
    pub async fn commits(&mut self, count: u64, in_file: usize, manifest_version: u64, actor: &str) -> Result<()> {
        let numbers = self.commits..self.commits + count;
        let ids: Vec<String> = numbers.clone().map(commit_id).collect();
        let batches: Vec<RecordBatch> = numbers
            .zip(&ids)
            .map(|(number, id)| {
                let micros = FIRST_COMMIT_MICROS + i64::try_from(number)? * 1_000_000;
                commit_batch(id, Some(&commit_id(number - 1)), manifest_version, micros)
            })
            .collect::<Result<_>>()?;
        let batch = concat_batches(&batches[0].schema(), &batches)?;
        let params = WriteParams { max_rows_per_file: in_file, ..params(WriteMode::Append) };
        write_with(&self.root.join("_graph_commits.lance"), batch, params).await?;
        let actors: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), actor)).collect();
        write(&self.root.join("_graph_commit_actors.lance"), actor_batch(&actors)?, WriteMode::Append).await?;
        self.commits += count;
        Ok(())
    }

    /// Makes a branch off main's newest version: of the manifest and of the commits.
    ///
    /// # Errors
    /// If something cannot be written.
    pub async fn branch(&self, name: &str) -> Result<()> {
        self.branch_off(None, name).await
    }

    /// As [`GraphWriter::branch`], off another branch.
    ///
    /// # Errors
    /// If something cannot be written.
    pub async fn branch_off(&self, parent: Option<&str>, name: &str) -> Result<()> {
        for dataset in ["__manifest", "_graph_commits.lance"] {
            let mut dataset = self.lineage(dataset, parent).await?;
            let version = dataset.version().version;
            dataset.create_branch(name, version, None).await?;
        }
        Ok(())
    }

    /// Appends a commit to a branch, as a merge that changes no table does: of the version the branch has.
    ///
    /// # Errors
    /// If something cannot be written.
    pub async fn commit_on(&mut self, branch: &str) -> Result<String> {
        let version = self.lineage("__manifest", Some(branch)).await?.version().version;
        let (id, parent) = (commit_id(self.commits), commit_id(0));
        let micros = FIRST_COMMIT_MICROS + i64::try_from(self.commits)? * 1_000_000;
        let batch = commit_batch(&id, Some(&parent), version, micros)?;
        let schema = batch.schema();
        let rows = RecordBatchIterator::new([Ok(batch)], schema);
        self.lineage("_graph_commits.lance", Some(branch)).await?.append(rows, Some(params(WriteMode::Append))).await?;
        self.commits += 1;
        Ok(id)
    }

    async fn lineage(&self, dataset: &str, branch: Option<&str>) -> Result<Dataset> {
        let path = branch.map_or_else(|| dataset.to_owned(), |branch| format!("{dataset}/tree/{branch}"));
        Ok(Dataset::open(&self.root.join(path).to_string_lossy()).await?)
    }

    /// Deletes a branch.
    ///
    /// # Errors
    /// If something cannot be written.
    pub async fn delete_branch(&self, name: &str) -> Result<()> {
        for dataset in ["__manifest", "_graph_commits.lance"] {
            Dataset::open(&self.root.join(dataset).to_string_lossy()).await?.delete_branch(name).await?;
        }
        Ok(())
    }
}

/// Writes a batch as the format demands: file version 2.2, stable row ids, no auto-cleanup.
///
/// # Errors
/// If it cannot be written.
pub async fn write(path: &Path, batch: RecordBatch, mode: WriteMode) -> Result<Dataset> {
    write_with(path, batch, params(mode)).await
}

fn params(mode: WriteMode) -> WriteParams {
    WriteParams {
        mode,
        enable_stable_row_ids: true,
        data_storage_version: Some(LanceFileVersion::V2_2),
        auto_cleanup: None,
        skip_auto_cleanup: true,
        ..WriteParams::default()
    }
}

async fn write_with(path: &Path, batch: RecordBatch, params: WriteParams) -> Result<Dataset> {
    let schema = batch.schema();
    let rows = RecordBatchIterator::new([Ok(batch)], schema);
    Ok(Dataset::write(rows, path.to_string_lossy().as_ref(), Some(params)).await?)
}

struct ManifestRow {
    id: String,
    kind: &'static str,
    location: Option<String>,
    metadata: Option<String>,
    key: String,
    version: Option<u64>,
    lineage: Option<String>,
    rows: Option<u64>,
}

impl ManifestRow {
    fn table(key: &str, path: &str) -> Self {
        let location = Some(path.to_owned());
        Self {
            id: key.into(),
            kind: "table",
            location,
            metadata: None,
            key: key.into(),
            version: None,
            lineage: None,
            rows: None,
        }
    }

    fn version(root: &Path, table: &Publish) -> Self {
        let file = format!(
            "{}/{}/_versions/{:020}.manifest",
            root.display(),
            table_folder(&table.key),
            u64::MAX - table.version
        );
        let path = file.trim_start_matches('/');
        let metadata =
            format!(r#"{{"manifest_path":"{path}","manifest_size":null,"e_tag":null,"naming_scheme":"V2"}}"#);
        Self {
            id: format!("{}${:020}", table.key, table.version),
            kind: "table_version",
            location: None,
            metadata: Some(metadata),
            key: table.key.clone(),
            version: Some(table.version),
            lineage: table.lineage.clone(),
            rows: Some(table.rows),
        }
    }
}

fn manifest_batch(rows: &[ManifestRow]) -> Result<RecordBatch> {
    let key = [("lance-schema:unenforced-primary-key".to_owned(), "true".to_owned())];
    let list = DataType::List(Arc::new(Field::new("item", DataType::Utf8, true)));
    let text = |name, nullable| Field::new(name, DataType::Utf8, nullable);
    let schema = Arc::new(Schema::new(vec![
        text("object_id", false).with_metadata(key.into()),
        text("object_type", false),
        text("location", true),
        text("metadata", true),
        Field::new("base_objects", list.clone(), true),
        text("table_key", false),
        Field::new("table_version", DataType::UInt64, true),
        text("table_branch", true),
        Field::new("row_count", DataType::UInt64, true),
    ]));
    let strings = |value: fn(&ManifestRow) -> Option<&str>| -> ArrayRef {
        Arc::new(rows.iter().map(value).collect::<StringArray>())
    };
    let numbers = |value: fn(&ManifestRow) -> Option<u64>| -> ArrayRef {
        Arc::new(rows.iter().map(value).collect::<UInt64Array>())
    };
    let nulls: ArrayRef = Arc::new(ListArray::from(new_null_array(&list, rows.len()).to_data()));
    let columns = vec![
        strings(|row| Some(&row.id)),
        strings(|row| Some(row.kind)),
        strings(|row| row.location.as_deref()),
        strings(|row| row.metadata.as_deref()),
        nulls,
        strings(|row| Some(&row.key)),
        numbers(|row| row.version),
        strings(|row| row.lineage.as_deref()),
        numbers(|row| row.rows),
    ];
    Ok(RecordBatch::try_new(schema, columns)?)
}

fn commit_batch(id: &str, parent: Option<&str>, version: u64, micros: i64) -> Result<RecordBatch> {
    let schema = Arc::new(Schema::new(vec![
        Field::new("graph_commit_id", DataType::Utf8, false),
        Field::new("manifest_branch", DataType::Utf8, true),
        Field::new("manifest_version", DataType::UInt64, false),
        Field::new("parent_commit_id", DataType::Utf8, true),
        Field::new("merged_parent_commit_id", DataType::Utf8, true),
        Field::new("created_at", DataType::Timestamp(TimeUnit::Microsecond, None), false),
    ]));
    let text = |value: Option<&str>| -> ArrayRef { Arc::new(StringArray::from(vec![value])) };
    let columns = vec![
        text(Some(id)),
        text(None),
        Arc::new(UInt64Array::from(vec![version])),
        text(parent),
        text(None),
        Arc::new(TimestampMicrosecondArray::from(vec![micros])),
    ];
    Ok(RecordBatch::try_new(schema, columns)?)
}

fn actor_batch(rows: &[(&str, &str)]) -> Result<RecordBatch> {
    let schema = Arc::new(Schema::new(vec![
        Field::new("graph_commit_id", DataType::Utf8, false),
        Field::new("actor_id", DataType::Utf8, false),
        Field::new("created_at", DataType::Timestamp(TimeUnit::Microsecond, None), false),
    ]));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|(id, _)| Some(*id)).collect::<StringArray>()),
        Arc::new(rows.iter().map(|(_, actor)| Some(*actor)).collect::<StringArray>()),
        Arc::new(rows.iter().map(|_| Some(FIRST_COMMIT_MICROS)).collect::<TimestampMicrosecondArray>()),
    ];
    Ok(RecordBatch::try_new(schema, columns)?)
}
