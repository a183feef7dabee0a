//! The budgets of the workbench, measured on synthetic data through the real code path.
//!
//! `cargo bench -p stratigraph-tests --profile dev`: the numbers are those of the build the README makes.

use criterion::{criterion_group, criterion_main};

mod dag;
mod diff;
mod frame;
mod history;
mod load;
mod merge;
mod write;

criterion_group! {
    name = benches;
    config = criterion::Criterion::default().sample_size(10);
    targets = write::commits, merge::merges, load::rows, frame::key_to_frame, dag::layout, dag::window, history::opening, diff::changed_rows
}
criterion_main!(benches);
