//! Recordings of the runs, done again: the same keys lead to the same screens.
//!
//! The recordings are kept in `fixtures/recordings`, which says how they are made anew.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::sample::Sample;

fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/recordings/{name}.jsonl"))
}

/// The last screens of recordings that were made at the same time. The temporary place of the graph, which the title shows, is
/// another one each time.
fn screens(sample: &Sample, names: &[&str]) -> Result<String> {
    let recordings: Vec<PathBuf> = names.iter().map(|name| kept(name)).collect();
    let screens = sample.replay(&recordings)?;
    Ok(screens.replace(&*sample.beside("").to_string_lossy(), "/tmp/.tmp000000/"))
}

#[test]
fn finding_who_deleted_a_row_again() -> Result<()> {
    insta::assert_snapshot!(screens(&Sample::new()?, &["finding"])?);
    Ok(())
}

#[test]
fn recovering_again() -> Result<()> {
    insta::assert_snapshot!(screens(&Sample::new()?, &["recovering"])?);
    Ok(())
}

#[test]
fn merging_again() -> Result<()> {
    insta::assert_snapshot!(screens(&Sample::disputed()?, &["merging"])?);
    Ok(())
}

#[test]
fn stopping_a_merge_again() -> Result<()> {
    insta::assert_snapshot!(screens(&Sample::disputed()?, &["stopping"])?);
    Ok(())
}

#[test]
fn killing_a_merge_again_and_recovering_it() -> Result<()> {
    let sample = Sample::disputed()?;
    insta::assert_snapshot!(screens(&sample, &["killed"])?);
    insta::assert_snapshot!(screens(&sample, &["after-killed"])?);
    Ok(())
}

/// Two workbenches at once: what each of them did, in the order of time.
#[test]
fn two_workbenches_again() -> Result<()> {
    insta::assert_snapshot!(screens(&Sample::disputed()?, &["together-dana", "together-eli"])?);
    Ok(())
}
