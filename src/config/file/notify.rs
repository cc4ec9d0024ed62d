//! `[notify.NAME]` as it is written.

use super::{Words, secret};
use crate::model::{Period, Secret};
use crate::notify::{EventKind, WebhookFormat};
use serde::Deserialize;
use std::path::PathBuf;

/// The kind of a notifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum NotifierType {
    /// An email.
    Email,
    /// A request to a web service.
    Webhook,
    /// Pings to a dead man's switch.
    Healthchecks,
    /// A program.
    Exec,
}

impl NotifierType {
    /// The word in the configuration.
    pub(in crate::config) const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Webhook => "webhook",
            Self::Healthchecks => "healthchecks",
            Self::Exec => "exec",
        }
    }
}

/// A notifier: which events it gets, and where it sends them.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NotifierFile {
    /// email, webhook, healthchecks or exec.
    #[serde(rename = "type")]
    pub kind: NotifierType,
    /// Events (default: those that report a problem; for healthchecks the start, success and failure of backups, verify_failed and overdue).
    pub on: Option<Vec<EventKind>>,
    /// Longest life of one message, 1s to 5m (default "30s").
    pub timeout: Option<Period>,
    /// email: `smtps://host[:465]`, `smtp+starttls://host[:587]` or `smtp://host[:25]`.
    pub smtp: Option<String>,
    /// email: user to log in as.
    pub smtp_user: Option<String>,
    /// email: password, inline.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    #[serde(default, deserialize_with = "secret")]
    pub password: Option<Secret>,
    /// email: file with the password.
    pub password_file: Option<PathBuf>,
    /// email: environment variable with the password.
    pub password_env: Option<String>,
    /// email: command that prints the password.
    pub password_command: Option<Words>,
    /// email: systemd credential with the password.
    pub password_credential: Option<String>,
    /// email: the sender.
    pub from: Option<String>,
    /// email: the recipients.
    #[serde(default)]
    pub to: Vec<String>,
    /// email: subject with {event}, {database}, {policy}, {host} and {backup}.
    pub subject: Option<String>,
    /// webhook, healthchecks: the address, inline; anyone who knows it can post there.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    #[serde(default, deserialize_with = "secret")]
    pub url: Option<Secret>,
    /// webhook, healthchecks: file with the address.
    pub url_file: Option<PathBuf>,
    /// webhook, healthchecks: environment variable with the address.
    pub url_env: Option<String>,
    /// webhook, healthchecks: command that prints the address.
    pub url_command: Option<Words>,
    /// webhook, healthchecks: systemd credential with the address.
    pub url_credential: Option<String>,
    /// webhook: json, or slack for chats (default json).
    pub format: Option<WebhookFormat>,
    /// webhook: sent as `Authorization: Bearer`, inline.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    #[serde(default, deserialize_with = "secret")]
    pub token: Option<Secret>,
    /// webhook: file with the token.
    pub token_file: Option<PathBuf>,
    /// webhook: environment variable with the token.
    pub token_env: Option<String>,
    /// webhook: command that prints the token.
    pub token_command: Option<Words>,
    /// webhook: systemd credential with the token.
    pub token_credential: Option<String>,
    /// email, webhook, healthchecks: PEM file of a private CA.
    pub tls_ca: Option<PathBuf>,
    /// email, webhook, healthchecks: accept `smtp://` and `http://`, which can be read on the way (default false).
    #[serde(default)]
    pub allow_plain: bool,
    /// exec: program and arguments; the event comes on its standard input.
    pub command: Option<Words>,
}
