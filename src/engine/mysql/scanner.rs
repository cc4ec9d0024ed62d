//! Cuts a stream of SQL into statements as the server's own client does, with bounded memory and without copying it.
//!
//! It knows quotes, backslashes (and where they mean nothing), comments, and the `DELIMITER` command. Comments that hold
//! code (`/*!50003 … */`, `/*M!100100 … */`) are code. What goes out is exactly what came in.

use super::syntax::{QuoteRules, begins_block_comment, begins_line_comment, begins_sandbox_line};
use super::unescape::is_needless_escape;
use memchr::{memchr, memchr2, memmem};

/// The beginning of a statement that is kept: names, definers and settings are all in it.
pub(super) const HEAD_LIMIT: usize = 4096;

/// What goes by, in order. Each may come in several slices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// White space between statements.
    Space(&'a [u8]),
    /// A comment between statements.
    Comment(&'a [u8]),
    /// Its end.
    CommentEnd,
    /// A `DELIMITER` command.
    Command(&'a [u8]),
    /// A statement.
    Statement(&'a [u8]),
    /// Its end, with the delimiter that was read.
    End(&'a [u8]),
}

/// What is known of the statement that goes by.
#[derive(Debug, Default)]
pub(super) struct Current {
    /// Its first bytes, at most [`HEAD_LIMIT`].
    pub(super) head: Vec<u8>,
    /// Parentheses that were opened outside of any other.
    pub(super) groups: u64,
    /// How it reads quotes.
    pub(super) rules: QuoteRules,
    /// Escapes in quotes without which a server reads the same: see [`is_needless_escape`].
    pub(super) needless_escapes: u64,
    depth: u32,
}

/// Takes the pieces.
pub(super) trait Sink {
    /// The next piece. `current` is the statement that it belongs to, if it does.
    fn piece(&mut self, piece: Piece<'_>, current: &Current);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Before a statement.
    Between,
    /// In a comment before a statement: up to the end of the line, or `*/`.
    LineBetween,
    BlockBetween,
    /// In a `DELIMITER` command.
    Command,
    /// In a statement, outside of everything else.
    Code,
    /// In a comment inside a statement.
    Line,
    Block,
    /// Between two quotes of this kind.
    Quoted(u8),
}

/// The scanner.
#[derive(Debug)]
pub(super) struct Scanner {
    state: Mode,
    current: Current,
    delimiter: Vec<u8>,
    command: Vec<u8>,
    /// The byte after a backslash that ended a slice is to be passed over.
    escaped: bool,
    /// How the session reads quotes now.
    rules: QuoteRules,
    /// The end of the last slice, which could not be understood without the next.
    carry: Vec<u8>,
}

/// What a byte outside of quotes and comments can begin.
const PLAIN: u8 = 0;
const SPECIAL: u8 = 1;

const CLASSES: [u8; 256] = {
    let mut classes = [PLAIN; 256];
    let special = b"'\"`()-#/";
    let mut at = 0;
    while at < special.len() {
        classes[special[at] as usize] = SPECIAL;
        at += 1;
    }
    classes
};

/// The longest delimiter that is believed.
const DELIMITER_LIMIT: usize = 16;
const DELIMITER_COMMAND: &[u8] = b"delimiter";

/// More than what ever has to be seen at once to understand a byte.
const LOOK_AHEAD: usize = 20;

impl Scanner {
    pub(super) fn new() -> Self {
        Self {
            state: Mode::Between,
            current: Current::default(),
            delimiter: b";".to_vec(),
            command: Vec::new(),
            escaped: false,
            rules: QuoteRules::default(),
            carry: Vec::new(),
        }
    }

    /// The next bytes.
    pub(super) fn feed(&mut self, bytes: &[u8], sink: &mut impl Sink) {
        if self.carry.is_empty() {
            let done = self.walk(bytes, sink, End::More);
            self.carry.extend_from_slice(&bytes[done..]);
        } else {
            let mut joined = std::mem::take(&mut self.carry);
            joined.extend_from_slice(bytes);
            let done = self.walk(&joined, sink, End::More);
            joined.drain(..done);
            self.carry = joined;
        }
    }

    /// The stream has ended. Whether that was between statements.
    pub(super) fn finish(&mut self, sink: &mut impl Sink) -> bool {
        let rest = std::mem::take(&mut self.carry);
        self.walk(&rest, sink, End::Last);
        if self.state == Mode::LineBetween {
            sink.piece(Piece::CommentEnd, &self.current);
            self.state = Mode::Between;
        }
        if self.state == Mode::Command {
            self.obey();
            self.state = Mode::Between;
        }
        self.state == Mode::Between
    }

    /// Walks over `bytes`; what could not be understood yet is left.
    fn walk(&mut self, bytes: &[u8], sink: &mut impl Sink, end: End) -> usize {
        let mut at = 0;
        while at < bytes.len() {
            if end == End::More && self.is_uncertain(&bytes[at..]) {
                break;
            }
            let rest = &bytes[at..];
            at += match self.state {
                Mode::Between => self.between(rest, sink),
                Mode::LineBetween | Mode::BlockBetween => self.comment_between(rest, sink, end),
                Mode::Command => self.in_command(rest, sink),
                Mode::Code | Mode::Line | Mode::Block | Mode::Quoted(_) => self.statement(rest, sink, end),
            };
        }
        at
    }

    /// Whether these bytes could mean different things, depending on what follows.
    fn is_uncertain(&self, rest: &[u8]) -> bool {
        match self.state {
            Mode::Between => rest.len() < LOOK_AHEAD && rest.iter().any(|byte| !byte.is_ascii_whitespace()),
            Mode::BlockBetween | Mode::Block => rest == b"*",
            Mode::Code => rest.len() < LOOK_AHEAD && self.may_begin_something(rest[0]),
            _ => false,
        }
    }

    fn may_begin_something(&self, byte: u8) -> bool {
        matches!(byte, b'-' | b'/') || byte == self.delimiter[0]
    }

    fn between(&mut self, rest: &[u8], sink: &mut impl Sink) -> usize {
        let space = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        if space > 0 {
            sink.piece(Piece::Space(&rest[..space]), &self.current);
            return space;
        }
        if begins_line_comment(rest) {
            self.state = Mode::LineBetween;
            return 0;
        }
        if begins_block_comment(rest) || begins_sandbox_line(rest) {
            self.state = Mode::BlockBetween;
            // Its first two bytes are taken here: the end of `/*/` is not its beginning.
            sink.piece(Piece::Comment(&rest[..2]), &self.current);
            return 2;
        }
        let word = &rest[..rest.len().min(DELIMITER_COMMAND.len())];
        let after = rest.get(DELIMITER_COMMAND.len());
        if word.eq_ignore_ascii_case(DELIMITER_COMMAND) && after.is_some_and(u8::is_ascii_whitespace) {
            self.state = Mode::Command;
            self.command.clear();
            return 0;
        }
        let head = std::mem::take(&mut self.current.head);
        self.current = Current { head, rules: self.rules, ..Current::default() };
        self.current.head.clear();
        self.state = Mode::Code;
        0
    }

    fn comment_between(&mut self, rest: &[u8], sink: &mut impl Sink, end: End) -> usize {
        let (length, ended) = self.comment_end(rest, end);
        sink.piece(Piece::Comment(&rest[..length]), &self.current);
        if ended {
            sink.piece(Piece::CommentEnd, &self.current);
            self.state = Mode::Between;
        }
        length
    }

    /// How much of `rest` belongs to the comment that it begins in, and whether that is all of it.
    fn comment_end(&self, rest: &[u8], end: End) -> (usize, bool) {
        if matches!(self.state, Mode::LineBetween | Mode::Line) {
            return memchr(b'\n', rest).map_or((rest.len(), false), |at| (at + 1, true));
        }
        match memmem::find(rest, b"*/") {
            Some(at) => (at + 2, true),
            // A star at the end may be half of its end.
            None if rest.last() == Some(&b'*') && end == End::More => (rest.len() - 1, false),
            None => (rest.len(), false),
        }
    }

    fn in_command(&mut self, rest: &[u8], sink: &mut impl Sink) -> usize {
        let (length, ended) = memchr(b'\n', rest).map_or((rest.len(), false), |at| (at + 1, true));
        sink.piece(Piece::Command(&rest[..length]), &self.current);
        let room = 256_usize.saturating_sub(self.command.len());
        self.command.extend_from_slice(&rest[..length.min(room)]);
        if ended {
            self.obey();
            self.state = Mode::Between;
        }
        length
    }

    fn obey(&mut self) {
        let word = self.command[DELIMITER_COMMAND.len().min(self.command.len())..].trim_ascii();
        let word = word.split(u8::is_ascii_whitespace).next().unwrap_or_default();
        if !word.is_empty() && word.len() <= DELIMITER_LIMIT {
            self.delimiter = word.to_vec();
        }
    }

    /// Walks inside one statement, up to its end or the end of `rest`.
    fn statement(&mut self, rest: &[u8], sink: &mut impl Sink, end: End) -> usize {
        let mut at = 0;
        let mut ended = false;
        while at < rest.len() && !ended {
            match self.state {
                Mode::Quoted(quote) => at = self.quoted(rest, at, quote),
                Mode::Line | Mode::Block => {
                    // What a star ends is known with the next byte; in a line it ends nothing.
                    if end == End::More && self.state == Mode::Block && &rest[at..] == b"*" {
                        break;
                    }
                    let (length, over) = self.comment_end(&rest[at..], end);
                    at += length;
                    if over {
                        self.state = Mode::Code;
                    }
                }
                _ => {
                    at = self.plain(rest, at);
                    if at == rest.len()
                        || (end == End::More
                            && rest.len() - at < LOOK_AHEAD
                            && self.may_begin_something(rest[at]))
                    {
                        break;
                    }
                    if rest[at..].starts_with(&self.delimiter) {
                        ended = true;
                    } else {
                        at += self.special(&rest[at..]);
                    }
                }
            }
        }
        let room = HEAD_LIMIT.saturating_sub(self.current.head.len());
        self.current.head.extend_from_slice(&rest[..at.min(room)]);
        sink.piece(Piece::Statement(&rest[..at]), &self.current);
        if ended {
            let length = self.delimiter.len();
            self.notice_mode();
            self.state = Mode::Between;
            sink.piece(Piece::End(&rest[at..at + length]), &self.current);
            self.current.head.clear();
            at += length;
        }
        at
    }

    /// The next byte that may mean something.
    fn plain(&self, rest: &[u8], mut at: usize) -> usize {
        let first = self.delimiter[0];
        while at < rest.len() && CLASSES[usize::from(rest[at])] == PLAIN && rest[at] != first {
            at += 1;
        }
        at
    }

    /// Takes a byte that may mean something, or what begins with it.
    fn special(&mut self, rest: &[u8]) -> usize {
        match rest[0] {
            b'(' => {
                self.current.groups += u64::from(self.current.depth == 0);
                self.current.depth = self.current.depth.saturating_add(1);
            }
            b')' => self.current.depth = self.current.depth.saturating_sub(1),
            quote @ (b'\'' | b'"' | b'`') => self.state = Mode::Quoted(quote),
            _ if begins_line_comment(rest) => self.state = Mode::Line,
            _ if begins_block_comment(rest) => {
                self.state = Mode::Block;
                return 2;
            }
            _ => {}
        }
        1
    }

    /// Walks to behind the end of the quotes. A doubled quote ends them and begins others at once, which is the same.
    fn quoted(&mut self, rest: &[u8], mut at: usize, quote: u8) -> usize {
        if std::mem::take(&mut self.escaped) {
            self.notice_escape(quote, rest[at]);
            at += 1;
        }
        let is_name = quote == b'`' || (quote == b'"' && self.rules.quoted_names);
        let escapes = !is_name && !self.rules.plain_backslashes;
        while at < rest.len() {
            let found = if escapes { memchr2(quote, b'\\', &rest[at..]) } else { memchr(quote, &rest[at..]) };
            let Some(found) = found else { return rest.len() };
            at += found;
            if rest[at] == quote {
                self.state = Mode::Code;
                return at + 1;
            }
            if let Some(byte) = rest.get(at + 1) {
                self.notice_escape(quote, *byte);
            }
            at += 2;
        }
        // The backslash was the last byte.
        self.escaped = at > rest.len();
        rest.len().min(at)
    }

    fn notice_escape(&mut self, quote: u8, byte: u8) {
        self.current.needless_escapes += u64::from(quote == b'\'' && is_needless_escape(byte));
    }

    /// Routines are written in the mode they were made in, and that says what a backslash is.
    fn notice_mode(&mut self) {
        let mut head = self.current.head.as_slice();
        if let Some(code) = head.strip_prefix(b"/*!") {
            let digits = code.iter().take_while(|byte| byte.is_ascii_digit()).count();
            head = code[digits..].trim_ascii_start();
        }
        let is_set = head.get(..3).is_some_and(|word| word.eq_ignore_ascii_case(b"set"));
        if is_set && memmem::find(&head.to_ascii_lowercase(), b"sql_mode").is_some() {
            let has = |mode: &[u8]| memmem::find(head, mode).is_some();
            // Modes that combine others, as ANSI and ORACLE do, are written with all that they combine.
            self.rules = QuoteRules {
                plain_backslashes: has(b"NO_BACKSLASH_ESCAPES"),
                quoted_names: has(b"ANSI_QUOTES"),
            };
        }
    }
}

/// Whether more is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    More,
    Last,
}
