//! The decompressing stage.

use super::WINDOW_LOG_LIMIT;
use crate::model::{ByteReader, Codec, Stage, stage};
use async_compression::tokio::bufread::{GzipDecoder, ZstdDecoder};
use async_compression::zstd::DParameter;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncBufRead as _, AsyncRead, BufReader, ReadBuf};

/// Packed bytes read ahead.
const INPUT_BYTES: usize = 256 << 10;

/// Why a packed stream cannot be unpacked. Inside a stream it travels as `io::Error::other(CompressError)`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompressError {
    /// The stream ends before the codec's own end.
    #[error("the {codec} stream ends too early")]
    Truncated {
        /// The codec.
        codec: Codec,
    },
    /// Something follows the codec's own end.
    #[error("bytes follow the end of the {codec} stream")]
    TrailingBytes {
        /// The codec.
        codec: Codec,
    },
    /// The stream breaks the codec's rules, or its checksum.
    #[error("the {codec} stream is malformed")]
    Malformed {
        /// The codec.
        codec: Codec,
        /// The codec's own error.
        #[source]
        source: io::Error,
    },
    /// The stream is read on after it has failed.
    #[error("the {codec} stream failed before")]
    Failed {
        /// The codec.
        codec: Codec,
    },
}

impl From<CompressError> for io::Error {
    fn from(error: CompressError) -> Self {
        Self::other(error)
    }
}

/// Decompresses exactly one frame or member.
///
/// End of file comes only after its end mark, its checksum and the end of `packed`; everything else is an
/// `io::Error` that holds a [`CompressError`], or the source's own error as it was. Memory is bounded by the window, at
/// most 128 MiB; a stream that asks for more is refused. Works on the calling thread, 256 KiB of input at a time.
pub fn decompress(packed: ByteReader<'_>, codec: Codec) -> ByteReader<'_> {
    let source = BufReader::with_capacity(INPUT_BYTES, Source { packed, failed: false });
    let decoder = match codec {
        Codec::None => return source.into_inner().packed,
        Codec::Gzip => Decoder::Gzip(Box::new(GzipDecoder::new(source))),
        Codec::Zstd => {
            let window = DParameter::window_log_max(WINDOW_LOG_LIMIT);
            Decoder::Zstd(Box::new(ZstdDecoder::with_params(source, &[window])))
        }
    };
    stage::as_reader(Decompressing { decoder, codec })
}

/// Remembers whether an error came from the source, so that the decoder is not blamed for it.
struct Source<'a> {
    packed: ByteReader<'a>,
    failed: bool,
}

impl AsyncRead for Source<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = ready!(self.packed.as_mut().poll_read(cx, buffer));
        self.failed = read.is_err();
        Poll::Ready(read)
    }
}

enum Decoder<'a> {
    Zstd(Box<ZstdDecoder<BufReader<Source<'a>>>>),
    Gzip(Box<GzipDecoder<BufReader<Source<'a>>>>),
}

impl<'a> Decoder<'a> {
    fn reader(&mut self) -> &mut (dyn AsyncRead + Unpin + 'a) {
        match self {
            Self::Zstd(decoder) => &mut **decoder,
            Self::Gzip(decoder) => &mut **decoder,
        }
    }

    fn source(&mut self) -> &mut BufReader<Source<'a>> {
        match self {
            Self::Zstd(decoder) => decoder.get_mut(),
            Self::Gzip(decoder) => decoder.get_mut(),
        }
    }
}

struct Decompressing<'a> {
    decoder: Decoder<'a>,
    codec: Codec,
}

impl Stage for Decompressing<'_> {
    fn poll_more(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let codec = self.codec;
        let before = buffer.filled().len();
        if let Err(error) = ready!(Pin::new(self.decoder.reader()).poll_read(cx, buffer)) {
            return Poll::Ready(Err(if self.decoder.source().get_ref().failed {
                error
            } else if error.kind() == io::ErrorKind::UnexpectedEof {
                CompressError::Truncated { codec }.into()
            } else {
                CompressError::Malformed { codec, source: error }.into()
            }));
        }
        if buffer.filled().len() == before {
            // The decoder has seen its end; the stream must have ended there too.
            let rest = ready!(Pin::new(self.decoder.source()).poll_fill_buf(cx))?;
            if !rest.is_empty() {
                return Poll::Ready(Err(CompressError::TrailingBytes { codec }.into()));
            }
        }
        Poll::Ready(Ok(()))
    }

    fn failed_before(&self) -> io::Error {
        CompressError::Failed { codec: self.codec }.into()
    }
}
