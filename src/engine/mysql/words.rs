//! The words of one whole statement. Code in comments is code, and every other comment is passed over.

use super::syntax::{QuoteRules, begins_line_comment};
use std::borrow::Cow;
use std::ops::Range;

/// What a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WordKind {
    /// A keyword, a number, or a name without quotes.
    Plain,
    /// A name in quotes.
    Name,
    /// A text in quotes.
    Text,
    /// Any other character.
    Sign,
}

/// One word, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word<'a> {
    pub(super) kind: WordKind,
    /// Without quotes.
    pub(super) text: Cow<'a, [u8]>,
    pub(super) place: Range<usize>,
}

impl Word<'_> {
    /// Whether it is this keyword.
    pub(super) fn is(&self, keyword: &str) -> bool {
        self.kind == WordKind::Plain && self.text.eq_ignore_ascii_case(keyword.as_bytes())
    }

    /// Whether it is this name, in quotes or not.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.is_name() && self.text.eq_ignore_ascii_case(name.as_bytes())
    }

    /// Whether it is one of these keywords.
    pub(super) fn is_any(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.is(keyword))
    }

    pub(super) fn is_sign(&self, sign: u8) -> bool {
        self.kind == WordKind::Sign && *self.text == [sign]
    }

    /// Whether it can name something.
    pub(super) fn is_name(&self) -> bool {
        match self.kind {
            WordKind::Name => true,
            WordKind::Plain => !self.text.iter().all(u8::is_ascii_digit),
            WordKind::Text | WordKind::Sign => false,
        }
    }

    pub(super) fn name(&self) -> String {
        String::from_utf8_lossy(&self.text).into_owned()
    }
}

/// All words of `statement`.
pub(super) fn words(statement: &[u8], rules: QuoteRules) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut at = 0;
    loop {
        at = begin_of_word(statement, at);
        let Some(first) = statement.get(at) else { return words };
        let word = match first {
            b'`' => quoted(statement, at, WordKind::Name, false),
            b'"' if rules.quoted_names => quoted(statement, at, WordKind::Name, false),
            b'\'' | b'"' => quoted(statement, at, WordKind::Text, !rules.plain_backslashes),
            byte if is_word_byte(*byte) => {
                let length = statement[at..].iter().take_while(|byte| is_word_byte(**byte)).count();
                plain(statement, at..at + length, WordKind::Plain)
            }
            _ => plain(statement, at..at + 1, WordKind::Sign),
        };
        at = word.place.end;
        words.push(word);
    }
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || byte == b'_' || byte == b'$'
}

fn plain(statement: &[u8], place: Range<usize>, kind: WordKind) -> Word<'_> {
    Word { kind, text: Cow::Borrowed(&statement[place.clone()]), place }
}

/// Over white space, comments, and the signs around code in comments.
fn begin_of_word(statement: &[u8], mut at: usize) -> usize {
    loop {
        let rest = &statement[at..];
        if rest.first().is_some_and(|byte| byte.is_ascii_whitespace() || *byte == 0x0b) {
            at += 1;
        } else if rest.starts_with(b"*/") {
            at += 2;
        } else if let Some(code) = rest.strip_prefix(b"/*!").or_else(|| rest.strip_prefix(b"/*M!")) {
            let digits = code.iter().take_while(|byte| byte.is_ascii_digit()).count();
            at = statement.len() - code.len() + digits;
        } else if rest.starts_with(b"/*") {
            at += memchr::memmem::find(rest, b"*/").map_or(rest.len(), |end| end + 2);
        } else if begins_line_comment(rest) {
            at += memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        } else {
            return at;
        }
    }
}

fn quoted(statement: &[u8], begin: usize, kind: WordKind, escapes: bool) -> Word<'_> {
    let quote = statement[begin];
    let mut text = Vec::new();
    let mut at = begin + 1;
    while let Some(byte) = statement.get(at) {
        at += 1;
        if *byte == quote {
            if statement.get(at) != Some(&quote) {
                break;
            }
            at += 1;
        } else if escapes && *byte == b'\\' {
            text.extend(statement.get(at));
            at += 1;
            continue;
        }
        text.push(*byte);
    }
    Word { kind, text: Cow::Owned(text), place: begin..at.min(statement.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(statement: &str, rules: QuoteRules) -> String {
        let words = words(statement.as_bytes(), rules);
        let letter = |word: &Word<'_>| match word.kind {
            WordKind::Plain => "p",
            WordKind::Name => "n",
            WordKind::Text => "t",
            WordKind::Sign => "s",
        };
        let each = words.iter().map(|word| format!("{}:{}", letter(word), word.name()));
        each.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn words_are_told_from_comments_and_quotes() {
        let usual = QuoteRules::default();
        let ansi = QuoteRules { plain_backslashes: true, quoted_names: true };
        for (statement, rules, expected) in [
            ("select `a``b`.c /* it's */ -- it's\n, 1.5", usual, "p:select n:a`b s:. p:c s:, p:1 s:. p:5"),
            ("/*!50003 CREATE*/ /*M!100100 x */ # y\nz", usual, "p:CREATE p:x p:z"),
            (r#"'it''s \' x' "d""\"" end"#, usual, r#"t:it's ' x t:d"" p:end"#),
            (r#"'x\' "a" b"#, ansi, r"t:x\ n:a p:b"),
            ("5--1", usual, "p:5 s:- s:- p:1"),
            ("'open", usual, "t:open"),
            ("é$_1", usual, "p:é$_1"),
        ] {
            assert_eq!(shown(statement, rules), expected, "{statement}");
        }
    }
}
