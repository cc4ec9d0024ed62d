//! The values of rows, each marked as what it is on its way through.

use super::columns::ColumnKind;
use memchr::memchr2;

const MARK: &[u8] = b"_binary ";

/// Where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ValuePlace {
    /// Outside of a row.
    Between,
    /// Before the first byte of a value.
    Begin,
    /// In a mark that the tool wrote.
    Mark,
    /// In a value without quotes, or behind quotes.
    Plain,
    /// In quotes.
    Quoted,
    /// Behind a backslash in quotes.
    Escaped,
}

/// Walks over the rows of one statement.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Values {
    kinds: Vec<ColumnKind>,
    place: ValuePlace,
    /// Which value of its row.
    at: usize,
    /// Brackets that were opened inside a value.
    depth: u32,
    mark: Vec<u8>,
}

impl Values {
    pub(super) fn new(kinds: Vec<ColumnKind>) -> Self {
        Self { kinds, place: ValuePlace::Between, at: 0, depth: 0, mark: Vec::new() }
    }

    /// The next bytes; what is to go on is appended to `out`.
    pub(super) fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut at = 0;
        while at < bytes.len() {
            if self.place == ValuePlace::Quoted {
                let end = memchr2(b'\'', b'\\', &bytes[at..]).map_or(bytes.len(), |found| at + found);
                out.extend_from_slice(&bytes[at..end]);
                at = end;
                if at == bytes.len() {
                    return;
                }
            }
            self.byte(bytes[at], out);
            at += 1;
        }
    }

    /// The statement has ended.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.mark);
    }

    fn byte(&mut self, byte: u8, out: &mut Vec<u8>) {
        match self.place {
            ValuePlace::Between => {
                if byte == b'(' {
                    self.place = ValuePlace::Begin;
                    self.at = 0;
                }
            }
            ValuePlace::Begin if byte == b'_' => {
                self.mark.push(byte);
                self.place = ValuePlace::Mark;
                return;
            }
            ValuePlace::Mark if byte != b'\'' && self.mark.len() < MARK.len() => {
                self.mark.push(byte);
                return;
            }
            ValuePlace::Begin | ValuePlace::Mark => return self.begin(byte, out),
            ValuePlace::Plain => match byte {
                // Doubled quotes are one inside.
                b'\'' => self.place = ValuePlace::Quoted,
                b'(' => self.depth += 1,
                b')' if self.depth > 0 => self.depth -= 1,
                b')' => self.place = ValuePlace::Between,
                b',' if self.depth == 0 => {
                    self.at += 1;
                    self.place = ValuePlace::Begin;
                }
                _ => {}
            },
            ValuePlace::Quoted => {
                self.place = if byte == b'\'' { ValuePlace::Plain } else { ValuePlace::Escaped }
            }
            ValuePlace::Escaped => self.place = ValuePlace::Quoted,
        }
        out.push(byte);
    }

    /// The first byte of a value, with the mark that stood before it.
    fn begin(&mut self, byte: u8, out: &mut Vec<u8>) {
        let kind = self.kinds.get(self.at).copied().unwrap_or(ColumnKind::AsWritten);
        let marked = self.mark == MARK;
        self.place = ValuePlace::Plain;
        if byte == b'\'' {
            self.place = ValuePlace::Quoted;
            match kind {
                ColumnKind::Text if marked => self.mark.clear(),
                ColumnKind::Bytes if self.mark.is_empty() => out.extend_from_slice(MARK),
                _ => {}
            }
        }
        out.append(&mut self.mark);
        match byte {
            // Values that are empty are none: a row without columns.
            b')' | b'(' | b',' => self.byte(byte, out),
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_marked_by_their_columns_in_any_pieces() {
        let kinds = vec![ColumnKind::AsWritten, ColumnKind::Text, ColumnKind::Bytes];
        for (text, expected) in [
            (" (1,'a','b')", " (1,'a',_binary 'b')"),
            ("\n(1,_binary 'a',_binary 'b'),\n(2,NULL,NULL)", "\n(1,'a',_binary 'b'),\n(2,NULL,NULL)"),
            (
                " (_binary '(,\\'',',(''','\\\\'),('x','y',0x00)",
                " (_binary '(,\\'',',(''',_binary '\\\\'),('x','y',0x00)",
            ),
            (" (-1.5e3,'\\'),(','_binary ''')", " (-1.5e3,'\\'),(',_binary '_binary ''')"),
            (" ()", " ()"),
            (" (f(1,'x'),'a','b')", " (f(1,'x'),'a',_binary 'b')"),
        ] {
            for size in 1..=text.len() {
                let mut values = Values::new(kinds.clone());
                let mut out = Vec::new();
                text.as_bytes().chunks(size).for_each(|piece| values.feed(piece, &mut out));
                values.finish(&mut out);
                assert_eq!(String::from_utf8(out).unwrap(), expected, "pieces of {size}");
            }
        }
    }
}
