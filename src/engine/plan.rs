//! Plans: values that say what would be run, in which order, and what it would do to the server.

use super::stream::{Consumer, Producer, Rewrite, Shown, Step};
use super::{EngineError, Finding, LogicalDatabase, StreamError, names};
use crate::model::{ByteReader, Contents, Help, PartKind, Witness};
use crate::process::{Runner, ToolSpec};
use std::collections::BTreeSet;

/// Which logical databases a backup takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// These, by name; or all of the server.
    pub databases: DatabaseChoice,
    /// Roles and tablespaces too.
    pub globals: bool,
}

impl Scope {
    /// The databases of `all` that it means, in the order of their names. `find` gives one by name, or why it cannot.
    pub(super) fn choose<'a>(
        &self,
        all: &'a [LogicalDatabase],
        find: impl Fn(&str) -> Result<&'a LogicalDatabase, EngineError>,
    ) -> Result<Vec<&'a LogicalDatabase>, EngineError> {
        match &self.databases {
            DatabaseChoice::Named(wanted) => {
                let mut databases: Vec<&LogicalDatabase> =
                    wanted.iter().map(|name| find(name)).collect::<Result<_, _>>()?;
                databases.sort_by(|a, b| a.name.cmp(&b.name));
                databases.dedup_by(|a, b| a.name == b.name);
                Ok(databases)
            }
            DatabaseChoice::All { exclude } => {
                let excluded = |name: &str| exclude.iter().any(|pattern| names::matches(pattern, name));
                Ok(all.iter().filter(|database| !excluded(&database.name)).collect())
            }
        }
    }
}

/// These databases, or all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseChoice {
    /// Exactly these.
    Named(Vec<String>),
    /// Every one that accepts connections and is no template, but those that match an `exclude` pattern (`*`, `?`).
    All {
        /// Patterns.
        exclude: Vec<String>,
    },
}

/// A logical database that is left out of a backup of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// Its name.
    pub database: String,
    /// Why, for people: "it accepts no connections".
    pub reason: String,
    /// What to do about it.
    pub help: Help,
}

/// One part of a backup: what runs, and how its bytes prove themselves.
pub struct DumpPart {
    /// What it holds.
    pub kind: PartKind,
    /// The logical database, exactly as the server names it; `None` for globals.
    pub database: Option<String>,
    /// Which archive of a physical backup it is: `base`; `None` for all else.
    pub archive: Option<String>,
    /// File extension of the plain bytes: `dump`, `sql`, `rdb`.
    pub extension: &'static str,
    /// Where its bytes come from.
    pub source: Producer,
    /// Watches the plain bytes.
    pub witness: Box<dyn Witness>,
    /// Expected plain bytes, for progress only; 0 when unknown.
    pub estimate: u64,
    /// What to create the database with, for the manifest.
    pub properties: serde_json::Value,
}

/// Keep or leave out something on restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// As in the dump.
    Keep,
    /// Left out.
    Skip,
}

/// What becomes of roles that a part names and the target does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingRoles {
    /// The restore is refused.
    Refuse,
    /// They are made, without any right: enough for a server that is thrown away.
    Make,
}

/// How long the target of a restore is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// Somebody's server.
    Lasting,
    /// A server that only proves that a backup can be restored: nothing outside of it is written to, and as little as
    /// possible of the backup is run.
    ThrownAway,
}

/// Under which name a database is filled, where it is filled beside what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// A name of its own until it is whole, unless something in it works only under its own name.
    Temporary,
    /// Its own from the beginning: what has the name is put aside first.
    Own,
}

/// What it means that a server which a backup goes into as a whole holds data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occupied {
    /// The restore is refused.
    Refuse,
    /// It is removed first.
    Clean,
}

/// Whether a part is all that its database gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completion {
    /// It is.
    Whole,
    /// A log of changes brings it forward afterwards.
    BroughtForward,
}

