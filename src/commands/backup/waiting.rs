//! A stalled dump may be waiting for a lock: then the log says for which one, and which session holds it.

use crate::commands::{App, RunLog};
use crate::engine::Server;
use crate::pipeline::Gauge;
use std::collections::BTreeSet;
use std::time::Duration;

/// How long a dump may send nothing before the server is asked why.
const STANDSTILL: Duration = Duration::from_secs(5);

/// A dump under way.
pub(super) struct Watched<'a> {
    pub(super) server: &'a dyn Server,
    /// The logical database.
    pub(super) database: &'a str,
    /// The bytes received so far.
    pub(super) gauge: &'a Gauge,
}

impl Watched<'_> {
    /// Logs each lock that the dump waits for once; never returns. A failed query is ignored: the dump reports its own
    /// failure.
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
