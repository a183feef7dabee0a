//! Streams written as a function that sends.

use std::future::Future;

use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, stream};
use tokio::sync::mpsc;

use crate::error::{Error, Result};

/// Items that wait for the reader; the function pauses when they are this many.
const WAITING_ITEMS: usize = 32;

/// Where the function sends its items.
pub(crate) struct Sender<T>(mpsc::Sender<Result<T>>);

impl<T> Sender<T> {
    /// Hands one item over, waiting while the reader is behind.
    pub(crate) async fn send(&self, item: T) -> Result<()> {
        self.0.send(Ok(item)).await.map_err(|_| Error::Cancelled)
    }
}

/// Runs `work` while the stream is read: it makes progress only then and is dropped with the stream. An error it returns is
/// the last item.
pub(crate) fn generate<T, W, F>(work: W) -> BoxStream<'static, Result<T>>
where
    T: Send + 'static,
    W: FnOnce(Sender<T>) -> F,
    F: Future<Output = Result<()>> + Send + 'static,
{
    let (sender, mut receiver) = mpsc::channel(WAITING_ITEMS);
    let work = work(Sender(sender.clone()));
    let finished = async move {
        if let Err(error) = work.await {
            // Nobody reads any more: then nobody wants the error either.
            drop(sender.send(Err(error)).await);
        }
    };
    let items = stream::poll_fn(move |context| receiver.poll_recv(context));
    let driver = finished.into_stream().filter_map(|()| std::future::ready(None));
    stream::select(items, driver).boxed()
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;

    use super::*;

    #[tokio::test]
    async fn items_come_in_order_and_an_error_last() {
        let stream = generate(|sender| async move {
            for number in 0..100 {
                sender.send(number).await?;
            }
            Err(Error::Cancelled)
        });
        let all: Vec<Result<i32>> = stream.collect().await;
        assert!(
            all[..100].iter().enumerate().all(|(index, item)| matches!(item, Ok(number) if *number as usize == index))
        );
        assert!(matches!(all[100], Err(Error::Cancelled)));
        assert_eq!(all.len(), 101);
    }

    #[tokio::test]
    async fn work_goes_no_further_than_it_is_read() {
        let sent = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = sent.clone();
        let mut stream = generate(|sender| async move {
            loop {
                sender.send(()).await?;
                count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        });
        stream.next().await;
        assert!(sent.load(std::sync::atomic::Ordering::Relaxed) <= WAITING_ITEMS + 2);
    }
}
