//! What a panic of a command says, kept until it is known whether it ends the command.
//!
//! Libraries that read stored bytes panic on some that are damaged. Those panics end at the engine's fence, also those of threads
//! of the libraries, and are told as what they are. So nothing is printed when a panic begins: the one that reaches the end of the
//! command is told there, with the place it began at.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;
use std::sync::{Mutex, PoisonError};

use stratigraph_engine::storage::is_fenced;

static LAST: Mutex<Option<String>> = Mutex::new(None);

/// Keeps what panics say from being printed at once.
pub(super) fn keep() {
    std::panic::set_hook(Box::new(|panic| {
        if !is_fenced() {
            *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(told(panic));
        }
    }));
}

/// Returns the message of the last panic outside the fence; none if another hook took it.
pub(super) fn last() -> Option<String> {
    LAST.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn told(panic: &PanicHookInfo<'_>) -> String {
    let trace = Backtrace::capture();
    match trace.status() {
        BacktraceStatus::Captured => format!("{panic}\n{trace}"),
        _ => panic.to_string(),
    }
}
