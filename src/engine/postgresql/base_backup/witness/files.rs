//! Watches an archive of files.

use super::seen::SeenWal;
use super::tar::{Visitor, Walker};
use crate::engine::postgresql::tar::{EntryKind, TarEntry};
use crate::model::{Contents, Witness, WitnessError};

const FORMAT: &str = "tar";
/// The longest label: some lines.
const LABEL_LIMIT_BYTES: usize = 64 << 10;
/// Every server's control file has this size.
const CONTROL_BYTES: u64 = 8192;

/// Watches one archive of a base backup: that its headers are whole and right, that it has the end of an archive, and that the
/// archive of the data directory holds what a server needs before it starts.
///
/// Bounds: keeps one header and the label of the backup; nothing of the data.
pub struct TarWitness {
    walker: Walker,
    seen: Seen,
    broken: bool,
}

struct Seen {
    role: Role,
    label: Vec<u8>,
    current: Current,
    has_label: bool,
    has_control: bool,
}

/// What the archive is of.
enum Role {
    Tablespace,
    /// The data directory, with the WAL.
    Base(SeenWal),
    /// One or the other: which is told by what is in it.
    Any(SeenWal),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Current {
    Label,
    Other,
}

impl TarWitness {
    /// For a tablespace.
    pub fn tablespace() -> Self {
        Self::of(Role::Tablespace)
    }

    /// For the data directory; what there is of the WAL goes into `wal` too.
    pub fn base(wal: SeenWal) -> Self {
        Self::of(Role::Base(wal))
    }

    /// For an archive of which nothing else is known: one with a label is that of a data directory.
    pub fn any() -> Self {
        Self::of(Role::Any(SeenWal::default()))
    }

    fn of(role: Role) -> Self {
        let seen =
            Seen { role, label: Vec::new(), current: Current::Other, has_label: false, has_control: false };
        Self { walker: Walker::new(), seen, broken: false }
    }
}

impl Visitor for Seen {
    fn entry(&mut self, entry: &TarEntry) -> Result<(), String> {
        self.current = Current::Other;
        let (Role::Base(wal) | Role::Any(wal)) = &self.role else { return Ok(()) };
        if entry.kind != EntryKind::File {
            return Ok(());
        }
        match entry.path.bytes() {
            b"backup_label" => self.current = Current::Label,
            b"global/pg_control" if entry.size == CONTROL_BYTES => self.has_control = true,
            name => {
                if let Some(name) = name.strip_prefix(b"pg_wal/") {
                    wal.file(&String::from_utf8_lossy(name), entry.size)?;
                }
            }
        }
        Ok(())
    }

    fn contents(&mut self, bytes: &[u8]) -> Result<(), String> {
        if self.current == Current::Label {
            if self.label.len() + bytes.len() > LABEL_LIMIT_BYTES {
                return Err("`backup_label` is too long".to_owned());
            }
            self.label.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), String> {
        if self.current == Current::Label
            && let Role::Base(wal) | Role::Any(wal) = &self.role
        {
            wal.label(&String::from_utf8_lossy(&self.label))?;
            self.has_label = true;
        }
        Ok(())
    }
}

impl Witness for TarWitness {
    fn feed(&mut self, bytes: &[u8]) -> Result<(), WitnessError> {
        if self.broken {
            return Err(malformed("it was broken before".to_owned()));
        }
        self.walker.feed(bytes, &mut self.seen).map_err(|problem| {
            self.broken = true;
            malformed(format!("{problem}, at byte {}", self.walker.at()))
        })
    }

    fn finish(&mut self) -> Result<Option<Contents>, WitnessError> {
        let incomplete = |problem| Err(WitnessError::Incomplete { format: FORMAT, problem });
        if self.broken {
            return incomplete("it was broken before".to_owned());
        }
        if let Err(place) = self.walker.finish() {
            return incomplete(format!("it ends at byte {} {place}", self.walker.at()));
        }
        let wal = match &self.seen.role {
            Role::Base(wal) => wal,
            Role::Any(wal) if self.seen.has_label => wal,
            Role::Tablespace | Role::Any(_) => return Ok(None),
        };
        let missing = match (self.seen.has_label, self.seen.has_control) {
            (false, _) => Some("`backup_label`".to_owned()),
            (_, false) => Some("`global/pg_control`".to_owned()),
            _ => wal.missing(),
        };
        missing.map_or(Ok(None), |missing| incomplete(format!("it does not hold {missing}")))
    }
}

fn malformed(problem: String) -> WitnessError {
    WitnessError::Malformed { format: FORMAT, problem }
}
