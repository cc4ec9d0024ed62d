//! Turns errors into what users see: a class, a message, a help and an exit code.

mod judge;

use crate::catalog::manifest::INTERRUPTED;
use crate::catalog::{CatalogError, FailureRecord};
use crate::config::ConfigError;
use crate::crypto::CryptoError;
use crate::engine::{EngineError, StreamError};
use crate::model::Help;
use crate::pipeline::PipelineError;
use crate::process::FeedError;
use crate::process::ToolError;
use crate::store::StoreError;
use judge::judge;
use std::error::Error;
use std::fmt;

/// What kind of failure it is. The number is the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// A tool, a database or the network failed.
    Operation,
    /// The command line or the configuration is wrong.
    Usage,
    /// Some of it was done, some was not.
    Partial,
    /// Data differs from what was recorded.
    Integrity,
    /// A backup, database or store of that name does not exist.
    NotFound,
    /// It would do harm, or was not confirmed.
    Refused,
    /// A tool, version, privilege or setting is missing.
    Prerequisite,
    /// The store cannot be reached or denies access.
    Store,
    /// The store, or a disk, is full.
    Full,
    /// Another process holds it.
    Busy,
    /// A key is missing or wrong.
    Key,
    /// The policy is paused, and nothing ran.
    Paused,
    /// `status --check`: something is stale, failing or has a gap.
    Unsafe,
    /// A signal stopped it; its number.
    Interrupted(u8),
}

impl Class {
    /// The process's exit code.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Operation => 1,
            Self::Usage => 2,
            Self::Partial => 3,
            Self::Integrity => 4,
            Self::NotFound => 5,
            Self::Refused => 6,
            Self::Prerequisite => 7,
            Self::Store => 10,
            Self::Busy => 11,
            Self::Key => 12,
            Self::Paused => 13,
            Self::Full => 14,
            Self::Unsafe => 20,
            Self::Interrupted(signal) => 128 + signal,
        }
    }

    /// The word in manifests and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operation => "operation",
            Self::Usage => "usage",
            Self::Partial => "partial",
            Self::Integrity => "integrity",
            Self::NotFound => "not-found",
            Self::Refused => "refused",
            Self::Prerequisite => "prerequisite",
            Self::Store => "store",
            Self::Full => "full",
            Self::Busy => "busy",
            Self::Key => "key",
            Self::Paused => "paused",
            Self::Unsafe => "unsafe",
            Self::Interrupted(_) => INTERRUPTED,
        }
    }
}

/// A failure as it reaches the user.
pub struct Failure {
    /// Its class.
    pub class: Class,
    /// Printed in front of the message for some well-known failures: "DECRYPT ERROR".
    pub heading: Option<&'static str>,
    /// What happened, outermost first, with its chain of causes.
    pub error: Box<dyn Error + Send + Sync>,
    /// What to do about it.
    pub help: Option<Help>,
}

/// A failure that a command itself found.
#[derive(Debug)]
struct CommandError(String);

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for CommandError {}

/// What was being done when the source error happened.
#[derive(Debug)]
struct Doing {
    what: String,
    source: Box<dyn Error + Send + Sync>,
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for Doing {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.source.as_ref())
    }
}

impl Failure {
    /// A failure that a command found by itself.
    pub fn new(class: Class, message: impl Into<String>) -> Self {
        Self { class, heading: None, error: Box::new(CommandError(message.into())), help: None }
    }

    /// A copy of the failure, to report it a second time.
    #[must_use]
    pub fn again(&self) -> Self {
        Self {
            class: self.class,
            heading: None,
            error: Box::new(CommandError(self.message())),
            help: self.help.clone(),
        }
    }

    /// With a help; an empty one does not replace the existing help.
    #[must_use]
    pub fn help(mut self, help: impl AsRef<str>) -> Self {
        self.help = Help::new(help.as_ref()).or(self.help);
        self
    }

    /// With `heading` in front of the message.
    #[must_use]
    pub fn heading(mut self, heading: &'static str) -> Self {
        self.heading = Some(heading);
        self
    }

    /// With what was being done in front of the chain.
    #[must_use]
    pub fn doing(mut self, what: impl Into<String>) -> Self {
        let source = self.error;
        self.error = Box::new(Doing { what: what.into(), source });
        self
    }

    /// The whole chain on one line, every message once.
    pub fn message(&self) -> String {
        let mut messages: Vec<String> = Vec::new();
        for layer in layers(self.error.as_ref()) {
            let text = layer.to_string();
            // Readers wrap an error to pass it on; the wrapper has the same message again.
            if messages.last() != Some(&text) {
                messages.push(text);
            }
        }
        let chain = messages.join(": ");
        match self.heading {
            Some(heading) => format!("{heading}: {chain}"),
            None => chain,
        }
    }

