//! Rows without escapes that no server needs: a value of many zero bytes is half as long then.

use memchr::{memchr2, memchr3};

/// Whether a backslash before `byte` is there for a client that takes the bytes for something else, and not for the server.
pub(super) fn is_needless_escape(byte: u8) -> bool {
    matches!(byte, b'0' | b'n' | b'r' | b'Z' | b'"')
}

/// Walks over one statement with rows.
#[derive(Debug, Default)]
pub(super) struct Unescape {
    /// Between these quotes.
    quote: Option<u8>,
    /// Behind a backslash.
    escaped: bool,
}

impl Unescape {
    /// The next bytes; what is to go on is appended to `out`.
    pub(super) fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut at = 0;
        while at < bytes.len() {
            if std::mem::take(&mut self.escaped) {
                Self::escape(bytes[at], out);
                at += 1;
                continue;
            }
            let rest = &bytes[at..];
            let found = match self.quote {
                None => memchr3(b'\'', b'"', b'`', rest),
                Some(b'`') => memchr::memchr(b'`', rest),
                Some(quote) => memchr2(quote, b'\\', rest),
            };
            let Some(found) = found else {
                out.extend_from_slice(rest);
                return;
            };
            out.extend_from_slice(&rest[..found]);
            at += found + 1;
            match (self.quote, rest[found]) {
                (Some(b'\''), b'\\') => self.escaped = true,
                // Only rows are in single quotes; whatever this is, it stays as it is.
                (Some(_), b'\\') => {
                    out.push(b'\\');
                    if let Some(byte) = bytes.get(at) {
                        out.push(*byte);
                        at += 1;
                    }
                }
                (None, quote) => {
                    out.push(quote);
                    self.quote = Some(quote);
                }
                (Some(quote), _) => {
                    out.push(quote);
                    self.quote = None;
                }
            }
        }
    }

    fn escape(byte: u8, out: &mut Vec<u8>) {
        if !is_needless_escape(byte) {
            out.push(b'\\');
        }
        out.push(match byte {
            b'0' => 0,
            b'n' => b'\n',
            b'r' => b'\r',
            b'Z' => 0x1a,
            _ => byte,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_needless_escapes_are_undone_in_any_pieces() {
        let text =
            r#"INSERT INTO `a'\0` (`"\n`) VALUES ('a\0b\\0\'\"\n\r\Z\%\t',_binary '\\',0x00),('''\0')"#;
        let expected = "INSERT INTO `a'\\0` (`\"\\n`) VALUES ('a\0b\\\\0\\'\"\n\r\u{1a}\\%\\t',_binary '\\\\',0x00),('''\0')";
        for size in 1..=text.len() {
            let mut unescape = Unescape::default();
            let mut out = Vec::new();
            text.as_bytes().chunks(size).for_each(|piece| unescape.feed(piece, &mut out));
            assert_eq!(String::from_utf8(out).unwrap(), expected, "pieces of {size}");
        }
    }
}
