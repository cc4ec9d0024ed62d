//! What jagad does: each command is a page of named steps. The only place where engine, pipeline, store and catalog meet.

pub mod backup;
pub mod check;
pub mod configuration;
mod crash;
pub mod delete;
pub mod download;
pub mod failure;
mod hold;
pub mod initialise;
pub mod keys;
pub mod list;
mod locate;
pub mod pin;
pub mod policy;
mod protection;
pub mod prune;
pub mod restore;
pub mod schedule;
mod slots;
pub mod status;
mod stored;
pub mod tell;
pub mod unlock;
mod unrecorded;
pub mod verify;
pub mod watch;

pub use crash::clock;
pub use failure::{Class, Failure};
pub use watch::{Progress, Question, RunLog, Task, Tone, Watch};

use crate::catalog::{Catalog, Manifest};
use crate::config::{DatabaseEntry, Inventory};
use crate::engine::{self, Engine};
use crate::model::{Clock, DatabaseName, StoreName};
use crate::process::Runner;
use crate::store::{self, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

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
    pub telling: tell::Telling,
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

/// How long work may go on by itself after a stop was asked for.
const STOP_GRACE: Duration = Duration::from_secs(1);

/// Tells every running step to stop, and remembers which signal asked for it.
#[derive(Debug, Clone, Default)]
pub struct Cancel {
    /// Fires when the run is to stop.
    pub token: CancellationToken,
    signal: Arc<AtomicU8>,
}

impl Cancel {
    /// Stops everything because of `signal`.
    pub fn stop(&self, signal: u8) {
        self.signal.store(signal, Ordering::SeqCst);
        self.token.cancel();
    }

    /// The failure that a stop by signal means, once one has happened.
    pub fn failure(&self) -> Option<Failure> {
        let signal = self.signal.load(Ordering::SeqCst);
        (signal != 0).then(|| {
            let name = if signal == 2 { "SIGINT" } else { "SIGTERM" };
            Failure::new(Class::Interrupted(signal), format!("interrupted by {name}"))
        })
    }

    /// Waits for `work` to end, but not much longer once `stop` has fired: whoever reads a stream hears of it at once, and
    /// who is at work behind its end (a tool that makes indexes, a server that does not answer) would go on for hours.
    /// What is given up is dropped, and every process that it runs is ended.
    pub(crate) async fn unless_stopped<T>(
        &self,
        stop: &CancellationToken,
        work: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        let overdue = async {
            stop.cancelled().await;
            tokio::time::sleep(STOP_GRACE).await;
        };
        tokio::select! {
            biased;
            done = work => Ok(done),
            () = overdue => {
                let stopped = || Failure::new(Class::Operation, "it was stopped before it ended");
                Err(self.failure().unwrap_or_else(stopped))
            }
        }
    }

    /// An error once a stop was asked for; between two steps.
    pub fn check(&self) -> Result<(), Failure> {
        self.failure().map_or(Ok(()), Err)
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

    /// Opens the repository in the store `name`; there must be one.
    pub async fn catalog(&self, name: Option<&StoreName>) -> Result<Catalog, Failure> {
        Ok(Catalog::open(self.store(name).await?).await?)
    }

    /// The engine of a backup, to read or drill it: it needs tools, not a server, so no password either.
    pub(crate) fn tools_of(&self, manifest: &Manifest) -> Box<dyn Engine> {
        engine::bare(manifest.engine, self.inventory.bin_dir(&manifest.database))
    }

    /// A log of one run that this app's watcher hears.
    pub fn log(&self) -> RunLog {
        RunLog::new(Arc::clone(&self.watch), Arc::clone(&self.clock))
    }
}
