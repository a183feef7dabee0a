//! Tests in processes of their own. Fail points belong to a whole process, so that inside one only one test could run at a time.

use std::env;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, ensure};
use fail::FailScenario;
use tokio::runtime::Runtime;

/// Set in a process that was started for one test.
const ALONE: &str = "STRATIGRAPH_TEST_ALONE";

/// Runs a test that sets fail points, alone with them.
pub(crate) fn run(test: impl AsyncFnOnce() -> Result<()>) -> Result<()> {
    alone(|| {
        let scenario = FailScenario::setup();
        let result = Runtime::new()?.block_on(test());
        scenario.teardown();
        result
    })
}

/// Runs a whole test in a process of its own; what it prints is printed here. To be called around everything that the test does;
/// calls inside run in that process.
pub(crate) fn alone(test: impl FnOnce() -> Result<()>) -> Result<()> {
    let thread = thread::current();
    match thread.name() {
        // With one test at a time there is nobody else, and the thread has no test's name.
        Some(name) if name != "main" && env::var_os(ALONE).is_none() => start(name),
        Some(_) | None => test(),
    }
}

#[expect(clippy::print_stdout, reason = "what the test prints")]
fn start(test: &str) -> Result<()> {
    let mut child = Command::new(env::current_exe()?)
        .args(["--exact", test, "--include-ignored", "--nocapture"])
        .env(ALONE, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (stdout, stderr) = (child.stdout.take().context("a pipe")?, child.stderr.take().context("a pipe")?);
    let errors = thread::spawn(move || pass_on(stderr, |line| println!("{line}")));
    let mut has_run = false;
    let printed = pass_on(stdout, |line| {
        has_run |= line.starts_with("test result: ") && line.contains(" 1 passed");
        println!("{line}");
    });
    let ended = child.wait()?;
    printed.and(errors.join().expect("it only prints"))?;
    ensure!(ended.success() && has_run, "it failed in its process ({ended}); see above");
    Ok(())
}

fn pass_on(from: impl Read, mut print: impl FnMut(&str)) -> Result<()> {
    for line in BufReader::new(from).split(b'\n') {
        print(&String::from_utf8_lossy(&line?));
    }
    Ok(())
}
