//! The end of what a tool said on standard error.

use crate::model::Secret;
use memchr::memmem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::task::JoinHandle;

/// How much of standard error is kept.
pub(super) const KEPT_BYTES: usize = 64 * 1024;

/// How long standard error may stay open after the tool's end: only a process that left the group can hold it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Drains a tool's standard error, however much it is, so that the tool never blocks on it.
pub(super) struct StderrTail {
    kept: Arc<Mutex<Vec<u8>>>,
    secrets: Vec<Secret>,
    drain: Option<JoinHandle<()>>,
}

impl StderrTail {
    /// Starts draining `pipe`. `secrets` are redacted from what [`StderrTail::finish`] gives.
    pub(super) fn drain(pipe: Option<impl AsyncRead + Unpin + Send + 'static>, secrets: Vec<Secret>) -> Self {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let limit = KEPT_BYTES + longest(&secrets);
        let drain = pipe.map(|pipe| tokio::spawn(collect(pipe, Arc::clone(&kept), limit)));
        Self { kept, secrets, drain }
    }

    /// What was said, as text without secrets and control characters. Waits for the end of the pipe, but not for a stranger that holds it.
    pub(super) async fn finish(mut self) -> String {
        if let Some(drain) = self.drain.as_mut() {
            let _ = tokio::time::timeout(PATIENCE, drain).await;
        }
        redact(&self.kept.lock().unwrap_or_else(PoisonError::into_inner), &self.secrets)
    }
}

impl Drop for StderrTail {
    fn drop(&mut self) {
        if let Some(drain) = &self.drain {
            drain.abort();
        }
    }
}

async fn collect(mut pipe: impl AsyncRead + Unpin, kept: Arc<Mutex<Vec<u8>>>, limit: usize) {
    let mut piece = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = pipe.read(&mut piece).await {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&piece[..count]);
        // Cut only now and then: cutting after every piece would copy all that is kept each time.
        if kept.len() > 4 * limit {
            let surplus = kept.len() - limit;
            kept.drain(..surplus);
        }
    }
}

fn longest(secrets: &[Secret]) -> usize {
    secrets.iter().map(|secret| secret.expose().len()).max().unwrap_or(0)
}

/// The last [`KEPT_BYTES`] of `text` with `***` in place of every secret. A secret whose beginning was cut off is
/// left out as well: the cut moves behind it.
fn redact(text: &[u8], secrets: &[Secret]) -> String {
    let mut start = text.len().saturating_sub(KEPT_BYTES);
    let mut found: Vec<(usize, usize)> = Vec::new();
    for secret in secrets.iter().map(|secret| secret.expose().as_bytes()).filter(|secret| !secret.is_empty())
    {
        found.extend(memmem::find_iter(text, secret).map(|at| (at, at + secret.len())));
    }
    found.sort_unstable();
    let mut shown = Vec::with_capacity(text.len() - start);
    for (from, to) in found {
        if from < start {
            start = start.max(to);
            continue;
        }
        shown.extend_from_slice(&text[start..from]);
        shown.extend_from_slice(b"***");
        start = to;
    }
    shown.extend_from_slice(&text[start.min(text.len())..]);
    legible(&String::from_utf8_lossy(&shown))
}

/// It is shown on terminals, in mails and in chats: what moves a cursor or starts an escape there is left out.
fn legible(text: &str) -> String {
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    lines.replace(|c: char| c.is_control() && !matches!(c, '\n' | '\t'), "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_reach_nobody() {
        let shown = redact(b"10 %\r20 %\r\n\x1b[31mred\x07\t\x00end\n", &[]);
        assert_eq!(shown, "10 %\n20 %\n\u{fffd}[31mred\u{fffd}\t\u{fffd}end\n");
    }

    #[test]
    fn secrets_are_redacted_also_where_they_overlap_or_were_cut() {
        let secrets = [Secret::new("hunter2".into()), Secret::new("er2x".into()), Secret::new(String::new())];
        assert_eq!(redact(b"password hunter2x refused, er2x too", &secrets), "password *** refused, *** too");
        let mut long = vec![b'a'; 10];
        long.extend_from_slice(b"hunter2");
        long.resize(KEPT_BYTES + 13, b'b');
        let shown = redact(&long, &secrets);
        assert!(shown.bytes().all(|byte| byte == b'b'), "a piece of the secret is left");
    }
}
