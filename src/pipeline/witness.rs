//! Shows the plain bytes to the engine's witness as they pass.

use super::error::PipelineError;
use crate::model::{ByteReader, Contents, Stage, Witness, stage};
use std::io;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use tokio::io::ReadBuf;

/// What the witness reported: unset until the end of the stream, `None` inside when it could not count.
pub type WitnessedContents = Arc<OnceLock<Option<Contents>>>;

/// Passes `inner` through unchanged and shows every byte to `witness`.
///
/// A [`crate::model::WitnessError`] becomes the read error, also at the end: end of file is reported only after the
/// witness has called the stream whole, and its `finish` is called once.
pub fn witness(inner: ByteReader<'_>, witness: Box<dyn Witness>) -> (ByteReader<'_>, WitnessedContents) {
    let contents = WitnessedContents::default();
    let witnessed = Witnessed { inner, witness, contents: Arc::clone(&contents) };
    (stage::as_reader(witnessed), contents)
}

struct Witnessed<'a> {
    inner: ByteReader<'a>,
    witness: Box<dyn Witness>,
    contents: WitnessedContents,
}

impl Stage for Witnessed<'_> {
    fn poll_more(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(self.inner.as_mut().poll_read(cx, buffer))?;
        let new = &buffer.filled()[before..];
        if new.is_empty() {
            let contents = self.witness.finish().map_err(io::Error::other)?;
            let _ = self.contents.set(contents);
        } else if let Err(error) = self.witness.feed(new) {
            return Poll::Ready(Err(io::Error::other(error)));
        }
        Poll::Ready(Ok(()))
    }

    fn failed_before(&self) -> io::Error {
        PipelineError::Failed.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::WitnessError;
    use tokio::io::AsyncReadExt as _;

    /// Calls a stream whole that ends in "." and malformed when it has a "!".
    struct FullStop(u8);

    impl Witness for FullStop {
        fn feed(&mut self, bytes: &[u8]) -> Result<(), WitnessError> {
            if bytes.contains(&b'!') {
                return Err(WitnessError::Malformed { format: "sentence", problem: "it shouts".to_owned() });
            }
            self.0 = *bytes.last().unwrap();
            Ok(())
        }

        fn finish(&mut self) -> Result<Option<Contents>, WitnessError> {
            let whole = std::mem::take(&mut self.0) == b'.';
            whole.then(|| Some(Contents::default())).ok_or_else(|| WitnessError::Incomplete {
                format: "sentence",
                problem: "no full stop".to_owned(),
            })
        }
    }

    #[tokio::test]
    async fn the_contents_are_there_after_the_end_and_finish_is_called_once() {
        let (mut reader, contents) = witness(Box::pin(&b"well."[..]), Box::new(FullStop(0)));
        let mut text = [0; 5];
        reader.read_exact(&mut text).await.unwrap();
        assert!(contents.get().is_none());
        for _ in 0..2 {
            assert_eq!(reader.read(&mut text).await.unwrap(), 0);
        }
        assert_eq!(contents.get(), Some(&Some(Contents::default())));
    }

    #[tokio::test]
    async fn a_stream_that_the_witness_does_not_call_whole_fails_and_stays_failed() {
        for text in [&b"well"[..], b"well!", b""] {
            let (mut reader, contents) = witness(Box::pin(text), Box::new(FullStop(0)));
            let error = reader.read_to_end(&mut Vec::new()).await.unwrap_err();
            assert!(error.downcast::<WitnessError>().is_ok());
            assert!(reader.read_u8().await.unwrap_err().downcast::<PipelineError>().is_ok());
            assert!(contents.get().is_none());
        }
    }
}
