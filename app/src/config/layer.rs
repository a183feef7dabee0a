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
    /// `--actor`
    pub actor: Option<String>,
}

/// Merges defaults, the files (weakest first, with their origins) and the flags.
#[must_use]
pub fn merge(files: Vec<(FileSettings, Origin)>, flags: &Flags) -> Config {
    let mut config = Config::default();
    for (file, origin) in files {
        config.take(file, origin);
    }
    config.color.offer(flags.color, Origin::Flag);
    config.glyphs.offer(flags.ascii.then_some(GlyphChoice::Ascii), Origin::Flag);
    config.motion.offer(flags.reduced_motion.then_some(Motion::Reduced), Origin::Flag);
    config.actor.offer(flags.actor.clone().map(Some), Origin::Flag);
    config.mouse.offer(flags.no_mouse.then_some(false), Origin::Flag);
    config
}

impl Config {
    /// Takes over everything a layer says, unless a stronger one said otherwise.
    pub fn take(&mut self, layer: FileSettings, origin: Origin) {
        self.theme.offer(layer.theme, origin);
        self.motion.offer(layer.motion, origin);
        self.time.offer(layer.time, origin);
        self.glyphs.offer(layer.glyphs, origin);
        self.mouse.offer(layer.mouse, origin);
        self.branches.offer(layer.branches, origin);
        self.fold.offer(layer.fold, origin);
        self.refresh_seconds.offer(layer.refresh_seconds, origin);
        self.actor.offer(layer.actor.map(Some), origin);
        self.keys.extend(layer.keys);
        self.warnings.extend(layer.warnings);
    }
}
