//! Which files may have rows with certain texts in a column.
//!
//! A table that is written a row at a time has a file for each write. A filter opens all of them, so the next write would cost
//! what all before it have cost. For small files the texts of a column are remembered instead, as numbers they hash to:
//! only files that may match are opened. Large files are left to the filter, which costs little for a row of them.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use arrow::array::{AsArray, RecordBatch};

use super::Table;
use super::summary::Summary;
use crate::error::Result;

/// Rows of a file that is remembered, at most.
const MOST_ROWS_OF_A_FILE: usize = 1024;
/// Rows of all files that are remembered of one column of one lineage, at most; some 50 bytes each.
const MOST_ROWS: usize = 1 << 20;

/// Two texts may have the same number: the file is then opened for nothing.
fn hash(text: &str) -> u64 {
    static HASHES: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    HASHES.hash_one(text)
}

/// The files in which the texts of a column are.
#[derive(Debug, Clone)]
struct Places {
    column: String,
    /// Positions of the files with a text, by its hash; none in the summary of one file.
    files: HashMap<u64, Vec<u32>>,
    /// Positions of the files that may have any text.
    unread: Vec<usize>,
}

impl Summary for Places {
    fn columns(&self) -> Vec<&str> {
        vec![&self.column]
    }

    fn reads(&self, rows: Option<usize>, rows_before: usize) -> bool {
        rows.is_some_and(|rows| rows <= MOST_ROWS_OF_A_FILE && rows_before + rows <= MOST_ROWS)
    }

    fn add_rows(&mut self, batch: &RecordBatch) -> Result<()> {
        let texts = batch[self.column.as_str()].as_string::<i32>();
        self.files.extend(texts.iter().flatten().map(|text| (hash(text), Vec::new())));
        Ok(())
    }

    fn merge(&mut self, position: usize, file: Option<&Self>) {
        match (file, u32::try_from(position)) {
            (Some(file), Ok(place)) => {
                for &text in file.files.keys() {
                    self.files.entry(text).or_default().push(place);
                }
            }
            _ => self.unread.push(position),
        }
    }
}

