//! Layout of a million commits, and a screenful of it after a jump.

use criterion::{BatchSize, Criterion};
use stratigraph_widgets::commit_dag::synthetic::{Shape, Synthetic, history};
use stratigraph_widgets::commit_dag::{Layout, Paint, Rows, UNICODE, order};

const COMMITS: u32 = 1_000_000;
const SCREEN_ROWS: u32 = 60;

fn million() -> Synthetic {
    history(Shape { commits: COMMITS, branches: 30, merge_percent: 20, seed: 7 })
}

fn lay_out(synthetic: &Synthetic) -> Layout {
    let order = order::topological(&synthetic.dag, |node| node);
    Layout::new(Rows::all(&synthetic.dag, &order), synthetic.dag.first_parent_chain(synthetic.heads[0]))
}

/// Order, rows and lanes of the whole history.
pub(crate) fn layout(criterion: &mut Criterion) {
    let synthetic = million();
    let bytes = lay_out(&synthetic).size_bytes() / COMMITS as usize;
    assert!(bytes <= 200, "{bytes} bytes a commit");
    criterion.bench_function("dag/layout of 1 M commits", |bencher| {
        bencher.iter_batched(|| (), |()| lay_out(&synthetic), BatchSize::PerIteration);
    });
}

/// The visible rows at a place far from the last one.
pub(crate) fn window(criterion: &mut Criterion) {
    let layout = lay_out(&million());
    let paint = Paint::plain(&UNICODE);
    let mut row = 0;
    criterion.bench_function("dag/window after a jump in 1 M commits", |bencher| {
        bencher.iter(|| {
            row = (row + 381_979) % (COMMITS - SCREEN_ROWS);
            layout.window(row..row + SCREEN_ROWS, &paint)
        });
    });
}
