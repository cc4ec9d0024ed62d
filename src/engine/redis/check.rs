//! Checks before a backup: what would make it fail.

use super::connection::{Address, Connection};
use super::facts::{Info, RedisServer};
use super::resp::{self, Reply};
use super::rights::is_unknown;
use super::{rights, sync};
use crate::engine::{EngineError, Finding};
use std::time::Duration;
use tokio::io::AsyncReadExt as _;

/// A server that refuses a replica says so at once. One that says nothing for so long has begun to prepare the stream.
const REFUSAL_LIMIT: Duration = Duration::from_millis(1500);

/// What to do about a server that does not send its stream.
const NO_STREAM: &str = "A backup reads the replication stream (REPLCONF, SYNC). Remove `rename-command` for it from the configuration. A service that \
                         does not offer it cannot be backed up this way.";

impl RedisServer {
    /// Checks every server with questions that change nothing and cost nothing.
    pub(super) async fn findings(&self) -> Result<Vec<Finding>, EngineError> {
        let mut findings = Vec::new();
        for node in self.nodes() {
            let mut connection = node.connect().await?;
            let info = Info::ask(&mut connection).await?;
            findings.push(loaded(&node, &info));
            findings.extend(linked(&node, &info));
            findings.push(self.streams(&node, &mut connection).await?);
        }
        Ok(findings)
    }

    /// Checks that the user may run the commands of a stream. Neither does anything here: REPLCONF has no option, and SYNC has
    /// an argument that it does not take.
    async fn streams(&self, node: &Address, connection: &mut Connection) -> Result<Finding, EngineError> {
        let subject = format!("ask {} for its stream", node.shown());
        for (command, question) in
            [("REPLCONF", &[&b"REPLCONF"[..]][..]), ("SYNC", &[&b"SYNC"[..], b"nothing"][..])]
        {
            match connection.reply_to(question).await? {
                Reply::Error(said) if said.starts_with("NOPERM") => return Ok(self.denied(subject, &said)),
                Reply::Error(said) if is_unknown(&said) => {
                    let problem = format!("the server has no {command}: {said}");
                    return Ok(error(subject, problem, NO_STREAM.to_owned()));
                }
                _ => {}
            }
        }
        Ok(good(subject))
    }

    /// Asks every server for the stream, and disconnects as soon as the server begins to send it.
    pub(super) async fn rehearsals(&self) -> Result<Vec<Finding>, EngineError> {
        let mut findings = Vec::new();
        for node in self.nodes() {
            let subject = format!("read all keys of {}", node.shown());
            findings.push(match self.refused_stream(&node).await? {
                None => good(subject),
                Some(said) if said.starts_with("NOPERM") => self.denied(subject, &said),
                Some(said) => error(subject, said, String::new()),
            });
        }
        Ok(findings)
    }

    /// The reason that the server gives for not sending the stream.
    async fn refused_stream(&self, node: &Address) -> Result<Option<String>, EngineError> {
        let mut connection = node.connect().await?;
        if let Some(user) = self.simulated(&mut connection).await? {
            return Ok(user.err());
        }
        // Exactly as a backup asks: a Valkey whose hash fields have times to live disconnects a client that names no version.
        sync::request(&mut connection, &self.version).await?;
        match tokio::time::timeout(REFUSAL_LIMIT, connection.stream.read_u8()).await {
            Ok(Ok(b'-')) => {
                let mut said = Vec::new();
                let line = tokio::time::timeout(REFUSAL_LIMIT, resp::line(&mut connection.stream, &mut said));
                let _ = line.await;
                Ok(Some(String::from_utf8_lossy(&said).into_owned()))
            }
            Ok(Err(error)) => Ok(Some(format!("the connection was lost: {error}"))),
            _ => Ok(None),
        }
    }

    /// What `ACL DRYRUN` says; `None` where the user may not ask or the server does not know it.
    async fn simulated(
        &self,
        connection: &mut Connection,
    ) -> Result<Option<Result<(), String>>, EngineError> {
        let words: [&[u8]; 4] = [b"ACL", b"DRYRUN", self.user().as_bytes(), b"SYNC"];
        Ok(match connection.reply_to(&words).await? {
            Reply::Status(_) => Some(Ok(())),
            // A refusal comes as a string, not as an error.
            Reply::Bytes(said) => Some(Err(format!("NOPERM {}", String::from_utf8_lossy(&said)))),
            _ => None,
        })
    }

    fn denied(&self, subject: String, said: &str) -> Finding {
        error(subject, said.to_owned(), rights::backup_statement(self.user()))
    }
}

fn loaded(node: &Address, info: &Info) -> Finding {
    let subject = format!("{} has its data", node.shown());
    if info.get("loading") == Some("1") || info.get("async_loading") == Some("1") {
        let help = "Wait until the data is loaded; `INFO persistence` shows the progress.".to_owned();
        return error(subject, "it is still loading".to_owned(), help);
    }
    good(subject)
}

/// Checks the link of a replica to its primary.
fn linked(node: &Address, info: &Info) -> Option<Finding> {
    let link = info.get("master_link_status")?;
    let subject = format!("{} follows its primary", node.shown());
    if link == "up" {
        return Some(good(subject));
    }
    let help = "Repair the replication, or take the backup from another server.".to_owned();
    Some(error(subject, format!("the link to its primary is {link}"), help))
}

fn good(subject: String) -> Finding {
    Finding::good(subject)
}

fn error(subject: String, problem: String, help: String) -> Finding {
    Finding::error(subject, problem, help)
}
