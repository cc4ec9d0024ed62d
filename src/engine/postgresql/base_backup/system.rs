//! Which server it is that a backup comes from.

use crate::engine::EngineError;
use crate::engine::postgresql::wire::{Row, Session};
use crate::model::help;

/// What a server says of itself over the connection that the backup comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct System {
    /// What makes its data its own.
    pub identifier: String,
    /// Its version: "18.6".
    pub version: String,
    /// Bytes of a segment of its write-ahead log.
    pub wal_segment_bytes: u64,
    /// Bytes of a page.
    pub block_bytes: u64,
    /// Bytes of a file of a relation, after which the next begins.
    pub relation_segment_bytes: u64,
    /// Whether its pages have checksums.
    pub data_checksums: bool,
}

/// Asks over `session`.
pub(super) async fn ask_system(session: &mut Session) -> Result<System, EngineError> {
    let answer = session.query("IDENTIFY_SYSTEM", "IDENTIFY_SYSTEM").await?;
    let identifier = first(&answer).ok_or_else(|| session.strange("IDENTIFY_SYSTEM"))?.to_owned();
    let mut values = Vec::new();
    for name in ["wal_segment_size", "block_size", "segment_size", "data_checksums"] {
        let command = format!("SHOW {name}");
        let rows = session.query(&command, &command).await?;
        values.push(first(&rows).unwrap_or_default().to_owned());
    }
    let version = session.parameter("server_version").and_then(|version| version.split_whitespace().next());
    let sizes = (bytes_of(&values[0]), bytes_of(&values[1]), bytes_of(&values[2]));
    let (Some(wal_segment_bytes), Some(block_bytes), Some(relation_segment_bytes)) = sizes else {
        return Err(session.strange("SHOW wal_segment_size"));
    };
    Ok(System {
        identifier,
        version: version.unwrap_or_default().to_owned(),
        wal_segment_bytes,
        block_bytes,
        relation_segment_bytes,
        data_checksums: values[3] == "on",
    })
}

fn first(rows: &[Row]) -> Option<&str> {
    rows.first()?.first()?.as_deref()
}

/// A size as the server shows it: `16MB`, `1GB`, `8192`.
fn bytes_of(shown: &str) -> Option<u64> {
    let digits = shown.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &shown[digits.len()..] {
        "" | "B" => 1,
        "kB" => 1 << 10,
        "MB" => 1 << 20,
        "GB" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit).filter(|bytes| bytes.is_power_of_two())
}

/// That the server of `session` is the expected one.
pub(super) fn check_system(
    session: &Session,
    system: &System,
    expected: Option<&str>,
) -> Result<(), EngineError> {
    match expected {
        Some(expected) if expected != system.identifier => Err(EngineError::Refused {
            problem: format!(
                "{} is another server than the one that answered before: its system identifier is {} instead of {expected}",
                session.address(),
                system.identifier
            ),
            help: help!("Name one server in `host`, not several that hold different data."),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_understood_as_the_server_shows_them() {
        let shown = ["16MB", "1GB", "8192", "1kB", "3MB", "x", "-1MB", "16TB"];
        let bytes = [Some(16 << 20), Some(1 << 30), Some(8192), Some(1024), None, None, None, None];
        assert_eq!(shown.map(bytes_of), bytes);
    }
}
