//! The budgets of the workbench, measured on synthetic data through the real code path.
//!
//! `cargo bench -p stratigraph-tests --profile dev`: the numbers are those of the build the README makes.

use criterion::{criterion_group, criterion_main};

mod dag;
mod diff;
#[cfg(target_os = "linux")]
mod fleet;
mod frame;
mod history;
mod load;
mod merge;
mod write;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Whether a measurement is among those that the command line names; of a group, whose name ends with `/`, whether one may be.
fn is_asked(name: &str) -> bool {
    let may_be_of_group = |asked: &str| name.ends_with('/') && (asked.starts_with(name) || !asked.contains('/'));
    let mut asked = std::env::args().skip(1).filter(|arg| !arg.starts_with('-'));
    asked.all(|asked| name.contains(&asked) || may_be_of_group(&asked))
}

#[cfg(not(target_os = "linux"))]
mod fleet {
    /// Files that a process opens are counted on Linux alone.
    pub(crate) fn commands(_: &mut criterion::Criterion) {}
}

criterion_group! {
    name = benches;
    config = criterion::Criterion::default().sample_size(10);
    targets = write::commits, merge::merges, load::rows, frame::key_to_frame, dag::layout, dag::window, history::opening, diff::changed_rows, fleet::commands
}
criterion_main!(benches);
