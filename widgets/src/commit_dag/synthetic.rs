//! Made-up histories for benchmarks and tests: the same seed gives the same history.

use super::dag::{Dag, EXTERNAL};

/// A made-up history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Synthetic {
    /// The commits; every parent has a smaller number than its child.
    pub dag: Dag,
    /// Head of each branch; the first is the default branch.
    pub heads: Vec<u32>,
}

/// What kind of history to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Number of commits.
    pub commits: u32,
    /// Number of branches that are worked on at the same time, at least one.
    pub branches: u32,
    /// Merges among a hundred commits.
    pub merge_percent: u32,
    /// Seed of the random numbers.
    pub seed: u64,
}

/// Makes a history in which branches start from the default branch, are worked on, merged into one another and started again.
///
/// About one clock in sixteen is wrong by up to a minute; commits are one second apart.
#[must_use]
pub fn history(shape: Shape) -> Synthetic {
    let mut random = Random(shape.seed | 1);
    let mut dag = Dag::with_capacity(shape.commits as usize);
    let mut heads = vec![EXTERNAL; shape.branches.max(1) as usize];
    for commit in 0..shape.commits {
        let branch = if random.below(3) == 0 { 0 } else { random.below(shape.branches.max(1)) as usize };
        let skew = if random.below(16) == 0 { i64::from(random.below(120_000_000)) - 60_000_000 } else { 0 };
        let other = heads[random.below(shape.branches.max(1)) as usize];
        let first = if heads[branch] == EXTERNAL || random.below(100) < 3 { heads[0] } else { heads[branch] };
        let mut parents: Vec<u32> = Some(first).filter(|&node| node != EXTERNAL).into_iter().collect();
        if random.below(100) < shape.merge_percent && other != EXTERNAL && other != first {
            parents.push(other);
        }
        heads[branch] = dag.push(i64::from(commit) * 1_000_000 + skew, &parents);
    }
    heads.retain(|&head| head != EXTERNAL);
    Synthetic { dag, heads }
}

/// Xorshift with a final multiplication (Marsaglia 2003, Vigna 2016): small, fast, good enough for shapes.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        u32::try_from((high * u64::from(limit)) >> 32).unwrap_or(0)
    }
}
