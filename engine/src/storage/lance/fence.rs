//! A fence around the libraries that read stored bytes.
//!
//! They trust what they read: a length that points past the end of a file makes them panic. Such a panic is a fault of the file and
//! not of this program, so it ends at the fence and comes back as a value. Work that the libraries hand to threads of their own
//! raises its panics again where it is waited for, which is inside the fence as well.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::Stream;
use futures::stream::BoxStream;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Returns whether a panic of this thread, now, ends at the fence: then it is no defect that anybody has to be told of.
#[must_use]
pub fn is_fenced() -> bool {
    INSIDE.get()
}

/// What a library said when it gave up.
#[derive(Debug)]
pub(crate) struct Stopped(String);

impl Stopped {
    /// The words of the library, for those who know that no bytes were the matter.
    pub(crate) fn reason(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "its bytes contradict each other: {}", self.0)
    }
}

impl std::error::Error for Stopped {}

/// Runs one step inside the fence. What it leaves behind must not be used after it stopped.
pub(super) fn fenced_step<T>(step: impl FnOnce() -> T) -> Result<T, Stopped> {
    let outer = INSIDE.replace(true);
    let done = catch_unwind(AssertUnwindSafe(step));
    INSIDE.set(outer);
    done.map_err(|panic| Stopped(text(panic.as_ref())))
}

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "reading stopped without a reason".to_owned())
}

/// Runs a future inside the fence, from poll to poll.
pub(crate) fn fenced<F: Future>(work: F) -> Fenced<F> {
    Fenced(Box::pin(work))
}

/// Runs a call of the library inside the fence; what stops it is an error of the library like its others.
pub(super) async fn whole<T>(work: impl Future<Output = lance::Result<T>>) -> lance::Result<T> {
    fenced(work).await.unwrap_or_else(|stopped| Err(lance::Error::wrapped(Box::new(stopped))))
}

/// A future inside the fence.
pub(crate) struct Fenced<F>(Pin<Box<F>>);

impl<F: Future> Future for Fenced<F> {
    type Output = Result<F::Output, Stopped>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match fenced_step(|| self.0.as_mut().poll(context)) {
            Ok(Poll::Ready(done)) => Poll::Ready(Ok(done)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(stopped) => Poll::Ready(Err(stopped)),
        }
    }
}

/// Reads a stream inside the fence. It ends with what stopped it.
pub(crate) fn fenced_stream<T: Send + 'static>(items: BoxStream<'static, T>) -> FencedStream<T> {
    FencedStream(Some(items))
}

/// A stream inside the fence.
pub(crate) struct FencedStream<T>(Option<BoxStream<'static, T>>);

impl<T> Stream for FencedStream<T> {
    type Item = Result<T, Stopped>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(items) = &mut self.0 else { return Poll::Ready(None) };
        match fenced_step(|| items.as_mut().poll_next(context)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(Some(item))) => Poll::Ready(Some(Ok(item))),
            Ok(Poll::Ready(None)) => {
                self.0 = None;
                Poll::Ready(None)
            }
            Err(stopped) => {
                self.0 = None;
                Poll::Ready(Some(Err(stopped)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;

    use super::*;

    fn cut(bytes: &[u8]) -> u8 {
        bytes[bytes.len()]
    }

    #[tokio::test]
    async fn a_panic_ends_at_the_fence_and_only_there() {
        assert!(!is_fenced());
        assert!(fenced(async { is_fenced() }).await.unwrap());
        let stopped = fenced(async { cut(&[1]) }).await.unwrap_err();
        assert!(stopped.to_string().contains("the index is 1"), "{stopped}");
        assert!(!is_fenced());
        let spawned = tokio::spawn(async { cut(&[1, 2]) });
        let joined = fenced(async { spawned.await.unwrap() }).await.unwrap_err();
        assert!(joined.to_string().contains("the index is 2"), "{joined}");
    }

    #[tokio::test]
    async fn a_stream_ends_with_what_stopped_it() {
        let items = futures::stream::iter([2_usize, 1, 0, 3]).map(|divisor| 6 / divisor).boxed();
        let read: Vec<_> = fenced_stream(items).map(|item| item.map_err(|stopped| stopped.to_string())).collect().await;
        assert_eq!(read[..2], [Ok(3), Ok(6)]);
        assert!(read[2].as_ref().unwrap_err().contains("divide by zero"), "{read:?}");
        assert_eq!(read.len(), 3);
    }
}
