//! A session with a server: logged in, asked, listened to.

use super::failure::{Failure, Peer};
use super::line::{Line, unexpected};
use super::login::Login;
use super::message::{Message, row, tag};
use super::report::{Notices, Report};
use super::transport::{self, Place, Protection, Transport};
use crate::engine::{EngineError, ServerSettings};
use crate::model::{ByteReader, help};
use bytes::{Bytes, BytesMut};
use postgres_protocol::message::frontend;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;

/// As long as every tool is given.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// The most of the rows of one answer.
const ROWS_LIMIT: usize = 100_000;

/// One row of an answer.
pub type Row = Vec<Option<String>>;

/// What the server says next of what it was asked.
#[derive(Debug)]
pub(in crate::engine::postgresql) enum Event {
    /// A row of an answer.
    Row(Row),
    /// An answer is complete.
    Complete,
    /// Bytes follow.
    CopyOut,
    /// Bytes are awaited.
    CopyIn,
    /// Some of the bytes.
    Data(Bytes),
    /// No more bytes follow.
    CopyDone,
    /// The next question may be asked.
    Ready,
}

/// A session of the replication protocol. Dropping it ends whatever the server does for it.
pub struct Session {
    line: Line,
    peer: Peer,
    parameters: BTreeMap<String, String>,
    notices: Notices,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({})", self.peer.address)
    }
}

impl Session {
    /// Connects to the server of `settings` and logs in, with `options` for the session (`-c name=value`).
    pub async fn connect(settings: &ServerSettings, options: &str) -> Result<Self, EngineError> {
        let mut last = None;
        for place in transport::places(settings) {
            let peer = Peer { address: shown(settings, &place), user: settings.user.clone() };
            match reach(settings, &place, options).await {
                Ok((line, parameters)) => {
                    return Ok(Self { line, peer, parameters, notices: Notices::default() });
                }
                Err(failure) if failure.is_of_this_host() => last = Some(failure.connecting(&peer)),
                Err(failure) => return Err(failure.connecting(&peer)),
            }
        }
        Err(last.unwrap_or_else(|| EngineError::Prerequisite {
            problem: "the entry names no host".to_owned(),
            help: help!("Set `host` or `socket` of the database entry."),
        }))
    }

    /// What the server said of one of its settings when the session began.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// Its major version.
    pub fn major(&self) -> u32 {
        let version = self.parameter("server_version").unwrap_or_default();
        version.split(|c: char| !c.is_ascii_digit()).next().and_then(|major| major.parse().ok()).unwrap_or(0)
    }

    /// What it said besides answers.
    pub fn notices(&self) -> &Notices {
        &self.notices
    }

    /// The address as it is shown.
    pub fn address(&self) -> &str {
        &self.peer.address
    }

    /// Asks, and waits for the rows of all answers. `doing` says what for, in messages.
    pub async fn query(&mut self, doing: &str, command: &str) -> Result<Vec<Row>, EngineError> {
        self.begin(doing, command).await?;
        let mut rows = Vec::new();
        loop {
            match self.event(doing).await? {
                Event::Row(row) if rows.len() < ROWS_LIMIT => rows.push(row),
                Event::Ready => return Ok(rows),
                Event::Complete => {}
                _ => return Err(self.strange(doing)),
            }
        }
    }

    /// Gives all of `body` to `command`, which takes bytes, and waits for its end. `refused` says what an error of the server
    /// means.
    pub(in crate::engine::postgresql) async fn upload(
        &mut self,
        command: &str,
        mut body: ByteReader<'_>,
        refused: impl Fn(&Report) -> EngineError,
    ) -> Result<(), EngineError> {
        let doing = command;
        let meaning = |report: &Report, _: &Notices| Some(refused(report));
        self.begin(doing, command).await?;
        let Event::CopyIn = self.event_or(doing, meaning).await? else { return Err(self.strange(doing)) };
        let mut piece = BytesMut::new();
        loop {
            piece.clear();
            piece.reserve(64 << 10);
            let read = body.read_buf(&mut piece).await;
            // Dropped without its end the server throws away what came so far.
            let read = read.map_err(|source| EngineError::Read { doing: doing.to_owned(), source })?;
            let mut out = BytesMut::new();
            if read == 0 {
                frontend::copy_done(&mut out);
            } else {
                let data = frontend::CopyData::new(&piece[..]);
                data.map_err(|error| self.failed(doing, Failure::Broken(error.to_string())))?.write(&mut out);
            }
            let sent = self.line.send(&out).await;
            sent.map_err(|failure| self.failed(doing, failure))?;
            if read == 0 {
                break;
            }
        }
        loop {
            match self.event_or(doing, meaning).await? {
                Event::Complete => {}
                Event::Ready => return Ok(()),
                _ => return Err(self.strange(doing)),
            }
        }
    }

