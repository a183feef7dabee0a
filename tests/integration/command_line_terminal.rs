//! The commands that write, on a terminal: they ask, and they show how far they are.

use std::fs;
use std::io::{Read, Write};

use anyhow::{Context, Result, ensure};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use crate::command_line::{lines, text};

/// Runs a command in a pseudo-terminal and gives `answer` to its question, if it asks one; its exit code and what it drew.
pub(crate) fn on_a_terminal(arguments: &[&str], answer: &str) -> Result<(u32, String)> {
    let pair = native_pty_system().openpty(PtySize { rows: 24, cols: 100, pixel_width: 0, pixel_height: 0 })?;
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_stratigraph-under-test"));
    command.args(arguments);
    command.env("TERM", "xterm-256color");
    let mut child = pair.slave.spawn_command(command)?;
    drop(pair.slave);
    let (mut reader, mut writer) = (pair.master.try_clone_reader()?, pair.master.take_writer()?);
    let (mut drawn, mut buffer) = (Vec::new(), [0; 4096]);
    let mut answered = false;
    // Reading fails, and does not end, when the program is gone.
    while let Ok(size @ 1..) = reader.read(&mut buffer) {
        drawn.extend_from_slice(&buffer[..size]);
        if !answered && String::from_utf8_lossy(&drawn).contains("[y/N]") {
            answered = true;
            writeln!(writer, "{answer}")?;
        }
    }
    let code = child.wait()?.exit_code();
    Ok((code, String::from_utf8(drawn)?))
}

/// A graph with two branches, and a file to load.
fn stage() -> Result<(tempfile::TempDir, String, String)> {
    let root = tempfile::tempdir()?;
    let path = |name: &str| root.path().join(name).to_string_lossy().into_owned();
    let (graph, schema, data) = (path("g"), path("s.pg"), path("d.jsonl"));
    fs::write(&schema, "node Person { name: String @key }")?;
    fs::write(&data, r#"{"type":"Person","data":{"name":"Ada"}}"#)?;
    text(&["init", &graph, "--schema", &schema])?;
    text(&["branch", "create", &graph, "work"])?;
    Ok((root, graph, data))
}

#[test]
fn a_branch_is_deleted_after_a_yes_only() -> Result<()> {
    let (_root, graph, _) = stage()?;
    let count = || Ok::<_, anyhow::Error>(lines(&["branches", &graph, "--json"])?.len());
    for answer in ["", "n", "perhaps"] {
        let (code, drawn) = on_a_terminal(&["branch", "delete", &graph, "work"], answer)?;
        assert_eq!((code, count()?), (130, 2), "{answer}: {drawn}");
        assert!(drawn.contains("nothing was changed"), "{drawn}");
    }
    let (code, drawn) = on_a_terminal(&["branch", "delete", &graph, "work"], "y")?;
    assert_eq!((code, count()?), (0, 1), "{drawn}");
    Ok(())
}

#[test]
fn a_load_shows_how_far_it_is_and_takes_that_away_again() -> Result<()> {
    let (_root, graph, data) = stage()?;
    let (code, drawn) = on_a_terminal(&["load", &graph, "--data", &data, "--mode", "append"], "")?;
    ensure!(code == 0, "{drawn}");
    for part in ["read [####################] 100%", "1/4 stage", "4/4 publish"] {
        assert!(drawn.contains(part), "{part}: {drawn:?}");
    }
    let mut screen = vt100::Parser::new(24.try_into()?, 100.try_into()?, 0);
    screen.process(drawn.as_bytes());
    let shown = screen.screen().contents();
    let last = shown.lines().find(|line| line.starts_with("commit ")).context("the answer stands alone")?;
    assert!(last.ends_with("is main@v4") && !shown.contains("publish"), "{shown}");
    Ok(())
}
