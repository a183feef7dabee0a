//! The engine and the command line through their public surface.

// Futures of the query engine are nested deeper than the compiler follows by itself.
#![recursion_limit = "256"]

mod bad_input;
mod bad_input_page;
mod blobs;
mod branch_lives;
mod branches;
mod branching;
mod broken_branches;
mod command_line;
mod command_line_gone;
mod command_line_merge;
mod command_line_mutate;
mod command_line_terminal;
mod command_line_writing;
mod concurrency;
mod conditions;
mod constraints;
mod create;
mod damage;
mod deletions;
mod demo;
mod diff_property;
mod drift;
mod effects;
#[cfg(target_os = "linux")]
mod fleet;
mod golden;
mod guard;
mod history;
mod history_part;
mod independent;
mod load;
mod long_queries;
mod merge;
mod mutate;
mod nested_queries;
mod numbers;
mod opening;
mod query_arithmetic;
mod query_model;
mod read_only;
mod recovery;
mod recovery_refusals;
mod reference;
mod rows;
mod scenarios;
mod schema_files;
mod terminal;
mod tidy;
mod unreadable_parts;
mod writers;
