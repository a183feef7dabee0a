//! The real program in a real pseudo-terminal: it starts, answers, quits and gives the terminal back.
//!
//! The modules below it are whole pieces of work, each on a copy of the sample graph, which is looked at afterwards.

mod finding;
mod merging;
mod recordings;
mod recovering;
mod sample;
mod session;
mod stopping;
mod together;

use anyhow::Result;
use stratigraph_tests::fixtures::Fixture;
use stratigraph_tests::folder;

use session::{PROGRAM, Session, shared_home};

/// Starts the program on the graph that a reference wrote.
fn start(cols: u16, rows: u16) -> Result<Session> {
    let graph = Fixture::Team.path()?;
    Session::spawn((cols, rows), &[PROGRAM, "open", &graph.to_string_lossy()], &[], &shared_home())
}

/// Waits until the history is read and the title counts no job. What it does not count is small reads that began a
/// moment ago; they belong to a screen, so `q` asks nothing about them.
fn wait_until_idle(session: &mut Session) -> Result<()> {
    session.wait("history and no job", |screen| {
        let contents = screen.contents();
        contents.contains("FP1ZND") && !contents.contains("Jobs:")
    })
}

#[test]
fn it_shows_the_history_quits_with_q_and_leaves_the_graph_as_it_was() -> Result<()> {
    let graph = tempfile::tempdir()?;
    folder::copy(&Fixture::Team.path()?, graph.path())?;
    let before = folder::digest(graph.path())?;
    let mut session =
        Session::spawn((120, 30), &[PROGRAM, "open", &graph.path().to_string_lossy()], &[], &shared_home())?;
    wait_until_idle(&mut session)?;
    session.wait_for("READ-ONLY")?;
    assert!(session.screen.screen().alternate_screen());
    session.press("d")?;
    session.wait_for("Changed tables")?;
    session.wait_for("Linus")?;
    session.press("3")?;
    session.wait_for("embedding")?;
    session.wait("no job", |screen| !screen.contents().contains("Jobs:"))?;
    // Each leaves one view: the tables, the difference, the history.
    session.press("qqq")?;
    assert_eq!(session.end()?, 0);
    session.assert_given_back();
    assert_eq!(folder::digest(graph.path())?, before);
    Ok(())
}

#[test]
fn being_killed_gives_the_terminal_back() -> Result<()> {
    for signal in ["TERM", "HUP"] {
        let mut session = start(80, 24)?;
        session.wait_for("READ-ONLY")?;
        session.signal(signal)?;
        session.end()?;
        session.assert_given_back();
    }
    Ok(())
}

#[test]
fn a_panic_gives_the_terminal_back_and_says_where_the_log_is() -> Result<()> {
    let graph = Fixture::Team.path()?;
    let line = [PROGRAM, "open", &graph.to_string_lossy()];
    let points = format!("{}=2*off->panic(no way to draw)", stratigraph::run::DRAW_POINT);
    let mut session = Session::spawn((80, 24), &line, &[("FAILPOINTS", &points)], &shared_home())?;
    assert_ne!(session.end()?, 0);
    session.assert_given_back();
    let contents = session.contents();
    assert!(contents.contains("stopped because of a defect"), "{contents}");
    assert!(contents.contains("no way to draw") && contents.contains("stratigraph.log"), "{contents}");
    Ok(())
}

/// A shell with job control: it sees its job stopped, waits for a key, and continues it.
const JOB_CONTROL: &str = r#"set -m; "$0" open "$1"; echo "stopped with $?"; read key; fg; echo "ended with $?""#;

#[test]
fn suspending_gives_the_terminal_back_and_continuing_takes_it_again() -> Result<()> {
    let graph = Fixture::Team.path()?;
    let line = ["sh", "-c", JOB_CONTROL, PROGRAM, &graph.to_string_lossy()];
    let mut session = Session::spawn((80, 24), &line, &[], &shared_home())?;
    wait_until_idle(&mut session)?;
    session.press("\u{1a}")?;
    session.wait_for("stopped with 148")?;
    session.assert_given_back();
    session.press("\n")?;
    session.wait("alternate screen", vt100::Screen::alternate_screen)?;
    session.wait_for("READ-ONLY")?;
    session.press("q")?;
    assert_eq!(session.end()?, 0);
    session.assert_given_back();
    assert!(session.contents().contains("ended with 0"), "{}", session.contents());
    Ok(())
}

#[test]
fn a_storm_of_sizes_down_to_one_cell_does_not_end_it() -> Result<()> {
    let mut session = start(120, 30)?;
    session.wait_for("READ-ONLY")?;
    for (rows, cols) in [(1, 1), (24, 80), (5, 20), (2, 200), (60, 10), (12, 40), (30, 120)] {
        session.resize(cols, rows)?;
        session.press("j")?;
    }
    session.press("\u{c}")?;
    wait_until_idle(&mut session)?;
    session.press("q")?;
    assert_eq!(session.end()?, 0);
    session.assert_given_back();
    Ok(())
}
