//! What was found by a look at a server, a backup or a target.

use crate::model::Help;
use crate::model::kind::word_enum;

word_enum! {
    /// How serious a finding is.
    FindingLevel {
        /// Good.
        Ok = "ok",
        /// A backup works, but something is worth knowing.
        Warning = "warning",
        /// A backup would fail or be incomplete.
        Error = "error",
    }
}

/// What is looked at where incremental backups are planned.
pub(super) const INCREMENTALS: &str = "take incremental backups";

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How serious.
    pub level: FindingLevel,
    /// What was looked at: "read all tables of `shop`".
    pub subject: String,
    /// What was found; empty when all is well.
    pub problem: String,
    /// How to fix it, with the exact statement if there is one.
    pub help: Option<Help>,
}

impl Finding {
    /// All is well.
    pub fn good(subject: impl Into<String>) -> Self {
        Self { level: FindingLevel::Ok, subject: subject.into(), problem: String::new(), help: None }
    }

    /// Something is worth knowing.
    pub fn warning(subject: impl Into<String>, problem: impl Into<String>, help: impl AsRef<str>) -> Self {
        Self {
            level: FindingLevel::Warning,
            subject: subject.into(),
            problem: problem.into(),
            help: Help::new(help.as_ref()),
        }
    }

    /// The server cannot give incremental backups, so that fulls are taken in their place: protection goes on.
    pub fn no_incrementals(problem: impl Into<String>, help: impl AsRef<str>) -> Self {
        Self::warning(INCREMENTALS, problem, help)
    }

    /// Whether it says that the server cannot give incremental backups.
    pub fn is_no_incrementals(&self) -> bool {
        self.level == FindingLevel::Warning && self.subject == INCREMENTALS
    }

    /// It would fail, or be incomplete.
    pub fn error(subject: impl Into<String>, problem: impl Into<String>, help: impl AsRef<str>) -> Self {
        Self { level: FindingLevel::Error, ..Self::warning(subject, problem, help) }
    }

    /// The text of the help; empty when there is none.
    pub fn hint(&self) -> &str {
        self.help.as_deref().unwrap_or_default()
    }
}
