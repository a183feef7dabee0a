//! What to say of a graph that was moved or copied while it had branches.
//!
//! A branch holds the full path of the files that it shares with the one it was made from. Where the graph is somewhere else now, it
//! reads them at the old place.

use std::path::Path;

use stratigraph_engine::Branch;

/// The branches that read files of another folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Root of the graph that this one was.
    pub from: String,
    /// Whether that folder is there.
    pub is_there: bool,
    /// How many branches read files of it.
    pub branches: usize,
}

impl Moved {
    /// Tells it from the branches; none if the graph is where it was, or has no branches from before.
    #[must_use]
    pub fn of(branches: &[Branch]) -> Option<Self> {
        let from = branches.iter().find_map(|branch| branch.reads_from.clone())?;
        let branches = branches.iter().filter(|branch| branch.reads_from.is_some()).count();
        Some(Self { is_there: Path::new(&from).is_dir(), from, branches })
    }

    /// In a line of a screen.
    #[must_use]
    pub fn short(&self) -> String {
        let Self { from, is_there, .. } = self;
        let state = if *is_there { "which they need" } else { "which is gone" };
        format!("! moved or copied: {} files of {from}, {state}", self.readers())
    }

    /// With what follows from it.
    #[must_use]
    pub fn whole(&self) -> String {
        let Self { from, is_there, .. } = self;
        let what = "this graph was moved or copied while it had branches";
        let readers = self.readers();
        match is_there {
            true => format!(
                "{what}: {readers} files of {from}, and break when that folder goes or is written to; main does not. Export them and load \
                 them into new branches to make them independent of it"
            ),
            false => format!(
                "{what}: {readers} files of {from}, which is not there, so they cannot be used; main can. Move the graph back, or make a \
                 link at {from} that leads here, or delete them"
            ),
        }
    }

    fn readers(&self) -> String {
        match self.branches {
            1 => "1 branch reads".to_owned(),
            count => format!("{count} branches read"),
        }
    }
}
