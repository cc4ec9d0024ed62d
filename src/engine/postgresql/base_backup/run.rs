//! One backup, from the connections that it takes to what is known at its end.

use super::archive::{Handover, Incoming};
use super::command;
use super::position::BackupSpan;
use super::start::{BackupStart, Member};
use super::stream::{self, BaseBackup};
use super::system::{System, ask_system, check_system};
use super::witness::{ManifestWitness, SeenManifest, SeenWal, TarWitness};
use crate::engine::postgresql::wire::Session;
use crate::engine::{EngineError, Pull, ServerSettings};
use crate::model::{BackupId, ByteReader, Witness, help};
use std::sync::Arc;

/// From this version on a session that is idle may be ended by a limit.
const IDLE_LIMIT: u32 = 14;

/// What is to be backed up, and on top of what.
pub struct BackupRequest<'a> {
    /// How to reach the server.
    pub settings: &'a ServerSettings,
    /// Its major version, as far as it is known before.
    pub major: u32,
    /// The system identifier that the server must have, where it is known.
    pub system: Option<&'a str>,
    /// Identity of the backup, for the server's own records.
    pub id: &'a str,
    /// The backup to add to; `None` for a full one.
    pub parent: Option<Parent<'a>>,
}

/// The backup that an incremental one is added to.
pub struct Parent<'a> {
    /// Which.
    pub backup: &'a BackupId,
    /// Its manifest.
    pub manifest: ByteReader<'a>,
}

/// A backup that is under way. Dropping it ends it on the server too.
pub struct HeldBaseBackup {
    handover: Handover,
    start: BackupStart,
    system: System,
    address: String,
    /// Holds the WAL by its slot for as long as it lives.
    slot: Session,
    wal: SeenWal,
    manifest: SeenManifest,
}

/// One of its streams.
pub struct Arriving {
    /// Which.
    pub member: Member,
    /// Its bytes, once. The one before must have been read to its end.
    pub source: Arc<dyn Pull>,
    /// Watches them.
    pub witness: Box<dyn Witness>,
    /// Expected bytes; 0 when unknown.
    pub estimate: u64,
}

impl HeldBaseBackup {
    /// Connects, holds the WAL, and waits until the server begins to send.
    pub async fn begin(request: BackupRequest<'_>) -> Result<Self, EngineError> {
        let options = if request.major >= IDLE_LIMIT { "-c idle_session_timeout=0" } else { "" };
        let mut session = Session::connect(request.settings, options).await?;
        let system = ask_system(&mut session).await?;
        check_system(&session, &system, request.system)?;
        let mut slot = Session::connect(request.settings, options).await?;
        let other = ask_system(&mut slot).await?;
        check_system(&slot, &other, Some(&system.identifier))?;
        let name = command::slot_name(request.id);
        slot.query("CREATE_REPLICATION_SLOT", &command::temporary_slot(slot.major(), &name)).await?;
        let parent = request.parent.as_ref().map(|parent| parent.backup);
        if let Some(parent) = request.parent {
            upload(&mut session, parent).await?;
        }
        let backup = BaseBackup::begin(session, &format!("jagad {}", request.id), parent).await?;
        let (start, address) = (backup.start().clone(), backup.address().to_owned());
        Ok(Self {
            handover: Handover::new(backup),
            start,
            system,
            address,
            slot,
            wal: SeenWal::default(),
            manifest: SeenManifest::default(),
        })
    }

    /// Where it begins, and what it consists of.
    pub fn start(&self) -> &BackupStart {
        &self.start
    }

    /// What the server says of itself.
    pub fn system(&self) -> &System {
        &self.system
    }

    /// The next stream; `None` when all have come.
    pub async fn next(&mut self) -> Result<Option<Arriving>, EngineError> {
        let mut backup = self.handover.take(&self.address)?;
        let member = backup.next().await?;
        self.handover.give(backup);
        Ok(member.map(|member| Arriving {
            member,
            source: Arc::new(Incoming::new(self.handover.clone(), self.address.clone(), member)),
            witness: match member {
                Member::Tablespace(_) => Box::new(TarWitness::tablespace()),
                Member::Base => Box::new(TarWitness::base(self.wal.clone())),
                Member::Manifest => Box::new(ManifestWitness::new(self.manifest.clone())),
            },
            estimate: self.start.estimate(member),
        }))
    }

    /// Ends it: where the files are consistent, after a look at what was seen of them. An error that the server tells only now,
    /// such as damaged pages, is one of the whole backup.
    pub async fn finish(self) -> Result<BackupSpan, EngineError> {
        let end = self.handover.take(&self.address)?.finish().await?;
        drop(self.slot);
        let span = BackupSpan { start: self.start.position, end };
        let seen = self.wal.check(span).and_then(|()| self.manifest.check(span, &self.system.identifier));
        seen.map_err(|problem| EngineError::Answer {
            question: format!("{}: BASE_BACKUP", self.address),
            problem,
        })?;
        Ok(span)
    }
}

/// Gives the server the manifest of the parent. Whatever is wrong with that, a full backup is right.
async fn upload(session: &mut Session, parent: Parent<'_>) -> Result<(), EngineError> {
    if session.major() < command::INCREMENTAL {
        return Err(EngineError::Version {
            problem: format!(
                "PostgreSQL {} has no incremental backups",
                session.parameter("server_version").unwrap_or_default()
            ),
            help: help!("Upgrade the server to PostgreSQL 17 or newer, or take full backups."),
        });
    }
    let refused = |report: &_| stream::no_base(parent.backup, report);
    session.upload("UPLOAD_MANIFEST", parent.manifest, refused).await
}
