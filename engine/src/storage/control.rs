//! Small control objects: the schema files and the sidecars.

use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use object_store::path::Path;

use super::{Storage, StorageError};
use crate::fail::storage_fail_point;

impl Storage {
    /// Reads a text object under the root; none if it does not exist.
    ///
    /// # Errors
    /// [`StorageError::Read`] or [`StorageError::NotText`].
    pub async fn read_text(&self, path: &str) -> Result<Option<String>, StorageError> {
        storage_fail_point!(crate::fail::STORAGE_READ);
        let failed = |source| StorageError::Read { path: path.to_owned(), source };
        let object = match self.location().store().get(&Path::from(path)).await {
            Ok(object) => object,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(source) => return Err(failed(source)),
        };
        let bytes = object.bytes().await.map_err(failed)?;
        match String::from_utf8(bytes.into()) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(StorageError::NotText { path: path.to_owned() }),
        }
    }

    /// Lists the names directly inside a directory under the root, sorted; empty if it does not exist.
    ///
    /// # Errors
    /// [`StorageError::Read`].
    pub async fn list_names(&self, directory: &str) -> Result<Vec<String>, StorageError> {
        storage_fail_point!(crate::fail::STORAGE_LIST);
        let prefix = Path::from(directory);
        let mut names: Vec<String> = self
            .location()
            .store()
            .list(Some(&prefix))
            .try_filter_map(|meta| {
                let inside = meta.location.prefix_match(&prefix).map(|mut parts| (parts.next(), parts.next()));
                std::future::ready(Ok(match inside {
                    Some((Some(name), None)) => Some(name.as_ref().to_owned()),
                    Some(_) | None => None,
                }))
            })
            .try_collect()
            .await
            .map_err(|source| StorageError::Read { path: directory.to_owned(), source })?;
        names.sort();
        Ok(names)
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
