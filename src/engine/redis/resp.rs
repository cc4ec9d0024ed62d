//! The wire protocol of Redis, version 2: commands out, replies in, both bounded.

use std::future::Future;
use std::pin::Pin;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

/// The longest line, the most bytes and the most elements of one reply: far more than any question here is answered with.
const LINE_LIMIT: usize = 64 << 10;
const REPLY_LIMIT_BYTES: u64 = 16 << 20;
const ELEMENTS_LIMIT: u64 = 1 << 20;
const DEPTH_LIMIT: u32 = 8;

/// What a server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    /// `+OK`.
    Status(String),
    /// `-ERR …`, without the sign.
    Error(String),
    /// `:1`.
    Number(i64),
    /// A string of bytes.
    Bytes(Vec<u8>),
    /// Nothing.
    Nil,
    /// Several.
    List(Vec<Reply>),
}

/// Why a reply cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum RespError {
    /// The connection ended or broke.
    #[error("the connection was lost: {0}")]
    Lost(#[from] std::io::Error),
    /// It is not the protocol.
    #[error("{0}")]
    Malformed(String),
}

impl Reply {
    /// The text of a status or string.
    pub(super) fn text(&self) -> Option<std::borrow::Cow<'_, str>> {
        match self {
            Self::Status(text) => Some(text.as_str().into()),
            Self::Bytes(bytes) => Some(String::from_utf8_lossy(bytes)),
            _ => None,
        }
    }

    /// The number.
    pub(super) fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The elements; none for anything else.
    pub(super) fn list(&self) -> &[Reply] {
        match self {
            Self::List(list) => list,
            _ => &[],
        }
    }
}

/// Appends a command.
pub(super) fn command(out: &mut Vec<u8>, words: &[&[u8]]) {
    head(out, words.len());
    for word in words {
        self::word(out, word);
    }
}

