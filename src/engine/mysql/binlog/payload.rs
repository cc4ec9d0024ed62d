//! MySQL's packed transactions: one event that holds the others, without their checksums.

use super::frame::{Frame, HEADER_BYTES, little_u32};
use std::io::Read as _;

const END: u64 = 0;
const METHOD: u64 = 2;
const ZSTANDARD: u64 = 0;
const NONE: u64 = 255;
/// The longest event inside that is believed.
const LONGEST_EVENT: usize = (1 << 30) + (16 << 20);

/// The events inside, one after the other; an error is a clause for people.
pub(super) struct Payload<'a> {
    reader: Box<dyn std::io::Read + 'a>,
    around: &'a Frame,
}

impl<'a> Payload<'a> {
    pub(super) fn of(frame: &'a Frame) -> Result<Self, String> {
        let strange = || "a packed transaction that is not understood".to_owned();
        let mut rest = frame.body();
        let mut method = None;
        loop {
            let kind = number(&mut rest).ok_or_else(strange)?;
            if kind == END {
                break;
            }
            let length = usize::try_from(number(&mut rest).ok_or_else(strange)?).map_err(|_| strange())?;
            let (mut value, behind) = rest.split_at_checked(length).ok_or_else(strange)?;
            rest = behind;
            if kind == METHOD {
                method = number(&mut value);
            }
        }
        let reader: Box<dyn std::io::Read> = match method {
            Some(ZSTANDARD) => {
                Box::new(zstd::stream::read::Decoder::new(rest).map_err(|error| error.to_string())?)
            }
            Some(NONE) => Box::new(rest),
            _ => return Err(strange()),
        };
        Ok(Self { reader, around: frame })
    }

    /// The next event.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, String> {
        let mut bytes = vec![0; HEADER_BYTES];
        match self.reader.read(&mut bytes[..1]) {
            Ok(0) => return Ok(None),
            Ok(_) => {}
            Err(error) => return Err(format!("a packed transaction that cannot be unpacked: {error}")),
        }
        let cut = |error: std::io::Error| format!("a packed transaction that is cut: {error}");
        self.reader.read_exact(&mut bytes[1..]).map_err(cut)?;
        let length = little_u32(&bytes, 9) as usize;
        if !(HEADER_BYTES..=LONGEST_EVENT).contains(&length) {
            return Err(format!("an event of {length} bytes in a packed transaction"));
        }
        bytes.resize(length, 0);
        self.reader.read_exact(&mut bytes[HEADER_BYTES..]).map_err(cut)?;
        let offset = self.around.offset;
        let bare = Frame { bytes, checksum: false, offset };
        if !self.around.checksum {
            return Ok(Some(bare));
        }
        // Outside, as the format of the file says, it has a checksum of its own.
        let empty = Frame { bytes: bare.bytes.clone(), checksum: true, offset };
        Ok(Some(Frame { bytes: empty.with(bare.kind(), bare.body()), ..empty }))
    }
}

/// A number as the protocol writes lengths.
fn number(rest: &mut &[u8]) -> Option<u64> {
    let (first, behind) = rest.split_first()?;
    let bytes = match first {
        0xfc => 2,
        0xfd => 3,
        0xfe => 8,
        small => {
            *rest = behind;
            return Some(u64::from(*small));
        }
    };
    let (value, behind) = behind.split_at_checked(bytes)?;
    *rest = behind;
    Some(value.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}
