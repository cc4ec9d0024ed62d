//! Texts of the log as a server takes them, and names in them.

use crate::engine::mysql::quote::identifier;
use std::ops::Range;

/// The longest beginning of a statement that is shown.
const SHOWN_CHARACTERS: usize = 80;

/// The beginning of a statement, for people.
pub(super) fn shown(sql: &[u8]) -> String {
    let text = String::from_utf8_lossy(sql);
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN_CHARACTERS).collect()
}

/// `CREATE TABLE … START TRANSACTION` is how MySQL writes a table that is made with its rows: only who applies its log may say that.
pub(super) fn without_transaction(mut sql: Vec<u8>) -> Vec<u8> {
    const END: &[u8] = b" START TRANSACTION";
    if sql.len() > END.len() && sql[..6].eq_ignore_ascii_case(b"create") && sql.ends_with(END) {
        sql.truncate(sql.len() - END.len());
    }
    sql
}

/// `sql` with other names of databases at these places.
pub(super) fn with_names(sql: &[u8], mut places: Vec<(Range<usize>, String)>) -> Vec<u8> {
    places.sort_by_key(|(place, _)| place.start);
    let (mut text, mut done) = (Vec::with_capacity(sql.len() + 64), 0);
    for (place, name) in places {
        text.extend_from_slice(&sql[done..place.start]);
        text.extend_from_slice(identifier(&name).as_bytes());
        done = place.end;
    }
    text.extend_from_slice(&sql[done..]);
    text
}

/// The name of a prepared transaction as MariaDB writes it in front of a group, and how many bytes that takes.
pub(super) fn xa_id(bytes: &[u8]) -> Option<(String, usize)> {
    let format = i32::from_le_bytes(bytes.get(..4)?.try_into().ok()?);
    let (global, branch) = (usize::from(*bytes.get(4)?), usize::from(*bytes.get(5)?));
    let text =
        |bytes: &[u8]| bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect::<String>();
    let data = bytes.get(6..6 + global + branch)?;
    Some((format!("{},{},{format}", text(&data[..global]), text(&data[global..])), 6 + global + branch))
}

fn digit(value: u8) -> char {
    char::from_digit(u32::from(value), 16).unwrap_or('?')
}
