//! One connection that sends commands without waiting for the answers. A task of its own reads the answers.

use super::cluster::Redirect;
use super::connection::{Connection, Wire};
use super::resp;
use super::rights;
use crate::engine::EngineError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncWriteExt as _, BufReader, ReadHalf, WriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// The most bytes that may be sent without an answer; a larger value is sent alone.
const WINDOW_BYTES: u32 = 4 << 20;
/// The most batches that may be sent without an answer; each holds one value or up to 64 KiB.
const WINDOW_BATCHES: usize = 256;
/// The longest that a server may take for one batch.
const STALL_LIMIT: Duration = Duration::from_secs(300);
/// The most errors that are reported one by one; the others are only counted.
const ERRORS_KEPT: usize = 1000;
const READ_BUFFER_BYTES: usize = 64 << 10;

/// Commands that are sent in one piece.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// The commands; of a command with a long value, the bytes before the value.
    pub(super) head: Vec<u8>,
    /// A long value and what follows it.
    pub(super) body: Vec<u8>,
    pub(super) commands: Vec<Command>,
}

/// One command of a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Command {
    /// Where it begins in the head; it ends where the next one begins.
    pub(super) start: usize,
    /// What it is about.
    pub(super) about: About,
    /// How often it was sent to the wrong node.
    pub(super) tries: u8,
}

/// What a command is about, for messages.
#[derive(Debug, Clone, Copy)]
pub(super) enum About {
    /// A key: where its name stands in the head.
    Key { database: u64, start: usize, length: usize },
    /// A library of functions.
    Library,
    /// `ASKING`.
    Asking,
}

impl Batch {
    fn bytes(&self) -> usize {
        self.head.len() + self.body.len()
    }

    /// For messages; a key is shown shortened and without anything that a terminal would obey.
    fn describe(&self, command: &Command) -> String {
        match command.about {
            About::Key { database, start, length } => {
                let name = self.head.get(start..start + length).unwrap_or_default();
                let more = if name.len() > 60 { "…" } else { "" };
                format!("key \"{}{more}\" of db{database}", name[..name.len().min(60)].escape_ascii())
            }
            About::Library => "a library of functions".to_owned(),
            About::Asking => "ASKING".to_owned(),
        }
    }

    /// The command at `index` as a batch of its own.
    fn alone(&self, index: usize) -> Batch {
        let command = self.commands[index];
        let end = self.commands.get(index + 1).map_or(self.head.len(), |next| next.start);
        let about = match command.about {
            About::Key { database, start, length } => {
                About::Key { database, start: start - command.start, length }
            }
            other => other,
        };
        Batch {
            head: self.head[command.start..end].to_vec(),
            body: self.body.clone(),
            commands: vec![Command { start: 0, about, tries: command.tries + 1 }],
        }
    }
}

/// The results of the commands of all pipes of one restore.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Keys that were accepted.
    pub(super) accepted: u64,
    /// Errors, one text each.
    pub(super) errors: Vec<String>,
    /// The number of all errors.
    pub(super) failed: u64,
    /// Batches to send to another node.
    pub(super) redirected: Vec<(Redirect, Batch)>,
    /// The error that ends the restore.
    pub(super) fatal: Option<EngineError>,
}

/// What an error reply about one key means for the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnError {
    /// It ends the restore.
    Stop,
    /// It is counted.
    Count,
}

/// What all pipes of one restore share.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    outcome: Arc<Mutex<Outcome>>,
    on_error: OnError,
    /// Fires when there is a fatal error.
    pub(super) stop: CancellationToken,
}

impl Shared {
    pub(super) fn new(on_error: OnError) -> Self {
        Self { outcome: Arc::default(), on_error, stop: CancellationToken::new() }
    }

