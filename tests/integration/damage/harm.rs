//! What is done to a file, made from a number.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Result;

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It holds rows: what can still be read of it may be anything.
    Rows,
    /// It is a record of an interrupted write.
    Sidecar,
    /// It makes a branch one.
    Reference,
    /// It describes a version of a table.
    Version,
    /// Everything else.
    Other,
}

/// Files of a graph by what they are for, in an order that is the same for every graph made in the same way.
pub(super) type Files = Vec<(String, Vec<PathBuf>)>;

/// Finds the files of a graph.
pub(super) fn files(root: &Path) -> Result<Files> {
    let mut found: Vec<(String, SystemTime, PathBuf)> = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else {
                let relative = path.strip_prefix(root)?.to_owned();
                found.push((group(&relative), fs::metadata(&path)?.modified()?, relative));
            }
        }
    }
    // Names are random, but files are made one after the other.
    found.sort();
    let mut files: Files = Vec::new();
    for (group, _, path) in found {
        match files.last_mut() {
            Some((last, paths)) if *last == group => paths.push(path),
            _ => files.push((group, vec![path])),
        }
    }
    Ok(files)
}

/// `__manifest versions`, `tables data`, `schema` …
fn group(path: &Path) -> String {
    let parts: Vec<String> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let place = match parts[0].as_str() {
        "nodes" | "edges" => "tables",
        place if parts.len() == 1 => {
            let is_schema = Path::new(place).extension().is_some_and(|kind| kind == "json" || kind == "pg");
            return if is_schema { "schema".into() } else { "other".into() };
        }
        place => place,
    };
    let role = parts.iter().find(|part| {
        ["_versions", "_transactions", "data", "_deletions", "_indices", "_refs"].contains(&part.as_str())
    });
    format!("{place} {}", role.map_or("", String::as_str))
}

/// What is done to a file.
#[derive(Debug, Clone)]
enum Way {
    /// Some bits are turned.
    Flip(Vec<(usize, u8)>),
    /// It ends too early.
    Truncate(usize),
    /// Nothing of it is left.
    Empty,
    /// Its bytes are others.
    Garble(u64),
    /// Eight bytes of it are a very large number.
    Length(usize, u64),
    /// It takes the place of another of its kind, and that takes its place.
    Swap(PathBuf),
    /// It is gone.
    Delete,
}

/// What is done to one file of a graph.
#[derive(Debug, Clone)]
pub(super) struct Harm {
    path: PathBuf,
    way: Way,
    pub(super) kind: Kind,
    pub(super) deletes: bool,
    pub(super) is_schema: bool,
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.path.display(), self.way)
    }
}

/// Numbers from a seed (Steele et al., `SplitMix64`).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).expect("it is less than a usize")
    }
}

impl Harm {
    /// The case with a number.
    pub(super) fn new(number: u64, files: &Files) -> Self {
        let mut dice = Dice(number.wrapping_mul(0x5851_f42d_4c95_7f2d));
        dice.next();
        let (group, paths) = &files[dice.below(files.len())];
        let path = paths[dice.below(paths.len())].clone();
        let way = match dice.below(10) {
            0..=3 => Way::Flip((0..=dice.below(3)).map(|_| (dice.below(1 << 30), 1 << dice.below(8))).collect()),
            4 => Way::Truncate(dice.below(1 << 30)),
            5 => Way::Empty,
            6 => Way::Garble(dice.next()),
            7 => Way::Length(dice.below(1 << 30), 1 << (32 + dice.below(32))),
            8 => Way::Swap(paths[dice.below(paths.len())].clone()),
            _ => Way::Delete,
        };
        let kind = match group.as_str() {
            group if group.ends_with(" data") => Kind::Rows,
            group if group.starts_with("__recovery") => Kind::Sidecar,
            group if group.ends_with(" _refs") => Kind::Reference,
            group if group.ends_with(" _versions") => Kind::Version,
            _ => Kind::Other,
        };
        Self { path, kind, deletes: matches!(way, Way::Delete), is_schema: group == "schema", way }
    }

    /// Whether an error names a file that it was done to.
    pub(super) fn is_named(&self, error: &str) -> bool {
        let mut paths = vec![&self.path];
        if let Way::Swap(other) = &self.way {
            paths.push(other);
        }
        paths.iter().any(|path| error.contains(&*path.to_string_lossy()))
    }

    /// Does it.
    pub(super) fn carry_out(&self, root: &Path) -> Result<Undo> {
        let path = root.join(&self.path);
        let mut undo = Undo(vec![Kept::of(&path)?]);
        let mut content = undo.0[0].content.clone();
        let size = content.len();
        match &self.way {
            Way::Flip(bits) => {
                for (at, bit) in bits.iter().filter(|_| size > 0) {
                    content[at % size] ^= bit;
                }
            }
            Way::Truncate(to) => content.truncate(to % size.max(1)),
            Way::Empty => content.clear(),
            Way::Garble(seed) => {
                let mut dice = Dice(*seed);
                content.fill_with(|| dice.next().to_le_bytes()[0]);
            }
            Way::Length(at, number) if size >= 8 => {
                // The ends of files tell where their parts are.
                let end = size.min(64);
                let start = size - end + at % (end - 7);
                content[start..start + 8].copy_from_slice(&number.to_le_bytes());
            }
            Way::Length(..) => content.clear(),
            Way::Swap(other) => {
                let other = Kept::of(&root.join(other))?;
                fs::write(&other.path, &content)?;
                content.clone_from(&other.content);
                undo.0.push(other);
            }
            Way::Delete => {
                fs::remove_file(&path)?;
                return Ok(undo);
            }
        }
        fs::write(&path, content)?;
        Ok(undo)
    }
}

/// A file as it was.
struct Kept {
    path: PathBuf,
    content: Vec<u8>,
    modified: SystemTime,
}

impl Kept {
    fn of(path: &Path) -> Result<Self> {
        let (content, modified) = (fs::read(path)?, fs::metadata(path)?.modified()?);
        Ok(Self { path: path.to_owned(), content, modified })
    }
}

/// What makes a graph whole again.
pub(super) struct Undo(Vec<Kept>);

impl Undo {
    pub(super) fn carry_out(self) -> Result<()> {
        for kept in self.0 {
            fs::write(&kept.path, kept.content)?;
            fs::File::options().write(true).open(&kept.path)?.set_modified(kept.modified)?;
        }
        Ok(())
    }
}
