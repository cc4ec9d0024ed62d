//! The values of rows, each marked as what it is on its way through.

use super::columns::ColumnKind;
use super::period;
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
    /// When the version of the row began, as it was written.
    begun: Vec<u8>,
    /// When it ended, which is written when it is whole.
    ended: Vec<u8>,
}

impl Values {
    pub(super) fn new(kinds: Vec<ColumnKind>) -> Self {
        Self {
            kinds,
            place: ValuePlace::Between,
            at: 0,
            depth: 0,
            mark: Vec::new(),
            begun: Vec::new(),
            ended: Vec::new(),
        }
    }

    /// The next bytes; what is to go on is appended to `out`.
    pub(super) fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut at = 0;
        while at < bytes.len() {
            if self.place == ValuePlace::Quoted {
                let end = memchr2(b'\'', b'\\', &bytes[at..]).map_or(bytes.len(), |found| at + found);
                self.write(&bytes[at..end], out);
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
        self.end(out);
    }

    fn kind(&self) -> ColumnKind {
        self.kinds.get(self.at).copied().unwrap_or(ColumnKind::AsWritten)
    }

    /// Bytes of the value that goes by.
    fn write(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        match self.kind() {
            ColumnKind::Ended => return self.ended.extend_from_slice(bytes),
            ColumnKind::Begun => self.begun.extend_from_slice(bytes),
            ColumnKind::AsWritten | ColumnKind::Text | ColumnKind::Bytes => {}
        }
        out.extend_from_slice(bytes);
    }

    /// The value is whole.
    fn end(&mut self, out: &mut Vec<u8>) {
        if !self.ended.is_empty() {
            let ended = period::end_after(&self.begun, std::mem::take(&mut self.ended));
            out.extend_from_slice(&ended);
        }
    }

    fn byte(&mut self, byte: u8, out: &mut Vec<u8>) {
        match self.place {
            ValuePlace::Between => {
                if byte == b'(' {
                    self.place = ValuePlace::Begin;
                    self.at = 0;
                    self.begun.clear();
                }
                return out.push(byte);
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
                b')' => {
                    self.end(out);
                    self.place = ValuePlace::Between;
                    return out.push(byte);
                }
                b',' if self.depth == 0 => {
                    self.end(out);
                    self.at += 1;
                    self.place = ValuePlace::Begin;
                    return out.push(byte);
                }
                _ => {}
            },
            ValuePlace::Quoted => {
                self.place = if byte == b'\'' { ValuePlace::Plain } else { ValuePlace::Escaped }
            }
            ValuePlace::Escaped => self.place = ValuePlace::Quoted,
        }
        self.write(&[byte], out);
    }

    /// The first byte of a value, with the mark that stood before it.
    fn begin(&mut self, byte: u8, out: &mut Vec<u8>) {
        let kind = self.kind();
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
            _ => self.write(&[byte], out),
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

    #[test]
    fn a_version_ends_after_it_began() {
        let kinds = vec![ColumnKind::AsWritten, ColumnKind::Begun, ColumnKind::Ended, ColumnKind::Bytes];
        let text = "(1,'2026-01-02 03:04:05.000006','2026-01-02 03:04:05.000006','x'),(2,'2026-01-02 03:04:05.999999',\
                    '2020-01-01 00:00:00.000000',NULL),(3,'2026-01-02 03:04:05','2038-01-19 03:14:07.999999','y')";
        let expected = "(1,'2026-01-02 03:04:05.000006','2026-01-02 03:04:05.000007',_binary 'x'),\
                        (2,'2026-01-02 03:04:05.999999','2026-01-02 03:04:06.000000',NULL),\
                        (3,'2026-01-02 03:04:05','2038-01-19 03:14:07.999999',_binary 'y')";
        for size in 1..=text.len() {
            let mut values = Values::new(kinds.clone());
            let mut out = Vec::new();
            text.as_bytes().chunks(size).for_each(|piece| values.feed(piece, &mut out));
            values.finish(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected, "pieces of {size}");
        }
    }
}