    pub(super) fn outcome(&self) -> MutexGuard<'_, Outcome> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fatal(&self, error: EngineError) {
        self.outcome().fatal.get_or_insert(error);
        self.stop.cancel();
    }

    /// Records an error reply: it ends the restore, or it is counted.
    pub(super) fn failed(&self, what: &str, said: &str, peer: &Peer) {
        if self.on_error == OnError::Stop {
            return self.fatal(rights::refusal(what, said, &peer.address, &peer.user));
        }
        let mut outcome = self.outcome();
        outcome.failed += 1;
        if outcome.errors.len() < ERRORS_KEPT {
            outcome.errors.push(format!("{what}: {said}"));
        }
    }
}

/// The server at the other end, and the user that it knows us as.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    pub(super) address: String,
    pub(super) user: String,
}

/// A batch without its answers, and the room that it takes.
struct Sent {
    batch: Batch,
    _room: OwnedSemaphorePermit,
}

/// The connection. Dropping it closes it, even when answers are missing.
pub(super) struct Pipe {
    writer: WriteHalf<Box<dyn Wire>>,
    sent: mpsc::Sender<Sent>,
    room: Arc<Semaphore>,
    shared: Shared,
    address: String,
    _answers: AbortOnDropHandle<()>,
}

impl Pipe {
    pub(super) fn new(connection: Connection, shared: &Shared) -> Self {
        let peer = Peer { address: connection.address().to_owned(), user: connection.user().to_owned() };
        let address = peer.address.clone();
        let (reader, writer) = tokio::io::split(connection.stream.into_inner());
        let (sent, arriving) = mpsc::channel(WINDOW_BATCHES);
        let reader = BufReader::with_capacity(READ_BUFFER_BYTES, reader);
        let answers = Answers { reader, shared: shared.clone(), peer };
        Self {
            writer,
            sent,
            room: Arc::new(Semaphore::new(WINDOW_BYTES as usize)),
            shared: shared.clone(),
            address,
            _answers: AbortOnDropHandle::new(tokio::spawn(answers.take(arriving))),
        }
    }

    /// Sends a batch as soon as there is room. Nothing is sent once the restore has failed: the outcome has the reason.
    pub(super) async fn send(&mut self, batch: Batch) {
        if batch.commands.is_empty() {
            return;
        }
        let stop = self.shared.stop.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.write(batch) => {}
        }
    }

    async fn write(&mut self, batch: Batch) {
        let wanted = u32::try_from(batch.bytes()).unwrap_or(u32::MAX).clamp(1, WINDOW_BYTES);
        let Ok(room) = Arc::clone(&self.room).acquire_many_owned(wanted).await else { return };
        let writing = async {
            self.writer.write_all(&batch.head).await?;
            self.writer.write_all(&batch.body).await?;
            self.writer.flush().await
        };
        let problem = match tokio::time::timeout(STALL_LIMIT, writing).await {
            Ok(Ok(())) => {
                let _ = self.sent.send(Sent { batch, _room: room }).await;
                return;
            }
            Ok(Err(error)) => format!("the connection was lost: {error}"),
            Err(_) => format!("it accepted no data for {} s", STALL_LIMIT.as_secs()),
        };
        self.shared.fatal(EngineError::Unreachable { address: self.address.clone(), problem });
    }

    /// Waits until every command is answered or the restore has failed.
    pub(super) async fn settle(&mut self) {
        let stop = self.shared.stop.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            _ = self.room.acquire_many(WINDOW_BYTES) => {}
        }
    }
}

/// The receiving half of the connection.
struct Answers {
    reader: BufReader<ReadHalf<Box<dyn Wire>>>,
    shared: Shared,
    peer: Peer,
}

impl Answers {
    /// Takes in the answers to every batch of `sent`, in the order of sending.
    async fn take(mut self, mut sent: mpsc::Receiver<Sent>) {
        let mut line = Vec::new();
        while let Some(Sent { batch, _room }) = sent.recv().await {
            let mut accepted = 0;
            for (index, command) in batch.commands.iter().enumerate() {
                let problem = match tokio::time::timeout(STALL_LIMIT, self.next(&mut line)).await {
                    Ok(Ok(())) => {
                        match line.split_first() {
                            Some((b'-', said)) => {
                                self.refused(&batch, index, &String::from_utf8_lossy(said));
                            }
                            _ => accepted += u64::from(matches!(command.about, About::Key { .. })),
                        }
                        continue;
                    }
                    Ok(Err(error)) => error.to_string(),
                    Err(_) => format!("no answer for {} s", STALL_LIMIT.as_secs()),
                };
                self.shared.outcome().accepted += accepted;
                self.shared.fatal(EngineError::Unreachable { address: self.peer.address, problem });
                return;
            }
            self.shared.outcome().accepted += accepted;
        }
    }

