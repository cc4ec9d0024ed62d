//! When the version of a row began and ended, as dumps write it.

use chrono::{NaiveDateTime, TimeDelta};

/// The end to write for a version: no server takes one back that ends when it began, or before (error 1525; MariaDB 10.11 and
/// 11.8). One that was replaced by the very statement that wrote it ends so, and one that was written before a clock was set
/// back. It gets a microsecond.
pub(super) fn end_after(begun: &[u8], ended: Vec<u8>) -> Vec<u8> {
    match (time(begun), time(&ended)) {
        (Some(begun), Some(end)) if end <= begun => {
            let end = begun.checked_add_signed(TimeDelta::microseconds(1)).unwrap_or(begun);
            format!("'{}'", end.format("%Y-%m-%d %H:%M:%S%.6f")).into_bytes()
        }
        _ => ended,
    }
}

fn time(written: &[u8]) -> Option<NaiveDateTime> {
    let text = std::str::from_utf8(written).ok()?.strip_prefix('\'')?.strip_suffix('\'')?;
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok()
}
