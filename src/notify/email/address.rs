//! Mail servers and mail addresses, checked when the configuration is read.

use std::fmt;
use std::str::FromStr;
use url::Url;

/// How the connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Security {
    /// TLS from the first byte.
    Tls,
    /// TLS by STARTTLS, before anything else is sent; a server that does not offer it is refused.
    StartTls,
    /// None: others on the network can read user, password and mail.
    None,
}

/// A mail server: `smtps://host[:465]`, `smtp+starttls://host[:587]` or `smtp://host[:25]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpServer {
    pub(super) security: Security,
    pub(super) host: String,
    pub(super) port: u16,
}

impl SmtpServer {
    /// Whether the connection is not encrypted.
    pub fn is_plain(&self) -> bool {
        self.security == Security::None
    }

    const fn scheme(&self) -> &'static str {
        match self.security {
            Security::Tls => "smtps",
            Security::StartTls => "smtp+starttls",
            Security::None => "smtp",
        }
    }
}

impl FromStr for SmtpServer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let forms = "smtps://HOST[:PORT], smtp+starttls://HOST[:PORT] or smtp://HOST[:PORT]";
        // The text may hold a password by mistake, so it is not shown.
        let url: Url = text.parse().map_err(|error| format!("it is not {forms}: {error}"))?;
        let (security, default_port) = match url.scheme() {
            "smtps" => (Security::Tls, 465),
            "smtp+starttls" => (Security::StartTls, 587),
            "smtp" => (Security::None, 25),
            _ => return Err(format!("it is not {forms}")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it must not hold credentials: use smtp_user and password".to_owned());
        }
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        if host.is_empty()
            || !matches!(url.path(), "" | "/")
            || url.query().is_some()
            || url.fragment().is_some()
        {
            return Err(format!("it is not {forms}"));
        }
        Ok(Self { security, host, port: url.port().unwrap_or(default_port) })
    }
}

impl fmt::Display for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        write!(f, "{}://{host}:{}", self.scheme(), self.port)
    }
}

/// A mailbox: `ops@example.com` or `Operations <ops@example.com>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailAddress(pub(super) lettre::message::Mailbox);

impl FromStr for MailAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.chars().any(char::is_control) {
            return Err(format!("{text:?} is not a mail address"));
        }
        text.parse().map(Self).map_err(|error| format!("`{text}` is not a mail address: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read_with_their_usual_ports_and_others_refused() {
        for (text, shown) in [
            ("smtps://mail.example.com", "smtps://mail.example.com:465"),
            ("smtp+starttls://mail.example.com", "smtp+starttls://mail.example.com:587"),
            ("smtp://127.0.0.1:2525", "smtp://127.0.0.1:2525"),
            ("smtps://[::1]:1465/", "smtps://[::1]:1465"),
        ] {
            assert_eq!(text.parse::<SmtpServer>().unwrap().to_string(), shown);
        }
        for bad in [
            "mail.example.com",
            "https://mail",
            "smtps://",
            "smtps://u:hunter2@m",
            "smtps://m/x",
            "smtps://m?a=b",
        ] {
            let error = bad.parse::<SmtpServer>().unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_mailbox_cannot_carry_a_second_header() {
        assert!("Operations <ops@example.com>".parse::<MailAddress>().is_ok());
        for bad in ["", "ops", "ops@example.com\r\nBcc: x@example.com", "a\n <ops@example.com>"] {
            assert!(bad.parse::<MailAddress>().is_err(), "{bad:?}");
        }
    }
}
