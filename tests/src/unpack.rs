//! Unpacks an archive to the place that the paths inside it name, and keeps what is there equal to it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use flate2::read::GzDecoder;

/// Places that this process has compared with their archives.
static CHECKED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Unpacks an archive that holds one folder, named by its path without the leading slash, unless that folder is there and equal to it:
/// one that was written to since is replaced. Several processes may ask at once: the folder appears whole, by a rename.
///
/// # Errors
/// If the archive cannot be read or the folder cannot be written.
pub fn unpack(archive: &[u8], place: &Path) -> io::Result<()> {
    let mut checked = CHECKED.lock().expect("nobody panics while an archive is unpacked");
    if checked.contains(place) {
        return Ok(());
    }
    if !is_unpacked(archive, place)? {
        replace(archive, place)?;
    }
    checked.insert(place.to_owned());
    Ok(())
}

fn is_unpacked(archive: &[u8], place: &Path) -> io::Result<bool> {
    let mut expected = BTreeMap::new();
    for entry in tar::Archive::new(GzDecoder::new(archive)).entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_file() {
            let path = Path::new("/").join(entry.path()?);
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            expected.insert(path, content);
        }
    }
    let mut found = BTreeSet::new();
    let mut open = vec![place.to_owned()];
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { return Ok(false) };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if expected.get(&path).is_some_and(|content| fs::read(&path).is_ok_and(|there| there == *content)) {
                found.insert(path);
            } else {
                return Ok(false);
            }
        }
    }
    Ok(found.len() == expected.len())
}

fn replace(archive: &[u8], place: &Path) -> io::Result<()> {
    let parent = place.parent().expect("an archive is not unpacked as the root");
    let name = place.file_name().expect("a folder has a name").to_string_lossy();
    let staging = parent.join(format!(".{name}-{}", std::process::id()));
    fs::create_dir_all(&staging)?;
    tar::Archive::new(GzDecoder::new(archive)).unpack(&staging)?;
    let fresh = staging.join(place.strip_prefix("/").expect("the place is absolute"));
    if place.exists() {
        fs::rename(place, staging.join("former"))?;
    }
    let renamed = fs::rename(fresh, place);
    fs::remove_dir_all(&staging)?;
    // Another process may have been faster; then its folder stands.
    if is_unpacked(archive, place)? { Ok(()) } else { renamed }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive of one folder with these files.
    fn archive(place: &Path, files: &[(&str, &str)]) -> Vec<u8> {
        let zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut archive = tar::Builder::new(zipped);
        for (name, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            let path = place.join(name);
            archive.append_data(&mut header, path.strip_prefix("/").unwrap(), content.as_bytes()).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn a_folder_that_was_written_to_is_unpacked_anew() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("g");
        let archive = archive(&place, &[("a", "one"), ("sub/b", "two")]);
        assert!(!is_unpacked(&archive, &place).unwrap());
        replace(&archive, &place).unwrap();
        assert!(is_unpacked(&archive, &place).unwrap());
        for damage in [
            |place: &Path| fs::write(place.join("a"), "won"),
            |place: &Path| fs::write(place.join("c"), ""),
            |place: &Path| fs::remove_file(place.join("sub/b")),
            |place: &Path| fs::remove_dir_all(place),
        ] {
            damage(&place).unwrap();
            assert!(!is_unpacked(&archive, &place).unwrap());
            replace(&archive, &place).unwrap();
            assert!(is_unpacked(&archive, &place).unwrap());
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    }
}
