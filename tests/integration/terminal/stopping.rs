//! Merges that are stopped: by hand before and after the point of no return, and by `kill -9`.

use anyhow::{Result, ensure};
use serde_json::json;
use stratigraph_engine::fail as points;

use super::merging::{take_the_source, to_the_conflicts};
use super::sample::{Hold, NAME, Sample};

#[test]
fn a_merge_is_stopped_before_the_point_of_no_return_and_not_after_it() -> Result<()> {
    let sample = Sample::disputed()?;
    let early = Hold::at(&sample, points::RECOVERY_SIDECAR_WRITE, 1);
    let late = Hold::at(&sample, points::BRANCH_MERGE_POST_PHASE_B_PRE_MANIFEST_COMMIT, 1);
    let holds = format!("{};{}", early.setting, late.setting);
    let mut session = sample.session("stopping", (80, 24), &["--actor", "dana"], &[("STRATIGRAPH_HOLD", &holds)])?;
    to_the_conflicts(&mut session)?;
    take_the_source(&mut session)?;
    let (before, files) = (sample.head("main")?, sample.heads_of_tables("main")?);

    early.begin()?;
    session.see("C", "Merge budget/2027 into main?")?;
    session.see("y", "Open the graph for writing?")?;
    session.press("y")?;
    early.reached()?;
    session.wait_for("x stops it")?;
    session.see("x", "cancelling")?;
    early.end()?;
    session.wait_for("stopped: nothing was written")?;
    session.wait_for("WRITE")?;
    assert_eq!(sample.head("main")?, before);
    assert_eq!(sample.heads_of_tables("main")?, files, "a table moved");
    assert_eq!(sample.recoveries()?.0, 0, "a sidecar is left");

    // Again, from the same choices.
    session.see("r", "all conflicts are decided")?;
    session.wait_for(" C merge  ")?;
    late.begin()?;
    session.see("C", "Merge budget/2027 into main?")?;
    session.press("y")?;
    late.reached()?;
    session.wait_for("past the point of no return")?;
    session.see("x", "it goes on to its end")?;
    assert_eq!(sample.head("main")?, before, "it is not visible yet");
    late.end()?;
    session.wait_for("✓ merge: budget/2027 → main")?;
    session.quit()?;

    let (head, actor, parents) = sample.head("main")?;
    ensure!(head != before.0);
    assert_eq!((actor.as_deref(), parents), (Some("dana"), 2));
    assert_eq!(sample.cell("main", "Project", "blade-7", "budget")?, json!(50_000.0));
    assert_eq!((sample.recoveries()?.0, sample.drift("main")?), (0, 0));
    Ok(())
}

#[test]
fn a_killed_merge_is_rolled_back_and_done_again_with_the_same_choices() -> Result<()> {
    let sample = Sample::disputed()?;
    // The first table gets new rows and loses some, in two commits; the next one is the second table's.
    let hold = Hold::at(&sample, points::WRITE_BEFORE_TABLE_COMMIT, 3);
    let mut session =
        sample.session("killed", (80, 24), &["--actor", "dana"], &[("STRATIGRAPH_HOLD", &hold.setting)])?;
    to_the_conflicts(&mut session)?;
    take_the_source(&mut session)?;
    let before = sample.head("main")?;
    session.see("C", "Merge budget/2027 into main?")?;
    session.see("y", "Open the graph for writing?")?;
    hold.begin()?;
    session.press("y")?;
    hold.reached()?;
    session.signal("KILL")?;
    session.end()?;
    hold.end()?;
    assert_eq!(sample.head("main")?, before, "nothing of it is visible");
    assert_eq!((sample.recoveries()?.0, sample.drift("main")?), (1, 1), "one table moved");

    let mut session = sample.session("after-killed", (120, 30), &["--actor", "dana"], &[])?;
    session.wait_for("5 Recovery!1")?;
    session.see("5", "BranchMerge on main by dana")?;
    session.wait_for("predicted: ROLL BACK")?;
    session.wait_without("Jobs:")?;
    session.see("S", &format!("type {NAME} to agree"))?;
    session.see(&format!("{NAME}\r"), "1 of 1 settled, as predicted")?;
    session.wait("title without a count", |screen| !screen.contents().contains("Recovery!"))?;
    assert_eq!((sample.recoveries()?.0, sample.drift("main")?), (0, 0));
    assert_eq!(sample.recoveries()?.1.first().map(String::as_str), Some("RolledBack"));
    assert_eq!(sample.cell("main", "Project", "blade-7", "budget")?, json!(61_000.0), "as it was");

    // What was decided before the kill is there, and fits although the recovery made a commit.
    session.see("4", "last common commit")?;
    session.press("\r")?;
    session.see("\r", "all conflicts are decided")?;
    session.see("C", "Merge budget/2027 into main?")?;
    session.see("y", "Open the graph for writing?")?;
    session.see("y", "✓ merge: budget/2027 → main")?;
    session.quit()?;
    assert_eq!(sample.cell("main", "Project", "blade-7", "budget")?, json!(50_000.0));
    assert_eq!((sample.recoveries()?.0, sample.drift("main")?), (0, 0));
    Ok(())
}
