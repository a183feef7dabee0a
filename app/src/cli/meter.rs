//! How far a write is: one line on standard error that is drawn over and over, and only on a terminal.

use std::io::{self, IsTerminal, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use stratigraph_engine::ProgressEvent;

/// Time between two drawings inside a phase.
const PAUSE: Duration = Duration::from_millis(100);
/// Columns of the bar.
const BAR: u64 = 20;

/// The line; it is gone when this is dropped.
#[derive(Debug, Clone)]
pub(super) struct Meter {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Whether there is a terminal to draw on.
    shown: bool,
    /// Bytes of the input so far.
    bytes: AtomicU64,
    /// Bytes of the input in all, if that is known.
    total_bytes: Option<u64>,
    drawn: Mutex<Drawn>,
}

#[derive(Debug, Default)]
struct Drawn {
    phase: String,
    at: Option<Instant>,
}

/// A reader whose bytes are counted.
struct Counted<R> {
    inner: R,
    shared: Arc<Shared>,
}

impl Meter {
    /// A meter of work that begins with `phase`, and reads `total_bytes` in it.
    pub(super) fn new(phase: &str, total_bytes: Option<u64>) -> Self {
        let shown = io::stderr().is_terminal();
        let drawn = Mutex::new(Drawn { phase: phase.to_owned(), at: None });
        Self { shared: Arc::new(Shared { shown, bytes: AtomicU64::new(0), total_bytes, drawn }) }
    }

    /// Counts what is read from an input.
    pub(super) fn count(&self, inner: impl Read + Send + 'static) -> Box<dyn Read + Send> {
        Box::new(Counted { inner, shared: self.shared.clone() })
    }

    /// Takes a report.
    pub(super) fn report(&self, event: &ProgressEvent) {
        if self.shared.shown {
            self.shared.report(event);
        }
    }
}

impl Shared {
    fn report(&self, event: &ProgressEvent) {
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            ProgressEvent::Phase { index, count, name, .. } => {
                drawn.phase = format!("{index}/{count} {name}");
                let line = drawn.phase.clone();
                drawn.draw(&line);
            }
            &ProgressEvent::Advanced { done, total, unit } if drawn.is_due() => {
                let bytes = self.total_bytes.map(|total| (self.bytes.load(Ordering::Relaxed), total));
                let bar = bar(total.map(|total| (done, total)).or(bytes));
                let line = format!("{} {bar}{done} {unit}", drawn.phase);
                drawn.draw(&line);
            }
            // Messages are for the log of a job.
            _ => {}
        }
    }
}

impl Drawn {
    fn is_due(&self) -> bool {
        self.at.is_none_or(|at| at.elapsed() >= PAUSE)
    }

    fn draw(&mut self, line: &str) {
        self.at = Some(Instant::now());
        // Nobody is left to be told when standard error is closed.
        drop(write!(io::stderr().lock(), "\r\u{1b}[K{line}"));
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if self.drawn.get_mut().is_ok_and(|drawn| drawn.at.is_some()) {
            drop(write!(io::stderr().lock(), "\r\u{1b}[K"));
        }
    }
}

/// How much of a whole is done; nothing if the whole is not known.
fn bar(part: Option<(u64, u64)>) -> String {
    let Some((done, total)) = part.filter(|(_, total)| *total > 0) else { return String::new() };
    let done = done.min(total);
    let share = |whole: u64| u128::from(done) * u128::from(whole) / u128::from(total);
    let filled = usize::try_from(share(BAR)).unwrap_or(0);
    format!("[{:.<20}] {}%  ", "#".repeat(filled), share(100))
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.shared.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills_as_the_work_goes_on() {
        assert_eq!(bar(Some((0, 8))), "[....................] 0%  ");
        assert_eq!(bar(Some((2, 8))), "[#####...............] 25%  ");
        assert_eq!(bar(Some((9, 8))), "[####################] 100%  ");
        assert_eq!(bar(Some((u64::MAX, u64::MAX))), "[####################] 100%  ");
        assert_eq!(bar(Some((0, 0))), "");
        assert_eq!(bar(None), "");
    }

    #[test]
    fn bytes_are_counted_as_they_are_read() -> io::Result<()> {
        let meter = Meter::new("read", Some(5));
        io::copy(&mut meter.count(&b"hello"[..]), &mut io::sink())?;
        assert_eq!(meter.shared.bytes.load(Ordering::Relaxed), 5);
        Ok(())
    }
}