/// Appends the head of a command of so many words.
pub(super) fn head(out: &mut Vec<u8>, words: usize) {
    out.push(b'*');
    out.extend_from_slice(words.to_string().as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Appends one word.
pub(super) fn word(out: &mut Vec<u8>, word: &[u8]) {
    word_head(out, word.len());
    out.extend_from_slice(word);
    out.extend_from_slice(b"\r\n");
}

/// Appends what stands in front of a word of so many bytes; the word and the end of a line have to follow.
pub(super) fn word_head(out: &mut Vec<u8>, bytes: usize) {
    out.push(b'$');
    out.extend_from_slice(bytes.to_string().as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Reads one line without its end. An end of file before one is an error.
pub(super) async fn line<R: AsyncBufRead + Unpin + Send + ?Sized>(
    reader: &mut R,
    line: &mut Vec<u8>,
) -> Result<(), RespError> {
    line.clear();
    loop {
        let buffer = reader.fill_buf().await?;
        if buffer.is_empty() {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
        }
        let end = memchr::memchr(b'\n', buffer);
        let count = end.map_or(buffer.len(), |at| at + 1);
        line.extend_from_slice(&buffer[..count]);
        reader.consume(count);
        if line.len() > LINE_LIMIT {
            return Err(RespError::Malformed(format!("a line of more than {LINE_LIMIT} bytes")));
        }
        if end.is_some() {
            while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
                line.pop();
            }
            return Ok(());
        }
    }
}

/// Reads one reply.
pub(super) async fn reply<R: AsyncBufRead + Unpin + Send + ?Sized>(
    reader: &mut R,
) -> Result<Reply, RespError> {
    let mut budget = Budget { bytes: REPLY_LIMIT_BYTES, elements: ELEMENTS_LIMIT };
    part(reader, &mut budget, DEPTH_LIMIT).await
}

struct Budget {
    bytes: u64,
    elements: u64,
}

impl Budget {
    fn take(&mut self, bytes: u64, elements: u64) -> Result<(), RespError> {
        let (Some(bytes), Some(elements)) =
            (self.bytes.checked_sub(bytes), self.elements.checked_sub(elements))
        else {
            return Err(RespError::Malformed(format!("a reply of more than {REPLY_LIMIT_BYTES} bytes")));
        };
        (self.bytes, self.elements) = (bytes, elements);
        Ok(())
    }
}

fn part<'a, R: AsyncBufRead + Unpin + Send + ?Sized>(
    reader: &'a mut R,
    budget: &'a mut Budget,
    depth: u32,
) -> Pin<Box<dyn Future<Output = Result<Reply, RespError>> + Send + 'a>> {
    Box::pin(async move {
        let mut text = Vec::new();
        line(reader, &mut text).await?;
        budget.take(text.len() as u64, 1)?;
        let words = || String::from_utf8_lossy(text.get(1..).unwrap_or_default()).into_owned();
        match text.first() {
            Some(b'+') => Ok(Reply::Status(words())),
            Some(b'-') => Ok(Reply::Error(words())),
            Some(b':') => Ok(Reply::Number(number(&words())?)),
            Some(b'$') => {
                let Ok(length) = u64::try_from(number(&words())?) else { return Ok(Reply::Nil) };
                budget.take(length, 0)?;
                let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
                reader.read_exact(&mut bytes).await?;
                line(reader, &mut text).await?;
                if text.is_empty() { Ok(Reply::Bytes(bytes)) } else { Err(strange(&text)) }
            }
            Some(b'*') => {
                let Ok(count) = u64::try_from(number(&words())?) else { return Ok(Reply::Nil) };
                budget.take(0, count)?;
                let depth = depth.checked_sub(1).ok_or_else(|| strange(&text))?;
                let mut list = Vec::new();
                for _ in 0..count {
                    list.push(part(reader, budget, depth).await?);
                }
                Ok(Reply::List(list))
            }
            _ => Err(strange(&text)),
        }
    })
}

fn number(text: &str) -> Result<i64, RespError> {
    text.parse().map_err(|_| strange(text.as_bytes()))
}

fn strange(line: &[u8]) -> RespError {
    let shown = line[..line.len().min(40)].escape_ascii();
    RespError::Malformed(format!("`{shown}` is not an answer of Redis"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::BufReader;

    async fn read(bytes: &[u8]) -> Result<Reply, RespError> {
        // A buffer of three bytes cuts everywhere.
        reply(&mut BufReader::with_capacity(3, bytes)).await
    }

    #[tokio::test]
    async fn every_kind_of_reply_is_read() {
        assert_eq!(read(b"+OK\r\n").await.unwrap(), Reply::Status("OK".into()));
        assert_eq!(read(b"-ERR no\r\n").await.unwrap(), Reply::Error("ERR no".into()));
        assert_eq!(read(b":-7\r\n").await.unwrap(), Reply::Number(-7));
        assert_eq!(read(b"$5\r\na\r\nb\n\r\n").await.unwrap(), Reply::Bytes(b"a\r\nb\n".to_vec()));
        assert_eq!(read(b"$-1\r\n").await.unwrap(), Reply::Nil);
        let list = Reply::List(vec![Reply::Number(1), Reply::List(vec![Reply::Nil])]);
        assert_eq!(read(b"*2\r\n:1\r\n*1\r\n*-1\r\n").await.unwrap(), list);
    }

    #[tokio::test]
    async fn a_reply_that_is_cut_strange_or_endless_is_an_error() {
        let deep = "*1\r\n".repeat(100);
        let long = format!("+{}", "x".repeat(LINE_LIMIT + 10));
        for bytes in [
            "",
            "+OK",
            "$5\r\nabc",
            "$3\r\nabcd\r\n",
            "?\r\n",
            "\r\n",
            ":x\r\n",
            "$999999999999\r\n",
            "*99999999\r\n",
            &deep,
            &long,
        ] {
            assert!(read(bytes.as_bytes()).await.is_err(), "{bytes:.40}");
        }
    }

    #[test]
    fn a_command_is_written_word_by_word() {
        let mut out = Vec::new();
        command(&mut out, &[b"SET", b"k\r\n", b""]);
        assert_eq!(out, b"*3\r\n$3\r\nSET\r\n$3\r\nk\r\n\r\n$0\r\n\r\n");
    }
}
