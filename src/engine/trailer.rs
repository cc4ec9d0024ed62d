//! Text that is whole when it ends with its writer's last words.

use crate::model::{Contents, Witness, WitnessError};

/// More than the longest trailer and the blank lines after it.
const TAIL_BYTES: usize = 256;

/// Watches for the last words.
#[derive(Debug)]
pub(super) struct TrailerWitness {
    format: &'static str,
    trailer: &'static str,
    tail: Vec<u8>,
}

impl TrailerWitness {
    /// For text that messages call `format` and whose last lines are `trailer`.
    pub(super) fn new(format: &'static str, trailer: &'static str) -> Self {
        Self { format, trailer, tail: Vec::new() }
    }
}

impl Witness for TrailerWitness {
    fn feed(&mut self, bytes: &[u8]) -> Result<(), WitnessError> {
        self.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL_BYTES)..]);
        let surplus = self.tail.len().saturating_sub(TAIL_BYTES);
        self.tail.drain(..surplus);
        Ok(())
    }

    fn finish(&mut self) -> Result<Option<Contents>, WitnessError> {
        // Whole lines: the same words at the end of another line prove nothing.
        let before = self.tail.trim_ascii_end().strip_suffix(self.trailer.as_bytes());
        if before.is_some_and(|before| before.is_empty() || before.ends_with(b"\n")) {
            return Ok(Some(Contents::default()));
        }
        let words = self.trailer.lines().next().unwrap_or_default();
        let problem = format!("it ends without `{words}`");
        Err(WitnessError::Incomplete { format: self.format, problem })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_words_on_lines_of_their_own_prove_that_it_is_whole() {
        let judge = |text: &str, piece: usize| {
            let mut witness = TrailerWitness::new("list", "-- the end\n--");
            text.as_bytes().chunks(piece).for_each(|piece| witness.feed(piece).unwrap());
            witness.finish().is_ok()
        };
        let long = "words\n".repeat(100);
        for piece in [1, 7, 10_000] {
            assert!(judge(&format!("{long}-- the end\n--\n\n"), piece));
            assert!(judge("-- the end\n--", piece));
            for torn in ["", "-- the end", "x-- the end\n--", "-- the end\n--\nmore", "-- the end\n--\n--"] {
                assert!(!judge(&format!("{long}{torn}"), piece), "{torn}");
            }
        }
    }
}
