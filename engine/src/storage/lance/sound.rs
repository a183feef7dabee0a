//! Whether the file that describes a version says what it can say.
//!
//! Nothing in such a file proves that it is whole: a bit that changed may still be read, and then the version has other files,
//! columns or rows than were written. What it says in two places must agree, though, and what a writer never writes must not be
//! there. A version is checked when it is first opened.
//!
//! | checked | finds |
//! |---|---|
//! | the message, written again, is as long as it is | fields that became unknown and are skipped |
//! | parts follow each other up to the end | lengths and places that changed |
//! | version and lineage are those of the file's name | files that were exchanged |
//! | every file of rows has all columns, each once | columns that would be taken for empty |
//! | rows, row ids and row versions are as many | counts that changed |

use std::collections::{HashMap, HashSet};
use std::io;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use lance::Dataset;
use lance_core::datatypes::Field;
use lance_table::format::{Fragment, Manifest, RowDatasetVersionMeta, RowIdMeta, WriterVersion, pb};
use lance_table::rowids::read_row_ids;
use lance_table::rowids::version::read_dataset_versions;
use prost::Message;

use super::damage::{absolute, damaged};
use super::fence::fenced_step;
use crate::storage::StorageError;

/// What a version file ends with, and how long its end is: a place, two numbers and the mark.
const MARK: &[u8; 4] = b"LANC";
const END_BYTES: usize = 16;
/// Before each message: its length.
const LENGTH_BYTES: usize = 4;
/// Version files that are known to be sound, at most.
const MOST_FILES: usize = 1 << 16;
/// Stands for a column that was dropped from a file of rows.
const DROPPED: i32 = -2;

/// Version files that were checked, with what tells that they are still the same.
#[derive(Debug, Default)]
pub(super) struct Checked(Mutex<HashMap<String, Option<String>>>);

impl Checked {
    /// Checks the version file that a dataset was opened from, unless that was done before.
    ///
    /// # Errors
    /// [`StorageError::Damaged`], [`StorageError::Read`] if it is out of reach or gone meanwhile.
    pub(super) async fn check(
        &self,
        dataset: &Dataset,
        lineage: Option<&str>,
        version: Option<u64>,
    ) -> Result<(), StorageError> {
        let location = dataset.manifest_location();
        let file = absolute(location.path.as_ref());
        let wrong = |reason: String| damaged(file.clone(), reason.into());
        of_the_name(dataset.manifest(), lineage, version.unwrap_or(location.version)).map_err(wrong)?;
        if self.knows(&file, location.e_tag.as_ref()) {
            return Ok(());
        }
        let bytes = tokio::fs::read(&file).await.map_err(|cause| unread(&file, cause))?;
        let checked = fenced_step(|| {
            whole(&bytes, dataset.manifest())?;
            dataset.manifest().fragments.iter().try_for_each(|fragment| fragment_is_sound(dataset.manifest(), fragment))
        });
        checked.map_err(|stopped| damaged(file.clone(), stopped.into()))?.map_err(wrong)?;
        let mut checked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if checked.len() >= MOST_FILES {
            checked.clear();
        }
        checked.insert(file, location.e_tag.clone());
        Ok(())
    }

    fn knows(&self, file: &str, e_tag: Option<&String>) -> bool {
        let checked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        e_tag.is_some() && checked.get(file).is_some_and(|known| known.as_ref() == e_tag)
    }
}

/// Tells a file that nobody can read now from one that was read and is wrong.
fn unread(file: &str, cause: io::Error) -> StorageError {
    let path = file.to_owned();
    let source = match cause.kind() {
        io::ErrorKind::NotFound => object_store::Error::NotFound { path: path.clone(), source: Box::new(cause) },
        _ => object_store::Error::Generic { store: "file system", source: Box::new(cause) },
    };
    StorageError::Read { path, source }
}

/// Whether it is the version, and of the lineage, that its name says.
fn of_the_name(manifest: &Manifest, lineage: Option<&str>, version: u64) -> Result<(), String> {
    if manifest.version != version {
        return Err(format!("it says to be version {} and not {version}", manifest.version));
    }
    let stored = manifest.branch.as_deref().map(|name| name.trim_start_matches('/'));
    if stored != lineage.map(|name| name.trim_start_matches('/')) {
        let named = |name: Option<&str>| name.map_or_else(|| "main".to_owned(), |name| format!("`{name}`"));
        return Err(format!("it says to be of {} and not of {}", named(stored), named(lineage)));
    }
    Ok(())
}

/// Whether the messages of a file fill it, and hold nothing that is skipped.
fn whole(bytes: &[u8], manifest: &Manifest) -> Result<(), String> {
    let end = bytes.len().checked_sub(END_BYTES).filter(|_| bytes.ends_with(MARK)).ok_or("its end is missing")?;
    let place = u64::from_le_bytes(bytes[end..end + 8].try_into().expect("eight bytes"));
    let place = usize::try_from(place).ok().filter(|&place| place < end).ok_or("the place of its content is wrong")?;
    let content = message(bytes, place, end)?;
    if is_newer(manifest.writer_version.as_ref()) {
        return Ok(());
    }
    same_length(&pb::Manifest::decode(&bytes[content.clone()]).map_err(|error| error.to_string())?, &content)?;
    if manifest.writer_version.as_ref() != Some(&WriterVersion::default()) {
        // Older libraries left places in it that mean nothing.
        return Ok(());
    }
    let index_end = manifest.transaction_section.unwrap_or(place);
    if let Some(start) = manifest.index_section {
        let section = message(bytes, start, index_end)?;
        same_length(&pb::IndexSection::decode(&bytes[section.clone()]).map_err(|error| error.to_string())?, &section)?;
    }
    if let Some(start) = manifest.transaction_section {
        let section = message(bytes, start, place)?;
        same_length(&pb::Transaction::decode(&bytes[section.clone()]).map_err(|error| error.to_string())?, &section)?;
    }
    Ok(())
}

