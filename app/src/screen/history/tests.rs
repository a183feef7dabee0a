//! The screen on plain values, driven by keys: the rules, and pictures of its key states.

mod diff_pictures;
pub(super) mod fixture;
mod fleet;
mod large;
mod leaving;
mod pages;
mod pictures;
mod release;
mod rules;
