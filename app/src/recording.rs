//! Recordings: what a person did in the workbench and when, as lines of text, and doing the same again without a terminal.
//!
//! A recording has no rows and no answers. It says where in the sequence of keys each answer of a job arrived; a [`Replay`] asks the
//! same questions to a graph that is as the recorded one was, and lets each answer in where the recording has it. So the same state
//! goes through the same steps, whatever the machine is busy with.
//!
//! | file | answers |
//! |---|---|
//! | `recording/line.rs` | what a recording holds |
//! | `recording/recorder.rs` | how it is written while the workbench runs |
//! | `recording/replay.rs` | how it is done again |

mod line;
mod recorder;
mod replay;
#[cfg(test)]
mod tests;

pub use line::{Click, Ended, Header, Line, Recording, RecordingError, SeenHead, What};
pub use recorder::Recorder;
pub use replay::{Replay, ReplayError};
