//! Which of our errors a Lance error is.

use crate::storage::StorageError;

/// Whether the error says that something does not exist.
pub(super) fn is_missing(cause: &lance::Error) -> bool {
    matches!(
        cause,
        lance::Error::DatasetNotFound { .. } | lance::Error::VersionNotFound { .. } | lance::Error::NotFound { .. }
    )
}

/// An error met while reading a table.
pub(super) fn table_error(uri: &str, cause: lance::Error) -> StorageError {
    let path = uri.to_owned();
    match cause {
        cause @ (lance::Error::InvalidInput { .. }
        | lance::Error::SchemaMismatch { .. }
        | lance::Error::Schema { .. }
        | lance::Error::FieldNotFound { .. }
        | lance::Error::InvalidRef { .. }
        | lance::Error::RefNotFound { .. }) => StorageError::Request { path, source: Box::new(cause) },
        cause => {
            let corrupt = matches!(cause, lance::Error::CorruptFile { .. } | lance::Error::Arrow { .. });
            StorageError::Table { path, corrupt, source: Box::new(cause) }
        }
    }
}
