//! The program, built where the tests can find it: the same entry point as the real binary's, with the fail points that the
//! environment variable `FAILPOINTS` sets, and those that `STRATIGRAPH_HOLD` holds. With `STRATIGRAPH_REPLAY` it does recordings
//! again instead and prints their last screens.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use stratigraph::recording::{Recording, Replay};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let _scenario = fail::FailScenario::setup();
    for hold in std::env::var("STRATIGRAPH_HOLD").unwrap_or_default().split(';').filter(|hold| !hold.is_empty()) {
        set(hold);
    }
    match std::env::var("STRATIGRAPH_REPLAY") {
        Ok(files) => replay(&files),
        Err(_) => stratigraph::cli::main(),
    }
}

/// Does recordings again that were made at the same time, `FILE;FILE`, on the graph that the first argument names.
fn replay(files: &str) -> ExitCode {
    let graph = std::env::args().nth(1).expect("the graph is the first argument");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads can be started");
    let done = runtime.block_on(async {
        let mut replays = Vec::new();
        for file in files.split(';') {
            let recording = Recording::parse(&std::fs::read_to_string(file)?)?;
            replays.push(Replay::new(recording, graph.clone(), runtime.handle().clone()));
        }
        let next = |replays: &[Replay]| {
            let due = replays.iter().enumerate().filter_map(|(at, replay)| Some((replay.next_micros()?, at)));
            due.min().map(|(_, at)| at)
        };
        while let Some(at) = next(&replays) {
            replays[at].step().await?;
        }
        Ok::<_, Box<dyn std::error::Error>>(replays.iter_mut().map(Replay::screen).collect::<String>())
    });
    let code = match &done {
        Ok(screens) => {
            std::io::stdout().write_all(screens.as_bytes()).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
        }
        Err(error) => {
            drop(writeln!(std::io::stderr(), "{error}"));
            ExitCode::FAILURE
        }
    };
    // What stands still must not be waited for.
    runtime.shutdown_background();
    code
}

/// `POINT*N=FILE`: where POINT is passed for the N-th time since FILE exists, the program waits there until FILE is gone, and says
/// that it is there by a file `FILE.reached`.
fn set(hold: &str) {
    let parsed = hold.split_once('=').and_then(|(what, file)| {
        let (point, passes) = what.split_once('*')?;
        Some((point, passes.parse::<usize>().ok()?, PathBuf::from(file)))
    });
    let (point, passes, file) = parsed.expect("STRATIGRAPH_HOLD has points as POINT*N=FILE");
    let count = AtomicUsize::new(0);
    let wait = move || {
        if file.exists() && count.fetch_add(1, Ordering::Relaxed) + 1 == passes {
            std::fs::write(file.with_extension("reached"), "").expect("the test's folder can be written");
            while file.exists() {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    };
    // The worker hands its other tasks over meanwhile: nothing but the write stands still.
    fail::cfg_callback(point, move || tokio::task::block_in_place(&wait))
        .expect("the program is built with fail points");
}
