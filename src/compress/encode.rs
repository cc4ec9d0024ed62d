//! The compressing stage.

use crate::model::{ByteReader, Codec, Stage, stage};
use async_compression::Level;
use async_compression::tokio::write::{GzipEncoder, ZstdEncoder};
use async_compression::zstd::CParameter;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncWrite, ReadBuf};

/// Threads of one Zstandard stream at most: more would cost memory for a source that cannot feed them.
const WORKERS_LIMIT: usize = 4;
/// Bytes given to one worker at a time. Zstandard holds about this much four times per worker: measured at level 3, four
/// workers take 14 MiB, and 18 with jobs of 1 MiB; its own choice of 8 MiB would take 100. The ratio does not suffer.
const JOB_BYTES: u32 = 768 << 10;
/// Plain bytes taken from the source in one read at most.
const INPUT_BYTES: usize = 256 << 10;
/// Compressed bytes waiting to be read at most.
const OUTBOX_BYTES: usize = 1 << 20;

/// Compresses `plain` into one Zstandard frame with a checksum of its content, one gzip member, or not at all. A level
/// outside the codec's range is replaced by the nearest one.
///
/// Zstandard works on its own threads, at most 4 and no more than there are cores. When all of them are busy, reading
/// blocks the calling thread until one job of 768 KiB is done (some 5 ms at level 3, half a second at level 19); gzip
/// compresses on the calling thread, 256 KiB at a time. On a runtime of several threads, as jagad uses, no other task
/// waits longer than that.
pub fn compress(plain: ByteReader<'_>, codec: Codec, level: i32) -> ByteReader<'_> {
    let level = level.clamp(*super::levels(codec).start(), *super::levels(codec).end());
    let encoder = match codec {
        Codec::None => return plain,
        Codec::Gzip => {
            Encoder::Gzip(Box::new(GzipEncoder::with_quality(Outbox::new(), Level::Precise(level))))
        }
        Codec::Zstd => {
            let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
            let workers = u32::try_from(cores.min(WORKERS_LIMIT)).unwrap_or(1);
            let parameters = [
                CParameter::nb_workers(workers),
                CParameter::job_size(JOB_BYTES),
                CParameter::checksum_flag(true),
            ];
            let encoder =
                ZstdEncoder::with_quality_and_params(Outbox::new(), Level::Precise(level), &parameters);
            Encoder::Zstd(Box::new(encoder))
        }
    };
    let input = vec![0; INPUT_BYTES].into();
    stage::as_reader(Compressing { plain, input, waiting: 0..0, encoder, stage: EncodeStage::Feeding })
}

/// Pulls plain bytes into a pushing encoder. The library's own pulling encoder flushes whenever its source makes it
/// wait (0.4.52, `generic/bufread/encoder.rs`), which for a dump that arrives through a pipe means tiny blocks and
/// workers that wait for each other. This one flushes at the end only.
struct Compressing<'a> {
    plain: ByteReader<'a>,
    input: Box<[u8]>,
    /// The part of `input` that the encoder has not taken yet.
    waiting: std::ops::Range<usize>,
    encoder: Encoder,
    stage: EncodeStage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum EncodeStage {
    Feeding,
    Finishing,
    Done,
}

enum Encoder {
    Zstd(Box<ZstdEncoder<Outbox>>),
    Gzip(Box<GzipEncoder<Outbox>>),
}

impl Encoder {
    fn writer(&mut self) -> &mut (dyn AsyncWrite + Unpin) {
        match self {
            Self::Zstd(encoder) => &mut **encoder,
            Self::Gzip(encoder) => &mut **encoder,
        }
    }

    fn outbox(&mut self) -> &mut Outbox {
        match self {
            Self::Zstd(encoder) => encoder.get_mut(),
            Self::Gzip(encoder) => encoder.get_mut(),
        }
    }
}

impl Compressing<'_> {
    /// One step towards more output. `Pending` means that the source, or the outbox, must move first.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.stage == EncodeStage::Finishing {
            ready!(Pin::new(self.encoder.writer()).poll_shutdown(cx))?;
            self.stage = EncodeStage::Done;
            return Poll::Ready(Ok(()));
        }
        if self.waiting.is_empty() {
            let mut buffer = ReadBuf::new(&mut self.input);
            ready!(self.plain.as_mut().poll_read(cx, &mut buffer))?;
            self.waiting = 0..buffer.filled().len();
            if self.waiting.is_empty() {
                self.stage = EncodeStage::Finishing;
            }
            return Poll::Ready(Ok(()));
        }
        let taken =
            ready!(Pin::new(self.encoder.writer()).poll_write(cx, &self.input[self.waiting.clone()]))?;
        self.waiting.start += taken;
        Poll::Ready(Ok(()))
    }
}

impl Stage for Compressing<'_> {
    fn poll_more(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.stage != EncodeStage::Done {
            // Large reads: return bytes when they fill the reader's buffer, or when no more come for now.
            if self.encoder.outbox().waiting() >= buffer.remaining() {
                break;
            }
            match self.poll_step(cx) {
                Poll::Ready(step) => step?,
                Poll::Pending if self.encoder.outbox().waiting() == 0 => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        self.encoder.outbox().hand_over(buffer);
        Poll::Ready(Ok(()))
    }

    fn failed_before(&self) -> io::Error {
        io::Error::other("the compressed stream failed before")
    }
}

/// Output of the encoder that has not been read yet. A full outbox returns `Pending` without registering a waker: its
/// only user empties it and then polls again.
struct Outbox {
    bytes: Vec<u8>,
    sent: usize,
}

impl Outbox {
    fn new() -> Self {
        Self { bytes: Vec::new(), sent: 0 }
    }

    fn waiting(&self) -> usize {
        self.bytes.len() - self.sent
    }

    fn hand_over(&mut self, buffer: &mut ReadBuf<'_>) {
        let count = self.waiting().min(buffer.remaining());
        buffer.put_slice(&self.bytes[self.sent..self.sent + count]);
        self.sent += count;
        if self.waiting() == 0 {
            self.bytes.clear();
            self.sent = 0;
        }
    }
}

impl AsyncWrite for Outbox {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.bytes.len() >= OUTBOX_BYTES {
            return Poll::Pending;
        }
        self.bytes.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
