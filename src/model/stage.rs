//! A stage of a stream: reading, ended or failed. Once it has ended or failed, it stays so.

use super::reader::ByteReader;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};

/// What one stage does. [`as_reader`] adds what all stages have in common.
pub trait Stage: Send {
    /// Puts more bytes into `buffer`, which has room. `Ok` without a new byte is the end of file.
    fn poll_more(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>>;

    /// The error of every read after the one that failed.
    fn failed_before(&self) -> io::Error;
}

/// `stage` as a reader. After a failure every read fails, the stage is not polled again after its end, and a failed
/// read leaves the buffer as it was: tokio's `read_to_end` panics otherwise.
pub fn as_reader<'a, S: Stage + Unpin + 'a>(stage: S) -> ByteReader<'a> {
    Box::pin(StageReader { stage, state: StageState::Reading })
}

struct StageReader<S> {
    stage: S,
    state: StageState,
}

#[derive(Clone, Copy)]
enum StageState {
    Reading,
    Ended,
    Failed,
}

impl<S: Stage + Unpin> AsyncRead for StageReader<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        match self.state {
            StageState::Reading => {
                let read = ready!(self.stage.poll_more(cx, buffer));
                if read.is_err() {
                    buffer.set_filled(before);
                    self.state = StageState::Failed;
                } else if buffer.filled().len() == before {
                    self.state = StageState::Ended;
                }
                Poll::Ready(read)
            }
            StageState::Ended => Poll::Ready(Ok(())),
            StageState::Failed => Poll::Ready(Err(self.stage.failed_before())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt as _;

    /// Returns the next of these for each read; one that fails has put its bytes into the buffer before.
    struct Script(Vec<(&'static [u8], bool)>);

    impl Stage for Script {
        fn poll_more(&mut self, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            let (bytes, good) = self.0.remove(0);
            buffer.put_slice(bytes);
            Poll::Ready(if good { Ok(()) } else { Err(io::Error::other("broken")) })
        }

        fn failed_before(&self) -> io::Error {
            io::Error::other("failed before")
        }
    }

    #[tokio::test]
    async fn a_stage_is_not_polled_again_after_its_end() {
        let mut reader = as_reader(Script(vec![(b"all", true), (b"", true)]));
        let mut text = String::new();
        assert_eq!(reader.read(&mut []).await.unwrap(), 0, "a read without room does not reach the stage");
        reader.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "all");
        assert_eq!(reader.read(&mut [0; 4]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_read_that_fails_gives_no_bytes_and_all_reads_after_it_fail() {
        let mut reader = as_reader(Script(vec![(b"good", true), (b"bad", false)]));
        let mut bytes = Vec::new();
        assert_eq!(reader.read_to_end(&mut bytes).await.unwrap_err().to_string(), "broken");
        assert_eq!(bytes, b"good");
        for _ in 0..2 {
            assert_eq!(reader.read(&mut [0; 4]).await.unwrap_err().to_string(), "failed before");
        }
    }
}
