//! The program on the Recovery screen.

use super::super::Recovery;

/// The program on the Recovery screen.
pub(super) type Stage = crate::stage::Stage<Recovery>;

impl Stage {
    /// A terminal of this size, the graph just opened, the first look asked for.
    pub(super) fn new(columns: u16, rows: u16) -> Self {
        let mut stage = Self::open(columns, rows);
        stage.enter();
        stage
    }

    /// The bottom line.
    pub(super) fn bottom(&self) -> String {
        self.picture().lines().last().unwrap_or_default().trim().to_owned()
    }

    /// Compares the screen with its snapshots in three looks.
    pub(super) fn snapshot(&mut self, name: &str) {
        self.looks(name, |name, dump| insta::assert_snapshot!(name, dump));
    }
}
