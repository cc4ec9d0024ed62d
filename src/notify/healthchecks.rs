//! Pings to a dead man's switch: healthchecks.io, or any server with the same API.
//!
//! The addresses, `rid` and the bound of 100 kB for a body are those of <https://healthchecks.io/docs/http_api/>; that a `rid`
//! is a UUID in lower case, <https://healthchecks.io/docs/measuring_script_run_time/>.

use super::http::{Http, Post};
use super::{Channel, Event, EventKind, HealthchecksSettings, NotifyError};
use crate::model::{BackupId, digest};
use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use url::Url;

/// The switch of one check.
pub(super) struct Healthchecks {
    http: Http,
}

/// What is added to the ping URL: what an event means for the check.
const fn suffix(kind: EventKind) -> &'static str {
    match kind {
        EventKind::BackupStarted => "start",
        EventKind::BackupSucceeded => "",
        EventKind::BackupFailed
        | EventKind::PolicyPaused
        | EventKind::PitrGap
        | EventKind::VerifyFailed
        | EventKind::RestoreFailed
        | EventKind::PruneFailed
        | EventKind::Overdue => "fail",
        // Logged by the check without changing its state.
        EventKind::PolicyResumed
        | EventKind::SourceChanged
        | EventKind::RestoreFinished
        | EventKind::Test => "log",
    }
}

/// The same id for start and end of one backup, so that the check can measure the duration. RFC 9562, version 8: from a
/// hash.
fn run_id(backup: &BackupId) -> String {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Sha256::digest(backup.to_string())[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = digest::hex(&bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

fn ping(base: &Url, event: &Event) -> Url {
    let mut url = base.clone();
    let path = base.path().trim_end_matches('/');
    let path = match suffix(event.kind()) {
        "" => path.to_owned(),
        suffix => format!("{path}/{suffix}"),
    };
    url.set_path(&path);
    if let Some(backup) = event.backup_id() {
        url.query_pairs_mut().append_pair("rid", &run_id(backup));
    }
    url
}

fn body(event: &Event) -> Vec<u8> {
    let log = event.log_tail();
    if log.is_empty() { event.summary() } else { format!("{}\n{log}", event.message()) }.into_bytes()
}

impl Healthchecks {
    /// Checks the settings; no byte is sent.
    pub(super) fn open(settings: &HealthchecksSettings) -> Result<Self, NotifyError> {
        Ok(Self { http: Http::open(&settings.http, None)? })
    }
}

#[async_trait]
impl Channel for Healthchecks {
    async fn send(&self, event: &Event) -> Result<(), NotifyError> {
        let url = ping(self.http.url(), event);
        self.http.post(Post { url: &url, content_type: "text/plain; charset=utf-8", body: body(event) }).await
    }

    async fn probe(&self) -> Result<(), NotifyError> {
        self.http.probe().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_has_its_address_and_one_run_has_one_id() {
        let id: BackupId = "20261120T020000Z-full-k3v9x2".parse().unwrap();
        let at = "2026-11-20T02:00:00Z".parse().unwrap();
        let pinged = |kind, base: &str| {
            let event = Event::new(kind, at, "db1", "m").backup(Some(&id));
            ping(&base.parse().unwrap(), &event).to_string()
        };
        let started = pinged(EventKind::BackupStarted, "https://hc/ping/u-u/");
        let rid = started.strip_prefix("https://hc/ping/u-u/start?rid=").unwrap();
        let lengths: Vec<usize> = rid.split('-').map(str::len).collect();
        assert_eq!((lengths, rid.as_bytes()[14]), (vec![8, 4, 4, 4, 12], b'8'), "{rid}");
        assert!(rid.chars().all(|c| c == '-' || c.is_ascii_digit() || ('a'..='f').contains(&c)));
        assert_eq!(
            pinged(EventKind::BackupSucceeded, "https://hc/ping/u-u"),
            format!("https://hc/ping/u-u?rid={rid}")
        );
        assert_eq!(
            pinged(EventKind::BackupFailed, "https://hc/k/shop?create=1"),
            format!("https://hc/k/shop/fail?create=1&rid={rid}")
        );
    }
}