/// A choice of objects inside one logical database. Empty lists choose everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// These schemas.
    pub schemas: Vec<String>,
    /// These tables, `table` or `schema.table`.
    pub tables: Vec<String>,
}

impl Selection {
    /// Whether everything is chosen.
    pub fn is_everything(&self) -> bool {
        self.schemas.is_empty() && self.tables.is_empty()
    }
}

/// What is to be restored where.
#[derive(Debug, Clone)]
pub struct RestoreTarget {
    /// What the part holds.
    pub kind: PartKind,
    /// Name of the logical database in the backup; empty for globals.
    pub source_database: String,
    /// Name it gets on the target; ignored for globals.
    pub database: String,
    /// [`super::LogicalDatabase::properties`] as recorded by the backup.
    pub properties: serde_json::Value,
    /// Version of the dumped server.
    pub server_version: String,
    /// What was recorded of the database while it was dumped; `None` where nothing was.
    pub recorded: Option<Contents>,
    /// Objects to restore.
    pub selection: Selection,
    /// Owners of objects.
    pub owners: Ownership,
    /// Grants.
    pub privileges: Ownership,
    /// Tablespaces of objects, where the engine has them.
    pub tablespaces: Ownership,
    /// Definers of views, routines, triggers and events, where the engine has them.
    pub definers: Ownership,
    /// What keys that are there already mean, where parts go into a whole server.
    pub occupied: Occupied,
    /// Under which name it is filled.
    pub naming: Naming,
    /// How many parts of the same backup are loaded into the target before this one.
    pub preceding: usize,
    /// Stop at the first error (and leave nothing behind), or go on and count errors.
    pub stop_at_first_error: bool,
    /// Roles that are not there yet and will be when this load begins: those that the globals bring which go first.
    pub coming_roles: Vec<String>,
    /// The same of databases.
    pub coming_databases: Vec<String>,
    /// Those that the restore brings after this one: what it makes must not need them yet.
    pub following_databases: Vec<String>,
    /// The same of tablespaces.
    pub coming_tablespaces: Vec<String>,
    /// What becomes of roles that are neither there nor coming.
    pub missing_roles: MissingRoles,
    /// How long the target is there.
    pub lifetime: Lifetime,
    /// Whether a log of changes is replayed when everything was loaded.
    pub completion: Completion,
    /// Makes names of temporary objects unique: six characters of `[0-9a-z]`.
    pub token: String,
}

/// What a load does to the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetEffect {
    /// The database does not exist yet.
    Creates,
    /// An existing database is replaced after everything has been loaded beside it.
    Replaces {
        /// Its size in bytes.
        bytes: u64,
        /// Sessions that will be ended.
        sessions: u64,
    },
    /// An existing database gives up its name first, and gets it back when the load fails.
    PutsAside {
        /// Its size in bytes.
        bytes: u64,
        /// Sessions that will be ended.
        sessions: u64,
    },
    /// What is there is removed first, and then the part is loaded in its place: a load that fails leaves it incomplete.
    Overwrites {
        /// What is removed, for people: "12 MiB", "505033 keys".
        holds: String,
    },
    /// A server that holds nothing is filled: a load that fails leaves it incomplete.
    Fills,
    /// Objects are added to an existing database; existing objects of the same name stop it.
    AddsTo,
    /// Roles and tablespaces that are missing are created; existing ones stay as they are.
    AddsGlobals,
}

