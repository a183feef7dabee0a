//! The workbench: screens, command line, and everything between the terminal and the engine.
//!
//! ```text
//! Event ─► update::handle(&mut State, Event, Now) ─► Vec<Effect> ─► tasks, terminal ─► Event …
//!              └ overlay on top, else keymap (pane, screen, global) ─► Action ─► update
//! State ─► view::view ─► frame + hit regions
//! ```
//!
//! | module | answers |
//! |---|---|
//! | [`event`], [`action`], [`effect`] | what can happen, what can be asked for, what is done outside |
//! | [`registry`], [`keymap`] | names, descriptions and keys of all actions |
//! | [`state`], [`update`], [`view`] | what is known, how it changes, how it looks |
//! | [`screen`], [`overlay`] | the screens (how to write one is told there), and what lies over them |
//! | [`job`], [`message`], [`cursor`], [`marks`], [`matcher`] | jobs, messages, lists and terms as plain values |
//! | [`clock`] | the only look at the wall clock |
//! | [`tasks`], [`run`](mod@run), [`terminal`] | workers, the loop, the terminal and its restoration |
//! | [`recording`] | what was done, as lines, and doing it again |
//! | [`cli`], [`summary`], [`moved`] | the commands; what a commit did in a few words, and what a moved graph comes to |
//! | `loss`, `walk` | what deleting a branch loses, and how two heads stand to each other |
//! | [`config`], [`theme`], [`logging`] | settings, looks, log file |
//! | [`clipboard`], [`export`], [`rows`] | ways out, and how rows look there |

// The optimized build computes the layout of futures, and those of the storage library are nested deeper than 128 types.
#![recursion_limit = "256"]

pub mod action;
pub mod cli;
pub mod clipboard;
pub mod clock;
pub mod config;
pub mod cursor;
pub mod effect;
pub mod event;
pub mod export;
pub mod job;
pub mod keymap;
pub mod logging;
mod loss;
pub mod marks;
pub mod matcher;
pub mod message;
pub mod moved;
pub mod natural;
pub mod overlay;
#[cfg(test)]
mod pages;
pub mod recording;
mod recovery;
pub mod registry;
pub mod rows;
pub mod run;
pub mod screen;
#[cfg(test)]
mod stage;
pub mod state;
pub mod summary;
pub mod tasks;
pub mod terminal;
pub mod theme;
pub mod update;
pub mod view;
mod walk;
pub mod writing;

pub use run::{WorkbenchOptions, run_workbench};
