//! Which stored file is damaged, when reading failed.
//!
//! The libraries tell it seldom: a file that was cut off may show as a wrong argument, as a failed allocation or as a panic. So when
//! a table could not be read its files are looked at one by one, and the first that cannot be read is named. Nothing of this is
//! done while reading goes well.

use std::future::Future;
use std::sync::LazyLock;

use arrow::array::RecordBatch;
use futures::{StreamExt, TryFutureExt};
use lance::dataset::fragment::{FileFragment, FragReadConfig};
use lance_table::format::Fragment;
use regex::Regex;

use super::Table;
use super::cause::{Read, said};
use super::fence::{Stopped, fenced, fenced_stream};
use super::scan::RowStream;
use crate::storage::StorageError;
use crate::storage::error::Cause;

/// Parts of a table that are looked at for one error, and for what may be a wrong request.
const MOST_PARTS: usize = 2000;
const FEW_PARTS: usize = 64;
/// Bytes of files that are read whole for one error.
const MOST_BYTES: u64 = 256 << 20;
/// Rows of a batch while a file is looked at.
const BATCH_ROWS: u32 = 4096;

/// A file of a table, wherever a message names it.
static FILE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"[^\s"'`,:()]+\.(?:manifest|lance|txn|arrow|bin|idx|blob)\b"#).expect("the expression is constant")
});

/// How thoroughly files are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// Whether they are there and begin and end as they should.
    Frames,
    /// Whether all of their rows can be read.
    Rows,
}

/// An error that may have one of storage inside.
pub(super) trait MayBeStored: From<StorageError> {
    /// Returns the storage error, or this one as it is.
    fn stored(self) -> Result<StorageError, Self>;
}

impl MayBeStored for StorageError {
    fn stored(self) -> Result<StorageError, Self> {
        Ok(self)
    }
}

impl MayBeStored for crate::Error {
    fn stored(self) -> Result<StorageError, Self> {
        match self {
            Self::Storage(error) => Ok(error),
            other => Err(other),
        }
    }
}