    /// Reads one reply and keeps its first line. The rest of a string is read and thrown away.
    async fn next(&mut self, line: &mut Vec<u8>) -> Result<(), resp::RespError> {
        resp::line(&mut self.reader, line).await?;
        if line.first() == Some(&b'$') && line.get(1) != Some(&b'-') {
            // FUNCTION LOAD answers with the library's name.
            let mut name = Vec::new();
            resp::line(&mut self.reader, &mut name).await?;
        }
        Ok(())
    }

    /// Handles an error reply: follows a redirection, up to a limit, and counts anything else as a failure.
    fn refused(&self, batch: &Batch, index: usize, said: &str) {
        const MOST_TRIES: u8 = 16;
        let command = &batch.commands[index];
        if let Some(redirect) = Redirect::parse(said)
            && command.tries < MOST_TRIES
        {
            self.shared.outcome().redirected.push((redirect, batch.alone(index)));
            return;
        }
        self.shared.failed(&batch.describe(command), said, &self.peer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The receiving half of a connection on which nothing arrives any more.
    fn answers(on_error: OnError) -> Answers {
        let stream: Box<dyn Wire> = Box::new(tokio::io::empty());
        let (reader, _) = tokio::io::split(stream);
        let peer = Peer { address: "db:6379".to_owned(), user: String::new() };
        Answers { reader: BufReader::new(reader), shared: Shared::new(on_error), peer }
    }

    fn one_key() -> Batch {
        let about = About::Key { database: 0, start: 0, length: 1 };
        let commands = vec![Command { start: 0, about, tries: 0 }];
        Batch { head: b"k".to_vec(), commands, ..Batch::default() }
    }

    #[test]
    fn a_redirection_is_followed_sixteen_times_and_not_for_ever() {
        let answers = answers(OnError::Count);
        let mut batch = one_key();
        for _ in 0..16 {
            answers.refused(&batch, 0, "MOVED 7629 db2:6379");
            let (redirect, again) = answers.shared.outcome().redirected.pop().expect("it is followed");
            assert_eq!((redirect.slot, redirect.host.as_str()), (7629, "db2"));
            batch = again;
        }
        answers.refused(&batch, 0, "MOVED 7629 db2:6379");
        let outcome = answers.shared.outcome();
        assert_eq!((outcome.redirected.len(), outcome.failed), (0, 1));
        assert_eq!(outcome.errors, ["key \"k\" of db0: MOVED 7629 db2:6379"]);
    }

    #[test]
    fn every_error_is_counted_and_the_first_thousand_are_kept() {
        let answers = answers(OnError::Count);
        for _ in 0..1200 {
            answers.refused(&one_key(), 0, "ERR Bad data format");
        }
        let outcome = answers.shared.outcome();
        assert_eq!((outcome.failed, outcome.errors.len()), (1200, 1000));
        assert!(outcome.fatal.is_none());
    }

    #[test]
    fn a_key_is_shown_shortened_and_escaped() {
        let shown = |name: &[u8]| {
            let batch = Batch { head: name.to_vec(), ..Batch::default() };
            let about = About::Key { database: 3, start: 0, length: name.len() };
            batch.describe(&Command { start: 0, about, tries: 0 })
        };
        assert_eq!(shown(b"a\x1b[2J"), "key \"a\\x1b[2J\" of db3");
        assert_eq!(shown(&[b'x'; 60]), format!("key \"{}\" of db3", "x".repeat(60)));
        assert_eq!(shown(&[b'x'; 61]), format!("key \"{}…\" of db3", "x".repeat(60)));
    }
}
