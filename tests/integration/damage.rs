//! Damaged files: whatever is wrong with one stored file, looking at the graph ends in an answer or in an error of the right kind.
//! It never panics, hangs or writes, and outside the files that hold the rows it never gives another answer in silence.
//!
//! The cases are made from seeds and carried out by processes of their own, because a library that asks for too much memory ends the
//! process. A case that fails is printed with its number: `STRATIGRAPH_DAMAGE_CASES=17..18` repeats it, `0..5000` tries more.

mod commands;
mod harm;
mod look;
mod scene;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::FutureExt;
use stratigraph_engine::ErrorKind;
use stratigraph_tests::folder::digest;

use commands::{Ended, run_all};
use harm::{Files, Harm, Kind, files};
use look::{Answers, Failure, look_at_everything};

/// Cases of a usual run, half of them on each graph.
const CASES: u64 = 160;
/// What one case may take on a busy machine.
const CASE_TIME: Duration = Duration::from_mins(1);
/// Of so many cases two, one on each graph, are looked at by the commands, too.
const WITH_COMMANDS: u64 = 16;
/// Processes at the same time.
const PROCESSES: u64 = 2;
/// The range of cases to carry out: `17..18`.
const RANGE: &str = "STRATIGRAPH_DAMAGE_CASES";
/// What a process is asked to do: `from..to` of the cases.
const SHARE: &str = "STRATIGRAPH_DAMAGE_SHARE";

fn range(text: &str) -> Option<(u64, u64)> {
    let (from, to) = text.split_once("..")?;
    Some((from.parse().ok()?, to.parse().ok()?))
}

#[test]
fn a_damaged_file_gives_no_panic_no_hang_no_write_and_no_other_rows() -> Result<()> {
    let (from, to) = match std::env::var(RANGE) {
        Ok(text) => range(&text).context("the cases are a range like 17..18")?,
        Err(_) => (0, CASES),
    };
    let share = (to - from).div_ceil(PROCESSES).max(1);
    let parts = (from..to).step_by(usize::try_from(share)?).map(|start| (start, to.min(start + share)));
    let workers: Vec<_> = parts.map(|part| std::thread::spawn(move || run(part))).collect();
    let mut failures = Vec::new();
    for worker in workers {
        failures.extend(worker.join().expect("no panic")?);
    }
    ensure!(failures.is_empty(), "{} cases failed\n{}", failures.len(), failures.join("\n"));
    Ok(())
}

/// Carries cases out in processes, a new one after each that ended too early; what failed.
fn run((from, to): (u64, u64)) -> Result<Vec<String>> {
    let (mut failures, mut next) = (Vec::new(), from);
    while next < to {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["damage::some_cases", "--exact", "--nocapture", "--test-threads=1"])
            .env(SHARE, format!("{next}..{to}"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = process.stdout.take().context("it is piped")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            BufReader::new(output).lines().map_while(Result::ok).try_for_each(|it| sender.send(it))
        });
        let mut current = format!("case {next}: the graph");
        let ended = loop {
            match lines.recv_timeout(CASE_TIME) {
                Ok(line) if line.contains("FAILED") => failures.push(line),
                Ok(line) if line.starts_with("case ") => current = line,
                Ok(line) if line.starts_with("done") => break None,
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => break Some("hangs"),
                Err(RecvTimeoutError::Disconnected) => break Some("ends the process"),
            }
        };
        process.kill().ok();
        process.wait()?;
        let Some(ended) = ended else { break };
        failures.push(format!("FAILED {current}: {ended}"));
        let number = current.trim_start_matches("case ").split(':').next().and_then(|it| it.parse::<u64>().ok());
        next = number.context("a case has a number")? + 1;
    }
    Ok(failures)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn some_cases() -> Result<()> {
    let Ok(share) = std::env::var(SHARE) else { return Ok(()) };
    let (from, to) = range(&share).context("a range")?;
    let home = tempfile::Builder::new().prefix("omnigraph-").rand_bytes(8).tempdir_in("/tmp")?;
    let mut scenes = Vec::new();
    for root in [scene::made(home.path()).await?, scene::of_the_reference(home.path())?] {
        let sound = look_at_everything(&root).await;
        for (what, answer) in &sound {
            ensure!(answer.is_ok(), "{what}: {answer:?}");
        }
        let ended = run_all(&root)?;
        for Ended { command, code, errors, .. } in &ended {
            ensure!(
                code.is_some_and(|code| code == 0 || code == 2 && command.starts_with("merge")),
                "{command}: {errors}"
            );
        }
        let files = files(&root)?;
        scenes.push(Scene { root, sound: Sound { answers: sound, ended }, files });
    }
    for number in from..to {
        let Scene { root, sound, files } = &scenes[usize::try_from(number % 2)?];
        let harm = Harm::new(number, files);
        say(&format!("case {number}: {harm}"))?;
        let start = Instant::now();
        for wrong in strike(root, sound, &harm, number % WITH_COMMANDS < 2).await? {
            say(&format!("FAILED case {number}: {harm}: {wrong}"))?;
        }
        say(&format!("took {} ms", start.elapsed().as_millis()))?;
    }
    say("done")
}

fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", line.replace('\n', " ⏎ "))?;
    Ok(out.flush()?)
}

/// A graph to be damaged.
struct Scene {
    root: PathBuf,
    sound: Sound,
    files: Files,
}

/// The answers when nothing is damaged.
struct Sound {
    answers: Answers,
    ended: Vec<Ended>,
}

/// Damages a graph, looks at everything, repairs it; what should not have been.
async fn strike(root: &Path, sound: &Sound, harm: &Harm, with_commands: bool) -> Result<Vec<String>> {
    let undo = harm.carry_out(root)?;
    let before = digest(root)?;
    let looked = AssertUnwindSafe(Box::pin(look_at_everything(root))).catch_unwind().await;
    let ended = if with_commands { run_all(root)? } else { Vec::new() };
    let written = digest(root)? != before;
    undo.carry_out()?;
    let mut wrong = Vec::new();
    if written {
        wrong.push("looking wrote".to_owned());
    }
    match looked {
        Ok(answers) => wrong.extend(differences(&sound.answers, &answers, harm)),
        Err(panic) => wrong.push(format!("panics: {:?}", panic.downcast_ref::<String>())),
    }
    for (sound, ended) in sound.ended.iter().zip(&ended).filter(|(sound, ended)| !harm.may_end(sound, ended)) {
        let Ended { command, code, said, errors } = ended;
        wrong.push(format!("{command} ends with {code:?}, not {:?}: {errors}{said}", sound.code));
    }
    Ok(wrong)
}

/// What was answered otherwise, without a word, and errors of the wrong kind.
fn differences(sound: &Answers, damaged: &Answers, harm: &Harm) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    for (what, expected) in sound {
        // A graph that does not open is asked nothing else.
        let Some(answer) = damaged.get(what) else { continue };
        match (expected, answer) {
            (Ok(expected), Ok(answer)) => {
                if answer.said != expected.said && !answer.has_problems && !harm.may_change(what) {
                    wrong.push(format!("another answer to {what}: {} and not {}", answer.said, expected.said));
                }
            }
            (_, Err(Failure { kind, text })) => {
                *refused.entry(format!("{kind:?}: {text}")).or_default() += 1;
                // What of the history cannot be read is told as a reason, without its kind.
                let by_history = text.contains("a part of the history cannot be read");
                if !(harm.may_be(*kind) || by_history) || text.contains("defect") || text.contains("panicked") {
                    wrong.push(format!("{what} is {kind:?}: {text}"));
                }
                if *kind == ErrorKind::Corrupt && !harm.is_named(text) {
                    wrong.push(format!("{what} does not name the file: {text}"));
                }
            }
            (Err(_), Ok(_)) => {}
        }
    }
    if std::env::var_os("STRATIGRAPH_DAMAGE_TELL").is_some() {
        for (said, times) in refused {
            say(&format!("  {times} × {said}")).ok();
        }
    }
    wrong
}

impl Harm {
    /// Whether an answer may be another one: the rows themselves, what a deleted file stood for, and records that are no rows.
    fn may_change(&self, what: &str) -> bool {
        match self.kind {
            Kind::Rows => true,
            Kind::Sidecar => what.starts_with("recovery"),
            // A branch is deleted by deleting its reference.
            Kind::Reference => self.deletes,
            // A version that is gone was cleaned up, and is not listed. A newest one that is gone is noticed when its branch is opened.
            Kind::Version => self.deletes && (what.contains("itself") || what == "heads"),
            Kind::Other => false,
        }
    }

    /// Whether a command may end in this way.
    fn may_end(&self, sound: &Ended, ended: &Ended) -> bool {
        let is_told = ended.errors != sound.errors || ended.said.contains("broken");
        let is_explained = ended.said == sound.said || is_told;
        let may_end = match ended.code {
            Some(0 | 2) => ended.code == sound.code && (is_explained || self.may_change(&ended.command)),
            Some(3) => self.may_be(ErrorKind::NotFound),
            Some(4) => self.may_be(ErrorKind::Conflict),
            Some(7) => self.may_be(ErrorKind::Corrupt),
            _ => false,
        };
        may_end && !["panicked", "defect"].iter().any(|word| ended.errors.contains(word))
    }

    fn may_be(&self, kind: ErrorKind) -> bool {
        match kind {
            ErrorKind::Corrupt => true,
            // What a deleted file stood for is not there.
            ErrorKind::NotFound => self.deletes,
            ErrorKind::Conflict => self.is_schema,
            _ => false,
        }
    }
}
