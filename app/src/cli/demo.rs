//! `demo`: a sample graph, made on the spot by the engine, and the workbench on it.
//!
//! | file | answers |
//! |---|---|
//! | `demo.rs` | where the graph is made, and what becomes of it |
//! | `demo/make.rs` | how the story becomes a graph |
//! | `demo/story.rs` | what happens when |
//! | `demo/desk.rs`, `company.rs` | what a commit is about, and what it changes |
//! | `demo/calendar.rs`, `random.rs`, `words.rs` | times, numbers and names |

mod calendar;
mod company;
mod desk;
mod make;
mod place;
mod random;
mod story;
mod words;

use std::path::PathBuf;

use super::error::CliError;
use super::meter::Meter;
use super::open::ScreenArgs;
use super::output::Out;
use super::work::Work;
pub(super) use place::{DemoError, Place};

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub(super) struct DemoArgs {
    /// Folder to make the graph in, where it stays; without one it is made in a temporary folder and removed at the end
    pub(super) dir: Option<PathBuf>,
    /// Only make the graph, keep it, and print where it is
    #[arg(long)]
    pub(super) keep: bool,
    #[command(flatten)]
    pub(super) screen: ScreenArgs,
}

/// Makes the sample graph; it lives as long as its place.
pub(super) async fn make(args: &DemoArgs, work: &Work) -> Result<Place, CliError> {
    let place = Place::prepare(args.dir.as_deref())?;
    let meter = Meter::new("make the sample graph", None);
    let progress = work.progress(move |event| meter.report(&event));
    Box::pin(work.writing(make::make(&place.uri(), &progress))).await?;
    Ok(place.made())
}

/// Makes the sample graph, keeps it, and prints where it is.
pub(super) async fn print_place(args: &DemoArgs, out: &mut Out, work: &Work) -> Result<(), CliError> {
    let path = make(args, work).await?.keep();
    if out.is_json() { out.json(&serde_json::json!({ "path": path })) } else { out.line(&path) }
}
