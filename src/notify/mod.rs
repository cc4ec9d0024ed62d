//! Notifications: an [`Event`] goes to one [`Notifier`]. Nothing here needs a store, a database or a key, so that it
//! works when nothing else does.

pub mod email;
mod error;
mod event;
mod exec;
mod healthchecks;
mod http;
mod settings;
mod webhook;

pub use error::NotifyError;
pub use event::{Event, EventKind, LOG_TAIL_BYTES, printable};
pub use settings::{
    ChannelSettings, EmailSettings, ExecSettings, HealthchecksSettings, HttpSettings, NotifierSettings,
    WebhookFormat, WebhookSettings,
};

use crate::process::Runner;
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;

/// A way to send an event. Errors never contain a secret: no password, token or secret URL.
#[async_trait]
trait Channel: Send + Sync {
    /// Sends the event. `Ok` means that the other side accepted it.
    async fn send(&self, event: &Event) -> Result<(), NotifyError>;

    /// Tries everything that sending needs without telling anybody anything.
    async fn probe(&self) -> Result<(), NotifyError>;
}

/// A channel with its timeout.
pub struct Notifier {
    channel: Box<dyn Channel>,
    place: String,
    timeout: Duration,
}

impl Notifier {
    /// Checks the settings; nothing is sent. `runner` starts the programs of `exec`, and `host` is the name that this
    /// machine sends to a mail server.
    pub fn open(
        settings: NotifierSettings,
        runner: Arc<dyn Runner>,
        host: &str,
    ) -> Result<Self, NotifyError> {
        let place = settings.channel.place();
        let channel: Box<dyn Channel> = match settings.channel {
            ChannelSettings::Email(email) => Box::new(email::Email::open(email, settings.timeout, host)?),
            ChannelSettings::Webhook(webhook) => Box::new(webhook::Webhook::open(&webhook)?),
            ChannelSettings::Healthchecks(check) => Box::new(healthchecks::Healthchecks::open(&check)?),
            ChannelSettings::Exec(command) => {
                Box::new(exec::Exec { command, timeout: settings.timeout, runner })
            }
        };
        Ok(Self { channel, place, timeout: settings.timeout })
    }

    /// Where it leads, for people; of a secret URL only the host.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Sends the event, or fails within the timeout.
    pub async fn send(&self, event: &Event) -> Result<(), NotifyError> {
        self.within(self.channel.send(event)).await
    }

    /// Tries everything that sending needs without telling anybody anything, or fails within the timeout.
    pub async fn probe(&self) -> Result<(), NotifyError> {
        self.within(self.channel.probe()).await
    }

    async fn within(&self, work: impl Future<Output = Result<(), NotifyError>>) -> Result<(), NotifyError> {
        match tokio::time::timeout(self.timeout, work).await {
            Ok(done) => done,
            Err(_) => Err(NotifyError::late(&self.place, self.timeout)),
        }
    }
}
