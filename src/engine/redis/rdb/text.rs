//! Strings of an RDB stream that have to be known: keys, functions, notes about the server.

/// Reads one string from the front of `raw`; the string and how many bytes it took. Unpacked it may have `limit` bytes.
pub(super) fn decode(raw: &[u8], limit: usize) -> Result<(Vec<u8>, usize), String> {
    let mut input = Input { raw, at: 0 };
    let first = input.byte()?;
    let text = if first >> 6 == 3 {
        special(&mut input, first & 63, limit)?
    } else {
        input.at = 0;
        let length = input.number()?;
        input.bytes(length)?.to_vec()
    };
    Ok((text, input.at))
}

/// A small integer, or compressed bytes.
fn special(input: &mut Input<'_>, form: u8, limit: usize) -> Result<Vec<u8>, String> {
    let integer = match form {
        0 => i64::from(i8::from_le_bytes(input.array()?)),
        1 => i64::from(i16::from_le_bytes(input.array()?)),
        2 => i64::from(i32::from_le_bytes(input.array()?)),
        3 => {
            let (packed, unpacked) = (input.number()?, input.number()?);
            if unpacked > limit {
                return Err(format!("a string of {unpacked} bytes, {limit} are allowed here"));
            }
            return unpack(input.bytes(packed)?, unpacked);
        }
        form => return Err(format!("a string has the unknown form {form}")),
    };
    Ok(integer.to_string().into_bytes())
}

struct Input<'a> {
    raw: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn bytes(&mut self, count: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.raw.len());
        let end = end.ok_or_else(|| "a string ends too early".to_owned())?;
        let bytes = &self.raw[self.at..end];
        self.at = end;
        Ok(bytes)
    }

    fn byte(&mut self) -> Result<u8, String> {
        self.bytes(1).map(|bytes| bytes[0])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N)?);
        Ok(array)
    }

    fn number(&mut self) -> Result<usize, String> {
        let first = self.byte()?;
        let value = match first >> 6 {
            0 => u64::from(first),
            1 => u64::from(first & 63) << 8 | u64::from(self.byte()?),
            _ if first == 0x80 => u64::from(u32::from_be_bytes(self.array()?)),
            _ if first == 0x81 => u64::from_be_bytes(self.array()?),
            _ => return Err(format!("a number begins with the byte {first:#04x}")),
        };
        usize::try_from(value).map_err(|_| format!("a string of {value} bytes"))
    }
}

/// Unpacks LZF: runs of up to 32 bytes as they are, and references of 3 to 264 bytes to what was unpacked before.
fn unpack(packed: &[u8], length: usize) -> Result<Vec<u8>, String> {
    let wrong = || "a compressed string cannot be decompressed".to_owned();
    // What is announced is believed only as far as the packed bytes can carry it.
    let mut text = Vec::with_capacity(length.min(packed.len().saturating_mul(90)));
    let mut input = Input { raw: packed, at: 0 };
    while input.at < packed.len() {
        let control = usize::from(input.byte()?);
        if control < 32 {
            text.extend_from_slice(input.bytes(control + 1)?);
        } else {
            let mut count = control >> 5;
            if count == 7 {
                count += usize::from(input.byte()?);
            }
            let back = (control & 31) << 8 | usize::from(input.byte()?);
            let from = text.len().checked_sub(back + 1).ok_or_else(wrong)?;
            // The reference may overlap what it makes.
            for at in from..from + count + 2 {
                text.push(text[at]);
            }
        }
        if text.len() > length {
            return Err(wrong());
        }
    }
    if text.len() == length { Ok(text) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(raw: &[u8]) -> Result<String, String> {
        decode(raw, 1000).map(|(text, used)| {
            assert_eq!(used, raw.len());
            String::from_utf8(text).unwrap()
        })
    }

    #[test]
    fn every_form_of_a_string_is_read() {
        assert_eq!(text(b"\x03abc").unwrap(), "abc");
        assert_eq!(text(b"\x40\x03abc").unwrap(), "abc");
        assert_eq!(text(b"\x80\x00\x00\x00\x03abc").unwrap(), "abc");
        assert_eq!(text(b"\x81\x00\x00\x00\x00\x00\x00\x00\x03abc").unwrap(), "abc");
        assert_eq!(text(b"\xc0\xfe").unwrap(), "-2");
        assert_eq!(text(b"\xc1\x00\x80").unwrap(), "-32768");
        assert_eq!(text(b"\xc2\xff\xff\xff\x7f").unwrap(), "2147483647");
        // "ab", then eight bytes from two places back.
        assert_eq!(text(b"\xc3\x05\x0a\x01ab\xc0\x01").unwrap(), "ababababab");
    }

    #[test]
    fn a_string_that_lies_is_an_error() {
        for raw in [
            &b"\x04abc"[..],
            b"",
            b"\xc1\x00",
            b"\xc4\x00",
            b"\x82",
            b"\xc3\x05\x0b\x01ab\xc0\x01",
            b"\xc3\x05\x09\x01ab\xc0\x01",
            b"\xc3\x02\x05\x20\x09",
            b"\xc3\x05\x80\x7f\xff\xff\xff\x01ab\xc0\x01",
            b"\x81\xff\xff\xff\xff\xff\xff\xff\xffa",
        ] {
            assert!(text(raw).is_err(), "{raw:?}");
        }
    }
}
