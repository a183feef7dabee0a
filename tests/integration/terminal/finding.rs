//! Who deleted a row, and what it held before.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use stratigraph_tests::folder;

use super::sample::Sample;
use super::session::CLEAR;

fn word_before(contents: &str, text: &str) -> Result<String> {
    let (before, _) = contents.split_once(text).with_context(|| format!("{text} is on the screen"))?;
    let word = before.rsplit(|sign: char| !sign.is_ascii_alphanumeric()).next();
    Ok(word.context("a word before it")?.to_owned())
}

fn word_after(contents: &str, text: &str) -> Result<String> {
    let (_, after) = contents.split_once(text).with_context(|| format!("{text} is on the screen"))?;
    let word = after.split(|sign: char| !sign.is_ascii_alphanumeric()).next();
    Ok(word.context("a word after it")?.to_owned())
}

#[test]
fn who_deleted_a_row_and_what_it_held_is_found() -> Result<()> {
    let sample = Sample::new()?;
    let digest = folder::digest(&sample.path())?;
    let mut session = sample.session("finding", (120, 30), &[], &[])?;
    session.wait_for("5 Recovery!3")?;
    // The branch on which the guide is missing, against main, which has it.
    session.see("2", "docs/style-guide")?;
    session.see("/docs/s\r", "docs/style-guide ")?;
    session.see("c", "Document +")?;
    session.wait_without("Jobs:")?;
    session.see("\tftravel\r", "-travel-guide")?;
    // Its history there: the deletion first.
    session.see("L", "- deleted")?;
    session.wait_for("by felix")?;
    session.wait_without("Jobs:")?;
    let commit = word_before(&session.contents(), " - deleted")?;
    // To that commit, and to the version before it.
    session.see("\r", "(not the head)")?;
    session.wait_for(&format!("docs/style-guide @ {commit}"))?;
    let version: u64 = word_after(&session.contents(), "manifest ")?.parse()?;
    session.see("@", "Read at")?;
    let before = version - 1;
    session.see(&format!("{CLEAR}docs/style-guide@v{before}\r"), &format!("manifest {before}"))?;
    session.see("fslug = 'travel-guide'\r", "row 1 of 1")?;
    session.see("\r", "9 columns")?;
    let record = session.contents();
    ensure!(record.contains("Travel guide") && record.contains("2400"), "{record}");
    session.quit()?;
    assert_eq!(folder::digest(&sample.path())?, digest, "looking wrote something");
    // And the graph says the same.
    ensure!(sample.row("docs/style-guide", "Document", "travel-guide")?.is_none());
    let gone = sample.actor_of(&commit)?;
    assert_eq!(gone.as_deref(), Some("felix"));
    let parent = sample.parent_of(&commit)?;
    assert_eq!(sample.cell(&parent, "Document", "travel-guide", "words")?, json!(2400));
    Ok(())
}
