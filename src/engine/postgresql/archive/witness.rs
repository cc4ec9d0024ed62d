//! Proof, from its own bytes, that an archive is whole, and what it holds.

use super::block::{Blocks, Content, Ledger};
use super::field::Problem;
use super::head::{ArchiveFacts, Definitions, Head, Progress, TocEntry};
use crate::model::{Contents, Needs, TableRows, Witness, WitnessError};
use std::collections::{BTreeSet, HashMap, HashSet};

const FORMAT: &str = "PostgreSQL archive";

/// Beyond this much of names nothing is counted any more; the structure is still followed.
const KEPT_LIMIT_BYTES: usize = 64 * 1024 * 1024;

/// Watches an archive of pg_dump's custom format, versions 1.14 to 1.16 (pg_dump 12 to 18), uncompressed.
///
/// Bounds: keeps the names of tables, owners and extensions, at most 64 MiB; nothing of the data.
#[derive(Debug)]
pub struct ArchiveWitness {
    phase: Phase,
    at_byte: u64,
    account: Account,
    needs: Needs,
}

#[derive(Debug)]
enum Phase {
    Head(Box<Head>),
    Data(Blocks),
    /// A version that is not known here: nothing can be said.
    Unknown,
    Broken,
}

impl Default for ArchiveWitness {
    fn default() -> Self {
        Self::new()
    }
}

impl ArchiveWitness {
    /// Before the first byte.
    pub fn new() -> Self {
        let head = Head::new(Definitions::None);
        Self {
            phase: Phase::Head(Box::new(head)),
            at_byte: 0,
            account: Account::default(),
            needs: Needs::default(),
        }
    }

    /// With what the server says that a restore needs, for the contents.
    pub fn with_needs(needs: Needs) -> Self {
        Self { needs, ..Self::new() }
    }

    fn watch(&mut self, mut bytes: &[u8]) -> Result<(), Problem> {
        if let Phase::Head(head) = &mut self.phase {
            let account = &mut self.account;
            match head.feed(&mut bytes, &mut |entry| account.enter(entry))? {
                Progress::More => return Ok(()),
                Progress::Unknown => self.phase = Phase::Unknown,
                Progress::Done(facts) => {
                    self.account.close_head(&facts);
                    self.phase = Phase::Data(Blocks::new(facts.int_size));
                }
            }
        }
        match &mut self.phase {
            Phase::Data(blocks) => blocks.feed(bytes, &mut self.account),
            Phase::Broken => Err("it was broken before".to_owned()),
            Phase::Head(_) | Phase::Unknown => Ok(()),
        }
    }
}

impl Witness for ArchiveWitness {
    fn feed(&mut self, bytes: &[u8]) -> Result<(), WitnessError> {
        self.watch(bytes).map_err(|problem| {
            self.phase = Phase::Broken;
            let upto = self.at_byte + bytes.len() as u64;
            let problem = format!("{problem}, between byte {} and {upto}", self.at_byte);
            WitnessError::Malformed { format: FORMAT, problem }
        })?;
        self.at_byte += bytes.len() as u64;
        Ok(())
    }

    fn finish(&mut self) -> Result<Option<Contents>, WitnessError> {
        let problem = match &self.phase {
            Phase::Unknown => return Ok(None),
            Phase::Data(blocks) if blocks.between_blocks() => match self.account.missing() {
                None => {
                    let contents = self.account.contents();
                    return Ok(contents.map(|contents| Contents { needs: self.needs.clone(), ..contents }));
                }
                Some(what) => format!("it ends at byte {} without the data of {what}", self.at_byte),
            },
            Phase::Data(blocks) => {
                format!("it ends at byte {} inside the data of entry {}", self.at_byte, blocks.id())
            }
            Phase::Head(_) => format!("it ends at byte {} inside its table of contents", self.at_byte),
            Phase::Broken => "it was broken before".to_owned(),
        };
        Err(WitnessError::Incomplete { format: FORMAT, problem })
    }
}

/// What is expected of a data block.
#[derive(Debug)]
struct Expected {
    /// Where its rows go in [`Account::tables`], for COPY text.
    table: Option<usize>,
    seen: bool,
}

