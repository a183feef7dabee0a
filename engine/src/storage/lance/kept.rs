//! The versions of a lineage that are there, as its folder lists them.
//!
//! Whoever watches a graph asks for all its branches every few seconds, and mostly none of them moved: a folder whose time of change is
//! the one it had when it was listed is not listed again.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::storage::Location;

/// Two changes of a folder this far apart have different times: the coarsest clock of a common file system is that of FAT.
const CLOCK_STEP: Duration = Duration::from_secs(2);

/// The versions of a lineage that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeptVersions {
    pub(crate) oldest: u64,
    pub(crate) newest: u64,
}

/// What was listed of the folders of versions, by table and lineage: for each table the answer to the last question.
#[derive(Debug, Default, Clone)]
pub(super) struct VersionFolders(Arc<Mutex<HashMap<String, Listings>>>);

type Listings = HashMap<Option<String>, Listing>;

/// One folder as it was listed.
#[derive(Debug, Clone, Copy)]
struct Listing {
    /// When the folder says that it changed, by the clock of the file system.
    changed: SystemTime,
    /// When that time was seen first.
    seen: Instant,
    /// Whether the folder was listed so long after its change that a later one has another time.
    is_settled: bool,
    kept: Option<KeptVersions>,
}

impl VersionFolders {
    /// Returns the oldest and the newest version of each lineage (none: the main one), in their order; none where there is no version.
    /// Costs one look at each folder, and one listing of each that may have changed.
    pub(super) async fn kept(
        &self,
        location: &Location,
        path: &str,
        lineages: Vec<Option<String>>,
    ) -> Vec<Option<KeptVersions>> {
        let (folders, root, path) = (self.clone(), location.root().join(path), path.to_owned());
        let asked = lineages.len();
        let read = tokio::task::spawn_blocking(move || folders.look(&root, &path, lineages));
        // A listing that panicked or was stopped with the runtime has found nothing.
        read.await.unwrap_or_else(|_| vec![None; asked])
    }

    fn look(&self, root: &Path, path: &str, lineages: Vec<Option<String>>) -> Vec<Option<KeptVersions>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(path).unwrap_or_default();
        let mut found = Listings::with_capacity(lineages.len());
        let mut kept = Vec::with_capacity(lineages.len());
        for lineage in lineages {
            let listing = listing(&folder_of(root, lineage.as_deref()), known.remove(&lineage), Instant::now).ok();
            kept.push(listing.and_then(|listing| listing.kept));
            found.extend(listing.map(|listing| (lineage, listing)));
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), found);
        kept
    }
}

fn folder_of(root: &Path, lineage: Option<&str>) -> PathBuf {
    let lineage = lineage.map_or_else(|| root.to_owned(), |name| root.join("tree").join(name));
    lineage.join("_versions")
}

/// The listing that was made before, if it still holds, else a new one. What fails is not remembered.
fn listing(folder: &Path, known: Option<Listing>, now: impl Fn() -> Instant) -> io::Result<Listing> {
    let asked = now();
    // The time is read before the listing: of a change between the two, the next look finds another time.
    let changed = fs::metadata(folder)?.modified()?;
    let known = known.filter(|known| known.changed == changed);
    if let Some(known) = known.filter(|known| known.is_settled) {
        return Ok(known);
    }
    // The change is at least as old as the moment after its time was seen first.
    let seen = known.map_or_else(now, |known| known.seen);
    let is_settled = asked.checked_duration_since(seen).is_some_and(|passed| passed > CLOCK_STEP);
    Ok(Listing { changed, seen, is_settled, kept: list(folder)? })
}

fn list(folder: &Path) -> io::Result<Option<KeptVersions>> {
    let mut kept = None;
    for file in fs::read_dir(folder)? {
        let Some(version) = file?.file_name().to_str().and_then(version_of) else { continue };
        let KeptVersions { oldest, newest } = kept.unwrap_or(KeptVersions { oldest: version, newest: version });
        kept = Some(KeptVersions { oldest: version.min(oldest), newest: version.max(newest) });
    }
    Ok(kept)
}

/// Returns the version that a file describes: `<2^64 - 1 - version>.manifest`, or `<version>.manifest` in old tables.
fn version_of(file: &str) -> Option<u64> {
    let stem = file.strip_suffix(".manifest")?;
    let number: u64 = stem.parse().ok()?;
    if stem.len() == 20 { Some(u64::MAX - number) } else { Some(number) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_names_of_version_files_are_read() {
        assert_eq!(version_of("18446744073709551611.manifest"), Some(4));
        assert_eq!(version_of("4.manifest"), Some(4));
        assert_eq!(version_of("latest_version_hint.json"), None);
        assert_eq!(version_of("18446744073709551611.manifest.tmp"), None);
    }

    /// A folder that changes behind the back of its time tells whether it is listed.
    #[test]
    fn a_folder_is_listed_until_its_time_is_old_and_again_when_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let open = fs::File::open(folder.path()).unwrap();
        let write = |version: u64, at: SystemTime| {
            fs::write(folder.path().join(format!("{version}.manifest")), "").unwrap();
            open.set_times(fs::FileTimes::new().set_modified(at)).unwrap();
        };
        let (start, time) = (Instant::now(), SystemTime::UNIX_EPOCH + Duration::from_secs(1_000));
        let mut known = None;
        let mut newest_after = |seconds: u64| {
            known = listing(folder.path(), known, || start + Duration::from_secs(seconds)).ok();
            known.unwrap().kept.map(|kept| kept.newest)
        };

        assert_eq!(newest_after(0), None);
        write(1, time);
        assert_eq!(newest_after(5), Some(1));
        write(2, time);
        assert_eq!(newest_after(6), Some(2), "a change within the step of the clock is found");
        assert_eq!(newest_after(10), Some(2));
        write(3, time);
        assert_eq!(newest_after(11), Some(2), "it is not listed again");
        write(4, time + Duration::from_secs(5));
        assert_eq!(newest_after(12), Some(4));
        fs::remove_dir_all(folder.path()).unwrap();
        assert!(listing(folder.path(), known, || start).is_err());
    }

    #[tokio::test]
    async fn a_folder_that_could_not_be_listed_is_asked_again() {
        let root = tempfile::tempdir().unwrap();
        let location = Location::create(root.path().to_str().unwrap()).unwrap();
        let table = root.path().join("t");
        fs::create_dir_all(&table).unwrap();
        let folders = VersionFolders::default();
        // A file where the folder should be cannot be listed.
        fs::write(table.join("_versions"), "").unwrap();
        assert_eq!(folders.kept(&location, "t", vec![None]).await, [None]);
        assert!(folders.0.lock().unwrap()["t"].is_empty(), "a failure is not remembered");
        fs::remove_file(table.join("_versions")).unwrap();
        fs::create_dir(table.join("_versions")).unwrap();
        fs::write(table.join("_versions/3.manifest"), "").unwrap();
        let asked = (0..8).map(|_| folders.kept(&location, "t", vec![None, None]));
        for kept in futures::future::join_all(asked).await {
            assert_eq!(kept, [Some(KeptVersions { oldest: 3, newest: 3 }); 2]);
        }
    }
}
