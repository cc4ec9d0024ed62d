//! The ranges of a log in a chain of backups, on their way back into a server whose databases were loaded from the full.

use super::stored::{StoredBackup, StoredPart};
use super::{App, Class, Failure, RunLog, Task, crash};
use crate::catalog::{Manifest, Part};
use crate::engine::{DumpedAt, Lifetime, Ownership, Replay, ReplayRequest, ReplayedDatabase, Server};
use crate::model::{BackupId, ByteSize, PartKind};
use crate::pipeline::{self, UnpackGauges};
use serde::Serialize;
use tokio::io::AsyncReadExt as _;

/// What is replayed, for people and JSON.
#[derive(Debug, Clone, Serialize)]
pub struct ReplayReport {
    /// The backup and everything that it builds on, the newest first.
    pub chain: Vec<BackupId>,
    /// Bytes of the log.
    pub bytes: u64,
    /// Where it ends in the log of the server that was backed up.
    pub end: String,
}

impl ReplayReport {
    /// One sentence for people.
    pub fn describe(&self, planned: bool) -> String {
        let (bytes, end) = (ByteSize(self.bytes), &self.end);
        if planned {
            format!("Then {bytes} of the log of changes are replayed, up to {end}.")
        } else {
            format!("{bytes} of the log of changes were replayed, up to {end}.")
        }
    }
}

/// The ranges of the log in a chain, ready to be replayed on a server.
pub(super) struct PlannedReplay {
    pub(super) replay: Box<dyn Replay>,
    pub(super) report: ReplayReport,
}

/// A database that is restored, and the name that it gets.
pub(super) struct Restored {
    pub(super) part: Part,
    pub(super) target: String,
}

/// A chain that is being read, the newest first.
#[derive(Clone, Copy)]
pub(super) struct Chain<'a> {
    pub(super) app: &'a App,
    pub(super) reading: &'a StoredBackup<'a>,
    pub(super) links: &'a [Manifest],
}

impl<'a> Chain<'a> {
    /// The parts of the log, in its order.
    fn parts(&self) -> Vec<(&'a Manifest, &'a Part)> {
        let of = |link: &'a Manifest| link.parts_of(PartKind::Log).map(move |part| (link, part));
        self.links.iter().rev().flat_map(of).collect()
    }

    /// Reads the log to its end, to find what cannot be replayed before anything changes; nothing where there is none.
    pub(super) async fn plan(
        &self,
        server: &dyn Server,
        restored: &[Restored],
        definers: Ownership,
        lifetime: Lifetime,
    ) -> Result<Option<PlannedReplay>, Failure> {
        let Some(newest) = self.links.first().filter(|newest| newest.log.is_some()) else { return Ok(None) };
        let log = server.log().ok_or_else(|| {
            Failure::new(Class::Refused, format!("{} cannot replay a log of changes", server.facts().version))
        })?;
        let parts = self.parts();
        let databases = restored.iter().map(|one| ReplayedDatabase {
            dumped: DumpedAt {
                database: one.part.database.clone().unwrap_or_default(),
                position: one.part.position.clone(),
            },
            target: one.target.clone(),
        });
        let request = ReplayRequest {
            databases: databases.collect(),
            parts: parts.iter().map(|(_, part)| part.properties.clone()).collect(),
            definers,
            lifetime,
        };
        let replay = log.plan_replay(self.app.runner.as_ref(), request).await?;
        for (number, (link, part)) in parts.iter().enumerate() {
            let gauges = UnpackGauges::new();
            let body = StoredPart::new(self.reading, link, part).plain(&gauges);
            let task = Task {
                label: format!("reading {}", part.name),
                total: Some(part.plain_bytes),
                gauge: gauges.plain.clone(),
            };
            let progress = self.app.watch.start(task);
            let (mut body, _) = pipeline::witness(body, replay.reader(number));
            let mut buffer = vec![0; 256 << 10];
            let reading = async {
                while body.read(&mut buffer).await? > 0 {}
                Ok::<_, std::io::Error>(())
            };
            let read = self.app.cancel.unless_stopped(self.reading.stop, reading).await?;
            drop(progress);
            read.map_err(|error| Failure::from(error).doing(format!("read {} of {}", part.name, link.id)))?;
        }
        let report = ReplayReport {
            chain: self.links.iter().map(|link| link.id.clone()).collect(),
            bytes: parts.iter().fold(0, |sum, (_, part)| sum.saturating_add(part.plain_bytes)),
            end: newest.span.as_ref().map(|span| span.end.clone()).unwrap_or_default(),
        };
        Ok(Some(PlannedReplay { replay, report }))
    }

    /// Runs the log on the server.
    pub(super) async fn run(&self, planned: &PlannedReplay, log: &RunLog) -> Result<(), Failure> {
        for (number, (link, part)) in self.parts().into_iter().enumerate() {
            self.app.cancel.check()?;
            let gauges = UnpackGauges::new();
            let body = StoredPart::new(self.reading, link, part).plain(&gauges);
            let task = Task {
                label: format!("replaying {}", part.name),
                total: Some(part.plain_bytes),
                gauge: gauges.plain.clone(),
            };
            let progress = self.app.watch.start(task);
            let feed = planned.replay.feed(number);
            let taking = feed.take(self.app.runner.as_ref(), body);
            let taken = self.app.cancel.unless_stopped(self.reading.stop, taking).await;
            drop(progress);
            taken?.map_err(Failure::from)?;
            log.say(format!("REPLAY: {} of {} ({} bytes)", part.name, link.id, part.plain_bytes));
            crash::point("restore-after-log");
        }
        Ok(())
    }
}
