//! The cell of a blob column.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

/// Bytes kept outside the columns: a reference to somewhere else, or stored content.
///
/// What is known of the content depends on how it was read: a table view knows the size only, an export has the bytes, a
/// comparison keeps a digest so that it need not hold the bytes.
#[derive(Debug, Clone)]
pub struct Blob {
    uri: Option<Arc<str>>,
    size_bytes: Option<u64>,
    bytes: Option<Arc<[u8]>>,
    digest: Option<[u8; 32]>,
}

impl Blob {
    /// Content that is somewhere else.
    #[must_use]
    pub fn external(uri: &str) -> Self {
        Self { uri: Some(uri.into()), size_bytes: None, bytes: None, digest: None }
    }

    /// Stored content of which only the size was read.
    #[must_use]
    pub fn stored(size_bytes: u64) -> Self {
        Self { uri: None, size_bytes: Some(size_bytes), bytes: None, digest: None }
    }

    /// Stored content of which only the size and the SHA-256 were read.
    #[must_use]
    pub fn digest(size_bytes: u64, sha256: [u8; 32]) -> Self {
        Self { uri: None, size_bytes: Some(size_bytes), bytes: None, digest: Some(sha256) }
    }

    /// Stored content.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self { uri: None, size_bytes: Some(bytes.len() as u64), bytes: Some(bytes.into()), digest: None }
    }

    /// Where the content is, if it is not stored in the table.
    #[must_use]
    pub fn uri(&self) -> Option<&str> {
        self.uri.as_deref()
    }

    /// Size of stored content.
    #[must_use]
    pub fn size_bytes(&self) -> Option<u64> {
        self.size_bytes
    }

    /// Stored content, if it was read.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        self.bytes.as_deref()
    }

    /// SHA-256 of the content in hexadecimal, if a comparison computed it.
    #[must_use]
    pub fn digest_hex(&self) -> Option<String> {
        let hex = |text: String, byte: &u8| text + &format!("{byte:02x}");
        self.digest.map(|digest| digest.iter().fold(String::new(), hex))
    }

    /// The first eight digits of [`Self::digest_hex`], by which people tell contents apart.
    #[must_use]
    pub fn short_digest(&self) -> Option<String> {
        self.digest_hex().map(|digest| digest.chars().take(8).collect())
    }

    fn content(&self) -> Option<[u8; 32]> {
        self.digest.or_else(|| self.bytes.as_ref().map(|bytes| Sha256::digest(bytes).into()))
    }
}

/// By reference, else by size and content. Content that was read on one side only cannot be compared and counts as equal.
impl PartialEq for Blob {
    fn eq(&self, other: &Self) -> bool {
        let same_content = match (&self.bytes, &other.bytes) {
            (Some(a), Some(b)) => a == b,
            _ => match (self.content(), other.content()) {
                (Some(a), Some(b)) => a == b,
                _ => true,
            },
        };
        self.uri == other.uri && self.size_bytes == other.size_bytes && same_content
    }
}

impl Eq for Blob {}

impl fmt::Display for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.uri, self.size_bytes) {
            (Some(uri), _) => f.pad(uri),
            (None, size) => {
                let size = size.unwrap_or(0);
                match self.short_digest() {
                    Some(digest) => f.pad(&format!("{size} bytes #{digest}")),
                    None => f.pad(&format!("{size} bytes")),
                }
            }
        }
    }
}
