//! Moving a sidecar out of the graph: what a person decides about a file that recovery cannot settle.
//!
//! The copy is made first, under a name that nothing had, and is on disk before the file goes. A failure in between leaves both.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::sidecar::read_bytes;
use super::{RecoveryError, delete_sidecar, list_sidecars};
use crate::error::Result;
use crate::write::Writer;

/// Moves the sidecar `id` (name of its file without `.json`) to `target`, which must be outside of the graph and must not exist.
///
/// # Errors
/// [`RecoveryError::NotAlone`], [`RecoveryError::UnknownSidecar`], [`RecoveryError::AtWork`], [`RecoveryError::QuarantineInside`],
/// [`RecoveryError::Quarantine`] and [`RecoveryError::PlanOutdated`] with the file where it was; else
/// [`crate::storage::StorageError`].
pub(crate) async fn quarantine(writer: &Writer, id: &str, target: &Path) -> Result<()> {
    let _alone = writer.gates.soon_alone().await.ok_or(RecoveryError::NotAlone)?;
    let storage = &writer.storage;
    let known: Vec<String> = list_sidecars(storage).await?.into_iter().map(|file| file.id).collect();
    let unknown = || RecoveryError::UnknownSidecar { text: id.to_owned(), known: known.clone() };
    if !known.iter().any(|known| known == id) {
        return Err(unknown().into());
    }
    if writer.gates.is_live(id) {
        return Err(RecoveryError::AtWork { id: id.to_owned() }.into());
    }
    let held = read_bytes(storage, id).await?.ok_or_else(unknown)?;
    let failed = |source| RecoveryError::Quarantine { id: id.to_owned(), path: target.to_owned(), source };
    if is_inside(storage.location().root(), target).map_err(failed)? {
        return Err(RecoveryError::QuarantineInside { path: target.to_owned() }.into());
    }
    copy(held.clone(), target.to_owned()).await.map_err(failed)?;
    // What was written to it meanwhile would be lost: the copy stays beside it.
    if read_bytes(storage, id).await?.as_ref() != Some(&held) {
        let what = format!("it changed while it was copied to {}", target.display());
        return Err(RecoveryError::PlanOutdated { id: id.to_owned(), what }.into());
    }
    delete_sidecar(storage, id).await
}

/// Whether a path that need not exist lies in the folder of the graph.
fn is_inside(root: &Path, target: &Path) -> io::Result<bool> {
    let folder = std::path::absolute(target)?.parent().unwrap_or(target).canonicalize()?;
    Ok(folder.starts_with(root.canonicalize()?))
}

async fn copy(held: Bytes, target: PathBuf) -> io::Result<()> {
    tokio::task::spawn_blocking(move || {
        let mut file = OpenOptions::new().write(true).create_new(true).open(&target)?;
        let written = file.write_all(&held).and_then(|()| file.sync_all()).and_then(|()| sync_folder(&target));
        if written.is_err() {
            // It is ours, and half of it is worth nothing; the failure itself is what matters.
            drop(std::fs::remove_file(&target));
        }
        written
    })
    .await
    .unwrap_or_else(|_| Err(io::Error::other("the copy was given up")))
}

/// The name of a new file is on disk when its folder is.
fn sync_folder(file: &Path) -> io::Result<()> {
    let absolute = std::path::absolute(file)?;
    absolute.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::SystemClock;
    use crate::error::{Error, ErrorKind};
    use crate::storage::Storage;
    use crate::write::Gates;

    /// A folder with one sidecar that is no text, and a folder beside it.
    fn graph() -> (tempfile::TempDir, PathBuf, Writer) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("graph");
        std::fs::create_dir_all(root.join("__recovery")).unwrap();
        std::fs::write(root.join("__recovery/BROKEN.json"), [0xff, 0xfe, b'{']).unwrap();
        let storage = Storage::connect(&root.to_string_lossy()).unwrap();
        let gates = Gates::of(storage.location().root());
        (folder, root, Writer { storage, gates, clock: Arc::new(SystemClock::default()), stop_at: None })
    }

    #[tokio::test]
    async fn the_bytes_move_and_nothing_is_replaced() {
        let (folder, root, writer) = graph();
        let target = folder.path().join("kept.json");
        std::fs::write(&target, "mine").unwrap();
        let error = quarantine(&writer, "BROKEN", &target).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert_eq!(std::fs::read(&target).unwrap(), b"mine");
        let target = folder.path().join("broken.json");
        quarantine(&writer, "BROKEN", &target).await.unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), [0xff, 0xfe, b'{']);
        assert!(!root.join("__recovery/BROKEN.json").exists());
    }

    #[tokio::test]
    async fn what_is_refused_leaves_the_file() {
        let (folder, root, writer) = graph();
        let outside = folder.path().join("broken.json");
        let inside = root.join("__recovery").join("..").join("broken.json");
        let nowhere = folder.path().join("no such folder").join("broken.json");
        for (id, target) in [("OTHER", &outside), ("../BROKEN", &outside), ("BROKEN", &inside), ("BROKEN", &nowhere)] {
            let error = quarantine(&writer, id, target).await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Invalid | ErrorKind::NotFound), "{id} {target:?}: {error}");
            assert!(!target.exists(), "{id} {target:?}");
        }
        let live = writer.gates.live("BROKEN");
        let error = quarantine(&writer, "BROKEN", &outside).await.unwrap_err();
        assert!(matches!(error, Error::Recovery(RecoveryError::AtWork { .. })), "{error}");
        drop(live);
        assert!(root.join("__recovery/BROKEN.json").exists() && !outside.exists());
    }
}
