//! The engine and the command line through their public surface.

mod bad_input;
mod blobs;
mod command_line;
mod command_line_terminal;
mod command_line_writing;
mod create;
mod demo;
mod diff_property;
mod effects;
mod golden;
mod guard;
mod history;
mod independent;
mod load;
mod read_only;
mod recovery;
mod reference;
mod rows;
mod terminal;
