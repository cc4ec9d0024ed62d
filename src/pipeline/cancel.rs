//! Cancels a stream from outside.

use super::error::PipelineError;
use crate::model::ByteReader;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Passes `inner` through until `token` is cancelled; from then on every read, also one that is waiting, fails at once
/// with [`PipelineError::Cancelled`]. Every later stage then fails as it does for any failed dump.
pub fn cancellable(inner: ByteReader<'_>, token: CancellationToken) -> ByteReader<'_> {
    Box::pin(Cancellable { inner, cancelled: Box::pin(token.clone().cancelled_owned()), token })
}

struct Cancellable<'a> {
    inner: ByteReader<'a>,
    token: CancellationToken,
    cancelled: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl AsyncRead for Cancellable<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.token.is_cancelled() {
            return Poll::Ready(Err(PipelineError::Cancelled.into()));
        }
        let read = self.inner.as_mut().poll_read(cx, buffer);
        // Only a reader that must wait needs to be woken by the token.
        if read.is_pending() && self.cancelled.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(PipelineError::Cancelled.into()));
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt as _;

    #[tokio::test]
    async fn a_waiting_read_wakes_up_when_the_run_is_cancelled() {
        let (_sender, receiver) = tokio::io::duplex(16);
        let token = CancellationToken::new();
        let mut reader = cancellable(Box::pin(receiver), token.clone());
        let waiting = tokio::spawn(async move { reader.read_u8().await });
        tokio::task::yield_now().await;
        token.cancel();
        let error = waiting.await.unwrap().unwrap_err();
        assert!(matches!(error.downcast::<PipelineError>(), Ok(PipelineError::Cancelled)));
    }

    #[tokio::test]
    async fn nothing_is_read_after_the_run_was_cancelled_not_even_the_end() {
        let token = CancellationToken::new();
        let mut reader = cancellable(Box::pin(&b"x"[..]), token.clone());
        assert_eq!(reader.read_u8().await.unwrap(), b'x');
        token.cancel();
        assert!(reader.read_to_end(&mut Vec::new()).await.is_err());
    }
}
