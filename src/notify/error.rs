//! Why a message could not be sent.

use crate::model::{Help, Period};
use std::time::Duration;

/// A notifier that failed. Never holds a secret.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub struct NotifyError {
    problem: String,
    help: Option<Help>,
}

impl NotifyError {
    pub(super) fn new(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), help: None }
    }

    #[must_use]
    pub(super) fn help(mut self, help: impl AsRef<str>) -> Self {
        self.help = Help::new(help.as_ref());
        self
    }

    /// The PEM file of an authority cannot be used.
    pub(super) fn authority(mut problem: String) -> Self {
        problem.insert_str(0, "tls_ca: ");
        Self::new(problem).help("Name a PEM file of certificates in `tls_ca`.")
    }

    pub(super) fn late(place: &str, timeout: Duration) -> Self {
        Self::new(format!("{place} did not answer within {}", Period(timeout)))
            .help("Check whether it works, or raise `timeout` of the notifier.")
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<&str> {
        self.help.as_deref()
    }
}
