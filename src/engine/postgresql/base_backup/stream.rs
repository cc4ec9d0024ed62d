//! A backup while the server sends it: one stream after the other, on one connection.

use super::command::{self, Extent};
use super::position::WalPosition;
use super::start::{BackupStart, Member, wal_position};
use crate::engine::EngineError;
use crate::engine::postgresql::wire::{Event, Notices, Report, Row, Session, text};
use crate::model::{BackupId, help};
use bytes::{Buf as _, Bytes};
use std::time::Duration;

const DOING: &str = "BASE_BACKUP";
/// How long the server may prepare: it writes a checkpoint first, and for an incremental waits for its summaries.
const START_LIMIT: Duration = Duration::from_secs(3600);
/// How long it may send nothing once it has begun.
const STALL_LIMIT: Duration = Duration::from_secs(900);
/// How a tar archive ends; servers before 15 leave that to whoever writes the file.
const TAR_END: &[u8] = &[0; 1024];

const NOT_IN_STATE: &str = "55000";
const DATA_CORRUPTED: &str = "XX001";

/// A backup that a server is sending.
pub(super) struct BaseBackup {
    session: Session,
    dialect: Dialect,
    start: BackupStart,
    /// The streams that have not come yet, in their order.
    awaited: std::vec::IntoIter<Member>,
    phase: Phase,
}

/// How streams are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// All in one, each announced by name.
    OneStream,
    /// Each by itself, in the order of the tablespaces; the archives without their ends.
    Separate,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    /// Before a stream, which the server may have announced already.
    Between(Option<Member>),
    /// In the bytes of one.
    Inside(Member),
    /// At the end of an archive that this program ends itself.
    Ending,
    /// All streams have ended.
    Over,
}

impl BaseBackup {
    /// Asks for a backup, and waits until the server begins.
    pub(super) async fn begin(
        mut session: Session,
        label: &str,
        parent: Option<&BackupId>,
    ) -> Result<Self, EngineError> {
        let extent = if parent.is_some() { Extent::Incremental } else { Extent::Full };
        let dialect =
            if session.major() < command::ONE_STREAM { Dialect::Separate } else { Dialect::OneStream };
        session.be_patient(START_LIMIT);
        session.begin(DOING, &command::base_backup(session.major(), label, extent)).await?;
        let position = answer(&mut session, parent).await?;
        let tablespaces = answer(&mut session, parent).await?;
        let start = BackupStart::parse(&position, &tablespaces).ok_or_else(|| session.strange(DOING))?;
        if dialect == Dialect::OneStream {
            let Event::CopyOut = session.event_or(DOING, meaning(parent)).await? else {
                return Err(session.strange(DOING));
            };
        }
        session.be_patient(STALL_LIMIT);
        let awaited = start.members().into_iter();
        Ok(Self { session, dialect, start, awaited, phase: Phase::Between(None) })
    }

    pub(super) fn start(&self) -> &BackupStart {
        &self.start
    }

    pub(super) fn address(&self) -> &str {
        self.session.address()
    }

