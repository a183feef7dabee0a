//! The engine and the command line through their public surface.

mod bad_input;
mod history;
mod read_only;
mod reference;
