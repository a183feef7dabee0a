//! Folders as a whole: digests that notice any change, copies to damage.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};

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

/// Copies a graph, so that the copy is a graph of its own: branches hold absolute paths to the place they were made in.
///
/// # Errors
/// If something cannot be read or written, or the paths are not equally long, as the files that hold them are not rewritten.
pub fn copy_graph(from: &Path, to: &Path) -> Result<()> {
    let [old, new] = [from, to].map(|path| path.as_os_str().as_encoded_bytes());
    anyhow::ensure!(old.len() == new.len(), "{} and {} are not equally long", from.display(), to.display());
    copy(from, to)?;
    let mut open = vec![to.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path
                .extension()
                .is_some_and(|kind| ["manifest", "txn", "json"].iter().any(|known| kind == *known))
            {
                // Locations in a store have no slash at the beginning.
                replace(&path, &old[1..], &new[1..])?;
            }
        }
    }
    Ok(())
}

/// Removes all versions of main's commits but the newest, as a clean-up does.
///
/// # Errors
/// If there is none, or one cannot be removed.
pub fn clean_up_commits(root: &Path) -> Result<()> {
    let versions = root.join("_graph_commits.lance/_versions");
    let files = fs::read_dir(&versions)?.map(|file| Ok(file?.path())).collect::<Result<Vec<_>>>()?;
    let is_version = |file: &&PathBuf| file.extension().is_some_and(|ending| ending == "manifest");
    // Names count down: the newest version comes first.
    let newest = files.iter().filter(is_version).min().context("no version")?;
    files.iter().filter(is_version).filter(|file| *file != newest).try_for_each(|file| Ok(fs::remove_file(file)?))
}

/// Replaces bytes of a file by others, wherever they are.
fn replace(path: &Path, old: &[u8], new: &[u8]) -> Result<()> {
    let mut content = fs::read(path)?;
    let found: Vec<usize> = (0..content.len()).filter(|at| content[*at..].starts_with(old)).collect();
    for at in &found {
        content[*at..*at + new.len()].copy_from_slice(new);
    }
    if !found.is_empty() {
        fs::write(path, content)?;
    }
    Ok(())
}
