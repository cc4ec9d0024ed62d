//! The files of the whole server, as its replication protocol gives them.

mod check;
mod configuration;
mod facts;
mod recover;

use super::base_backup::{Arriving, BackupRequest, HeldBaseBackup, Member, Parent};
use super::combine::{MinimumSettings, SourceConfiguration};
use super::facts::PostgreSqlServer;
use crate::engine::{
    CopyEnd, CopyParent, CopyRequest, DumpPart, EngineError, Finding, Physical, PhysicalCopy, Producer, Pull,
};
use crate::model::{BackupKind, ByteReader, PartKind, Span};
use crate::process::Runner;
use async_trait::async_trait;
use configuration::Configuration;
pub(super) use configuration::witness as configuration_witness;
use facts::CopyFacts;
pub(super) use recover::recover;
use std::io::Cursor;
use std::sync::Arc;

/// The first version that can say what has changed since another backup.
const INCREMENTAL_MAJOR: u32 = 17;

#[async_trait]
impl Physical for PostgreSqlServer {
    async fn check_copy(&self, runner: &dyn Runner, kind: BackupKind) -> Result<Vec<Finding>, EngineError> {
        self.copy_findings(runner, kind).await
    }

    async fn plan_copy(&self, _runner: &dyn Runner, kind: BackupKind) -> Result<Vec<String>, EngineError> {
        let mut shown = vec!["BASE_BACKUP".to_owned(), "(WAL, TABLESPACE_MAP, MANIFEST 'yes')".to_owned()];
        if kind == BackupKind::Incremental {
            shown.insert(0, "UPLOAD_MANIFEST;".to_owned());
        }
        Ok(shown)
    }

    async fn begin_copy(
        &self,
        runner: &dyn Runner,
        request: CopyRequest<'_>,
    ) -> Result<Box<dyn PhysicalCopy>, EngineError> {
        let parent = match request.parent {
            Some(parent) => Some(self.parent(parent).await?),
            None => None,
        };
        let configuration = self.ask_configuration(runner).await?;
        let id = request.backup.to_string();
        let run = HeldBaseBackup::begin(BackupRequest {
            settings: &self.connection.settings,
            major: self.major,
            system: self.facts.identity.as_deref(),
            id: &id,
            parent,
        });
        Ok(Box::new(Copy {
            run: run.await?,
            configuration: Some(configuration),
            minimum: None,
            notes: Vec::new(),
        }))
    }
}

impl PostgreSqlServer {
    /// What the server needs of the backup that an incremental is added to.
    async fn parent<'a>(&self, parent: &'a CopyParent) -> Result<Parent<'a>, EngineError> {
        let no_base = |reason: String| EngineError::NoBase { backup: parent.backup.clone(), reason };
        if self.major < INCREMENTAL_MAJOR {
            let reason = format!(
                "PostgreSQL {} has no incremental backups; {INCREMENTAL_MAJOR} does",
                self.facts.version
            );
            return Err(no_base(reason));
        }
        let manifest =
            parent.file_manifest.as_ref().ok_or_else(|| no_base("its manifest is missing".to_owned()))?;
        let manifest = manifest.open().await.map_err(|source| EngineError::Read {
            doing: format!("read the manifest of {}", parent.backup),
            source,
        })?;
        Ok(Parent { backup: &parent.backup, manifest })
    }
}

/// A copy under way.
struct Copy {
    run: HeldBaseBackup,
    /// The last part, until it is handed out.
    configuration: Option<Configuration>,
    minimum: Option<MinimumSettings>,
    notes: Vec<String>,
}

#[async_trait]
impl PhysicalCopy for Copy {
    async fn next_part(&mut self, _runner: &dyn Runner) -> Result<Option<DumpPart>, EngineError> {
        if let Some(arriving) = self.run.next().await? {
            return Ok(Some(part_of(arriving)));
        }
        let Some(Configuration { source, notes }) = self.configuration.take() else { return Ok(None) };
        self.notes = notes;
        self.minimum = Some(source.minimum_settings);
        configuration_part(&source).map(Some)
    }

    async fn finish(self: Box<Self>, _runner: &dyn Runner) -> Result<CopyEnd, EngineError> {
        let (start, system) = (self.run.start().clone(), self.run.system().clone());
        let span = self.run.finish().await?;
        let facts = CopyFacts::of(&start, &system, span, self.minimum.unwrap_or_default());
        let facts = serde_json::to_value(facts).map_err(|error| EngineError::Answer {
            question: "describe the copy".to_owned(),
            problem: error.to_string(),
        })?;
        let span = Span { start: span.start.lsn.to_string(), end: span.end.lsn.to_string() };
        Ok(CopyEnd { span, facts, tool: "BASE_BACKUP".to_owned(), notes: self.notes })
    }
}

fn part_of(arriving: Arriving) -> DumpPart {
    let (kind, archive, extension) = match arriving.member {
        Member::Tablespace(oid) => (PartKind::Files, oid.to_string(), "tar"),
        Member::Base => (PartKind::Files, "base".to_owned(), "tar"),
        Member::Manifest => (PartKind::FileManifest, "backup_manifest".to_owned(), "json"),
    };
    DumpPart {
        kind,
        database: None,
        archive: Some(archive),
        extension,
        source: Producer::Native(arriving.source),
        witness: arriving.witness,
        estimate: arriving.estimate,
        properties: serde_json::Value::Null,
    }
}

fn configuration_part(source: &SourceConfiguration) -> Result<DumpPart, EngineError> {
    let bytes = serde_json::to_vec_pretty(source).map_err(|error| EngineError::Answer {
        question: "describe the configuration".to_owned(),
        problem: error.to_string(),
    })?;
    Ok(DumpPart {
        kind: PartKind::Settings,
        database: None,
        archive: Some("config".to_owned()),
        extension: "json",
        estimate: bytes.len() as u64,
        source: Producer::Native(Arc::new(Known { bytes: bytes.into() })),
        witness: configuration::witness(),
        properties: serde_json::Value::Null,
    })
}

/// Bytes that are known already.
struct Known {
    bytes: Arc<[u8]>,
}

#[async_trait]
impl Pull for Known {
    fn describe(&self) -> Vec<String> {
        vec!["SHOW".to_owned(), "configuration".to_owned()]
    }

    async fn open(&self) -> Result<ByteReader<'static>, EngineError> {
        Ok(Box::pin(Cursor::new(Arc::clone(&self.bytes))))
    }
}
