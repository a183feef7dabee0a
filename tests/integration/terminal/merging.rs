//! Merging a branch that disagrees with its target in five rows, each decided in another way.

use anyhow::{Result, ensure};
use serde_json::json;

use super::sample::Sample;
use super::session::{CLEAR, Session};

/// To the conflicts of `budget/2027` and main.
pub(super) fn to_the_conflicts(session: &mut Session) -> Result<()> {
    session.wait_for("folded")?;
    session.see("4", "budget/2027 → main")?;
    session.wait_for("last common commit")?;
    // Into the list of targets, and from it on.
    session.press("\r")?;
    session.see("\r", "What it comes to")?;
    session.wait_for("enter goes to the conflicts")?;
    session.see("\r", "? blade-7  budget")?;
    session.wait_for("node:Project blade-7 · divergent update")
}

/// Decides all of them for the source.
pub(super) fn take_the_source(session: &mut Session) -> Result<()> {
    session.see("s", "✓ blade-7  source")?;
    session.see("Ra", "4 conflicts not decided by hand")?;
    session.see("\r", "0 of 5 open")?;
    session.wait_for(" C merge  ")
}

#[test]
fn five_conflicts_are_decided_in_five_ways_and_merged() -> Result<()> {
    let sample = Sample::disputed()?;
    let mut session = sample.session("merging", (120, 30), &[], &[])?;
    to_the_conflicts(&mut session)?;
    session.see("s", "✓ blade-7  source")?;
    session.see("]", "node:Project diver-training")?;
    session.wait_for("291000")?;
    session.see("\t", "i edit")?;
    session.see("i", "F64?")?;
    session.see(&format!("{CLEAR}270000\r"), "✓ diver-training  budget ← 270000")?;
    session.see("\t", "space mark")?;
    session.see("]", "node:Project dock-crane")?;
    session.see("m", "✓ dock-crane  each cell")?;
    session.see("]", "node:Project tidewater")?;
    session.see("t", "✓ tidewater  target")?;
    session.see("]", "node:Project eel-passage")?;
    session.see("\r", "keep the changed row")?;
    session.see("\r", "✓ eel-passage  keep the changed row")?;
    session.wait_for("0 of 5 open")?;
    session.wait_for(" C merge  ")?;

    let before = sample.head("main")?;
    session.see("C", "Merge budget/2027 into main?")?;
    session.wait_for("5 conflicts decided, 5 by hand: target 1, source 1, cells 1, edited 1,")?;
    session.see("y", "Who writes?")?;
    session.see("dana\r", "Open the graph for writing?")?;
    session.wait_for("No interrupted write is pending.")?;
    ensure!(sample.head("main")? == before, "nothing is written before the last question");
    session.see("y", "✓ merge: budget/2027 → main")?;
    session.wait_for("49 → 50")?;
    session.see("gc", "[1 History]")?;
    session.wait_for("merge budget/2027 → main")?;
    session.wait_for("by dana")?;
    session.quit()?;

    let (head, actor, parents) = sample.head("main")?;
    assert_eq!((actor.as_deref(), parents), (Some("dana"), 2));
    assert_ne!(head, before.0);
    let project = |id: &str, column: &str| sample.cell("main", "Project", id, column);
    assert_eq!(project("blade-7", "budget")?, json!(50_000.0), "taken from the source");
    assert_eq!(project("diver-training", "budget")?, json!(270_000.0), "written by hand");
    let crane = [project("dock-crane", "status")?, project("dock-crane", "title")?];
    assert_eq!(crane, [json!("paused"), json!("Crane for both docks")], "cells of both");
    assert_eq!(project("tidewater", "budget")?, json!(480_000.0), "taken from the target");
    assert_eq!(project("eel-passage", "title")?, json!("Passage for eels and lampreys"), "kept");
    assert_eq!(sample.recoveries()?.0, 0);
    Ok(())
}
