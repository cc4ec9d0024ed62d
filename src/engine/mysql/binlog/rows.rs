//! Rows in the log: which table they are of, and the table under another name.

use super::frame::{Frame, kinds};
use super::query::unpacked;

/// That the last rows of a statement have come.
const END_OF_STATEMENT: u8 = 1;
/// Where the flags are in an event of rows, behind the number of the table.
const FLAGS_AT: usize = 6;
/// The head of rows as MariaDB and old servers write it, and as MySQL does, whose head goes on.
const HEAD_V1: usize = 8;
const HEAD_V2: usize = 10;

/// Whether an event holds rows.
pub(super) fn holds_rows(kind: u8) -> bool {
    (kinds::FIRST_ROWS_V1..=kinds::LAST_ROWS_V1).contains(&kind)
        || (kinds::FIRST_ROWS..=kinds::LAST_ROWS).contains(&kind)
        || (kinds::MARIADB_FIRST_PACKED..=kinds::MARIADB_LAST_PACKED).contains(&kind)
        || kind == kinds::PARTIAL_UPDATE
}

/// The right that rows take where that is asked; new ones take none that a restore has not.
pub(super) fn right_for(kind: u8) -> Option<&'static str> {
    let first = [
        kinds::FIRST_ROWS_V1,
        kinds::FIRST_ROWS,
        kinds::MARIADB_FIRST_PACKED,
        kinds::MARIADB_FIRST_PACKED + 3,
    ];
    if kind == kinds::PARTIAL_UPDATE || first.iter().any(|first| kind == first + 1) {
        Some("UPDATE")
    } else {
        first.iter().any(|first| kind == first + 2).then_some("DELETE")
    }
}

/// The number that a table has among the events that follow.
pub(super) fn table_id(frame: &Frame) -> Option<u64> {
    let bytes = frame.body().get(..6)?;
    Some(bytes.iter().rev().fold(0, |id, byte| id << 8 | u64::from(*byte)))
}

/// Whether these are the last rows of a statement.
pub(super) fn ends_statement(frame: &Frame) -> bool {
    frame.body().get(FLAGS_AT).is_none_or(|flags| flags & END_OF_STATEMENT != 0)
}

/// Which database a table is of.
pub(super) fn database_of(frame: &Frame) -> Option<String> {
    let body = frame.body();
    let length = usize::from(*body.get(8)?);
    Some(String::from_utf8_lossy(body.get(9..9 + length)?).into_owned())
}

/// The event that names a table, with its database called `name`.
pub(super) fn renamed(frame: &Frame, name: &str) -> Option<Vec<u8>> {
    let body = frame.body();
    let length = usize::from(*body.get(8)?);
    let mut other = body.get(..8)?.to_vec();
    other.push(u8::try_from(name.len()).ok()?);
    other.extend_from_slice(name.as_bytes());
    other.extend_from_slice(body.get(9 + length..)?);
    Some(frame.with(frame.kind(), &other))
}

/// An event of rows as a server takes it in a statement: not packed, and the last ones where the statement ends with them.
pub(super) fn as_statement(frame: &Frame, last: bool) -> Option<Vec<u8>> {
    let body = frame.body();
    let kind = frame.kind();
    let packed = (kinds::MARIADB_FIRST_PACKED..=kinds::MARIADB_LAST_PACKED).contains(&kind);
    let ended = body.get(FLAGS_AT)? & END_OF_STATEMENT != 0;
    if !packed && (ended || !last) {
        return Some(frame.bytes.clone());
    }
    let (kind, mut body) = if packed { unpacked_rows(kind, body)? } else { (kind, body.to_vec()) };
    if last {
        body[FLAGS_AT] |= END_OF_STATEMENT;
    }
    Some(frame.with(kind, &body))
}

/// MariaDB packs what stands behind the bitmaps of columns.
fn unpacked_rows(kind: u8, body: &[u8]) -> Option<(u8, Vec<u8>)> {
    let first = kind < kinds::MARIADB_FIRST_PACKED + 3;
    let which = (kind - kinds::MARIADB_FIRST_PACKED) % 3;
    let plain = if first { kinds::FIRST_ROWS_V1 } else { kinds::FIRST_ROWS } + which;
    let mut at = if first { HEAD_V1 } else { HEAD_V2 };
    if !first {
        let more = usize::from(u16::from_le_bytes([*body.get(HEAD_V1)?, *body.get(HEAD_V1 + 1)?]));
        at += more.checked_sub(2)?;
    }
    let (columns, bytes) = match *body.get(at)? {
        0xfc => (usize::from(u16::from_le_bytes([*body.get(at + 1)?, *body.get(at + 2)?])), 3),
        columns @ 0..=0xfa => (usize::from(columns), 1),
        _ => return None,
    };
    let bitmaps = if which == 1 { 2 } else { 1 };
    at += bytes + bitmaps * columns.div_ceil(8);
    let mut whole = body.get(..at)?.to_vec();
    whole.extend_from_slice(&unpacked(body.get(at..)?)?);
    Some((plain, whole))
}