    /// With another limit of how long the server may be silent.
    pub(in crate::engine::postgresql) fn be_patient(&mut self, limit: Duration) {
        self.line.be_patient(limit);
    }

    /// Asks, and leaves the answer to [`Self::event`].
    pub(in crate::engine::postgresql) async fn begin(
        &mut self,
        doing: &str,
        command: &str,
    ) -> Result<(), EngineError> {
        let mut out = BytesMut::new();
        let made = frontend::query(command, &mut out);
        made.map_err(|error| self.failed(doing, Failure::Broken(error.to_string())))?;
        let sent = self.line.send(&out).await;
        sent.map_err(|failure| self.failed(doing, failure))
    }

    /// What comes next. An error of the server is an error; the session is of no use after it.
    pub(in crate::engine::postgresql) async fn event(&mut self, doing: &str) -> Result<Event, EngineError> {
        self.next_event().await.map_err(|failure| self.failed(doing, failure))
    }

    /// The same, where an error of the server may mean something of its own.
    pub(in crate::engine::postgresql) async fn event_or(
        &mut self,
        doing: &str,
        meaning: impl FnOnce(&Report, &Notices) -> Option<EngineError>,
    ) -> Result<Event, EngineError> {
        self.next_event().await.map_err(|failure| {
            let meant = match &failure {
                Failure::Said(report) => meaning(report, &self.notices),
                _ => None,
            };
            meant.unwrap_or_else(|| self.failed(doing, failure))
        })
    }

    async fn next_event(&mut self) -> Result<Event, Failure> {
        loop {
            let Message { tag, body } = self.line.message().await?;
            return Ok(match tag {
                tag::ROW => Event::Row(row(body).map_err(Failure::Broken)?),
                tag::COMPLETE | tag::EMPTY => Event::Complete,
                tag::COPY_OUT => Event::CopyOut,
                tag::COPY_IN => Event::CopyIn,
                tag::COPY_DATA => Event::Data(body),
                tag::COPY_DONE => Event::CopyDone,
                tag::READY => Event::Ready,
                tag::ERROR => return Err(Failure::Said(Report::parse(body).map_err(Failure::Broken)?)),
                tag::NOTICE => {
                    self.notices.add(Report::parse(body).map_err(Failure::Broken)?);
                    continue;
                }
                tag::COLUMNS | tag::PARAMETER | tag::NOTIFICATION => continue,
                other => return Err(unexpected(other)),
            });
        }
    }

    /// An answer that does not fit the question.
    pub(in crate::engine::postgresql) fn strange(&self, doing: &str) -> EngineError {
        self.failed(doing, Failure::Broken("the answer does not have the expected form".to_owned()))
    }

    fn failed(&self, doing: &str, failure: Failure) -> EngineError {
        failure.doing(&self.peer, doing)
    }
}

/// As the tools show it.
fn shown(settings: &ServerSettings, place: &Place) -> String {
    match place {
        Place::Socket(path) => {
            let folder = path.parent().map(|folder| folder.display().to_string()).unwrap_or_default();
            format!("{folder}:{}", settings.port)
        }
        Place::Network { host, port } => format!("{host}:{port}"),
    }
}

type Reached = (Line, BTreeMap<String, String>);

/// Connects to `place` and logs in, in every way that the transport security allows.
async fn reach(settings: &ServerSettings, place: &Place, options: &str) -> Result<Reached, Failure> {
    let mut first: Option<Failure> = None;
    for protection in transport::protections(place, settings.tls.mode) {
        let tried = tokio::time::timeout(CONNECT_LIMIT, attempt(settings, place, *protection, options)).await;
        let problem = || Failure::Unreached(format!("no answer within {} s", CONNECT_LIMIT.as_secs()));
        match tried.unwrap_or_else(|_| Err(problem())) {
            Ok(reached) => return Ok(reached),
            Err(failure @ (Failure::Unreached(_) | Failure::Setup(_))) => {
                return Err(first.unwrap_or(failure));
            }
            Err(failure) => {
                let replaces = first.as_ref().is_none_or(Failure::is_of_this_transport);
                first = if replaces { Some(failure) } else { first };
            }
        }
    }
    Err(first.unwrap_or_else(|| Failure::Unreached("no way to connect is allowed".to_owned())))
}

async fn attempt(
    settings: &ServerSettings,
    place: &Place,
    protection: Protection,
    options: &str,
) -> Result<Reached, Failure> {
    let Transport { stream, security } = transport::open(settings, place, protection).await?;
    let mut line = Line::new(stream);
    let mut parameters =
        vec![("replication", "true"), ("application_name", "jagad"), ("client_encoding", "UTF8")];
    if !options.is_empty() {
        parameters.push(("options", options));
    }
    let login = Login { settings, security: &security, parameters: &parameters };
    let known = login.run(&mut line).await?;
    Ok((line, known))
}