    /// The error of type `E` in the chain of causes, if there is one.
    pub(crate) fn find<E: Error + 'static>(&self) -> Option<&E> {
        layers(self.error.as_ref()).into_iter().find_map(|layer| layer.downcast_ref::<E>())
    }

    /// Whether the store refuses all writes permanently.
    pub fn is_refused_write(&self) -> bool {
        self.find::<StoreError>().is_some_and(StoreError::refuses_writes)
    }

    /// The kept standard error of the tool that failed.
    pub fn tool_output(&self) -> Option<&str> {
        match self.find::<ToolError>() {
            Some(ToolError::Failed { stderr, .. }) => Some(stderr.as_str()),
            _ => None,
        }
    }

    /// The failure as it is written into a manifest.
    pub fn record(&self) -> FailureRecord {
        FailureRecord {
            class: self.class.as_str().to_owned(),
            message: self.message(),
            help: self.help.clone(),
        }
    }

    fn of(error: Box<dyn Error + Send + Sync>) -> Self {
        let verdict = layers(error.as_ref()).into_iter().find_map(judge);
        let (class, heading, help) = verdict.unwrap_or((Class::Operation, None, None));
        Self { class, heading, error, help }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.class, self.message())
    }
}

macro_rules! from_errors {
    ($($error:ty),+ $(,)?) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::of(Box::new(error))
            }
        })+
    };
}

impl From<StreamError> for Failure {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Tool(error) => error.into(),
            StreamError::Feed(error) => error.into(),
            StreamError::Engine(error) => error.into(),
        }
    }
}

from_errors!(
    CatalogError,
    ConfigError,
    CryptoError,
    EngineError,
    FeedError,
    PipelineError,
    StoreError,
    ToolError,
    std::io::Error
);

/// An error and its causes, outermost first. An `io::Error` that only wraps another error is replaced by that error:
/// its own `source` would skip it.
fn layers<'e>(error: &'e (dyn Error + 'static)) -> Vec<&'e (dyn Error + 'static)> {
    let mut layers = Vec::new();
    let mut next = Some(error);
    while let Some(layer) = next {
        layers.push(layer);
        let carried: Option<&'e (dyn Error + 'static)> = layer
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            .map(|inner| -> &'e (dyn Error + 'static) { inner });
        next = carried.or_else(|| layer.source());
    }
    layers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed_tool() -> ToolError {
        ToolError::Failed {
            label: "pg_dump".into(),
            status: 1,
            stderr: "permission denied for table t".into(),
        }
    }

    #[test]
    fn a_tool_that_failed_inside_a_store_write_is_not_the_stores_fault() {
        let key = "a/b".parse().unwrap();
        let failure = Failure::from(StoreError::Body { key, source: std::io::Error::other(failed_tool()) });
        assert_eq!(failure.class, Class::Operation);
        assert_eq!(
            failure.message(),
            "put `a/b`: the source of the data failed: pg_dump failed with exit status 1: permission denied for table t"
        );
        assert!(failure.help.unwrap().contains("GRANT"));
    }

    #[test]
    fn a_store_error_under_a_catalog_error_decides_class_and_heading() {
        let source = StoreError::Unreachable { action: "list".into(), detail: "refused".into() };
        let failure = Failure::from(CatalogError::Store { doing: "list leases".into(), source });
        assert_eq!(failure.class.exit_code(), 10);
        assert_eq!(
            failure.message(),
            "STORAGE PROVIDER ERROR: list leases: list: the store cannot be reached: refused"
        );
    }

    #[test]
    fn each_store_error_has_its_class_and_help() {
        let (action, detail, code) = (|| "put".to_owned(), || "words".to_owned(), || "words".to_owned());
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let table = [
            (StoreError::Tls { action: action(), detail: detail() }, 10, "`tls_ca`"),
            (StoreError::Expired { action: action(), code: code() }, 10, "session_token"),
            (StoreError::Full { action: action(), code: code() }, 14, "jagad prune"),
            (StoreError::Io { action: action(), source: full }, 14, "jagad prune"),
            (StoreError::Denied { action: action(), code: code() }, 10, "rights"),
        ];
        for (error, exit, help) in table {
            let failure = Failure::from(error);
            assert_eq!(failure.class.exit_code(), exit, "{failure:?}");
            assert!(
                failure.help.as_ref().is_some_and(|words| words.contains(help)),
                "{failure:?}: {:?}",
                failure.help
            );
        }
        let not_ours =
            CatalogError::Damaged { key: "jagad.json".parse().unwrap(), problem: "<html>".to_owned() };
        let failure = Failure::from(not_ours);
        assert_eq!(failure.class.exit_code(), 4, "{failure:?}");
        assert!(failure.help.is_some_and(|help| help.contains("`endpoint`")));
        let problem = "certificate verify failed: self-signed certificate".to_owned();
        let failure = Failure::from(EngineError::Unreachable { address: "db".into(), problem });
        assert!(failure.help.is_some_and(|help| help.contains("`tls.ca`")));
        assert!(Failure::new(Class::Operation, "x").help(" \n").help.is_none());
    }
}
