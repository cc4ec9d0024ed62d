//! Why an engine cannot do what it was asked.

use crate::model::{BackupId, EngineKind, Help, PartKind, help};
use crate::process::ToolError;
use std::path::Path;

/// A failed question or an impossible plan.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The server cannot be reached.
    #[error("cannot connect to {address}: {problem}")]
    Unreachable {
        /// Host and port, or the socket.
        address: String,
        /// The tool's own words.
        problem: String,
    },
    /// The server refuses the user or password.
    #[error("{address} does not let `{user}` in: {problem}")]
    Login {
        /// Host and port, or the socket.
        address: String,
        /// The user.
        user: String,
        /// The server's own words.
        problem: String,
    },
    /// A tool is not installed.
    #[error("{tool} is not installed")]
    ToolMissing {
        /// "pg_dump 18 or newer".
        tool: String,
        /// How to get it.
        help: Help,
    },
    /// Tool and server, or dump and target, do not fit.
    #[error("{problem}")]
    Version {
        /// What does not fit what.
        problem: String,
        /// What to do.
        help: Help,
    },
    /// A right is missing.
    #[error("{problem}")]
    Privilege {
        /// What cannot be done.
        problem: String,
        /// The statement that fixes it.
        help: Help,
    },
    /// Something else that must be there first is missing.
    #[error("{problem}")]
    Prerequisite {
        /// What is missing.
        problem: String,
        /// What to do.
        help: Help,
    },
    /// A logical database, schema, table or role is not there.
    #[error("{what} not found{}", .place)]
    NotFound {
        /// "database `shop`".
        what: String,
        /// " on db1:5432", " in the backup".
        place: String,
        /// Names that come close, or what exists.
        help: Help,
    },
    /// It would do harm that was not asked for.
    #[error("{problem}")]
    Refused {
        /// What and why.
        problem: String,
        /// What to do instead.
        help: Help,
    },
    /// The server cannot give what changed since the backup that an incremental was to build on; it can give a full.
    #[error("no incremental can be built on {backup}: {reason}")]
    NoBase {
        /// That backup.
        backup: BackupId,
        /// Why not, for people: a clause without a full stop.
        reason: String,
    },
    /// The server's own files are damaged.
    #[error("{problem}")]
    Damaged {
        /// Which, in the server's own words.
        problem: String,
        /// What to do.
        help: Help,
    },
    /// The archive cannot be understood.
    #[error("the archive cannot be read: {problem}")]
    Archive {
        /// What is wrong with it.
        problem: String,
    },
    /// The stored part cannot be read; the source says which side failed.
    #[error("{doing}")]
    Read {
        /// What was being done to what.
        doing: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The server's answer to a question makes no sense.
    #[error("{question}: unexpected answer: {problem}")]
    Answer {
        /// What was asked.
        question: String,
        /// What came.
        problem: String,
    },
    /// The tool that takes and keeps the backups of a server failed.
    #[error("{problem}")]
    Delegated {
        /// What was being done, and its own words.
        problem: String,
        /// What to do.
        help: Help,
    },
    /// A tool failed for another reason.
    #[error("{doing}")]
    Tool {
        /// What was being done to what.
        doing: String,
        /// How it failed.
        #[source]
        source: ToolError,
    },
}

impl EngineError {
    /// A part that goes into no server.
    pub(super) fn not_loadable(kind: PartKind) -> Self {
        let (what, help) = match kind {
            PartKind::Files | PartKind::FileManifest | PartKind::Settings => {
                ("the files of a server", help!("Write them into a folder with --target-dir."))
            }
            PartKind::Log => ("a range of a log alone", help!("Restore the backup that it is part of.")),
            PartKind::Contents | PartKind::Database | PartKind::Globals => {
                ("a list of contents", help!("Restore the databases of the backup."))
            }
        };
        Self::Refused { problem: format!("{what} cannot go into a running server"), help }
    }

    /// A backup of `engine` that is of statements, and was to become files.
    pub(super) fn not_files(engine: EngineKind, folder: &Path) -> Self {
        Self::Refused {
            problem: format!("a dump of {engine} does not become the files in `{}`", folder.display()),
            help: help!("Leave out --target-dir: it goes into a running server."),
        }
    }

    /// A part that no dump of `engine` has.
    pub(super) fn not_written(kind: PartKind, engine: &str) -> Self {
        Self::Archive { problem: format!("a part of kind `{kind}` is not written by {engine}") }
    }
}
