//! Time and fresh ids. Nothing else in the engine asks the system for either.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use ulid::Ulid;

use crate::id::CommitId;

/// Where an operation gets the time and its ids from.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Microseconds since the epoch, UTC.
    fn now_micros(&self) -> i64;

    /// A fresh id of this moment, greater than all that this clock gave before.
    fn next_id(&self) -> CommitId;
}

/// The system's clock; ids are ULIDs with random tails.
#[derive(Debug, Default)]
pub struct SystemClock {
    last: Mutex<Option<Ulid>>,
}

impl Clock for SystemClock {
    fn now_micros(&self) -> i64 {
        #[expect(clippy::disallowed_methods, reason = "this is where the engine reads the time")]
        chrono::Utc::now().timestamp_micros()
    }

    fn next_id(&self) -> CommitId {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let next = after(*last, Ulid::generate());
        *last = Some(next);
        CommitId::from_u128(next.into())
    }
}

/// Tells whether a text begins with a year that is written out: four digits, or a sign and at least four. Parsers of times
/// take `24` for the year 24.
pub(crate) fn has_whole_year(text: &str) -> bool {
    let signed = text.strip_prefix(['+', '-']);
    let digits = signed.unwrap_or(text).bytes().take_while(u8::is_ascii_digit).count();
    if signed.is_some() { digits >= 4 } else { digits == 4 }
}

/// A clock that stands still until it is set: the same sequence of calls gives the same times and ids.
#[derive(Debug)]
pub struct SetClock {
    state: Mutex<Set>,
}

#[derive(Debug)]
struct Set {
    micros: i64,
    random: u64,
    last: Option<Ulid>,
}

impl SetClock {
    /// A clock at a time; `seed` decides the tails of its ids.
    #[must_use]
    pub fn new(micros: i64, seed: u64) -> Self {
        Self { state: Mutex::new(Set { micros, random: seed, last: None }) }
    }

    /// Sets the time.
    pub fn set(&self, micros: i64) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).micros = micros;
    }
}

impl Clock for SetClock {
    fn now_micros(&self) -> i64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).micros
    }

    fn next_id(&self) -> CommitId {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let millis = u64::try_from(state.micros / 1000).unwrap_or(0);
        let tail = u128::from(state.step()) << 16 | u128::from(state.step() & 0xffff);
        let next = after(state.last, Ulid::from_parts(millis, tail));
        state.last = Some(next);
        CommitId::from_u128(next.into())
    }
}

impl Set {
    /// The next number of a `SplitMix64` sequence (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
    fn step(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Ids of one clock increase even inside a millisecond, or when the time goes back.
fn after(last: Option<Ulid>, candidate: Ulid) -> Ulid {
    match last {
        Some(last) if candidate <= last => last.increment().unwrap_or(candidate),
        Some(_) | None => candidate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_increase_and_carry_their_time() {
        let clock = SetClock::new(1_777_713_243_000_000, 7);
        let ids: Vec<CommitId> = (0..100).map(|_| clock.next_id()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(ids.iter().all(|id| Ulid::from(id.as_u128()).timestamp_ms() == 1_777_713_243_000));
        clock.set(1_000_000);
        assert!(clock.next_id() > ids[99], "also when the time goes back");
        let system = SystemClock::default();
        let ids: Vec<CommitId> = (0..1000).map(|_| system.next_id()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn a_set_clock_repeats_itself() {
        let ids = |seed| {
            let clock = SetClock::new(5_000_000, seed);
            (0..5).map(|_| clock.next_id()).collect::<Vec<_>>()
        };
        assert_eq!(ids(1), ids(1));
        assert_ne!(ids(1), ids(2));
    }
}
