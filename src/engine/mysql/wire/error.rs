//! Why a conversation with a server failed, and what that means.

use super::packet::Fields;
use crate::engine::EngineError;
use crate::engine::mysql::connection::Connection;
use crate::model::help;
use std::io;

/// Why a conversation failed.
#[derive(Debug)]
pub(in crate::engine::mysql) enum SessionError {
    /// The server cannot be reached, or does not finish the way there.
    Unreachable(io::Error),
    /// The connection broke.
    Broken(io::Error),
    /// The account has a login that is not known here.
    UnknownLogin(String),
    /// The server says no.
    Refused { number: u16, text: String },
    /// The settings do not work.
    Engine(EngineError),
}

impl From<io::Error> for SessionError {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

impl SessionError {
    /// An error packet: its number, the state behind `#`, and text.
    pub(super) fn refused(packet: &[u8]) -> Self {
        let mut fields = Fields(packet.get(1..).unwrap_or_default());
        let number = fields.number(2).ok().and_then(|number| u16::try_from(number).ok()).unwrap_or_default();
        let text = match fields.0.split_first() {
            Some((b'#', rest)) => rest.get(5..).unwrap_or_default(),
            _ => fields.0,
        };
        Self::Refused { number, text: String::from_utf8_lossy(text).into_owned() }
    }

    /// What it means, where `doing` was tried at the server of `connection`.
    pub(in crate::engine::mysql) fn into_engine(self, connection: &Connection, doing: &str) -> EngineError {
        let address = connection.address();
        match self {
            Self::Engine(error) => error,
            Self::Unreachable(error) => EngineError::Unreachable { address, problem: error.to_string() },
            Self::Broken(error) => EngineError::Unreachable {
                address,
                problem: format!("{doing}: the connection is lost: {error}"),
            },
            Self::UnknownLogin(plugin) => EngineError::Prerequisite {
                problem: format!("{doing}: the account logs in by `{plugin}`, which jagad cannot do itself"),
                help: help!(
                    "Give the account another login, such as caching_sha2_password or ed25519, or connect over TLS or a socket."
                ),
            },
            Self::Refused { number: 1045 | 1044 | 1130 | 1698 | 1820 | 1862 | 3118 | 2061, text } => {
                EngineError::Login { address, user: connection.settings.user.clone(), problem: text }
            }
            Self::Refused { number: 1227 | 1142 | 1143 | 1370, text } => EngineError::Privilege {
                problem: format!("{doing}: {text}"),
                help: help!("Grant the right that is named; `jagad check` shows the statement."),
            },
            Self::Refused { number, text } => {
                EngineError::Answer { question: doing.to_owned(), problem: format!("error {number}: {text}") }
            }
        }
    }
}
