//! Watches the definitions of a dump go by, for what they need of a target.

use super::definition::add_needs;
use super::scanner::{Current, Piece};
use crate::model::Needs;

/// The longest definition that is looked at and changed. Longer ones pass as they are.
pub(super) const DEFINITION_LIMIT: usize = 4 * 1024 * 1024;

/// Enough of a statement to tell rows from definitions.
const TELLING_BYTES: usize = 16;

/// Whether a statement that begins so holds rows; `None` where more of it is needed.
pub(super) fn holds_rows(beginning: &[u8]) -> Option<bool> {
    let begins =
        |word: &[u8]| beginning.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    let rows = begins(b"insert") || begins(b"replace");
    (rows || beginning.len() >= TELLING_BYTES).then_some(rows)
}

/// What has been seen so far.
#[derive(Debug, Default)]
pub(super) struct Watched {
    needs: Needs,
    /// The definition that goes by.
    text: Vec<u8>,
    passed_over: bool,
}

impl Watched {
    /// The next piece of the dump.
    pub(super) fn piece(&mut self, piece: Piece<'_>, current: &Current) {
        match piece {
            Piece::Statement(bytes) if !self.passed_over => {
                self.text.extend_from_slice(bytes);
                let too_long = self.text.len() > DEFINITION_LIMIT;
                if too_long || holds_rows(&self.text) == Some(true) {
                    self.passed_over = true;
                    self.text.clear();
                }
            }
            Piece::End(_) => {
                if !self.passed_over {
                    add_needs(&mut self.needs, &self.text, current.rules);
                }
                self.text.clear();
                self.passed_over = false;
            }
            _ => {}
        }
    }

    /// All that was needed.
    pub(super) fn finish(&mut self) -> Needs {
        std::mem::take(&mut self.needs)
    }
}
