//! The settings of a notifier, with the secrets fetched.

use super::email::{MailAddress, SmtpServer, SubjectTemplate};
use crate::model::Secret;
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

/// A notifier.
#[derive(Debug, Clone)]
pub struct NotifierSettings {
    /// Time limit of one message, all tries together.
    pub timeout: Duration,
    /// How events are sent.
    pub channel: ChannelSettings,
}

/// How a notifier sends events.
#[derive(Debug, Clone)]
pub enum ChannelSettings {
    /// An email.
    Email(EmailSettings),
    /// A request to a web service.
    Webhook(WebhookSettings),
    /// Pings to a dead man's switch.
    Healthchecks(HealthchecksSettings),
    /// A program.
    Exec(ExecSettings),
}

impl ChannelSettings {
    /// The destination, for people: of a secret URL only scheme and host.
    pub(super) fn place(&self) -> String {
        match self {
            Self::Email(settings) => settings.server.to_string(),
            Self::Webhook(settings) => settings.http.place(),
            Self::Healthchecks(settings) => settings.http.place(),
            Self::Exec(settings) => settings.argv.first().cloned().unwrap_or_default(),
        }
    }
}

/// A mail server, the sender and the recipients.
#[derive(Debug, Clone)]
pub struct EmailSettings {
    /// The server.
    pub server: SmtpServer,
    /// User and password; `None` means no login.
    pub login: Option<(String, Secret)>,
    /// Private authority that is trusted beside the system's.
    pub tls_ca: Option<PathBuf>,
    /// Sender.
    pub from: MailAddress,
    /// Recipients; at least one.
    pub to: Vec<MailAddress>,
    /// Subject.
    pub subject: SubjectTemplate,
}

/// How a web service is reached.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Its URL; anyone who knows it can post there.
    pub url: Secret,
    /// Private authority that is trusted beside the system's.
    pub tls_ca: Option<PathBuf>,
    /// Whether `http://` is accepted.
    pub allow_plain: bool,
}

/// The format of what a web service gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum WebhookFormat {
    /// The event as it is in docs/JSON.md.
    Json,
    /// A message for Slack, Mattermost, Rocket.Chat and others with the same format.
    Slack,
}

/// A web service.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    /// How it is reached.
    pub http: HttpSettings,
    /// The format that it gets.
    pub format: WebhookFormat,
    /// Sent as `Authorization: Bearer`.
    pub token: Option<Secret>,
}

/// A dead man's switch that understands healthchecks.io's pings.
#[derive(Debug, Clone)]
pub struct HealthchecksSettings {
    /// How it is reached; the address is the check's ping URL.
    pub http: HttpSettings,
}

/// A program.
#[derive(Debug, Clone)]
pub struct ExecSettings {
    /// The program and its arguments; never empty.
    pub argv: Vec<String>,
}
