//! Which file of which relation a path names. Only such files are ever stored as what has changed.

use super::ArchiveName;
use crate::engine::postgresql::tar::{EntryPath, SplitPath};

const INCREMENTAL_PREFIX: &[u8] = b"INCREMENTAL.";
/// Numbers of tablespaces that no object can have stand for the two without an archive of their own.
const BASE: u32 = 0;
const GLOBAL: u32 = 1;
/// `place` is the fork in its upper two bits and the segment in the others.
const SEGMENT_BITS: u32 = 30;

/// One segment of one fork of a relation, in 16 bytes: a backup has one for every file of every table and index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RelationFile {
    space: u32,
    database: u32,
    number: u32,
    place: u32,
}

/// What a path in an archive means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedRelation {
    pub(super) file: RelationFile,
    /// Only what has changed, in the form of [`super::incremental`].
    pub(super) incremental: bool,
    /// Where the whole file is.
    pub(super) path: EntryPath,
    /// The folder of the server's version, in a tablespace.
    pub(super) version: Option<Vec<u8>>,
}

impl RelationFile {
    /// What `path` means in `archive`; `None` for what is no file of a relation.
    pub(super) fn named(archive: ArchiveName, path: &EntryPath) -> Option<NamedRelation> {
        let SplitPath { folder, name } = path.split();
        let names: Vec<&[u8]> = folder.split(|byte| *byte == b'/').collect();
        let base = archive == ArchiveName::Base;
        let (database, version) = match names.as_slice() {
            [b"global"] if base => (0, None),
            [b"base", database] if base => (decimal(database)?, None),
            [version, database] if !base && version.starts_with(b"PG_") => {
                (decimal(database)?, Some(version.to_vec()))
            }
            _ => return None,
        };
        let space = match archive {
            ArchiveName::Tablespace(oid) => oid,
            ArchiveName::Base if database == 0 => GLOBAL,
            ArchiveName::Base => BASE,
        };
        let (plain, incremental) = match name.strip_prefix(INCREMENTAL_PREFIX) {
            Some(plain) => (plain, true),
            None => (name, false),
        };
        let (number, place) = parse_name(plain)?;
        let file = Self { space, database, number, place };
        Some(NamedRelation { file, incremental, path: path.beside(plain), version })
    }
}

/// Whether `path` would be taken for what has changed of a file.
pub(super) fn seems_incremental(archive: ArchiveName, path: &EntryPath) -> bool {
    let SplitPath { folder, name } = path.split();
    let relations = archive != ArchiveName::Base || folder == b"global" || folder.starts_with(b"base/");
    relations && name.starts_with(INCREMENTAL_PREFIX)
}

/// `16384`, `16384.1`, `16384_fsm`, `16384_vm.1`, in the only form in which PostgreSQL writes it.
fn parse_name(name: &[u8]) -> Option<(u32, u32)> {
    let (name, segment) = match name.iter().position(|byte| *byte == b'.') {
        Some(at) => (&name[..at], decimal(&name[at + 1..]).filter(|segment| *segment > 0)?),
        None => (name, 0),
    };
    let (number, fork) = match name.iter().position(|byte| *byte == b'_') {
        Some(at) => {
            let forks: [&[u8]; 3] = [b"fsm", b"vm", b"init"];
            let fork = forks.iter().position(|fork| *fork == &name[at + 1..])?;
            (&name[..at], u32::try_from(fork).ok()? + 1)
        }
        None => (name, 0),
    };
    (segment < 1 << SEGMENT_BITS).then_some(())?;
    Some((decimal(number)?, fork << SEGMENT_BITS | segment))
}

/// A number as PostgreSQL writes it in a name: without zeros in front, so that no two names are the same number.
fn decimal(digits: &[u8]) -> Option<u32> {
    let plain = digits.iter().all(u8::is_ascii_digit) && (digits.first() != Some(&b'0') || digits.len() == 1);
    plain.then(|| std::str::from_utf8(digits).ok()?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(archive: ArchiveName, path: &str) -> Option<NamedRelation> {
        RelationFile::named(archive, &EntryPath::parse(path.as_bytes()).unwrap())
    }

    #[test]
    fn files_of_relations_are_known_in_both_forms() {
        let plain = named(ArchiveName::Base, "base/5/16384_vm.1").unwrap();
        let changed = named(ArchiveName::Base, "base/5/INCREMENTAL.16384_vm.1").unwrap();
        assert_eq!(plain.file, changed.file);
        assert!(!plain.incremental && changed.incremental);
        assert_eq!(changed.path, plain.path);
        let space = ArchiveName::Tablespace(16384);
        let elsewhere = named(space, "PG_18_202506291/5/INCREMENTAL.16384_vm.1").unwrap();
        assert_ne!(elsewhere.file, plain.file);
        assert_eq!(elsewhere.version.as_deref(), Some(&b"PG_18_202506291"[..]));
        assert_ne!(named(ArchiveName::Base, "global/1262"), None);
    }

    #[test]
    fn every_file_has_one_name() {
        for odd in [
            "base/5/016384",
            "base/5/16384.0",
            "base/05/16384",
            "base/5/16384_x",
            "base/5/4294967296",
            "base/5/",
        ] {
            assert_eq!(named(ArchiveName::Base, odd), None, "{odd}");
        }
        assert_eq!(named(ArchiveName::Base, "PG_18_1/5/16384"), None);
        assert_eq!(named(ArchiveName::Tablespace(9), "base/5/16384"), None);
    }
}
