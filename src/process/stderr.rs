//! What a tool wrote to standard error: all of it, or of a long text the beginning, where the first error is, and the
//! end.

use crate::model::Secret;
use memchr::memmem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::task::JoinHandle;

/// How much of the beginning of standard error is kept, and how much of its end.
pub(super) const KEPT_BYTES: usize = 64 * 1024;

/// How long standard error may stay open after the tool's end: only a process that left the group can hold it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Drains a tool's standard error, however much it is, so that the tool never blocks on it.
pub(super) struct StderrTail {
    kept: Arc<Mutex<Kept>>,
    secrets: Vec<Secret>,
    drain: Option<JoinHandle<()>>,
}

impl StderrTail {
    /// Starts draining `pipe`. `secrets` are redacted from what [`StderrTail::finish`] gives.
    pub(super) fn drain(pipe: Option<impl AsyncRead + Unpin + Send + 'static>, secrets: Vec<Secret>) -> Self {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let limit = KEPT_BYTES + longest(&secrets);
        let drain = pipe.map(|pipe| tokio::spawn(collect(pipe, Arc::clone(&kept), limit)));
        Self { kept, secrets, drain }
    }

    /// What was written, as text without secrets and control characters. Waits for the end of the pipe, but not for
    /// another process that holds it open.
    pub(super) async fn finish(mut self) -> String {
        if let Some(drain) = self.drain.as_mut() {
            let _ = tokio::time::timeout(PATIENCE, drain).await;
        }
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).text(&self.secrets)
    }
}

impl Drop for StderrTail {
    fn drop(&mut self) {
        if let Some(drain) = &self.drain {
            drain.abort();
        }
    }
}

/// The beginning and the end of a text.
#[derive(Default)]
struct Kept {
    begin: Vec<u8>,
    /// What follows the beginning, or the end of it.
    end: Vec<u8>,
    /// Bytes between the two that are gone.
    gone: usize,
}

impl Kept {
    /// `limit` is more than is shown, so that a secret at a cut is seen whole.
    fn add(&mut self, mut piece: &[u8], limit: usize) {
        let room = limit.saturating_sub(self.begin.len()).min(piece.len());
        self.begin.extend_from_slice(&piece[..room]);
        piece = &piece[room..];
        self.end.extend_from_slice(piece);
        // Cut rarely: a cut after every piece would copy all that is kept each time.
        if self.end.len() > 4 * limit {
            let surplus = self.end.len() - limit;
            self.end.drain(..surplus);
            self.gone += surplus;
        }
    }

    fn text(&self, secrets: &[Secret]) -> String {
        if self.gone == 0 && self.begin.len() + self.end.len() <= 2 * KEPT_BYTES {
            let whole = [self.begin.as_slice(), self.end.as_slice()].concat();
            return redact(&whole, 0, secrets);
        }
        let begin = redact_begin(&self.begin, secrets);
        let start = self.end.len().saturating_sub(KEPT_BYTES);
        format!("{begin}\n[…]\n{}", redact(&self.end, start, secrets))
    }
}

async fn collect(mut pipe: impl AsyncRead + Unpin, kept: Arc<Mutex<Kept>>, limit: usize) {
    let mut piece = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = pipe.read(&mut piece).await {
        kept.lock().unwrap_or_else(PoisonError::into_inner).add(&piece[..count], limit);
    }
}

fn longest(secrets: &[Secret]) -> usize {
    secrets.iter().map(|secret| secret.expose().len()).max().unwrap_or(0)
}

/// Where secrets are in `text`, by their beginnings.
fn places(text: &[u8], secrets: &[Secret]) -> Vec<(usize, usize)> {
    let secrets = secrets.iter().map(|secret| secret.expose().as_bytes()).filter(|secret| !secret.is_empty());
    let mut found: Vec<_> = secrets
        .flat_map(|secret| memmem::find_iter(text, secret).map(|at| (at, at + secret.len())))
        .collect();
    found.sort_unstable();
    found
}

/// The first [`KEPT_BYTES`] of `text` with `***` in place of every secret. A secret whose end would be cut off is left out as
/// well: the cut moves before it.
fn redact_begin(text: &[u8], secrets: &[Secret]) -> String {
    let mut end = KEPT_BYTES.min(text.len());
    for (from, to) in places(text, secrets) {
        if from < end && to > end {
            end = from;
        }
    }
    redact(&text[..end], 0, secrets)
}

/// `text` from `start` on with `***` in place of every secret. A secret whose beginning was cut off is left out as well: the cut
/// moves behind it.
fn redact(text: &[u8], start: usize, secrets: &[Secret]) -> String {
    let mut start = start;
    let mut shown = Vec::with_capacity(text.len() - start);
    for (from, to) in places(text, secrets) {
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
    fn control_characters_are_removed() {
        let shown = redact(b"10 %\r20 %\r\n\x1b[31mred\x07\t\x00end\n", 0, &[]);
        assert_eq!(shown, "10 %\n20 %\n\u{fffd}[31mred\u{fffd}\t\u{fffd}end\n");
    }

    #[test]
    fn secrets_are_redacted_also_where_they_overlap_or_were_cut() {
        let secrets = [Secret::new("hunter2".into()), Secret::new("er2x".into()), Secret::new(String::new())];
        assert_eq!(
            redact(b"password hunter2x refused, er2x too", 0, &secrets),
            "password *** refused, *** too"
        );
        let mut long = vec![b'a'; 10];
        long.extend_from_slice(b"hunter2");
        long.resize(KEPT_BYTES + 13, b'b');
        let shown = redact(&long, 13, &secrets);
        assert!(shown.bytes().all(|byte| byte == b'b'), "a piece of the secret is left");
    }

    #[test]
    fn of_a_long_text_the_beginning_and_the_end_are_kept() {
        let secrets = [Secret::new("hunter2".into())];
        let mut kept = Kept::default();
        let limit = KEPT_BYTES + longest(&secrets);
        let mut text = b"error: the first\n".to_vec();
        text.resize(KEPT_BYTES - 3, b'a');
        text.extend_from_slice(b"hunter2");
        text.resize(20 * KEPT_BYTES, b'b');
        text.extend_from_slice(b"the last");
        text.chunks(10_000).for_each(|piece| kept.add(piece, limit));
        let shown = kept.text(&secrets);
        assert!(shown.starts_with("error: the first\naaa") && shown.ends_with("bthe last"));
        assert!(shown.contains("a\n[…]\nb") && !shown.contains("hun"), "a piece of the secret is left");
        assert!(shown.len() < 2 * KEPT_BYTES + 20);
    }
}
