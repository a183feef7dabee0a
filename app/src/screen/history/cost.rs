//! Counts, for tests, how much of a history is looked at: what grows with it must not be done by the loop.
//!
//! Accessors of logs and charts count one for a commit or row they look up, and all commits for what gives access to all of them.
//! Outside tests nothing is counted.

#[cfg(test)]
thread_local! {
    static LOOKED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// So many commits or rows are looked at.
#[cfg(test)]
pub(super) fn look(at: usize) {
    LOOKED.set(LOOKED.get().saturating_add(at));
}

/// So many commits or rows are looked at.
#[cfg(not(test))]
pub(super) const fn look(_at: usize) {}

/// How many commits and rows this thread looked at while it did something.
#[cfg(test)]
pub(super) fn of(work: impl FnOnce()) -> usize {
    let before = LOOKED.get();
    work();
    LOOKED.get() - before
}
