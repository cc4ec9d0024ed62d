//! Messages of the server, taken out of the stream of its bytes.

use bytes::{Buf as _, Bytes, BytesMut};

/// The longest message that is taken. A base backup comes in pieces of 32 KiB; rows and errors are shorter than that.
const MESSAGE_LIMIT_BYTES: usize = 1 << 20;
/// What comes before the body: a tag, and the length of itself and the body.
const HEAD_BYTES: usize = 5;
const LENGTH_BYTES: usize = 4;

/// The kinds of messages that mean something here, by their tags in the protocol.
pub(super) mod tag {
    pub(crate) const AUTHENTICATION: u8 = b'R';
    pub(crate) const PARAMETER: u8 = b'S';
    pub(crate) const KEY: u8 = b'K';
    pub(crate) const READY: u8 = b'Z';
    pub(crate) const ERROR: u8 = b'E';
    pub(crate) const NOTICE: u8 = b'N';
    pub(crate) const NOTIFICATION: u8 = b'A';
    pub(crate) const VERSION: u8 = b'v';
    pub(crate) const COLUMNS: u8 = b'T';
    pub(crate) const ROW: u8 = b'D';
    pub(crate) const COMPLETE: u8 = b'C';
    pub(crate) const EMPTY: u8 = b'I';
    pub(crate) const COPY_OUT: u8 = b'H';
    pub(crate) const COPY_IN: u8 = b'G';
    pub(crate) const COPY_DATA: u8 = b'd';
    pub(crate) const COPY_DONE: u8 = b'c';
}

/// One message of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) tag: u8,
    pub(super) body: Bytes,
}

/// What is wrong with the bytes of a server, for people.
pub(super) type Problem = String;

/// Takes the first message off `held`; `None` while more bytes are needed.
pub(super) fn take(held: &mut BytesMut) -> Result<Option<Message>, Problem> {
    let Some(start) = held.first_chunk::<HEAD_BYTES>() else { return Ok(None) };
    let [tag, length @ ..] = *start;
    let length = u32::from_be_bytes(length) as usize;
    if !(LENGTH_BYTES..=MESSAGE_LIMIT_BYTES).contains(&length) {
        return Err(format!("a message `{}` of {length} bytes", tag.escape_ascii()));
    }
    let whole = length + 1;
    if held.len() < whole {
        held.reserve(whole - held.len());
        return Ok(None);
    }
    let mut body = held.split_to(whole).freeze();
    body.advance(HEAD_BYTES);
    Ok(Some(Message { tag, body }))
}

/// Takes a text that ends with a zero byte off `body`.
pub(in crate::engine::postgresql) fn text(body: &mut Bytes) -> Result<String, Problem> {
    let end = memchr::memchr(0, body).ok_or("a text without its end")?;
    let text = String::from_utf8_lossy(&body[..end]).into_owned();
    body.advance(end + 1);
    Ok(text)
}

/// Takes a number of four bytes off `body`.
pub(super) fn number(body: &mut Bytes) -> Result<u32, Problem> {
    (body.len() >= 4).then(|| body.get_u32()).ok_or_else(|| "a message that ends inside a number".to_owned())
}

/// The values of a row, of which a server that is trusted with little may send only so many.
pub(super) fn row(mut body: Bytes) -> Result<Vec<Option<String>>, Problem> {
    let short = || "a row that ends too early".to_owned();
    if body.len() < 2 {
        return Err(short());
    }
    let count = body.get_u16();
    let mut values = Vec::new();
    for _ in 0..count {
        let length = number(&mut body).map_err(|_| short())?;
        if length == u32::MAX {
            values.push(None);
            continue;
        }
        let length = length as usize;
        if body.len() < length {
            return Err(short());
        }
        values.push(Some(String::from_utf8_lossy(&body.split_to(length)).into_owned()));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn framed(tag: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + LENGTH_BYTES).unwrap();
        [&[tag][..], &length.to_be_bytes(), body].concat()
    }

    #[test]
    fn a_message_comes_whole_or_not_at_all() {
        let bytes = [framed(b'S', b"a\0b\0"), framed(b'Z', b"I")].concat();
        for cut in 0..bytes.len() {
            let mut held = BytesMut::from(&bytes[..cut]);
            let mut found = Vec::new();
            while let Some(message) = take(&mut held).unwrap() {
                found.push(message.tag);
            }
            held.extend_from_slice(&bytes[cut..]);
            while let Some(message) = take(&mut held).unwrap() {
                found.push(message.tag);
            }
            assert_eq!(found, b"SZ");
            assert!(held.is_empty());
        }
    }

    #[test]
    fn a_length_that_cannot_be_is_refused_before_its_bytes_are_waited_for() {
        for length in [0, 3, u32::MAX, (1 << 20) + 1] {
            let mut held = BytesMut::from(&[&[b'D'][..], &length.to_be_bytes()].concat()[..]);
            assert!(take(&mut held).is_err(), "{length}");
        }
    }

    #[test]
    fn a_row_has_values_and_holes() {
        let body = [&[0, 3, 0, 0, 0, 1, b'x'][..], &[0xff; 4], &[0, 0, 0, 0]].concat();
        let values = row(Bytes::from(body)).unwrap();
        assert_eq!(values, [Some("x".to_owned()), None, Some(String::new())]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = row(Bytes::from(bytes.clone()));
            let _ = text(&mut Bytes::from(bytes.clone()));
            let mut held = BytesMut::from(&bytes[..]);
            while let Ok(Some(_)) = take(&mut held) {}
        }
    }
}
