//! Numbers that look random and are the same in every run.

/// A `SplitMix64` sequence (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    /// The sequence of a seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if that is 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let wide = u128::from(self.next()) * end as u128;
        (wide >> 64) as usize
    }

    /// A number from `first` up to, and not including, `end`.
    pub(super) fn between(&mut self, first: usize, end: usize) -> usize {
        first + self.below(end.saturating_sub(first))
    }

    /// A number of days or seconds from `first` up to, and not including, `end`.
    pub(super) fn span(&mut self, first: i64, end: i64) -> i64 {
        let width = usize::try_from(end - first).unwrap_or(0);
        first + i64::try_from(self.below(width)).expect("it is below a number of the same kind")
    }

    /// One of several; there must be one.
    pub(super) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// True in one of `of` cases.
    pub(super) fn one_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_itself_and_numbers_stay_in_range() {
        let numbers = |seed| {
            let mut random = Random::new(seed);
            (0..200).map(|_| random.between(3, 9)).collect::<Vec<_>>()
        };
        assert_eq!(numbers(1), numbers(1));
        assert_ne!(numbers(1), numbers(2));
        let seen: std::collections::BTreeSet<usize> = numbers(1).into_iter().collect();
        assert_eq!(seen, (3..9).collect());
    }
}
