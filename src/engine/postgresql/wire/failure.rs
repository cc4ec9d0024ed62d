//! How talking to a server fails, and what that means for its user.

use super::report::Report;
use crate::engine::EngineError;
use crate::engine::postgresql::quote::identifier;
use crate::model::{Help, help};

/// Who talks to whom.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    /// As it is shown: `host:port`, or the socket's directory and port.
    pub(super) address: String,
    pub(super) user: String,
}

/// Why it does not go on.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nobody answers at this address.
    Unreached(String),
    /// Somebody answers, and not as a server of PostgreSQL does, or not to the end.
    Broken(String),
    /// The server says no.
    Said(Report),
    /// There is nothing to log in with, in the way that the server wants it.
    Login(String),
    /// It cannot even be tried.
    Setup(EngineError),
}

/// The class of an SQLSTATE: its first two characters.
fn class(code: &str) -> &str {
    code.get(..2).unwrap_or_default()
}

const CANNOT_CONNECT_NOW: &str = "57P03";
const NOT_IN_STATE: &str = "55000";
const INSUFFICIENT_PRIVILEGE: &str = "42501";
const TOO_MANY_CONNECTIONS: &str = "53300";
const CONFIGURATION_LIMIT: &str = "53400";
const UNDEFINED_FILE: &str = "58P01";
const PROTOCOL_VIOLATION: &str = "08P01";
const INVALID_LOGIN: &str = "28";

impl Failure {
    /// Whether the next server of a list is tried after it, as libpq does.
    pub(super) fn is_of_this_host(&self) -> bool {
        match self {
            Self::Unreached(_) | Self::Broken(_) => true,
            Self::Said(report) => report.code == CANNOT_CONNECT_NOW,
            Self::Login(_) | Self::Setup(_) => false,
        }
    }

    /// Whether the server says that this kind of connection is not allowed: the other kind may be.
    pub(super) fn is_of_this_transport(&self) -> bool {
        matches!(self, Self::Said(report) if class(&report.code) == INVALID_LOGIN && report.message.contains("pg_hba.conf"))
    }

    /// What it means while a connection is made.
    pub(super) fn connecting(self, peer: &Peer) -> EngineError {
        match self {
            Self::Unreached(problem) | Self::Broken(problem) => {
                EngineError::Unreachable { address: peer.address.clone(), problem }
            }
            Self::Login(problem) => peer.not_let_in(problem),
            Self::Said(report) => refused_login(peer, &report),
            Self::Setup(error) => error,
        }
    }

    /// What it means while the server does `doing`.
    pub(super) fn doing(self, peer: &Peer, doing: &str) -> EngineError {
        match self {
            Self::Unreached(problem) | Self::Broken(problem) => {
                EngineError::Answer { question: format!("{}: {doing}", peer.address), problem }
            }
            Self::Said(report) => refused(peer, doing, &report),
            Self::Login(_) | Self::Setup(_) => self.connecting(peer),
        }
    }
}

impl Peer {
    fn not_let_in(&self, problem: String) -> EngineError {
        EngineError::Login { address: self.address.clone(), user: self.user.clone(), problem }
    }
}

