//! Folders as a whole: digests that notice any change, copies to damage.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Result;

/// Every file below a folder: content and modification time; every folder: modification time.
pub type Digest = BTreeMap<PathBuf, (Option<Vec<u8>>, SystemTime)>;

/// Takes the digest of a folder.
///
/// # Errors
/// If something in it cannot be read.
pub fn digest(folder: &Path) -> Result<Digest> {
    let mut digest = Digest::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        let metadata = fs::metadata(&path)?;
        if metadata.is_dir() {
            for entry in fs::read_dir(&path)? {
                open.push(entry?.path());
            }
            digest.insert(path, (None, metadata.modified()?));
        } else {
            let content = fs::read(&path)?;
            digest.insert(path, (Some(content), metadata.modified()?));
        }
    }
    Ok(digest)
}

/// Copies a folder with everything in it.
///
/// # Errors
/// If something cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