/// How to load one part: run `before`, feed `feed`, run `after`. If anything fails, run `undo`; the target is then as it
/// was before, unless its effect is [`TargetEffect::Overwrites`]. If all went well, run `cleanup`.
#[derive(Debug, Clone)]
pub struct LoadPlan {
    /// What it does to the target.
    pub effect: TargetEffect,
    /// Run first, in order.
    pub before: Vec<Step>,
    /// Takes the plain bytes.
    pub feed: Consumer,
    /// What the bytes go through on their way there.
    pub rewrite: Option<Rewrite>,
    /// What is tried before anything is removed.
    pub trial: Option<Trial>,
    /// Run after `feed` ended well, in order. The step that makes the result visible is among them.
    pub after: Vec<Step>,
    /// Run when every part of the restore is in its place, in order: what needs objects of other parts. A failure is told
    /// and spoils nothing.
    pub last: Vec<Step>,
    /// Run behind those, when a log of changes was replayed where one was to be: the database may be used then. As with those.
    pub finally: Vec<Step>,
    /// Run when a step failed; each is safe to run whether or not the steps before it happened.
    pub undo: Vec<Step>,
    /// Run after `after` ended well: removes what was replaced. A failure leaves garbage but no harm: the restore has
    /// succeeded all the same.
    pub cleanup: Vec<Step>,
    /// Name of the database that `feed` fills, to be counted before `after` makes it visible; empty
    /// when there is nothing to count.
    pub filling: String,
    /// The tables that it fills, by schema and name, where that is not all of the part.
    pub tables: Option<BTreeSet<(String, String)>>,
    /// Roles that it creates.
    pub new_roles: Vec<String>,
    /// Tablespaces that it creates.
    pub new_tablespaces: Vec<String>,
    /// Worth telling before it is started.
    pub notes: Vec<String>,
    /// What the target lacks. An [`super::FindingLevel::Error`] says that the load would fail, or lose something: nothing is
    /// touched then, unless errors are allowed.
    pub findings: Vec<Finding>,
}

impl LoadPlan {
    /// A plan that feeds the bytes, and has nothing to do before or after that.
    pub fn new(effect: TargetEffect, feed: Consumer) -> Self {
        Self {
            effect,
            before: Vec::new(),
            feed,
            rewrite: None,
            trial: None,
            after: Vec::new(),
            last: Vec::new(),
            finally: Vec::new(),
            undo: Vec::new(),
            cleanup: Vec::new(),
            filling: String::new(),
            tables: None,
            new_roles: Vec::new(),
            new_tablespaces: Vec::new(),
            notes: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// Feeds the plain bytes. Errors that were ignored, where that was allowed, come back.
    pub async fn feed(&self, runner: &dyn Runner, body: ByteReader<'_>) -> Result<Vec<String>, StreamError> {
        let body = match &self.rewrite {
            Some(rewrite) => (rewrite.0)(body),
            None => body,
        };
        self.feed.take(runner, body).await
    }

    /// Everything that would be run, in order.
    pub fn shown(&self) -> Vec<Shown> {
        let mut shown = Vec::new();
        if let Some(Trial { before, feed, undo, .. }) = &self.trial {
            shown.extend(
                before.iter().map(Step::shown).chain([feed.shown()]).chain(undo.iter().map(Step::shown)),
            );
        }
        let after = self.after.iter().chain(&self.cleanup).chain(&self.last).chain(&self.finally);
        shown.extend(
            self.before.iter().map(Step::shown).chain([self.feed.shown()]).chain(after.map(Step::shown)),
        );
        shown
    }
}

/// Gives a part without its rows to the target, beside what is there: what the target does not take is found before
/// anything is removed. `before`, then the bytes through `rewrite` into `feed`, and `undo` in every case.
#[derive(Debug, Clone)]
pub struct Trial {
    /// Run first. Where that fails nothing can be tried, which is told.
    pub before: Vec<Step>,
    /// What the bytes go through.
    pub rewrite: Rewrite,
    /// Takes them.
    pub feed: Consumer,
    /// Removes all of it.
    pub undo: Vec<Step>,
}

/// How to read a part without a server.
pub struct PartReader {
    /// A tool that parses the plain bytes from standard input to their end, if the part has one.
    pub tool: Option<ToolSpec>,
    /// Watches the plain bytes.
    pub witness: Box<dyn Witness>,
}
