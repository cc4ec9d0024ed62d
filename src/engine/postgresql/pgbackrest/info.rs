//! What `pgbackrest info` says: the answer of another program, read into types, with limits.

use super::NAME;
use super::facts::{Label, Segment};
use super::tool::Program;
use crate::engine::{EngineError, HeldBackup, HeldBackups};
use crate::model::{BackupKind, help};
use crate::process::Runner;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The key of the note that jagad keeps beside a backup.
pub(super) const ANNOTATION: &str = "jagad";
const QUESTION: &str = "ask pgBackRest what its repository holds";

/// One stanza.
#[derive(Debug, Deserialize)]
pub(super) struct Info {
    name: String,
    status: Status,
    #[serde(default)]
    db: Vec<Database>,
    #[serde(default)]
    backup: Vec<Backup>,
}

/// How it stands.
#[derive(Debug, Deserialize)]
struct Status {
    code: i64,
    message: String,
}

/// A server that the stanza is, or was before an upgrade.
#[derive(Debug, Deserialize)]
struct Database {
    id: u64,
    #[serde(rename = "system-id")]
    system_id: u64,
    version: String,
}

/// One backup.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Backup {
    pub(super) label: Label,
    #[serde(rename = "type")]
    kind: Kind,
    pub(super) prior: Option<Label>,
    /// Whether pages had wrong checksums; absent where none were checked.
    pub(super) error: Option<bool>,
    #[serde(default)]
    annotation: Option<BTreeMap<String, String>>,
    pub(super) database: Reference,
    pub(super) archive: Range<Option<Segment>>,
    pub(super) lsn: Range<Option<String>>,
    pub(super) timestamp: Range<i64>,
    pub(super) info: Sizes,
    /// Only where one backup is asked for.
    #[serde(default)]
    pub(super) tablespace: Option<Vec<Tablespace>>,
}

/// A tablespace outside of the data directory.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Tablespace {
    pub(super) oid: u32,
    pub(super) destination: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Full,
    Diff,
    Incr,
}

