//! E-mail over SMTP.

mod address;
mod subject;

pub use address::{MailAddress, SmtpServer};
pub use subject::SubjectTemplate;

use super::event::{TEXT_BYTES, line};
use super::{Channel, EmailSettings, Event, NotifyError};
use crate::certificates;
use crate::model::random_word;
use address::Security;
use async_trait::async_trait;
use lettre::message::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A mail server. Every message uses a new connection and login.
pub(super) struct Email {
    settings: EmailSettings,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl Email {
    /// Checks the settings; no connection is made. `host` is the name that this machine sends in EHLO.
    pub(super) fn open(settings: EmailSettings, timeout: Duration, host: &str) -> Result<Self, NotifyError> {
        let server = &settings.server;
        let tls = || parameters(server, settings.tls_ca.as_deref());
        let tls = match server.security {
            Security::Tls => Tls::Wrapper(tls()?),
            // Never opportunistic: an attacker on the network would answer that the server does not offer it.
            Security::StartTls => Tls::Required(tls()?),
            Security::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host)
            .port(server.port)
            .tls(tls)
            .timeout(Some(timeout));
        if !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.')) {
            builder = builder.hello_name(ClientId::Domain(host.to_owned()));
        }
        if let Some((user, password)) = &settings.login {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
        }
        Ok(Self { transport: builder.build(), settings })
    }

    fn message(&self, event: &Event) -> Result<Message, NotifyError> {
        let seconds = u64::try_from(event.at().unix_seconds()).unwrap_or(0);
        let mut message = Message::builder()
            .from(self.settings.from.0.clone())
            .subject(self.settings.subject.fill(event))
            .date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
            .message_id(Some(format!("<{}@{}>", random_word(24), self.settings.from.0.email.domain())))
            .header(ContentType::TEXT_PLAIN);
        for recipient in &self.settings.to {
            message = message.to(recipient.0.clone());
        }
        let failed =
            |error: &dyn std::error::Error| NotifyError::new(format!("the mail cannot be written: {error}"));
        let mut message = message.body(event.text()).map_err(|error| failed(&error))?;
        // RFC 3834: so that automatic replies (out of office) are not sent.
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        message.headers_mut().insert_raw(HeaderValue::new(automatic, "auto-generated".to_owned()));
        Ok(message)
    }

    fn failed(&self, error: &smtp::Error) -> NotifyError {
        let told = line(&error.to_string(), TEXT_BYTES);
        let help = match error.status().map(u16::from) {
            Some(530 | 534 | 535 | 538) => "Correct `smtp_user` and the password of the notifier.",
            Some(_) => "The server refused the mail. Check `from`, `to` and `smtp_user`.",
            None if told.contains("certificate") => {
                "Name the authority that signed the server's certificate in `tls_ca`, and the host as the certificate does."
            }
            None if told.contains("STARTTLS") => {
                "The server offers no STARTTLS: use smtps://, or another port."
            }
            None if error.is_client() => "Check whether the server accepts logins on this port.",
            None => "Check host and port of `smtp`, and whether a firewall blocks the connection.",
        };
        NotifyError::new(format!("{}: {told}", self.settings.server)).help(help)
    }
}

fn parameters(server: &SmtpServer, authority: Option<&Path>) -> Result<TlsParameters, NotifyError> {
    let mut builder = TlsParameters::builder(server.host.clone());
    if let Some(path) = authority {
        for certificate in certificates::read(path).map_err(NotifyError::authority)? {
            let certificate = Certificate::from_der(certificate.to_vec());
            let certificate = certificate.map_err(|error| NotifyError::authority(error.to_string()))?;
            builder = builder.add_root_certificate(certificate);
        }
    }
    builder.build_rustls().map_err(|error| NotifyError::new(format!("TLS cannot be set up: {error}")))
}

#[async_trait]
impl Channel for Email {
    async fn send(&self, event: &Event) -> Result<(), NotifyError> {
        let message = self.message(event)?;
        self.transport.send(message).await.map(drop).map_err(|error| self.failed(&error))
    }

    async fn probe(&self) -> Result<(), NotifyError> {
        match self.transport.test_connection().await {
            Ok(true) => Ok(()),
            Ok(false) => Err(NotifyError::new(format!("{} did not answer NOOP", self.settings.server))),
            Err(error) => Err(self.failed(&error)),
        }
    }
}
