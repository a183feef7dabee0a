//! Settings, layered: flags, environment, `--config FILE`, the user's file, defaults.
//!
//! Each value knows its [`Origin`]. An unknown name is a [`Warning`] with its line and the nearest known name, never a
//! refusal to start.

mod layer;
mod parse;
mod place;
#[cfg(test)]
mod tests;

pub use layer::{Flags, merge};
pub use parse::{FileSettings, Refused, Warning, key_warnings, parse};
pub use place::{read_file, state_directory, user_file};

use std::fmt;

use crate::keymap::Rebinding;
use crate::theme::{ColorChoice, Palette};

/// Where a value comes from; later ones win.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Built in.
    Default,
    /// The user's file.
    UserFile,
    /// The file given by `--config`.
    ConfigFile,
    /// An environment variable.
    Environment,
    /// A flag of the command line.
    Flag,
    /// `:set` while the program runs.
    Session,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "default",
            Self::UserFile => "user file",
            Self::ConfigFile => "--config file",
            Self::Environment => "environment",
            Self::Flag => "flag",
            Self::Session => "set by hand",
        })
    }
}

/// A value and where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Its origin.
    pub origin: Origin,
}

impl<T: Clone> Sourced<T> {
    /// Takes over the value of `old` if it was set by hand.
    fn keep_session(&mut self, old: &Self) {
        if old.origin == Origin::Session {
            *self = old.clone();
        }
    }
}

impl<T> Sourced<T> {
    /// A built-in value.
    #[must_use]
    pub fn default_of(value: T) -> Self {
        Self { value, origin: Origin::Default }
    }

    /// Replaces the value unless the present one has a stronger origin.
    pub fn offer(&mut self, value: Option<T>, origin: Origin) {
        if let Some(value) = value
            && origin >= self.origin
        {
            *self = Self { value, origin };
        }
    }
}

/// How much moves on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// Spinners, five updates a second.
    Full,
    /// No spinner, one update a second.
    Reduced,
}

/// How absolute times are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeDisplay {
    /// As UTC.
    Utc,
    /// In the time zone of the machine.
    Local,
}

/// Which glyphs are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GlyphChoice {
    /// As locale and terminal say.
    Auto,
    /// Lines and dots.
    Unicode,
    /// Seven-bit signs.
    Ascii,
}

/// The merged settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// `ui.theme`
    pub theme: Sourced<Palette>,
    /// `ui.motion`
    pub motion: Sourced<Motion>,
    /// `ui.time`
    pub time: Sourced<TimeDisplay>,
    /// `ui.glyphs`
    pub glyphs: Sourced<GlyphChoice>,
    /// `ui.mouse`
    pub mouse: Sourced<bool>,
    /// `--color`
    pub color: Sourced<ColorChoice>,
    /// `history.branches`: globs of the branches in the history.
    pub branches: Sourced<Vec<String>>,
    /// `history.fold`: whether straight runs and merged side branches start folded.
    pub fold: Sourced<bool>,
    /// `history.refresh_seconds`: pause between two looks at the branch heads; 0 = never.
    pub refresh_seconds: Sourced<u64>,
    /// `write.actor`: who writes; asked for if it is not set.
    pub actor: Sourced<Option<String>>,
    /// `keys.*`, weakest origin first.
    pub keys: Vec<Rebinding>,
    /// What was not understood.
    pub warnings: Vec<Warning>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            theme: Sourced::default_of(Palette::Terminal),
            motion: Sourced::default_of(Motion::Full),
            time: Sourced::default_of(TimeDisplay::Utc),
            glyphs: Sourced::default_of(GlyphChoice::Auto),
            mouse: Sourced::default_of(true),
            color: Sourced::default_of(ColorChoice::Auto),
            branches: Sourced::default_of(vec!["*".to_owned()]),
            fold: Sourced::default_of(true),
            refresh_seconds: Sourced::default_of(5),
            actor: Sourced::default_of(None),
            keys: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

/// A setting that can be shown and set by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingName {
    /// As in the file: `ui.time`.
    pub path: &'static str,
    /// The values it takes, for help and messages.
    pub values: &'static str,
}

/// All settings of the file.
pub const SETTINGS: &[SettingName] = &[
    SettingName { path: "ui.theme", values: "terminal | dark | light" },
    SettingName { path: "ui.motion", values: "full | reduced" },
    SettingName { path: "ui.time", values: "utc | local" },
    SettingName { path: "ui.glyphs", values: "auto | unicode | ascii" },
    SettingName { path: "ui.mouse", values: "true | false" },
    SettingName { path: "history.branches", values: "a list of branch names, * for any letters" },
    SettingName { path: "history.fold", values: "true | false" },
    SettingName { path: "history.refresh_seconds", values: "seconds, 0 for never" },
    SettingName { path: "write.actor", values: "a name" },
];

impl Config {
    /// Takes over what was set by hand in `old`: a file that changes does not undo `:set`.
    pub fn keep_session(&mut self, old: &Self) {
        self.theme.keep_session(&old.theme);
        self.motion.keep_session(&old.motion);
        self.time.keep_session(&old.time);
        self.glyphs.keep_session(&old.glyphs);
        self.mouse.keep_session(&old.mouse);
        self.branches.keep_session(&old.branches);
        self.fold.keep_session(&old.fold);
        self.refresh_seconds.keep_session(&old.refresh_seconds);
        self.actor.keep_session(&old.actor);
    }

    /// All settings as `(path, value, origin)`, in the order of [`SETTINGS`].
    #[must_use]
    pub fn listing(&self) -> Vec<(&'static str, String, Origin)> {
        let theme = Palette::ALL.iter().find(|(_, palette)| *palette == self.theme.value).map_or("?", |(name, _)| name);
        let motion = match self.motion.value {
            Motion::Full => "full",
            Motion::Reduced => "reduced",
        };
        let time = match self.time.value {
            TimeDisplay::Utc => "utc",
            TimeDisplay::Local => "local",
        };
        let glyphs = match self.glyphs.value {
            GlyphChoice::Auto => "auto",
            GlyphChoice::Unicode => "unicode",
            GlyphChoice::Ascii => "ascii",
        };
        vec![
            ("ui.theme", theme.to_owned(), self.theme.origin),
            ("ui.motion", motion.to_owned(), self.motion.origin),
            ("ui.time", time.to_owned(), self.time.origin),
            ("ui.glyphs", glyphs.to_owned(), self.glyphs.origin),
            ("ui.mouse", self.mouse.value.to_string(), self.mouse.origin),
            ("history.branches", self.branches.value.join(", "), self.branches.origin),
            ("history.fold", self.fold.value.to_string(), self.fold.origin),
            ("history.refresh_seconds", self.refresh_seconds.value.to_string(), self.refresh_seconds.origin),
            ("write.actor", self.actor.value.clone().unwrap_or_else(|| "asked for".to_owned()), self.actor.origin),
        ]
    }
}
