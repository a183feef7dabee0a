//! What the documentation shows of the program: pictures of its screens, and the reference of its keys.
//!
//! The tests compare. `UPDATE=1 cargo test -p stratigraph --lib -- pages` writes the pictures and the reference anew; read what
//! changed as an operator would.

mod keys;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Where each picture is shown.
const PICTURES: [(&str, &[&str]); 10] = [
    ("history", &["README.md", "docs/history.md"]),
    ("row-diff", &["docs/history.md"]),
    ("tables", &["docs/tables.md"]),
    ("branches", &["docs/writing.md"]),
    ("merge-choose", &["docs/merging.md"]),
    ("merge-preview", &["README.md", "docs/merging.md"]),
    ("merge-resolve", &["README.md", "docs/merging.md"]),
    ("merge-result", &["docs/merging.md"]),
    ("recovery", &["README.md", "docs/recovery.md"]),
    ("recovery-inspect", &["docs/recovery.md"]),
];

const BEGIN: &str = "<!-- screen: ";
const END: &str = "<!-- end of screen -->";

/// Tests run side by side and some pages show several pictures.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn path(page: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(page)
}

fn read(page: &str) -> String {
    fs::read_to_string(path(page)).unwrap_or_else(|error| panic!("{page}: {error}"))
}

/// Compares a page with what it is made of, or writes it.
fn compare(page: &str, content: impl FnOnce(&str) -> String) {
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = read(page);
    let made = content(&kept);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path(page), made).expect("the page is a file of this tree");
        return;
    }
    let different = kept.lines().zip(made.lines()).find(|(kept, made)| kept != made);
    assert_eq!(different, None, "{page}: UPDATE=1 writes it anew");
    assert_eq!(kept.lines().count(), made.lines().count(), "{page}: UPDATE=1 writes it anew");
}

/// Shows a picture on all pages that have a place for it.
pub(crate) fn show(name: &str, picture: &str) {
    let (_, pages) = PICTURES.iter().find(|(known, _)| *known == name).expect("a picture of the list");
    let lines: Vec<&str> = picture.lines().map(str::trim_end).collect();
    for page in *pages {
        compare(page, |text| replaced(text, name, &lines.join("\n")));
    }
}

/// The page with this picture between its marks.
fn replaced(page: &str, name: &str, picture: &str) -> String {
    let begin = format!("{BEGIN}{name} -->\n");
    let start = page.find(&begin).unwrap_or_else(|| panic!("no place for {name}")) + begin.len();
    let end = start + page[start..].find(END).unwrap_or_else(|| panic!("the place for {name} has no end"));
    format!("{}```\n{picture}\n```\n{}", &page[..start], &page[end..])
}

#[test]
fn every_place_for_a_picture_has_one() {
    let mut marks: BTreeSet<(String, String)> = BTreeSet::new();
    let files = fs::read_dir(path("docs")).expect("a folder").map(|entry| entry.expect("an entry").path());
    let pages = files.filter(|file| file.extension().is_some_and(|ending| ending == "md"));
    let pages = pages.filter_map(|file| Some(format!("docs/{}", file.file_name()?.to_str()?)));
    for page in pages.chain(["README.md".to_owned()]) {
        for mark in read(&page).lines().filter_map(|line| line.strip_prefix(BEGIN)?.strip_suffix(" -->")) {
            assert!(marks.insert((page.clone(), mark.to_owned())), "{page} shows {mark} twice");
        }
    }
    let listed =
        PICTURES.iter().flat_map(|(name, pages)| pages.iter().map(|page| ((*page).to_owned(), (*name).to_owned())));
    assert_eq!(marks, listed.collect());
}
