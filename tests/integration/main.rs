//! The engine and the command line through their public surface.

mod bad_input;
mod blobs;
mod command_line;
mod diff_property;
mod history;
mod read_only;
mod reference;
mod rows;
mod terminal;