    /// The stream that comes now; `None` after the last one, when all have come.
    pub(super) async fn next(&mut self) -> Result<Option<Member>, EngineError> {
        let announced = match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Between(Some(member)) => Some(member),
            Phase::Between(None) => self.announced().await?,
            Phase::Over => None,
            Phase::Inside(_) | Phase::Ending => return Err(self.session.strange(DOING)),
        };
        let awaited = self.awaited.next();
        if announced != awaited {
            return Err(self.session.strange(DOING));
        }
        self.phase = announced.map_or(Phase::Over, Phase::Inside);
        Ok(announced)
    }

    async fn announced(&mut self) -> Result<Option<Member>, EngineError> {
        if self.dialect == Dialect::Separate {
            let Some(member) = self.awaited.as_slice().first().copied() else { return Ok(None) };
            return match self.event().await? {
                Event::CopyOut => Ok(Some(member)),
                _ => Err(self.session.strange(DOING)),
            };
        }
        loop {
            match self.event().await? {
                Event::Data(body) if body.first() == Some(&b'p') => {}
                Event::Data(body) => return self.announcement(body).map(Some),
                Event::CopyDone => return Ok(None),
                _ => return Err(self.session.strange(DOING)),
            }
        }
    }

    /// The next bytes of the stream; `None` at its end, which the server has proven.
    pub(super) async fn read(&mut self) -> Result<Option<Bytes>, EngineError> {
        loop {
            let member = match &self.phase {
                Phase::Inside(member) => *member,
                Phase::Ending => {
                    self.phase = Phase::Between(None);
                    return Ok(None);
                }
                Phase::Between(_) | Phase::Over => return Ok(None),
            };
            match (self.event().await?, self.dialect) {
                (Event::Data(body), Dialect::Separate) if !body.is_empty() => return Ok(Some(body)),
                (Event::Data(_), Dialect::Separate) => {}
                (Event::CopyDone, Dialect::Separate) if member == Member::Manifest => {
                    self.phase = Phase::Between(None);
                    return Ok(None);
                }
                (Event::CopyDone, Dialect::Separate) => {
                    self.phase = Phase::Ending;
                    return Ok(Some(Bytes::from_static(TAR_END)));
                }
                (Event::Data(mut body), Dialect::OneStream) => match body.first() {
                    Some(b'd') if body.len() > 1 => {
                        body.advance(1);
                        return Ok(Some(body));
                    }
                    Some(b'd' | b'p') => {}
                    _ => {
                        self.phase = Phase::Between(Some(self.announcement(body)?));
                        return Ok(None);
                    }
                },
                (Event::CopyDone, Dialect::OneStream) => {
                    self.phase = Phase::Over;
                    return Ok(None);
                }
                _ => return Err(self.session.strange(DOING)),
            }
        }
    }

    /// What the server says after all streams: where the backup ends. Without that it is none.
    pub(super) async fn finish(mut self) -> Result<WalPosition, EngineError> {
        if self.phase != Phase::Over || self.awaited.next().is_some() {
            return Err(self.session.strange(DOING));
        }
        let mut rows: Vec<Row> = Vec::new();
        loop {
            match self.event().await? {
                Event::Row(row) if rows.is_empty() => rows.push(row),
                Event::Complete => {}
                Event::Ready => break,
                _ => return Err(self.session.strange(DOING)),
            }
        }
        let end = rows.first().and_then(wal_position);
        end.filter(|end| end.lsn > self.start.position.lsn && end.timeline == self.start.position.timeline)
            .ok_or_else(|| self.session.strange(DOING))
    }

    /// The stream that a message announces, which must be the one that is awaited.
    fn announcement(&self, mut body: Bytes) -> Result<Member, EngineError> {
        let strange = || self.session.strange(DOING);
        let awaited = self.awaited.as_slice().first().copied().ok_or_else(strange)?;
        if body.is_empty() {
            return Err(strange());
        }
        let named = match body.get_u8() {
            b'n' => text(&mut body).map_err(|_| strange())?,
            b'm' => Member::Manifest.name(),
            _ => return Err(strange()),
        };
        if named == awaited.name() { Ok(awaited) } else { Err(strange()) }
    }

    async fn event(&mut self) -> Result<Event, EngineError> {
        self.session.event_or(DOING, damaged).await
    }
}

/// The rows of one answer.
async fn answer(session: &mut Session, parent: Option<&BackupId>) -> Result<Vec<Row>, EngineError> {
    let mut rows = Vec::new();
    loop {
        match session.event_or(DOING, meaning(parent)).await? {
            Event::Row(row) if rows.len() <= 10_000 => rows.push(row),
            Event::Complete => return Ok(rows),
            _ => return Err(session.strange(DOING)),
        }
    }
}

/// What an error before the first byte means.
fn meaning(parent: Option<&BackupId>) -> impl FnOnce(&Report, &Notices) -> Option<EngineError> {
    move |report, _| {
        let of_parent = report.code == NOT_IN_STATE && !report.message.contains("WAL level");
        parent.filter(|_| of_parent).map(|parent| no_base(parent, report))
    }
}

/// The server cannot add to `parent`; why, in its own words.
pub(super) fn no_base(parent: &BackupId, report: &Report) -> EngineError {
    // Some of the server's messages end as sentences do.
    let plain = |text: &str| text.trim_end_matches('.').to_owned();
    let reason = match report.hint.as_str() {
        "" => plain(&report.said()),
        hint => format!("{}: {}", plain(&report.said()), plain(hint)),
    };
    EngineError::NoBase { backup: parent.clone(), reason }
}

/// The server found broken pages: it says so after it has sent everything.
fn damaged(report: &Report, notices: &Notices) -> Option<EngineError> {
    if report.code != DATA_CORRUPTED {
        return None;
    }
    let blocks = notices.warnings().join("; ");
    Some(EngineError::Damaged {
        problem: format!("pages of the server are damaged: {} [{}]: {blocks}", report.said(), report.code),
        help: help!(
            "Find out what the pages belong to (`pg_filenode_relation`), and restore that from an older backup or a replica. \
             Then take a new backup."
        ),
    })
}
