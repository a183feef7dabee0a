//! Two workbenches on one graph: what one commits the other shows by itself, and what one outdates the other does not do.

use anyhow::{Result, ensure};

use super::sample::Sample;
use super::session::Session;

/// Previews the merge of a branch into main, up to the question.
fn preview(session: &mut Session, branch: &str) -> Result<()> {
    session.wait_for("folded")?;
    session.see("2", branch)?;
    session.see(&format!("/{branch}\r"), &format!("{branch} @"))?;
    session.see("m", &format!("Merge {branch} into"))?;
    session.see("\r", "last common commit")?;
    session.press("\r")?;
    session.see("\r", "What it comes to")?;
    session.wait_for("no conflict: C merges")?;
    session.see("C", &format!("Merge {branch} into main?"))
}

#[test]
fn what_one_workbench_commits_the_other_shows_and_does_not_merge_past() -> Result<()> {
    let sample = Sample::disputed()?;
    let settings = sample.beside("settings.toml");
    std::fs::write(&settings, "[history]\nrefresh_seconds = 1\n")?;
    let config = settings.to_string_lossy().into_owned();
    let options = |actor| ["--actor", actor, "--config", &config].map(str::to_owned);
    let start = |actor: &'static str, size| {
        let options = options(actor);
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        sample.session(&format!("together-{actor}"), size, &options, &[])
    };
    let mut dana = start("dana", (120, 30))?;
    let mut eli = start("eli", (80, 24))?;
    preview(&mut dana, "experiment/embeddings")?;
    preview(&mut eli, "reorg/platform")?;
    let before = sample.head("main")?;

    dana.see("y", "Open the graph for writing?")?;
    dana.see("y", "✓ merge: experiment/embeddings → main")?;
    let (first, actor, _) = sample.head("main")?;
    ensure!(first != before.0 && actor.as_deref() == Some("dana"));

    // What was asked is no longer what would be done.
    eli.press("y")?;
    eli.wait_for("Open the graph for writing?")?;
    // It is said at once if eli's workbench saw the new head already, else by the merge itself.
    eli.press("y")?;
    eli.wait("refusal", |screen| {
        ["a branch moved", "refused: nothing was written"].iter().any(|said| screen.contents().contains(said))
    })?;
    assert_eq!(sample.head("main")?.0, first, "nothing was merged");
    // Without a key that reads again, the new commit is on top.
    eli.see("1", "[1 History]")?;
    eli.wait_for("by dana")?;
    ensure!(eli.contents().contains(&first[first.len() - 6..]), "{}", eli.contents());

    // Previewed again it is merged, and the other one shows that.
    eli.see("4", "[4 Merge]")?;
    eli.see("r", &format!("main at {}", &first[first.len() - 6..]))?;
    eli.wait_for("no conflict: C merges")?;
    eli.see("C", "Merge reorg/platform into main?")?;
    eli.see("y", "✓ merge: reorg/platform → main")?;
    let (second, actor, parents) = sample.head("main")?;
    ensure!(second != first && parents == 2 && actor.as_deref() == Some("eli"));
    dana.see("1", &second[second.len() - 6..])?;
    for mut session in [dana, eli] {
        session.quit()?;
    }
    Ok(())
}
