//! Watches the manifest of a backup, which is JSON with an order of its own: each file has a line, and the last line has the
//! checksum of all others.

use super::seen::{SeenManifest, Summary};
use crate::engine::postgresql::base_backup::position::Lsn;
use crate::model::{Contents, Witness, WitnessError, digest};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

const FORMAT: &str = "backup manifest";
/// The longest line: a path of a kilobyte in hexadecimal digits, and some words.
const LINE_LIMIT_BYTES: usize = 64 << 10;
/// What the last line begins with.
const CHECKSUM: &str = "\"Manifest-Checksum\"";

/// Watches a backup manifest of version 1 or 2 (PostgreSQL 13 and newer).
///
/// Bounds: keeps one line.
pub struct ManifestWitness {
    line: Vec<u8>,
    hash: Sha256,
    at_line: u64,
    place: Place,
    summary: Summary,
    told: SeenManifest,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Version,
    SystemOrFiles,
    Files,
    Ranges,
    Checksum,
    End,
    Broken,
}

#[derive(Debug, Deserialize)]
struct FileLine {
    #[serde(rename = "Path", alias = "Encoded-Path")]
    path: String,
    #[serde(rename = "Size")]
    _size: u64,
}

#[derive(Debug, Deserialize)]
struct RangeLine {
    #[serde(rename = "Timeline")]
    _timeline: u32,
    #[serde(rename = "Start-LSN")]
    start: String,
    #[serde(rename = "End-LSN")]
    end: String,
}

impl ManifestWitness {
    /// Before the first byte. What it says of the backup goes into `told` at its end.
    pub fn new(told: SeenManifest) -> Self {
        Self {
            line: Vec::new(),
            hash: Sha256::new(),
            at_line: 0,
            place: Place::Version,
            summary: Summary::default(),
            told,
        }
    }

    /// A whole line, without its end.
    fn line(&mut self, line: &[u8]) -> Result<(), String> {
        self.at_line += 1;
        let text = std::str::from_utf8(line).map_err(|_| "it is no text".to_owned())?;
        self.place = match self.place {
            Place::Version => match text.strip_prefix("{ \"PostgreSQL-Backup-Manifest-Version\": ") {
                Some("1," | "2,") => Place::SystemOrFiles,
                Some(_) => return Err("its version is not known".to_owned()),
                None => return Err("it does not begin as one".to_owned()),
            },
            Place::SystemOrFiles => match text.strip_prefix("\"System-Identifier\": ") {
                Some(system) => {
                    self.summary.system = Some(system.trim_end_matches(',').to_owned());
                    Place::SystemOrFiles
                }
                None if text == "\"Files\": [" => Place::Files,
                None => return Err("its head is not understood".to_owned()),
            },
            Place::Files if text == "]," => Place::Ranges,
            Place::Files => file(text)?,
            Place::Ranges if text == "\"WAL-Ranges\": [" => Place::Ranges,
            Place::Ranges if text == "]," => Place::Checksum,
            Place::Ranges => self.range(text)?,
            Place::Checksum => return self.checksum(text),
            Place::End | Place::Broken => return Err("something follows its end".to_owned()),
        };
        self.hash.update(line);
        self.hash.update(b"\n");
        Ok(())
    }

    fn range(&mut self, text: &str) -> Result<Place, String> {
        let range: RangeLine =
            serde_json::from_str(text.trim_end_matches(',')).map_err(|error| error.to_string())?;
        let place = |text: &str| text.parse::<Lsn>().map_err(|error| error.to_string());
        let (start, end) = (place(&range.start)?, place(&range.end)?);
        let wal = self.summary.wal.get_or_insert((start, end));
        *wal = (wal.0.min(start), wal.1.max(end));
        Ok(Place::Ranges)
    }

    fn checksum(&mut self, text: &str) -> Result<(), String> {
        let said =
            text.strip_prefix(CHECKSUM).and_then(|rest| rest.strip_prefix(": \"")?.strip_suffix("\"}"));
        let said = said.ok_or("its checksum is missing")?;
        let hash = digest::hex(&self.hash.finalize_reset());
        if said != hash {
            return Err("its checksum does not match".to_owned());
        }
        self.place = Place::End;
        self.told.set(self.summary.clone());
        Ok(())
    }
}

fn file(text: &str) -> Result<Place, String> {
    let file: FileLine =
        serde_json::from_str(text.trim_end_matches(',')).map_err(|error| error.to_string())?;
    if file.path.is_empty() { Err("a file without a name".to_owned()) } else { Ok(Place::Files) }
}

impl Witness for ManifestWitness {
    fn feed(&mut self, mut bytes: &[u8]) -> Result<(), WitnessError> {
        while !bytes.is_empty() {
            let end = memchr::memchr(b'\n', bytes);
            let taken = end.unwrap_or(bytes.len());
            let mut told = Ok(());
            if self.line.len() + taken > LINE_LIMIT_BYTES {
                told = Err("a line is too long".to_owned());
            } else {
                self.line.extend_from_slice(&bytes[..taken]);
                if end.is_some() {
                    let line = std::mem::take(&mut self.line);
                    told = self.line(&line);
                    self.line = line;
                    self.line.clear();
                }
            }
            told.map_err(|problem| {
                self.place = Place::Broken;
                let problem = format!("{problem}, in line {}", self.at_line);
                WitnessError::Malformed { format: FORMAT, problem }
            })?;
            bytes = &bytes[(taken + usize::from(end.is_some())).min(bytes.len())..];
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Option<Contents>, WitnessError> {
        if self.place == Place::End && self.line.is_empty() {
            return Ok(None);
        }
        let problem = format!("it ends after line {} without its checksum", self.at_line);
        Err(WitnessError::Incomplete { format: FORMAT, problem })
    }
}
