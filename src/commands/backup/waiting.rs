//! A dump that stands still may wait for a lock of somebody: then it says for which, and for whom.

use crate::commands::{App, RunLog};
use crate::engine::Server;
use crate::pipeline::Gauge;
use std::collections::BTreeSet;
use std::time::Duration;

/// How long nothing may come before the server is asked why.
const STANDSTILL: Duration = Duration::from_secs(5);

/// A dump under way.
pub(super) struct Watched<'a> {
    pub(super) server: &'a dyn Server,
    /// The logical database.
    pub(super) database: &'a str,
    /// The bytes that have come.
    pub(super) gauge: &'a Gauge,
}

impl Watched<'_> {
    /// Tells each thing that the dump waits for once, and never ends. A question that fails is nobody's concern: the dump has
    /// its own end.
    pub(super) async fn tell(&self, app: &App, log: &RunLog) {
        let (mut told, mut before) = (BTreeSet::new(), self.gauge.bytes());
        loop {
            tokio::time::sleep(STANDSTILL).await;
            let now = self.gauge.bytes();
            if std::mem::replace(&mut before, now) != now {
                continue;
            }
            for line in
                self.server.logical().waits(app.runner.as_ref(), self.database).await.unwrap_or_default()
            {
                if told.insert(line.clone()) {
                    log.warn(format!("the dump of `{}` waits for {line}", self.database));
                }
            }
        }
    }
}