impl Table {
    /// Runs what reads stored bytes in a way that the program itself chose; damage comes back as such, with its file.
    pub(super) async fn fenced<T, E: MayBeStored>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        self.fenced_with(Look::Rows, work).await
    }

    /// As [`Table::fenced`], for columns and conditions that a person chose, who may have asked for something wrong.
    pub(super) async fn fenced_request<T, E: MayBeStored>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.fenced_with(Look::Frames, work).await
    }

    async fn fenced_with<T, E: MayBeStored>(
        &self,
        request: Look,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        match fenced(work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(Box::pin(self.explained(error, request)).await),
            Err(stopped) => Err(Box::pin(self.stopped(stopped)).await.into()),
        }
    }

    /// As [`Table::fenced`], with the rows that it starts to read.
    pub(super) async fn fenced_rows<E: MayBeStored>(
        &self,
        work: impl Future<Output = Result<RowStream, E>>,
    ) -> Result<RowStream, E> {
        let rows = self.fenced_request(work).await?;
        let table = self.clone();
        let read = move |item: Result<Result<RecordBatch, StorageError>, Stopped>| {
            let table = table.clone();
            async move {
                match item {
                    Ok(Ok(rows)) => Ok(rows),
                    Ok(Err(error)) => Err(table.explained(error, Look::Rows).await),
                    Err(stopped) => Err(table.stopped(stopped).await),
                }
            }
        };
        Ok(fenced_stream(rows).then(read).boxed())
    }

    /// The error with the file that it comes from, if it comes from one. What seems to be a wrong request is looked into as
    /// thoroughly as `request` says.
    async fn explained<E: MayBeStored>(&self, error: E, request: Look) -> E {
        match error.stored() {
            Ok(error) => self.explain(error, request).await.into(),
            Err(other) => other,
        }
    }

    async fn explain(&self, error: StorageError, request: Look) -> StorageError {
        let (look, source) = match &error {
            StorageError::Request { source, .. } => (request, source),
            StorageError::Table { source, .. } => (Look::Rows, source),
            _ => return error,
        };
        let text = source.to_string();
        let read = Read::of(&text);
        if read == Read::OutOfReach {
            return error;
        }
        let is_request = matches!(error, StorageError::Request { .. });
        if let Some(file) = FILE.find(&text).filter(|_| !is_request) {
            return damaged(absolute(file.as_str()), text.into());
        }
        match self.find_damage(look).await {
            Some(damage) => damage,
            None if matches!(error, StorageError::Table { corrupt: true, .. }) => damaged(self.place(), text.into()),
            None => error,
        }
    }

    async fn stopped(&self, stopped: Stopped) -> StorageError {
        match self.find_damage(Look::Rows).await {
            Some(damage) => damage,
            None => damaged(self.place(), stopped.into()),
        }
    }

    /// `version 7 of /data/g/nodes/x`
    fn place(&self) -> String {
        format!("version {} of {}", self.version(), self.uri())
    }

    /// Finds the first file of this version that cannot be read.
    pub(crate) async fn find_damage(&self, look: Look) -> Option<StorageError> {
        let mut bytes = 0;
        let parts = if look == Look::Rows { MOST_PARTS } else { FEW_PARTS };
        for fragment in self.dataset().fragments().iter().take(parts) {
            bytes += fragment.files.iter().filter_map(|file| file.file_size_bytes.get()).map(u64::from).sum::<u64>();
            let look = if bytes > MOST_BYTES { Look::Frames } else { look };
            if let Err(damage) = self.look_at(fragment, look).await {
                return Some(damage);
            }
        }
        let index = fenced(self.described()).await;
        match index {
            Err(stopped) => Some(damaged(format!("an index of {}", self.place()), stopped.into())),
            Ok(Ok(_) | Err(_)) => None,
        }
    }

    async fn look_at(&self, fragment: &Fragment, look: Look) -> Result<(), StorageError> {
        let of = FileFragment::new(self.dataset().clone(), fragment.clone());
        if let Some(file) = self.deletion_file(fragment) {
            tried(&file, of.get_deletion_vector().map_ok(drop)).await?;
            self.check_deletions(std::slice::from_ref(fragment)).await?;
        }
        let [first, ..] = fragment.files.as_slice() else { return Ok(()) };
        for file in &fragment.files {
            self.look_at_size(&self.data_file(file), file.file_size_bytes.get().map(u64::from)).await?;
        }
        let file = self.data_file(first);
        // Blobs have files of their own, and are not read this way.
        let columns: Vec<String> = self.schema().fields().iter().map(|field| field.name().clone()).collect();
        let blobs = self.blob_columns(&columns);
        let columns: Vec<&String> = columns.iter().filter(|column| !blobs.contains(column)).collect();
        let Ok(schema) = self.dataset().schema().project(&columns) else { return Ok(()) };
        let open = async { of.open(&schema, FragReadConfig::default()).await };
        let reader = tried(&file, open).await?;
        if look == Look::Frames {
            return Ok(());
        }
        let batches = async {
            let mut batches = reader.read_all(BATCH_ROWS).await?;
            while let Some(batch) = batches.next().await {
                batch.await?;
            }
            Ok(())
        };
        tried(&file, batches).await
    }

    async fn look_at_size(&self, file: &str, recorded: Option<u64>) -> Result<(), StorageError> {
        let stored = match tokio::fs::metadata(file).await {
            Ok(stored) => stored,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                return Err(damaged(file.to_owned(), cause.into()));
            }
            Err(_) => return Ok(()),
        };
        match recorded {
            Some(recorded) if recorded != stored.len() => {
                let reason = format!("it has {} bytes and was written with {recorded}", stored.len());
                Err(damaged(file.to_owned(), reason.into()))
            }
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn data_file(&self, file: &lance_table::format::DataFile) -> String {
        self.file(file.base_id, &format!("data/{}", file.path))
    }

    /// Full path of a file of this version, which may be in the folder of the lineage that this one was branched off.
    pub(super) fn file(&self, base: Option<u32>, relative: &str) -> String {
        let bases = &self.dataset().manifest().base_paths;
        let base = base.and_then(|base| bases.get(&base)).map_or_else(
            || self.uri().to_owned(),
            |base| base.path.trim_start_matches("file://").trim_end_matches('/').to_owned(),
        );
        absolute(&format!("{base}/{relative}"))
    }
}

/// Reads a file inside the fence.
async fn tried<T>(file: &str, work: impl Future<Output = lance::Result<T>>) -> Result<T, StorageError> {
    match fenced(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(cause)) => Err(damaged(file.to_owned(), said(&cause))),
        Err(stopped) => Err(damaged(file.to_owned(), stopped.into())),
    }
}

/// A file, or what else holds the bytes, that breaks the format.
pub(super) fn damaged(what: String, source: Cause) -> StorageError {
    StorageError::Damaged { missing: Read::of(&source.to_string()) == Read::Missing, what, source }
}

/// Paths in a store have no slash at the beginning.
pub(super) fn absolute(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}