impl Table {
    /// Positions of the files that may have a row with one of the texts in one of the text columns, ascending.
    ///
    /// # Errors
    /// [`crate::storage::StorageError`] if a file cannot be read.
    pub(super) async fn files_with<'t>(
        &self,
        columns: &[String],
        texts: impl Iterator<Item = &'t str> + Clone,
    ) -> Result<Vec<usize>> {
        let mut positions = BTreeSet::new();
        for column in columns {
            let nothing = Places { column: column.clone(), files: HashMap::new(), unread: Vec::new() };
            let places = self.summary(&nothing).await?;
            positions.extend(&places.unread);
            let found = texts.clone().filter_map(|text| places.files.get(&hash(text)));
            positions.extend(found.flatten().map(|&place| place as usize));
        }
        Ok(positions.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use arrow::datatypes::Int64Type;
    use futures::TryStreamExt;
    use proptest::prelude::*;

    use super::*;
    use crate::storage::{Condition, Rows, Storage, TextSet};

    /// What is done to a table; ids are small numbers.
    #[derive(Debug, Clone)]
    enum Step {
        Append {
            many: bool,
        },
        Upsert(Vec<u8>),
        Delete(Vec<u8>),
        /// Reads an older version in between.
        ReadOlder(u8),
        /// Makes an older version the newest again.
        Restore(u8),
        Compact,
        /// Goes on in a branch that starts at an older version of main, and takes the place of the branch before.
        Branch(u8),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let ids = || proptest::collection::vec(0_u8..24, 1..4);
        let step = prop_oneof![
            2 => any::<bool>().prop_map(|many| Step::Append { many }),
            3 => ids().prop_map(Step::Upsert),
            2 => ids().prop_map(Step::Delete),
            1 => any::<u8>().prop_map(Step::ReadOlder),
            1 => any::<u8>().prop_map(Step::Restore),
            1 => Just(Step::Compact),
            1 => any::<u8>().prop_map(Step::Branch),
        ];
        proptest::collection::vec(step, 1..14)
    }

    fn rows(ids: &[String], value: i64) -> Rows {
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values(ids));
        let values: ArrayRef = Arc::new(Int64Array::from(vec![value; ids.len()]));
        let batch = RecordBatch::try_from_iter([("id", texts), ("value", values)]).unwrap();
        Rows::batches(batch.schema(), vec![batch])
    }

    fn texts(ids: &[u8]) -> Vec<String> {
        let different: BTreeSet<u8> = ids.iter().copied().collect();
        different.into_iter().map(|id| id.to_string()).collect()
    }

    /// Looks every id up for itself.
    async fn found(table: &Table) -> BTreeMap<String, i64> {
        let mut found = BTreeMap::new();
        for id in texts(&(0..24).collect::<Vec<_>>()) {
            let one = Condition::AnyOneOf { columns: vec!["id".into()], values: TextSet::of(std::iter::once(id)) };
            let columns = ["id".to_owned(), "value".to_owned()];
            let batches: Vec<RecordBatch> =
                table.matching(&columns, &[one]).await.unwrap().try_collect().await.unwrap();
            for batch in batches {
                let (ids, values) = (batch["id"].as_string::<i32>(), batch["value"].as_primitive::<Int64Type>());
                for (id, value) in ids.iter().flatten().zip(values.iter().flatten()) {
                    assert_eq!(found.insert(id.to_owned(), value), None, "{id} is found once");
                }
            }
        }
        found
    }

    /// What every version that is still there holds.
    struct Version {
        table: Table,
        rows: BTreeMap<String, i64>,
        is_main: bool,
    }

    struct Stage {
        storage: Storage,
        versions: Vec<Version>,
    }

    impl Stage {
        async fn new(root: &std::path::Path) -> Self {
            let storage = Storage::create(&root.to_string_lossy()).unwrap();
            let table = storage.create_table("t", rows(&texts(&[0, 1]), 0)).await.unwrap();
            let rows = texts(&[0, 1]).into_iter().map(|id| (id, 0)).collect();
            Self { storage, versions: vec![Version { table, rows, is_main: true }] }
        }

        fn newest(&self) -> &Version {
            self.versions.last().unwrap()
        }

        /// One of the versions of main, or of the lineage of the newest one.
        fn one(&self, number: u8, is_main: bool) -> &Version {
            let fitting: Vec<&Version> = self.versions.iter().filter(|version| version.is_main == is_main).collect();
            fitting[number as usize % fitting.len()]
        }

        async fn take(&mut self, step: &Step, value: i64) {
            let Version { table, rows: stored, is_main } = self.newest();
            let (mut stored, mut is_main) = (stored.clone(), *is_main);
            let staged = match step {
                Step::Append { many } => {
                    let count = if *many { MOST_ROWS_OF_A_FILE + 1 } else { 2 };
                    let ids: Vec<String> = (0..count).map(|row| format!("{value}/{row}")).collect();
                    table.stage_append(rows(&ids, value)).await.unwrap().commit().await
                }
                Step::Upsert(ids) => {
                    stored.extend(texts(ids).into_iter().map(|id| (id, value)));
                    table.stage_upsert("id", rows(&texts(ids), value)).await.unwrap().commit().await
                }
                Step::Delete(ids) => {
                    stored.retain(|id, _| !texts(ids).contains(id));
                    let gone = TextSet::of(texts(ids).into_iter());
                    table.stage_delete("id", &gone).await.unwrap().commit().await
                }
                Step::ReadOlder(number) => {
                    let older = &self.versions[*number as usize % self.versions.len()];
                    assert_eq!(found(&older.table).await, older.rows, "version {}", older.table.version());
                    return;
                }
                Step::Restore(number) => {
                    let older = self.one(*number, is_main);
                    stored = older.rows.clone();
                    older.table.restore(table.version()).await
                }
                Step::Compact => table.compact().await,
                Step::Branch(number) => {
                    let start = self.one(*number, true);
                    (stored, is_main) = (start.rows.clone(), false);
                    self.storage.delete_lineage("t", "again").await.unwrap();
                    self.storage.fork("t", None, start.table.version(), "again").await
                }
            };
            let table = staged.unwrap();
            assert_eq!(found(&table).await, stored, "after {step:?}");
            if matches!(step, Step::Branch(_)) {
                self.versions.retain(|version| version.is_main);
            }
            self.versions.push(Version { table, rows: stored, is_main });
        }
    }

    async fn run(steps: &[Step]) {
        let folder = tempfile::tempdir().unwrap();
        let mut stage = Stage::new(folder.path()).await;
        for (step, value) in steps.iter().zip(1..) {
            stage.take(step, value).await;
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        #[test]
        fn every_row_is_found_after_any_history(steps in steps()) {
            tokio::runtime::Runtime::new().unwrap().block_on(run(&steps));
        }
    }

    #[tokio::test]
    async fn only_small_files_with_the_text_and_large_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::create(&folder.path().to_string_lossy()).unwrap();
        let mut table = storage.create_table("t", rows(&texts(&[0]), 0)).await.unwrap();
        let large: Vec<String> = (0..=MOST_ROWS_OF_A_FILE).map(|row| format!("large {row}")).collect();
        for ids in [texts(&[1]), large, texts(&[2])] {
            table = table.stage_append(rows(&ids, 1)).await.unwrap().commit().await.unwrap();
        }
        let files = async |ids: &[&'static str]| table.files_with(&["id".into()], ids.iter().copied()).await.unwrap();
        assert_eq!(files(&["1"]).await, [1, 2]);
        assert_eq!(files(&["0", "2"]).await, [0, 2, 3]);
        assert_eq!(files(&["large 7"]).await, [2]);
    }
}