/// Where the message at a place is, which goes up to another.
fn message(bytes: &[u8], start: usize, end: usize) -> Result<Range<usize>, String> {
    let content = start.checked_add(LENGTH_BYTES).filter(|&content| content <= end && end <= bytes.len());
    let content = content.ok_or("a part of it is cut off")?;
    let length = u32::from_le_bytes(bytes[start..content].try_into().expect("four bytes")) as usize;
    if content.checked_add(length) == Some(end) {
        Ok(content..end)
    } else {
        Err("the length of a part is wrong".into())
    }
}

fn same_length(message: &impl Message, written: &Range<usize>) -> Result<(), String> {
    if message.encoded_len() == written.len() { Ok(()) } else { Err("it has fields that nobody wrote".into()) }
}

/// Whether a library wrote it that may know more fields than this one.
fn is_newer(writer: Option<&WriterVersion>) -> bool {
    let numbers = |version: &str| version.split('.').map(|number| number.parse().ok()).collect::<Option<Vec<u64>>>();
    let ours = WriterVersion::default();
    let known = writer.filter(|writer| writer.library == ours.library).and_then(|writer| numbers(&writer.version));
    known.is_none_or(|theirs| numbers(&ours.version).is_none_or(|ours| theirs > ours))
}

fn fragment_is_sound(manifest: &Manifest, fragment: &Fragment) -> Result<(), String> {
    let in_fragment = |reason: &str| format!("{reason} of its files with the number {}", fragment.id);
    if !has_all_columns(manifest, fragment) {
        return Err(in_fragment("the columns are not those of the table, in those"));
    }
    let Some(rows) = fragment.physical_rows.map(|rows| rows as u64) else { return Ok(()) };
    let deleted = fragment.deletion_file.as_ref().and_then(|file| file.num_deleted_rows).unwrap_or(0) as u64;
    let ids = match &fragment.row_id_meta {
        Some(RowIdMeta::Inline(ids)) => Some(read_row_ids(ids).map_err(|error| error.to_string())?.len()),
        Some(RowIdMeta::Column) | None => None,
    };
    if deleted > rows || ids.is_some_and(|ids| ids != rows) {
        return Err(in_fragment("rows and row ids are not as many, in those"));
    }
    if fragment.row_id_meta.is_some() != manifest.uses_stable_row_ids() {
        return Err(in_fragment("row ids are there or not against what it says, in those"));
    }
    for versions in [&fragment.last_updated_at_version_meta, &fragment.created_at_version_meta].into_iter().flatten() {
        let RowDatasetVersionMeta::Inline(versions) = versions else { continue };
        let versions = read_dataset_versions(versions).map_err(|error| error.to_string())?;
        let is_later = versions.runs.iter().any(|run| run.version() > manifest.version);
        if versions.len() != rows || is_later {
            return Err(in_fragment("rows and their versions do not fit, in those"));
        }
    }
    Ok(())
}

/// Whether the files of a fragment have the columns of the table, each once. Tables get other columns only by being written anew.
fn has_all_columns(manifest: &Manifest, fragment: &Fragment) -> bool {
    let stored = fragment.files.iter().flat_map(|file| file.fields.iter().copied()).filter(|&field| field >= 0);
    let stored: Vec<i32> = stored.collect();
    let different: HashSet<i32> = stored.iter().copied().collect();
    let is_dropped = fragment.files.iter().any(|file| file.fields.contains(&DROPPED));
    let columns_once = fragment.files.iter().all(|file| {
        let columns: Vec<i32> = file.column_indices.iter().copied().filter(|&column| column >= 0).collect();
        columns.iter().collect::<HashSet<_>>().len() == columns.len()
    });
    let known: HashSet<i32> = manifest.schema.fields_pre_order().map(|field| field.id).collect();
    let has_all = manifest.schema.fields.iter().all(|field| is_stored(field, &different));
    different.len() == stored.len() && columns_once && (is_dropped || (has_all && different.is_subset(&known)))
}

/// Whether a column, or a part of it, is among those stored: which parts have a place of their own depends on the format.
fn is_stored(field: &Field, stored: &HashSet<i32>) -> bool {
    stored.contains(&field.id) || field.children.iter().any(|part| is_stored(part, stored))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, RecordBatch, StringArray};

    use super::*;
    use crate::error::ErrorKind;
    use crate::storage::{Rows, Storage};

    #[tokio::test]
    async fn only_what_was_read_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::create(&folder.path().to_string_lossy()).unwrap();
        let ids: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
        let batch = RecordBatch::try_from_iter([("id", ids)]).unwrap();
        let table = storage.create_table("t", Rows::batches(batch.schema(), vec![batch])).await.unwrap();
        let check = async || Checked::default().check(table.dataset(), None, None).await.map_err(|error| error.kind());
        assert_eq!(check().await, Ok(()));

        let file = absolute(table.dataset().manifest_location().path.as_ref());
        std::fs::write(&file, "").unwrap();
        assert_eq!(check().await, Err(ErrorKind::Corrupt), "it is empty");
        std::fs::remove_file(&file).unwrap();
        assert_eq!(check().await, Err(ErrorKind::NotFound));
        std::fs::create_dir(&file).unwrap();
        assert_eq!(check().await, Err(ErrorKind::Unavailable));
    }
}