/// Which server and which repository a backup is of.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Reference {
    pub(super) id: u64,
    pub(super) repo_key: u32,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Range<T> {
    pub(super) start: T,
    pub(super) stop: T,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Sizes {
    /// Of the files of the server.
    pub(super) size: u64,
    pub(super) repository: RepositorySizes,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct RepositorySizes {
    /// What this backup added.
    #[serde(default)]
    pub(super) delta: u64,
}

impl Info {
    /// Asks for the stanza, or for one of its backups with more detail. A stanza that is not there, and a repository that does not
    /// answer, are errors: pgBackRest itself ends with 0 then.
    pub(super) async fn ask(
        runner: &dyn Runner,
        program: &Program,
        label: Option<&Label>,
    ) -> Result<Self, EngineError> {
        let mut tool = program.question("info").arg("--output=json");
        if let Some(label) = label {
            tool = tool.arg(format!("--set={label}"));
        }
        let run = program.run(runner, &tool, QUESTION).await?;
        let info = Self::parse(&run.stdout, &program.settings.stanza)?;
        info.refuse_trouble(program)?;
        Ok(info)
    }

    fn parse(json: &[u8], stanza: &str) -> Result<Self, EngineError> {
        let wrong = |problem: String| EngineError::Answer { question: QUESTION.to_owned(), problem };
        let stanzas: Vec<Self> = serde_json::from_slice(json).map_err(|error| wrong(error.to_string()))?;
        let found = stanzas.into_iter().find(|info| info.name == stanza);
        found.ok_or_else(|| wrong(format!("it says nothing of the stanza `{stanza}`")))
    }

    fn refuse_trouble(&self, program: &Program) -> Result<(), EngineError> {
        let (stanza, message) = (&self.name, self.status.message.chars().take(1000).collect::<String>());
        let problem = format!("{NAME}, stanza `{stanza}`: {message}");
        match self.status.code {
            // 2: it has no backups yet.
            0 | 2 | 6 => Ok(()),
            1 | 3 => Err(EngineError::Prerequisite {
                problem,
                help: help!(
                    "If `{}` and `pgbackrest.stanza` are right, create the stanza: `{}`.",
                    program.config(),
                    program.typed("stanza-create")
                ),
            }),
            _ => Err(EngineError::Prerequisite {
                problem,
                help: help!("Look at it with `{}`.", program.typed("info")),
            }),
        }
    }

    /// The backup of this name.
    pub(super) fn backup(&self, label: &Label) -> Option<&Backup> {
        self.backup.iter().find(|backup| backup.label == *label)
    }

    /// The backup with this note.
    pub(super) fn annotated(&self, note: &str) -> Option<&Backup> {
        self.backup.iter().rev().find(|backup| backup.note() == Some(note))
    }

    /// The system identifier of the server that the stanza is of now.
    pub(super) fn system(&self) -> Option<String> {
        self.db.iter().max_by_key(|db| db.id).map(|db| db.system_id.to_string())
    }

    /// The system identifier, and the folder of the WAL, of the server that `backup` is of.
    pub(super) fn origin(&self, backup: &Backup) -> Option<(String, String)> {
        let db = self.db.iter().find(|db| db.id == backup.database.id)?;
        let plain = db.version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        plain.then(|| (db.system_id.to_string(), format!("{}-{}", db.version, db.id)))
    }

    /// How many backups there are, and how many of them jagad had taken.
    pub(super) fn counted(&self) -> (usize, usize) {
        let ours = self.backup.iter().filter(|backup| backup.note().is_some()).count();
        (self.backup.len(), ours)
    }

    /// All of it, as others need it.
    pub(super) fn held(&self) -> HeldBackups {
        let held = |backup: &Backup| HeldBackup {
            label: backup.label.to_string(),
            kind: backup.kind(),
            prior: backup.prior.as_ref().map(ToString::to_string),
            backup: backup.note().and_then(|note| note.parse().ok()),
        };
        HeldBackups { backups: self.backup.iter().map(held).collect() }
    }
}

impl Backup {
    fn note(&self) -> Option<&str> {
        self.annotation.as_ref()?.get(ANNOTATION).map(String::as_str)
    }

    /// Whether it stands alone.
    pub(super) fn kind(&self) -> BackupKind {
        match self.kind {
            Kind::Full => BackupKind::Full,
            Kind::Diff | Kind::Incr => BackupKind::Incremental,
        }
    }

    /// Its own word for that.
    pub(super) fn word(&self) -> &'static str {
        match self.kind {
            Kind::Full => "full",
            Kind::Diff => "diff",
            Kind::Incr => "incr",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What 2.45 says of one backup, shortened by nothing that is read.
    const SAID: &str = r#"[{"archive":[],"backup":[{"annotation":{"jagad":"20261130T142717Z-full-abcdef"},
"archive":{"start":"000000010000000000000009","stop":"000000010000000000000009"},"backrest":{"format":5,"version":"2.45"},
"database":{"id":1,"repo-key":1},"error":false,"info":{"delta":24368846,"repository":{"delta":3591637,"size":3591637},
"size":24368846},"label":"20261130-142717F","lsn":{"start":"0/900028","stop":"0/900100"},"prior":null,"reference":null,
"timestamp":{"start":1796048837,"stop":1796048844},"type":"full"}],"cipher":"none","db":[{"id":1,"repo-key":1,
"system-id":7713970985545686929,"version":"15"}],"name":"main","repo":[],"status":{"code":0,"message":"ok"}}]"#;

    #[test]
    fn an_answer_is_understood_and_a_bent_one_is_refused() {
        let info = Info::parse(SAID.as_bytes(), "main").unwrap();
        let held = info.held();
        assert_eq!(held.backups[0].label, "20261130-142717F");
        assert_eq!(held.backups[0].kind, BackupKind::Full);
        assert!(held.backups[0].backup.is_some());
        assert_eq!(info.system().as_deref(), Some("7713970985545686929"));
        assert_eq!(info.counted(), (1, 1));
        assert!(info.annotated("20261130T142717Z-full-abcdef").is_some());
        assert_eq!(info.origin(&info.backup[0]).unwrap().1, "15-1");
        for (from, to) in [
            ("20261130-142717F\"", "../../20261130-142717F\""),
            ("20261130-142717F\"", "--delta\""),
            ("\"000000010000000000000009\"", "\"/etc/passwd\""),
            ("\"type\":\"full\"", "\"type\":\"other\""),
            ("\"label\"", "\"x\""),
        ] {
            assert!(Info::parse(SAID.replace(from, to).as_bytes(), "main").is_err(), "{to}");
        }
        assert!(Info::parse(SAID.as_bytes(), "other").is_err());
        assert!(Info::parse(b"", "main").is_err());
    }
}