/// What it means that the server does not let a replication connection in.
fn refused_login(peer: &Peer, report: &Report) -> EngineError {
    let said = report.said();
    let message = report.message.as_str();
    let user = identifier(&peer.user);
    let problem =
        format!("{} does not take a replication connection of `{}`: {said}", peer.address, peer.user);
    if message.contains("replication connection") {
        let help = help!(
            "Add a line for the database `replication` and the user `{}` to pg_hba.conf, such as `host replication {user} \
             ADDRESS scram-sha-256` or `local replication {user} peer`, above lines that reject it, and reload the server.",
            peer.user
        );
        return EngineError::Prerequisite { problem, help };
    }
    if report.code == INSUFFICIENT_PRIVILEGE || message.contains("replication role") {
        return EngineError::Privilege { problem, help: help!("ALTER ROLE {user} REPLICATION;") };
    }
    if message.contains("max_wal_senders") || message.contains("standby connections") {
        let help = help!(
            "ALTER SYSTEM SET max_wal_senders = 10; and restart the server. A backup takes two of them."
        );
        return EngineError::Prerequisite { problem, help };
    }
    if class(&report.code) == INVALID_LOGIN {
        return peer.not_let_in(said);
    }
    if report.code == TOO_MANY_CONNECTIONS {
        let help = help!("End connections, or raise `max_connections` or the role's connection limit.");
        return EngineError::Prerequisite { problem, help };
    }
    // A pooler does not know the parameter, and says so in this class.
    if report.code == PROTOCOL_VIOLATION || message.contains("replication") {
        let help = help!(
            "Give `host` and `port` of the server itself: a connection pooler passes no replication on."
        );
        return EngineError::Prerequisite { problem, help };
    }
    EngineError::Unreachable { address: peer.address.clone(), problem: said }
}

/// What it means that the server refuses to do `doing`.
fn refused(peer: &Peer, doing: &str, report: &Report) -> EngineError {
    let problem = format!("{}: {doing}: {}", peer.address, report.said());
    let has = |words: &str| report.message.contains(words);
    let prerequisite = |help: Help| EngineError::Prerequisite { problem: problem.clone(), help };
    match report.code.as_str() {
        NOT_IN_STATE | CONFIGURATION_LIMIT if has("slot") && !has("wal_level") => prerequisite(help!(
            "ALTER SYSTEM SET max_replication_slots = 10; and restart the server. A backup takes one slot while it runs."
        )),
        NOT_IN_STATE if has("WAL level") || has("wal_level") => {
            prerequisite(help!("ALTER SYSTEM SET wal_level = 'replica'; and restart the server."))
        }
        UNDEFINED_FILE if has("WAL segment") => prerequisite(help!(
            "Raise `max_slot_wal_keep_size`, or set it to -1: the server must keep the WAL of a backup until its end."
        )),
        INSUFFICIENT_PRIVILEGE => EngineError::Privilege {
            problem,
            help: help!("ALTER ROLE {} REPLICATION;", identifier(&peer.user)),
        },
        _ => EngineError::Answer { question: format!("{}: {doing}", peer.address), problem: report.said() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(code: &str, message: &str) -> EngineError {
        let peer = Peer { address: "db:5432".to_owned(), user: "bk".to_owned() };
        let report = Report {
            severity: "FATAL".to_owned(),
            code: code.to_owned(),
            message: message.to_owned(),
            ..Report::default()
        };
        Failure::Said(report).connecting(&peer)
    }

    #[test]
    fn a_refused_login_says_what_is_missing() {
        let error =
            explained("28000", "no pg_hba.conf entry for replication connection from host \"10.0.0.1\"");
        assert!(matches!(error, EngineError::Prerequisite { help, .. } if help.contains("pg_hba.conf")));
        for (code, message) in [
            ("42501", "permission denied to start WAL sender"),
            ("42501", "must be superuser or replication role to start walsender"),
        ] {
            let error = explained(code, message);
            assert!(
                matches!(error, EngineError::Privilege { help, .. } if help == "ALTER ROLE \"bk\" REPLICATION;")
            );
        }
        let error = explained(
            "53300",
            "number of requested standby connections exceeds \"max_wal_senders\" (currently 0)",
        );
        assert!(matches!(error, EngineError::Prerequisite { help, .. } if help.contains("max_wal_senders")));
        let error = explained("28P01", "password authentication failed for user \"bk\"");
        assert!(matches!(error, EngineError::Login { .. }));
        let error = explained("08P01", "unsupported startup parameter: replication");
        assert!(matches!(error, EngineError::Prerequisite { help, .. } if help.contains("pooler")));
        assert!(matches!(
            explained("57P03", "the database system is starting up"),
            EngineError::Unreachable { .. }
        ));
    }
}
