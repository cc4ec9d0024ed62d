//! The head of an archive: what it is, and its table of contents, entry by entry.
//!
//! The order of the fields is that of `ReadHead` and `ReadToc` in PostgreSQL's `src/bin/pg_dump/pg_backup_archiver.c`.

use super::field::{Decoder, FieldKind, Problem, Value};

/// Longest name, owner or tag that is kept; a function's tag holds its argument types.
const NAME_LIMIT_BYTES: usize = 64 * 1024;

/// More dependencies than this are not those of one object.
const DEPENDENCY_LIMIT: usize = 1_000_000;

/// One entry of the table of contents: one object, or the data of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TocEntry {
    /// Its number, by which `pg_restore -L` and other entries name it.
    pub id: i32,
    /// OID of the object in the dumped database; 0 when it has none of its own.
    pub oid: u32,
    /// What it is: "TABLE", "TABLE DATA", "ACL".
    pub kind: String,
    /// Its schema; empty when it has none.
    pub namespace: String,
    /// Its name, for some kinds with the kind or the table in front.
    pub tag: String,
    /// Its owner; empty when it has none.
    pub owner: String,
    /// Its tablespace; empty for the database's own.
    pub tablespace: String,
    /// The first bytes of the statement that makes it, as many as were asked for.
    pub definition: String,
    /// Whether its rows come as COPY text.
    pub copies: bool,
    /// Whether a data block must follow.
    pub has_data: bool,
    /// Numbers of entries that must come before it.
    pub dependencies: Vec<i32>,
}

/// What the first bytes say of the archive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArchiveFacts {
    /// Minor number of the archive format: 14, 15 or 16.
    pub format: u8,
    /// Version of the dumped server: "15.18 (Debian …)".
    pub server_version: String,
    /// Version of the pg_dump that wrote it.
    pub dump_version: String,
    /// Whether its data blocks are compressed.
    pub compressed: bool,
    /// Size of an integer in its data blocks.
    pub(super) int_size: usize,
}

/// What has come of the head.
#[derive(Debug)]
pub(super) enum Progress {
    /// More bytes are needed.
    More,
    /// All of it; the data follows.
    Done(ArchiveFacts),
    /// It is an archive, but of a version whose layout is not known here.
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    CompressionLevel,
    CompressionMethod,
    Time,
    DatabaseName,
    ServerVersion,
    DumpVersion,
    Count,
    Id,
    HadData,
    TableOid,
    Oid,
    Tag,
    Section,
    EntryKind,
    Definition,
    Drop,
    Copy,
    Namespace,
    Tablespace,
    AccessMethod,
    RelationKind,
    Owner,
    WithOids,
    Dependency,
    Data,
}

const ENTRY: [Field; 18] = [
    Field::Id,
    Field::HadData,
    Field::TableOid,
    Field::Oid,
    Field::Tag,
    Field::EntryKind,
    Field::Section,
    Field::Definition,
    Field::Drop,
    Field::Copy,
    Field::Namespace,
    Field::Tablespace,
    Field::AccessMethod,
    Field::RelationKind,
    Field::Owner,
    Field::WithOids,
    Field::Dependency,
    Field::Data,
];

const OFFSET_NO_DATA: i64 = 3;

/// Parses the head from pieces cut anywhere.
#[derive(Debug)]
pub(super) struct Head {
    definitions: Definitions,
    magic: Vec<u8>,
    decoder: Option<Decoder>,
    facts: ArchiveFacts,
    fields: Vec<Field>,
    at: usize,
    entries_left: i64,
    entry: TocEntry,
}

/// Of which kinds of entries the definitions are kept: nobody needs those of tables and functions, which are most of an
/// archive's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Definitions {
    /// Of none.
    None,
    /// Of what names roles.
    OfRoles,
    /// Of what names roles, publications or triggers.
    OfChoices,
}

/// How much of a definition is kept: statements that grant something to somebody are far shorter.
const DEFINITION_LIMIT_BYTES: usize = 64 * 1024;

impl Definitions {
    fn limit(self, kind: &str) -> usize {
        let roles = matches!(kind, "ACL" | "DEFAULT ACL" | "POLICY");
        let choices = roles || kind == "TRIGGER" || kind.starts_with("PUBLICATION TABLE");
        let kept = match self {
            Self::None => false,
            Self::OfRoles => roles,
            Self::OfChoices => choices,
        };
        if kept { DEFINITION_LIMIT_BYTES } else { 0 }
    }
}

impl Head {
    /// Keeps of each entry all but the definitions that are not asked for.
    pub(super) fn new(definitions: Definitions) -> Self {
        Self {
            definitions,
            magic: Vec::with_capacity(11),
            decoder: None,
            facts: ArchiveFacts::default(),
            fields: Vec::new(),
            at: 0,
            entries_left: 0,
            entry: TocEntry::default(),
        }
    }

    /// Takes what belongs to the head from `bytes` and gives every entry that becomes complete to `seen`.
    pub(super) fn feed(
        &mut self,
        bytes: &mut &[u8],
        seen: &mut dyn FnMut(TocEntry) -> Result<(), Problem>,
    ) -> Result<Progress, Problem> {
        if self.decoder.is_none() && !self.take_magic(bytes)? {
            let complete = self.magic.len() == 11;
            return Ok(if complete { Progress::Unknown } else { Progress::More });
        }
        while let Some(decoder) = self.decoder.as_mut() {
            let Some(field) = self.fields.get(self.at).copied() else {
                return Ok(Progress::Done(self.facts.clone()));
            };
            let kind = field.kind(self.definitions.limit(&self.entry.kind));
            let Some(value) = decoder.take(kind, bytes)? else { return Ok(Progress::More) };
            self.store(field, value, seen)?;
        }
        Ok(Progress::More)
    }

