//! What quotes and comments look like.

/// How the session that made a statement read quotes. A dump says so before each trigger, routine and event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct QuoteRules {
    /// `NO_BACKSLASH_ESCAPES`: backslashes in quotes are just characters.
    pub(super) plain_backslashes: bool,
    /// `ANSI_QUOTES`: double quotes stand around names.
    pub(super) quoted_names: bool,
}

/// A comment up to the end of the line.
pub(super) fn begins_line_comment(rest: &[u8]) -> bool {
    let dashes = rest.starts_with(b"--") && rest.get(2).is_none_or(|byte| *byte <= b' ');
    dashes || rest.first() == Some(&b'#')
}

/// A comment that holds no code.
pub(super) fn begins_block_comment(rest: &[u8]) -> bool {
    rest.starts_with(b"/*") && rest.get(2) != Some(&b'!') && !rest[2..].starts_with(b"M!")
}

/// The first line of newer dumps of MariaDB is a command to its client.
pub(super) fn begins_sandbox_line(rest: &[u8]) -> bool {
    rest.starts_with(b"/*M!999999\\-") || rest.starts_with(b"/*!999999\\-")
}
