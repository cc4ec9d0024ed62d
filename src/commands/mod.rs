//! What jagad does: each command is a page of named steps. The only place where engine, pipeline, store and catalog meet.

mod abandoned_run;
pub mod backup;
pub mod check;
pub mod configuration;
mod crash;
mod daily_warning;
mod delegated;
pub mod delete;
pub mod download;
mod environment;
pub mod failure;
mod files_server;
mod findings;
mod hook;
mod host_files;
pub mod initialise;
pub mod keys;
mod known_repositories;
mod lease_guard;
mod leftovers;
mod links;
pub mod list;
mod locate;
pub mod notify;
mod open_repository;
pub mod pin;
pub mod policy;
mod protection;
pub mod prune;
mod reader_lease;
mod record;
mod recovery;
mod remembered_attachment;
mod replay;
pub mod repository;
pub mod restore;
pub mod restores;
mod run_effects;
pub mod schedule;
mod scratch;
pub mod selection;
mod slots;
pub mod status;
mod stop;
mod stored;
mod trust;
pub mod unlock;
mod unrecorded;
pub mod verify;
pub mod watch;

pub use crash::clock;
pub use failure::{Class, Failure};
pub use stop::Cancel;
pub use trust::Trust;
pub use watch::{Confirmation, Progress, RunLog, Task, Tone, Watch};

use crate::catalog::Manifest;
use crate::config::{DatabaseEntry, Inventory};
use crate::engine::{self, Engine};
use crate::model::{Clock, DatabaseName, StoreName};
use crate::process::Runner;
use crate::store::{self, Store};
use std::sync::Arc;
use std::time::Instant;

/// Everything a command gets from outside: what the user declared, time, processes, somebody who watches, and the way to
/// be stopped.
#[derive(Clone)]
pub struct App {
    /// What the user declared.
    pub inventory: Arc<Inventory>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Processes.
    pub runner: Arc<dyn Runner>,
    /// Who watches.
    pub watch: Arc<dyn Watch>,
    /// How it is stopped.
    pub cancel: Cancel,
    /// Whether notifiers are told.
    pub notifications: notify::Notifications,
    /// Which manifests are believed.
    pub trust: Trust,
}

/// How far a command goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It shows what it would do, and does nothing.
    Plan,
    /// It does it.
    Run,
}

impl Mode {
    /// What `--dry-run` or `--plan` means, given or not.
    pub const fn of(plan: bool) -> Self {
        if plan { Self::Plan } else { Self::Run }
    }
}

impl App {
    /// The database entry `name`.
    pub fn database(&self, name: &DatabaseName) -> Result<&DatabaseEntry, Failure> {
        self.inventory.database(name).map_err(Failure::from)
    }

    /// Opens the store `name`, or the default one.
    pub async fn store(&self, name: Option<&StoreName>) -> Result<Arc<dyn Store>, Failure> {
        let settings = self.inventory.store_settings(name).await?;
        Ok(store::open(&settings)?)
    }

    /// The engine of a backup, to read or drill it: it needs tools, not a server, so no password either.
    pub(crate) fn tools_of(&self, manifest: &Manifest) -> Box<dyn Engine> {
        engine::open(self.inventory.tool_settings(manifest.engine, &manifest.database))
    }

    /// A log of one run that this app's watcher hears.
    pub fn log(&self) -> RunLog {
        RunLog::new(Arc::clone(&self.watch), Arc::clone(&self.clock))
    }
}

/// Milliseconds since `began`.
fn milliseconds(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}
