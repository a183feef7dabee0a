//! Small control objects: the schema files and the sidecars.

use std::ffi::{OsStr, OsString};
use std::io;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutMode, PutOptions};

use super::{Storage, StorageError};
use crate::fail::storage_fail_point;

impl Storage {
    /// Reads a text object under the root; none if it does not exist.
    ///
    /// # Errors
    /// [`StorageError::Read`] or [`StorageError::NotText`].
    pub async fn read_text(&self, path: &str) -> Result<Option<String>, StorageError> {
        let Some(bytes) = self.read_bytes(path).await? else { return Ok(None) };
        match String::from_utf8(bytes.into()) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(StorageError::NotText { path: path.to_owned() }),
        }
    }

    /// Reads an object under the root, whatever it holds; none if it does not exist.
    ///
    /// # Errors
    /// [`StorageError::Read`].
    pub(crate) async fn read_bytes(&self, path: &str) -> Result<Option<Bytes>, StorageError> {
        storage_fail_point!(crate::fail::STORAGE_READ);
        let failed = |source| StorageError::Read { path: path.to_owned(), source };
        let object = match self.location().store().get(&Path::from(path)).await {
            Ok(object) => object,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(source) => return Err(failed(source)),
        };
        Ok(Some(object.bytes().await.map_err(failed)?))
    }

    /// Writes a text object under the root, whole: a reader sees the old one or the new one.
    ///
    /// # Errors
    /// [`StorageError::Write`].
    pub(crate) async fn write_text(&self, path: &str, text: &str) -> Result<(), StorageError> {
        let object = self.location().store().put(&Path::from(path), text.to_owned().into()).await;
        object.map(drop).map_err(|source| StorageError::Write { path: path.to_owned(), source })
    }

    /// Writes a text object under the root unless there is one; tells whether it did.
    ///
    /// # Errors
    /// [`StorageError::Write`].
    pub(crate) async fn create_text(&self, path: &str, text: &str) -> Result<bool, StorageError> {
        let options = PutOptions::from(PutMode::Create);
        match self.location().store().put_opts(&Path::from(path), text.to_owned().into(), options).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(source) => Err(StorageError::Write { path: path.to_owned(), source }),
        }
    }

    /// Deletes a text object under the root; one that is not there is deleted already.
    ///
    /// # Errors
    /// [`StorageError::Write`].
    pub(crate) async fn delete_text(&self, path: &str) -> Result<(), StorageError> {
        match self.location().store().delete(&Path::from(path)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(StorageError::Write { path: path.to_owned(), source }),
        }
    }

    /// Lists the names of the files directly inside a directory under the root, in the order of their bytes; empty if it does
    /// not exist. A person may have put any file there, so a name need not be text.
    ///
    /// # Errors
    /// [`StorageError::Read`].
    pub(crate) async fn list_files(&self, directory: &str) -> Result<Vec<OsString>, StorageError> {
        storage_fail_point!(crate::fail::STORAGE_LIST);
        let folder = self.location().root().join(directory);
        let listed = blocking(move || {
            let mut names = Vec::new();
            for entry in std::fs::read_dir(&folder)? {
                let entry = entry?;
                // What a link refers to counts; one that leads nowhere is no file.
                if std::fs::metadata(entry.path()).is_ok_and(|found| found.is_file()) {
                    names.push(entry.file_name());
                }
            }
            names.sort();
            Ok(names)
        });
        let listed = listed.await.map_err(|source| StorageError::Read { path: directory.to_owned(), source })?;
        Ok(listed.unwrap_or_default())
    }

    /// Reads a file of a directory under the root, whatever its name and what it holds; none if it does not exist.
    ///
    /// # Errors
    /// [`StorageError::Read`].
    pub(crate) async fn read_file(&self, directory: &str, name: &OsStr) -> Result<Option<Bytes>, StorageError> {
        storage_fail_point!(crate::fail::STORAGE_READ);
        let file = self.location().root().join(directory).join(name);
        let path = told(directory, name);
        let read = blocking(move || std::fs::read(file)).await;
        Ok(read.map_err(|source| StorageError::Read { path, source })?.map(Bytes::from))
    }

    /// Deletes a file of a directory under the root, whatever its name; one that is not there is deleted already.
    ///
    /// # Errors
    /// [`StorageError::Write`].
    pub(crate) async fn delete_file(&self, directory: &str, name: &OsStr) -> Result<(), StorageError> {
        let file = self.location().root().join(directory).join(name);
        let path = told(directory, name);
        let deleted = blocking(move || std::fs::remove_file(file)).await;
        deleted.map(drop).map_err(|source| StorageError::Write { path, source })
    }

    /// Lists the names of the directories inside a directory under the root, sorted; empty if it does not exist.
    ///
    /// # Errors
    /// [`StorageError::Read`].
    pub(crate) async fn list_folders(&self, directory: &str) -> Result<Vec<String>, StorageError> {
        let listed = self.location().store().list_with_delimiter(Some(&Path::from(directory))).await;
        let listed = listed.map_err(|source| StorageError::Read { path: directory.to_owned(), source })?;
        let name = |path: &Path| path.filename().map(str::to_owned);
        let mut names: Vec<String> = listed.common_prefixes.iter().filter_map(name).collect();
        names.sort();
        Ok(names)
    }

    /// Deletes everything below a directory under the root.
    ///
    /// # Errors
    /// [`StorageError::Read`], [`StorageError::Write`].
    pub(crate) async fn delete_below(&self, directory: &str) -> Result<(), StorageError> {
        let objects = self.location().store().list(Some(&Path::from(directory)));
        let objects: Vec<_> =
            objects.try_collect().await.map_err(|source| StorageError::Read { path: directory.to_owned(), source })?;
        for object in objects {
            self.delete_text(object.location.as_ref()).await?;
        }
        Ok(())
    }

    /// Whether any object lies below a directory under the root.
    ///
    /// # Errors
    /// [`StorageError::Read`].
    pub async fn any_below(&self, directory: &str) -> Result<bool, StorageError> {
        let mut objects = self.location().store().list(Some(&Path::from(directory)));
        let first = objects.try_next().await;
        first.map(|object| object.is_some()).map_err(|source| StorageError::Read { path: directory.to_owned(), source })
    }
}

fn told(directory: &str, name: &OsStr) -> String {
    format!("{directory}/{}", name.display())
}

/// What the file system answers; none if there is no such file or folder.
async fn blocking<T: Send + 'static>(
    ask: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<Option<T>, object_store::Error> {
    let answer = tokio::task::spawn_blocking(ask).await.unwrap_or_else(|error| Err(io::Error::other(error)));
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(object_store::Error::Generic { store: "file system", source: Box::new(error) }),
    }
}