/// The account of an archive: what its head promises and its blocks deliver.
#[derive(Debug, Default)]
struct Account {
    tables: Vec<TableRows>,
    expected: HashMap<i32, Expected>,
    owners: BTreeSet<String>,
    extensions: BTreeSet<String>,
    extension_ids: HashSet<i32>,
    large_objects: u64,
    kept_bytes: usize,
    countable: Countable,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Countable {
    #[default]
    Yes,
    /// Rows come as statements or compressed: blocks are followed, rows are not counted.
    No,
    /// There is more than may be kept: only the layout is followed.
    TooMuch,
}

impl Account {
    fn enter(&mut self, entry: TocEntry) -> Result<(), Problem> {
        if self.countable == Countable::TooMuch {
            return Ok(());
        }
        // Names with `pg_` are the server's own: nobody has to restore them.
        if !entry.owner.is_empty() && !entry.owner.starts_with("pg_") && !self.owners.contains(&entry.owner) {
            self.kept_bytes += entry.owner.len() + 64;
            self.owners.insert(entry.owner);
        }
        if entry.kind == "EXTENSION" {
            self.kept_bytes += entry.tag.len() + 64;
            self.extension_ids.insert(entry.id);
            self.extensions.insert(entry.tag.clone());
        }
        if entry.has_data {
            self.kept_bytes += entry.namespace.len() + entry.tag.len() + 128;
            // Rows of an extension's configuration table: only some of them are in the dump, so they prove nothing.
            let own = !entry.dependencies.iter().any(|id| self.extension_ids.contains(id));
            let table = (entry.kind == "TABLE DATA" && own).then_some(self.tables.len());
            if table.is_some() {
                self.tables.push(TableRows {
                    schema: entry.namespace,
                    table: entry.tag,
                    rows: 0,
                    fleeting: false,
                });
            }
            if entry.kind == "TABLE DATA" && !entry.copies {
                self.countable = Countable::No;
            }
            if self.expected.insert(entry.id, Expected { table, seen: false }).is_some() {
                return Err(format!("two entries have the number {}", entry.id));
            }
        }
        if self.kept_bytes > KEPT_LIMIT_BYTES {
            *self = Self { countable: Countable::TooMuch, ..Self::default() };
        }
        Ok(())
    }

    fn close_head(&mut self, facts: &ArchiveFacts) {
        if facts.compressed && self.countable == Countable::Yes {
            self.countable = Countable::No;
        }
    }

    /// Something whose data has not come.
    fn missing(&self) -> Option<String> {
        let (id, expected) = self.expected.iter().find(|(_, expected)| !expected.seen)?;
        Some(match expected.table.and_then(|table| self.tables.get(table)) {
            Some(table) => format!("table `{}.{}`", table.schema, table.table),
            None => format!("entry {id}"),
        })
    }

    fn contents(&self) -> Option<Contents> {
        if self.countable != Countable::Yes {
            return None;
        }
        let mut tables = self.tables.clone();
        tables.sort();
        Some(Contents {
            tables,
            owners: self.owners.iter().cloned().collect(),
            extensions: self.extensions.iter().cloned().collect(),
            large_objects: Some(self.large_objects),
            ..Contents::default()
        })
    }
}

impl Ledger for Account {
    fn begin(&mut self, id: i64) -> Result<Content, Problem> {
        if self.countable == Countable::TooMuch {
            return Ok(Content::Opaque);
        }
        let expected = i32::try_from(id).ok().and_then(|id| self.expected.get_mut(&id));
        let expected = expected.ok_or_else(|| format!("data for entry {id}, which has none"))?;
        if std::mem::replace(&mut expected.seen, true) {
            return Err(format!("data for entry {id} twice"));
        }
        let counted = expected.table.is_some() && self.countable == Countable::Yes;
        Ok(if counted { Content::CopyText } else { Content::Opaque })
    }

    fn large_object(&mut self) {
        self.large_objects += 1;
    }

    fn end(&mut self, id: i64, rows: u64) {
        let expected = i32::try_from(id).ok().and_then(|id| self.expected.get(&id));
        if let Some(table) =
            expected.and_then(|expected| expected.table).and_then(|at| self.tables.get_mut(at))
        {
            table.rows = rows;
        }
    }
}
