//! Merging the layers.

use crate::config::{Config, FileSettings, GlyphChoice, Motion, Origin};
use crate::theme::ColorChoice;

/// What the command line says about settings; `None` says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--color`
    pub color: Option<ColorChoice>,
    /// `--ascii`
    pub ascii: bool,
    /// `--reduced-motion`
    pub reduced_motion: bool,
    /// `--no-mouse`
    pub no_mouse: bool,
}

/// Merges defaults, the files (weakest first, with their origins) and the flags.
#[must_use]
pub fn merge(files: Vec<(FileSettings, Origin)>, flags: &Flags) -> Config {
    let mut config = Config::default();
    for (file, origin) in files {
        config.theme.offer(file.theme, origin);
        config.motion.offer(file.motion, origin);
        config.time.offer(file.time, origin);
        config.glyphs.offer(file.glyphs, origin);
        config.mouse.offer(file.mouse, origin);
        config.branches.offer(file.branches, origin);
        config.fold.offer(file.fold, origin);
        config.refresh_seconds.offer(file.refresh_seconds, origin);
        config.keys.extend(file.keys);
        config.warnings.extend(file.warnings);
    }
    config.color.offer(flags.color, Origin::Flag);
    config.glyphs.offer(flags.ascii.then_some(GlyphChoice::Ascii), Origin::Flag);
    config.motion.offer(flags.reduced_motion.then_some(Motion::Reduced), Origin::Flag);
    config.mouse.offer(flags.no_mouse.then_some(false), Origin::Flag);
    config
}
