//! The commands that look at a graph, each as a process of its own.

use std::path::Path;

use anyhow::Result;

use super::scene::{POSITIONS, ROW, TABLES};
use crate::command_line::run;

const COMMANDS: [&[&str]; 16] = [
    &["log", "GRAPH"],
    &["log", "GRAPH", "--limit", "3"],
    &["log", "GRAPH", "--branch", POSITIONS[0]],
    &["show", "GRAPH", POSITIONS[1]],
    &["branches", "GRAPH"],
    &["tables", "GRAPH", "--at", POSITIONS[0]],
    &["read", "GRAPH", TABLES[0], "--limit", "5"],
    &["read", "GRAPH", TABLES[1], "--at", POSITIONS[2]],
    &["diff", "GRAPH", POSITIONS[0], POSITIONS[1]],
    &["history", "GRAPH", TABLES[0], ROW],
    &["sql", "GRAPH", "select count(*) from Person"],
    &["schema", "GRAPH"],
    &["export", "GRAPH"],
    &["recovery", "list", "GRAPH"],
    &["recovery", "plan", "GRAPH"],
    &["merge", "GRAPH", POSITIONS[0], "--into", POSITIONS[1], "--preview"],
];

/// How a command ended.
pub(super) struct Ended {
    pub(super) command: String,
    /// None if a signal ended it.
    pub(super) code: Option<i32>,
    pub(super) said: String,
    pub(super) errors: String,
}

/// Runs all of them.
pub(super) fn run_all(root: &Path) -> Result<Vec<Ended>> {
    let root = root.to_string_lossy();
    let ended = |command: &&[&str]| -> Result<Ended> {
        let arguments: Vec<&str> = command.iter().map(|part| if *part == "GRAPH" { &root } else { *part }).collect();
        let output = run(&arguments)?;
        let [said, errors] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        Ok(Ended { command: command.join(" "), code: output.status.code(), said, errors })
    };
    COMMANDS.iter().map(ended).collect()
}
