//! Compression as two stages of the pipeline.
//!
//! A packed stream is one Zstandard frame, one gzip member, or the plain bytes. A stream that is cut, altered or
//! followed by anything is an error: [`decompress`] reports end of file only after the codec's own end mark and
//! checksum, and after its source has ended too.

mod decode;
mod encode;

pub use decode::{CompressError, decompress};
pub use encode::compress;

use crate::model::Codec;

/// The largest window that a Zstandard stream may ask for, as a power of two: 128 MiB, the most that level 22 uses.
const WINDOW_LOG_LIMIT: u32 = 27;

/// The levels that a codec offers; `None` has no level and ignores it.
pub const fn levels(codec: Codec) -> std::ops::RangeInclusive<i32> {
    match codec {
        Codec::Zstd => 1..=22,
        Codec::Gzip => 1..=9,
        Codec::None => 0..=0,
    }
}

/// The level of a codec when none is asked for.
pub const fn default_level(codec: Codec) -> i32 {
    match codec {
        Codec::Zstd => 3,
        Codec::Gzip => 6,
        Codec::None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ByteReader;
    use std::io;
    use tokio::io::AsyncReadExt as _;

    const CODECS: [Codec; 3] = [Codec::Zstd, Codec::Gzip, Codec::None];

    fn text(bytes: usize) -> Vec<u8> {
        let mut seed = 1_u32;
        let words = ["INSERT", "shop", "customer", "42", "NULL", "2026-11-20"];
        let mut text = Vec::new();
        while text.len() < bytes {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            text.extend_from_slice(words[(seed >> 16) as usize % words.len()].as_bytes());
            text.extend_from_slice(&seed.to_be_bytes()[..1]);
        }
        text.truncate(bytes);
        text
    }

    fn pieces(bytes: &[u8], step: usize) -> ByteReader<'_> {
        let chunks: Vec<io::Result<&[u8]>> = bytes.chunks(step).map(Ok).collect();
        Box::pin(tokio_util::io::StreamReader::new(futures_util::stream::iter(chunks)))
    }

    async fn drain(mut reader: ByteReader<'_>) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).await?;
        Ok(bytes)
    }

    async fn packed(bytes: &[u8], codec: Codec) -> Vec<u8> {
        drain(compress(Box::pin(bytes), codec, default_level(codec))).await.unwrap()
    }

    #[tokio::test]
    async fn what_is_compressed_comes_back_for_every_codec_and_size() {
        for codec in CODECS {
            for length in [0, 1, 4096, 300_000, (5 << 20) + 17] {
                let plain = text(length);
                let packed = packed(&plain, codec).await;
                let whole = drain(decompress(pieces(&packed, 10_007), codec)).await.unwrap();
                assert!(whole == plain, "{codec} {length}");
            }
        }
    }

    #[tokio::test]
    async fn pauses_of_the_source_hardly_change_how_much_is_written() {
        // A pipe gives what it has and then makes its reader wait. Flushing at every pause would make a dump that
        // arrives in small pieces hardly compress at all.
        let plain = text(200_000);
        for codec in [Codec::Zstd, Codec::Gzip] {
            let (mut sender, receiver) = tokio::io::duplex(1000);
            let bytes = plain.clone();
            let writer = tokio::spawn(async move {
                for piece in bytes.chunks(997) {
                    tokio::io::AsyncWriteExt::write_all(&mut sender, piece).await.unwrap();
                    tokio::task::yield_now().await;
                }
            });
            let dripped = drain(compress(Box::pin(receiver), codec, default_level(codec))).await.unwrap();
            writer.await.unwrap();
            // zlib-rs chooses a little differently when its input is cut differently: 0.2 % here.
            let at_once = packed(&plain, codec).await.len();
            assert!(dripped.len() <= at_once + at_once / 100, "{codec}: {} for {at_once}", dripped.len());
        }
    }

    #[tokio::test]
    async fn a_compressed_stream_cut_at_any_byte_is_an_error() {
        let plain = text(3000);
        for codec in [Codec::Zstd, Codec::Gzip] {
            let packed = packed(&plain, codec).await;
            for length in 0..packed.len() {
                for step in [1, 64, 4096] {
                    let outcome = drain(decompress(pieces(&packed[..length], step), codec)).await;
                    assert!(outcome.is_err(), "{codec} cut to {length} of {}", packed.len());
                }
            }
        }
    }

    #[tokio::test]
    async fn bytes_behind_a_compressed_stream_are_an_error() {
        let plain = text(3000);
        for codec in [Codec::Zstd, Codec::Gzip] {
            let packed = packed(&plain, codec).await;
            let skippable = [0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0];
            for tail in [&b"\0"[..], b"garbage", &packed, &skippable] {
                for step in [1, 4096, 1 << 20] {
                    let bytes = [&packed, tail].concat();
                    let error = drain(decompress(pieces(&bytes, step), codec)).await.unwrap_err();
                    let error = error.downcast::<CompressError>().unwrap();
                    assert!(matches!(error, CompressError::TrailingBytes { .. }), "{codec} {step}: {error}");
                }
            }
        }
    }

    #[tokio::test]
    async fn a_flipped_byte_never_changes_what_comes_out() {
        let plain = text(3000);
        for codec in [Codec::Zstd, Codec::Gzip] {
            let packed = packed(&plain, codec).await;
            for at in 0..packed.len() {
                let mut altered = packed.clone();
                altered[at] ^= 0x10;
                // A few bits have no meaning, such as the time in a gzip header: then the same bytes come out.
                let outcome = drain(decompress(Box::pin(&altered[..]), codec)).await;
                assert!(outcome.is_err() || outcome.unwrap() == plain, "{codec} {at}");
            }
        }
    }

    #[tokio::test]
    async fn a_stream_that_asks_for_a_huge_window_is_refused() {
        // Frame header without a content size: descriptor 0x00, window log 10 + 18 = 28.
        let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 18 << 3, 1, 0, 0];
        assert!(drain(decompress(Box::pin(&frame[..]), Codec::Zstd)).await.is_err());
        let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 1, 0, 0];
        assert!(drain(decompress(Box::pin(&frame[..]), Codec::Zstd)).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_error_of_the_source_is_passed_on_unchanged() {
        let broken = || -> ByteReader<'static> {
            let bytes: Vec<io::Result<&[u8]>> =
                vec![Ok(b"some"), Err(io::Error::new(io::ErrorKind::BrokenPipe, "the dump failed"))];
            Box::pin(tokio_util::io::StreamReader::new(futures_util::stream::iter(bytes)))
        };
        for codec in CODECS {
            let error = drain(compress(broken(), codec, default_level(codec))).await.unwrap_err();
            assert_eq!(error.to_string(), "the dump failed", "{codec}");
        }
        let error = drain(decompress(broken(), Codec::None)).await.unwrap_err();
        assert_eq!(error.to_string(), "the dump failed");
        let zstd = packed(&text(3000), Codec::Zstd).await;
        let head = zstd[..100].to_vec();
        let bytes: Vec<io::Result<&[u8]>> =
            vec![Ok(&head), Err(io::Error::new(io::ErrorKind::BrokenPipe, "the store failed"))];
        let cut = Box::pin(tokio_util::io::StreamReader::new(futures_util::stream::iter(bytes)));
        let error = drain(decompress(cut, Codec::Zstd)).await.unwrap_err();
        assert_eq!(error.to_string(), "the store failed");
    }
}