    /// Whether the magic is whole and of a version that is known.
    fn take_magic(&mut self, bytes: &mut &[u8]) -> Result<bool, Problem> {
        let (piece, rest) = bytes.split_at((11 - self.magic.len()).min(bytes.len()));
        self.magic.extend_from_slice(piece);
        *bytes = rest;
        let known = self.magic.len().min(5);
        if self.magic[..known] != b"PGDMP"[..known] {
            return Err("it does not begin with PGDMP".to_owned());
        }
        let &[_, _, _, _, _, major, minor, _, int_size, offset_size, format] = self.magic.as_slice() else {
            return Ok(false);
        };
        if major != 1 || !(14..=16).contains(&minor) {
            return Ok(false);
        }
        if format != 1 {
            return Err(format!("format {format} is not the custom format"));
        }
        let decoder = Decoder::new(int_size, offset_size)?;
        self.facts.format = minor;
        self.facts.int_size = decoder.int_size();
        self.decoder = Some(decoder);
        let compression = if minor >= 15 { Field::CompressionMethod } else { Field::CompressionLevel };
        self.fields = vec![compression];
        self.fields.extend([Field::Time; 7]);
        self.fields.extend([Field::DatabaseName, Field::ServerVersion, Field::DumpVersion, Field::Count]);
        Ok(true)
    }

    fn store(
        &mut self,
        field: Field,
        value: Value,
        seen: &mut dyn FnMut(TocEntry) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        self.at += 1;
        let entry = &mut self.entry;
        match field {
            Field::CompressionLevel | Field::CompressionMethod => self.facts.compressed = value.number() != 0,
            Field::ServerVersion => self.facts.server_version = value.text().unwrap_or_default(),
            Field::DumpVersion => self.facts.dump_version = value.text().unwrap_or_default(),
            Field::Count => return self.begin_entries(value.number()),
            Field::Id => entry.id = entry_id(value.number())?,
            Field::Oid => entry.oid = value.text().and_then(|oid| oid.parse().ok()).unwrap_or(0),
            Field::Tag => entry.tag = value.text().unwrap_or_default(),
            Field::EntryKind => entry.kind = value.text().unwrap_or_default(),
            Field::Definition => entry.definition = value.text().unwrap_or_default(),
            Field::Copy => entry.copies = value != Value::Text(None),
            Field::Namespace => entry.namespace = value.text().unwrap_or_default(),
            Field::Owner => entry.owner = value.text().unwrap_or_default(),
            Field::Tablespace => entry.tablespace = value.text().unwrap_or_default(),
            Field::Dependency => self.store_dependency(value)?,
            Field::Data => {
                entry.has_data = value.number() != OFFSET_NO_DATA;
                seen(std::mem::take(entry))?;
                self.entries_left -= 1;
                self.begin_entry();
            }
            Field::Time
            | Field::DatabaseName
            | Field::HadData
            | Field::TableOid
            | Field::Section
            | Field::Drop
            | Field::AccessMethod
            | Field::RelationKind
            | Field::WithOids => {}
        }
        Ok(())
    }

    fn begin_entries(&mut self, count: i64) -> Result<(), Problem> {
        if count < 0 {
            return Err(format!("{count} entries"));
        }
        self.entries_left = count;
        self.fields = ENTRY.to_vec();
        if self.facts.format < 16 {
            self.fields.retain(|field| *field != Field::RelationKind);
        }
        self.begin_entry();
        Ok(())
    }

    fn begin_entry(&mut self) {
        self.at = if self.entries_left > 0 { 0 } else { self.fields.len() };
    }

    /// Dependencies are texts; the list ends with an absent one.
    fn store_dependency(&mut self, value: Value) -> Result<(), Problem> {
        let Some(text) = value.text() else { return Ok(()) };
        if self.entry.dependencies.len() == DEPENDENCY_LIMIT {
            return Err("an entry depends on more than a million others".to_owned());
        }
        let id = text.parse().map_err(|_| format!("`{}` is no entry number", text.escape_debug()))?;
        self.entry.dependencies.push(id);
        self.at -= 1;
        Ok(())
    }
}

impl Field {
    fn kind(self, definition_limit: usize) -> FieldKind {
        match self {
            Self::CompressionMethod => FieldKind::Byte,
            Self::Data => FieldKind::Offset,
            Self::CompressionLevel
            | Self::Time
            | Self::Count
            | Self::Id
            | Self::HadData
            | Self::Section
            | Self::RelationKind => FieldKind::Int,
            Self::Definition => FieldKind::Text { keep: definition_limit },
            Self::Drop | Self::WithOids | Self::AccessMethod | Self::TableOid | Self::Copy => {
                FieldKind::Text { keep: 0 }
            }
            Self::DatabaseName
            | Self::ServerVersion
            | Self::DumpVersion
            | Self::Oid
            | Self::Tag
            | Self::EntryKind
            | Self::Namespace
            | Self::Tablespace
            | Self::Owner => FieldKind::Text { keep: NAME_LIMIT_BYTES },
            Self::Dependency => FieldKind::Text { keep: 20 },
        }
    }
}

fn entry_id(number: i64) -> Result<i32, Problem> {
    i32::try_from(number).ok().filter(|id| *id > 0).ok_or_else(|| format!("an entry has the number {number}"))
}
