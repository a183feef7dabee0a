//! The three interrupted writes of the sample: what is predicted, what is done, and what the audit says.

use anyhow::{Result, ensure};

use super::sample::{NAME, Sample};

#[test]
fn three_interrupted_writes_are_settled_as_predicted_and_audited() -> Result<()> {
    let sample = Sample::new()?;
    let (documents, people) = (sample.rows("main", "Document")?, sample.rows("hiring/q4", "Person")?);
    let mut session = sample.session("recovering", (80, 24), &[], &[])?;
    session.wait_for("5 Recovery!3")?;
    session.see("5", "roll back · 4 tables")?;
    let list = session.contents();
    for line in ["Load on project/tidewater by tomas", "discard · 2 tables", "roll forward · 3 tables"] {
        ensure!(list.contains(line), "{line}:\n{list}");
    }
    session.wait_without("Jobs:")?;
    session.see("S", &format!("type {NAME} to agree"))?;
    let question = session.contents();
    ensure!(question.contains("- discarded: edge:BasedIn version 21"), "{question}");
    ensure!(question.contains("- becomes visible on main: edge:About 15 to 16"), "{question}");
    // A word that is not the whole name agrees to nothing.
    let (begun, rest) = NAME.split_at(NAME.len() - 1);
    session.see(&format!("{begun}\r"), &format!("to agree: {begun}"))?;
    assert_eq!(sample.recoveries()?.0, 3);
    session.see(&format!("{rest}\r"), "3 of 3 settled, as predicted")?;
    for line in ["actual    discarded", "actual    rolled forward", "actual    rolled back"] {
        session.wait_for(line)?;
    }
    session.see("a", "Audit 1/6")?;
    session.wait_for("rolled back     Load by hr-sync")?;
    session.wait("title without a count", |screen| !screen.contents().contains("Recovery!"))?;
    session.quit()?;

    let (pending, audit) = sample.recoveries()?;
    let newest: Vec<&str> = audit.iter().take(3).map(String::as_str).collect();
    // The format has no word of its own for a write of which nothing moved.
    assert_eq!((pending, newest), (0, vec!["RolledBack", "RolledForward", "RolledBack"]));
    assert_eq!(audit.len(), 6);
    // The write to main is visible, that of the branch is not, and no head of a table is past its pin.
    assert_eq!((sample.rows("main", "Document")?, sample.rows("hiring/q4", "Person")?), (documents + 1, people));
    assert_eq!(sample.drift("hiring/q4")?, 0);
    assert_eq!(sample.drift("main")?, 0);
    Ok(())
}
