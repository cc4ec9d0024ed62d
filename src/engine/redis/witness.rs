//! Counts the keys of an RDB stream as it goes by, and refuses one that is not whole.

use super::rdb::{self, RdbEntry, RdbError, RdbIntegrity, Visitor, Walker, Wants};
use crate::model::{Contents, TableRows, Witness, WitnessError};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

const FORMAT: &str = "RDB";

/// The name under which keys of a type are counted that vanish by themselves.
pub(super) fn fleeting_name(kind: &str) -> String {
    format!("{kind} with a time to live")
}

/// Keys per database and type.
#[derive(Debug, Default)]
pub(super) struct Census {
    /// Keys that stay, and keys with a time to live, by database and type.
    keys: BTreeMap<(u64, Cow<'static, str>), [u64; 2]>,
    /// Types of which some keys may vanish though they have no time to live.
    loose: BTreeSet<(u64, Cow<'static, str>)>,
}

/// Whether a key has a time to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// It stays.
    Lasting,
    /// It vanishes by itself.
    Fleeting,
}

impl Census {
    /// One more key.
    pub(super) fn count(&mut self, database: u64, kind: Cow<'static, str>, life: Life) {
        let counts = self.keys.entry((database, kind)).or_default();
        counts[usize::from(life == Life::Fleeting)] += 1;
    }

    /// The keys of another census too.
    pub(super) fn add(&mut self, other: Self) {
        for (kind, counts) in other.keys {
            let sums = self.keys.entry(kind).or_default();
            sums[0] += counts[0];
            sums[1] += counts[1];
        }
        self.loose.extend(other.loose);
    }

    /// As tables: schema `db0`, table `hash`.
    pub(super) fn contents(&self) -> Contents {
        let mut tables = Vec::new();
        for ((database, kind), [lasting, fleeting]) in &self.keys {
            let schema = format!("db{database}");
            let loose = self.loose.contains(&(*database, kind.clone()));
            let row = |table, rows, fleeting| TableRows { schema: schema.clone(), table, rows, fleeting };
            tables.extend((*lasting > 0).then(|| row(kind.to_string(), *lasting, loose)));
            tables.extend((*fleeting > 0).then(|| row(fleeting_name(kind), *fleeting, true)));
        }
        tables.sort();
        Contents { tables, ..Contents::default() }
    }
}

/// Watches one RDB stream.
#[derive(Debug)]
pub(super) struct RdbWitness {
    walker: Walker,
    counting: Counting,
}

#[derive(Debug, Default)]
struct Counting {
    census: Census,
    modules: BTreeSet<String>,
}

impl RdbWitness {
    pub(super) fn new() -> Self {
        Self { walker: Walker::new(), counting: Counting::default() }
    }
}

impl Visitor for Counting {
    fn wants(&self) -> Wants {
        Wants::Shape
    }

    fn end(&mut self, entry: &RdbEntry, module: Option<u64>) {
        let module = module.map(rdb::module_word);
        let kind = match &module {
            Some(module) => Cow::Owned(module.clone()),
            None => Cow::Borrowed(rdb::type_word(entry.kind).unwrap_or("unknown")),
        };
        let life = if entry.expires.is_some() { Life::Fleeting } else { Life::Lasting };
        if rdb::has_fleeting_fields(entry.kind) && life == Life::Lasting {
            self.census.loose.insert((entry.database, kind.clone()));
        }
        self.census.count(entry.database, kind, life);
        self.modules.extend(module);
    }
}

impl Witness for RdbWitness {
    fn feed(&mut self, bytes: &[u8]) -> Result<(), WitnessError> {
        self.walker.feed(bytes, &mut self.counting).map_err(|error| witnessed(&error))
    }

    fn finish(&mut self) -> Result<Option<Contents>, WitnessError> {
        match self.walker.finish().map_err(|error| witnessed(&error))? {
            RdbIntegrity::Understood => {
                let extensions = self.counting.modules.iter().cloned().collect();
                Ok(Some(Contents { extensions, ..self.counting.census.contents() }))
            }
            RdbIntegrity::ChecksumOnly => Ok(None),
        }
    }
}

fn witnessed(error: &RdbError) -> WitnessError {
    let problem = error.to_string();
    match error {
        RdbError::Incomplete { .. } => WitnessError::Incomplete { format: FORMAT, problem },
        _ => WitnessError::Malformed { format: FORMAT, problem },
    }
}
