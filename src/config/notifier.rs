//! A `[notify.NAME]` table, its secrets not yet fetched.

use super::ConfigError;
use super::secret::SecretSource;
use crate::model::NotifierName;
use crate::notify::email::{MailAddress, SmtpServer, SubjectTemplate};
use crate::notify::{
    ChannelSettings, EmailSettings, EventKind, ExecSettings, HealthchecksSettings, HttpSettings,
    NotifierSettings, WebhookFormat, WebhookSettings,
};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// A notifier: which events it gets, and where it sends them.
#[derive(Debug, Clone)]
pub struct NotifierEntry {
    /// Its name.
    pub name: NotifierName,
    /// The events that it gets.
    pub on: BTreeSet<EventKind>,
    /// Time limit of one message.
    pub timeout: Duration,
    pub(super) channel: ChannelEntry,
}

/// How events are sent; the secrets are not fetched yet.
#[derive(Debug, Clone)]
pub(super) enum ChannelEntry {
    Email {
        server: SmtpServer,
        login: Option<(String, SecretSource)>,
        tls_ca: Option<PathBuf>,
        from: Box<MailAddress>,
        to: Vec<MailAddress>,
        subject: SubjectTemplate,
    },
    Webhook {
        http: HttpEntry,
        format: WebhookFormat,
        token: Option<SecretSource>,
    },
    Healthchecks(HttpEntry),
    Exec(Vec<String>),
}

#[derive(Debug, Clone)]
pub(super) struct HttpEntry {
    pub(super) url: SecretSource,
    pub(super) tls_ca: Option<PathBuf>,
    pub(super) allow_plain: bool,
}

impl HttpEntry {
    async fn settings(&self) -> Result<HttpSettings, ConfigError> {
        Ok(HttpSettings {
            url: self.url.resolve().await?,
            tls_ca: self.tls_ca.clone(),
            allow_plain: self.allow_plain,
        })
    }
}

impl NotifierEntry {
    /// The settings for sending, with the secrets fetched.
    pub async fn settings(&self) -> Result<NotifierSettings, ConfigError> {
        let channel = match &self.channel {
            ChannelEntry::Email { server, login, tls_ca, from, to, subject } => {
                let login = match login {
                    Some((user, password)) => Some((user.clone(), password.resolve().await?)),
                    None => None,
                };
                ChannelSettings::Email(EmailSettings {
                    server: server.clone(),
                    login,
                    tls_ca: tls_ca.clone(),
                    from: from.as_ref().clone(),
                    to: to.clone(),
                    subject: subject.clone(),
                })
            }
            ChannelEntry::Webhook { http, format, token } => ChannelSettings::Webhook(WebhookSettings {
                http: http.settings().await?,
                format: *format,
                token: match token {
                    Some(source) => Some(source.resolve().await?),
                    None => None,
                },
            }),
            ChannelEntry::Healthchecks(http) => {
                ChannelSettings::Healthchecks(HealthchecksSettings { http: http.settings().await? })
            }
            ChannelEntry::Exec(argv) => ChannelSettings::Exec(ExecSettings { argv: argv.clone() }),
        };
        Ok(NotifierSettings { timeout: self.timeout, channel })
    }

    /// Whether the configuration file itself contains one of its secrets.
    pub(super) fn has_inline_secret(&self) -> bool {
        match &self.channel {
            ChannelEntry::Email { login, .. } => login.as_ref().is_some_and(|(_, source)| source.is_inline()),
            ChannelEntry::Webhook { http, token, .. } => {
                http.url.is_inline() || token.as_ref().is_some_and(SecretSource::is_inline)
            }
            ChannelEntry::Healthchecks(http) => http.url.is_inline(),
            ChannelEntry::Exec(_) => false,
        }
    }
}
