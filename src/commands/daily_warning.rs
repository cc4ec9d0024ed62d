//! Warnings that every tick would repeat: each is logged once a day on one host.

use super::{App, RunLog, host_files};
use crate::model::{DatabaseName, Sha256Digest, Timestamp, digest};
use std::collections::BTreeMap;
use std::time::Duration;

const ONCE_IN: Duration = Duration::from_secs(24 * 60 * 60);

/// Logs the warning `line` about `database`, unless this host has done so within a day. A host that cannot store this
/// logs it every time.
pub(super) fn warn(app: &App, database: &DatabaseName, log: &RunLog, line: &str) {
    let path = app.inventory.settings.state_dir.join("said").join(database.as_str());
    let now = app.clock.now();
    let known = host_files::read(&path).ok().and_then(|text| serde_json::from_str(&text).ok());
    let mut said: BTreeMap<String, Timestamp> = known.unwrap_or_default();
    // A time in the future was written by a wrong clock.
    said.retain(|_, at| *at <= now && now.since(*at) < ONCE_IN);
    // Two configurations of one host may both have an entry of that name.
    let said_where = format!("{:?} {line}", app.inventory.files);
    let what = digest::hex(&Sha256Digest::of(said_where.as_bytes()).0[..16]);
    if said.contains_key(&what) {
        tracing::debug!(%database, "{line}");
        return;
    }
    log.warn(line);
    said.insert(what, now);
    let bytes = serde_json::to_vec(&said).unwrap_or_default();
    if let Err(error) = host_files::write(&path, &bytes) {
        tracing::debug!(%error, path = %path.display(), "the next tick warns again");
    }
}
