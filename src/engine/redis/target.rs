//! Plans a restore: what the target must be, what it takes, and what is removed first. Nothing is changed by asking.

use super::cluster;
use super::collect::Existing;
use super::connection::{Address, Connection};
use super::facts::{Info, RedisServer};
use super::pipe::OnError;
use super::rdb::{Crc64, Header, RdbEntry, Visitor, Walker, Wants};
use super::resp::Reply;
use super::restore::{Load, select};
use super::rights::is_unknown;
use crate::engine::{
    Action, Consumer, EngineError, Finding, FindingLevel, LoadPlan, Occupied, OpenArchive, RestoreTarget,
    Step, TargetEffect,
};
use crate::model::{ByteSize, Count, Help, ServerRole, help};
use crate::process::Runner;
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;

/// What stands in front of the first key is a few hundred bytes and the functions.
const HEAD_LIMIT_BYTES: u64 = 64 << 20;
/// Removing many gigabytes takes its time.
const REMOVAL_LIMIT: Duration = Duration::from_secs(1800);

/// What the beginning of a stream tells.
#[derive(Debug, Default)]
struct Head {
    header: Option<Header>,
    libraries: u64,
    used_memory: Option<u64>,
    past: bool,
}

impl Visitor for Head {
    fn wants(&self) -> Wants {
        Wants::Bytes
    }

    fn header(&mut self, header: Header) {
        self.header = Some(header);
    }

    fn note(&mut self, name: &[u8], value: &[u8]) {
        if name == b"used-mem" {
            self.used_memory = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
        }
    }

    fn library(&mut self, _code: Vec<u8>) {
        self.libraries += 1;
    }

    fn key(&mut self, _entry: &RdbEntry, _name: Vec<u8>) {
        self.past = true;
    }
}

impl Head {
    async fn read(archive: &dyn OpenArchive) -> Result<Self, EngineError> {
        let failed = |source| EngineError::Read { doing: "read the beginning of the RDB".to_owned(), source };
        let mut body = archive.open().await.map_err(failed)?.take(HEAD_LIMIT_BYTES);
        let (mut head, mut walker) = (Self::default(), Walker::new());
        let mut buffer = vec![0; 16 << 10];
        while !head.past {
            let count = body.read(&mut buffer).await.map_err(failed)?;
            if count == 0 {
                break;
            }
            // What is wrong further on shows when all of it is read.
            if walker.feed(&buffer[..count], &mut head).is_err() && head.header.is_some() {
                break;
            }
        }
        Ok(head)
    }
}

impl RedisServer {
    pub(super) async fn plan_load(
        &self,
        target: &RestoreTarget,
        archive: &dyn OpenArchive,
    ) -> Result<LoadPlan, EngineError> {
        refuse_strange_wishes(target)?;
        if self.facts.role == ServerRole::Replica {
            return Err(EngineError::Refused {
                problem: format!("{} is a replica: it gets its data from its primary", self.address.shown()),
                help: help!("Restore into the primary."),
            });
        }
        let head = Head::read(archive).await?;
        let header = head.header.ok_or_else(|| EngineError::Archive {
            problem: "it does not begin with the header of an RDB".to_owned(),
        })?;
        self.prove_able(target, &head, header).await?;
        let (effect, before) = self.effect(target).await?;
        let existing = if target.preceding > 0 || target.occupied == Occupied::Clean {
            Existing::Replace
        } else {
            Existing::Refuse
        };
        let load = Load {
            address: self.address.clone(),
            shards: self.shards.clone(),
            existing,
            on_error: if target.stop_at_first_error { OnError::Stop } else { OnError::Count },
        };
        Ok(LoadPlan {
            before,
            filling: target.database.clone(),
            findings: self.findings_of_memory(target, &head),
            ..LoadPlan::new(effect, Consumer::Native(Arc::new(load)))
        })
    }

    /// What is there gives way if that was asked for, and is a reason to stop otherwise.
    async fn effect(&self, target: &RestoreTarget) -> Result<(TargetEffect, Vec<Step>), EngineError> {
        if target.preceding > 0 {
            return Ok((TargetEffect::Fills, Vec::new()));
        }
        let mut keys = 0;
        for node in self.nodes() {
            let mut connection = node.connect().await?;
            keys += Info::ask(&mut connection).await?.keyspace().values().sum::<u64>();
        }
        match (keys, target.occupied) {
            (0, Occupied::Refuse) => Ok((TargetEffect::Fills, Vec::new())),
            (_, Occupied::Refuse) => Err(EngineError::Refused {
                problem: format!("{} is not empty: it holds {}", self.address.shown(), Count(keys, "key")),
                help: help!("Remove them first with --clean, or restore into another server."),
            }),
            (_, Occupied::Clean) => {
                let removal = Remove { nodes: self.nodes(), functions: self.major() >= 7 };
                let before = vec![Step::Native(Arc::new(removal))];
                match keys {
                    0 => Ok((TargetEffect::Fills, before)),
                    _ => Ok((TargetEffect::Overwrites { holds: Count(keys, "key").to_string() }, before)),
                }
            }
        }
    }

    /// Tries, without changing anything, that the server takes this version of values and lets the user do all that a
    /// restore does.
    async fn prove_able(
        &self,
        target: &RestoreTarget,
        head: &Head,
        header: Header,
    ) -> Result<(), EngineError> {
        let key = format!("jagad:probe:{}", target.token);
        let mut connection = self.node_of(key.as_bytes()).connect().await?;
        let answer =
            connection.reply_to(&[b"RESTORE", key.as_bytes(), b"0", &no_value(header.version)]).await?;
        match &answer {
            Reply::Error(said) if said.contains("Bad data format") => {}
            Reply::Error(said) if said.contains("DUMP payload version") => {
                return Err(self.too_new(target, header));
            }
            Reply::Error(said) => return Err(connection.refusal("RESTORE", said)),
            _ => return Err(strange(&connection, "RESTORE")),
        }
        connection.ask(&["SCAN", "0", "COUNT", "1"]).await?;
        connection.ask(&["TYPE", &key]).await?;
        connection.ask(&["PTTL", &key]).await?;
        if head.libraries > 0 {
            // Nothing is no library: only a missing right is of interest.
            allowed(&mut connection, &["FUNCTION", "LOAD", ""]).await?;
        }
        if target.occupied == Occupied::Clean {
            allowed(&mut connection, &["FLUSHALL", "nothing"]).await?;
            if self.major() >= 7 {
                allowed(&mut connection, &["FUNCTION", "FLUSH", "nothing"]).await?;
            }
        }
        let highest = target.properties.get("highest_database").and_then(serde_json::Value::as_u64);
        match highest {
            Some(database) if database > 0 => select(&mut connection, database).await,
            _ => Ok(()),
        }
    }

    fn node_of(&self, key: &[u8]) -> &Address {
        let slot = cluster::slot(key);
        let holds = |slots: &[(u16, u16)]| slots.iter().any(|(from, to)| (*from..=*to).contains(&slot));
        let shard = self.shards.iter().flatten().find(|shard| holds(&shard.slots));
        shard.map_or(&self.address, |shard| &shard.address)
    }

    fn too_new(&self, target: &RestoreTarget, header: Header) -> EngineError {
        let version = header.version;
        EngineError::Version {
            problem: format!(
                "the backup is of server version {} and has RDB version {version}, which {} at {} cannot load",
                target.server_version,
                self.shown(),
                self.address.shown()
            ),
            help: help!("Restore into a server of the same family and of the same version or a newer one."),
        }
    }

    /// Whether what was dumped fits into the memory that the target may use. A server of one node that knows how much its data
    /// took says so surely; of others only the memory of the whole server is known, which says no more than that it may not fit.
    fn findings_of_memory(&self, target: &RestoreTarget, head: &Head) -> Vec<Finding> {
        let limit = self.info.number("maxmemory").filter(|limit| *limit > 0);
        let Some(limit) = limit else { return Vec::new() };
        let own = self.info.number("used_memory_startup").unwrap_or(0);
        let data = target.properties.get("data_memory").and_then(serde_json::Value::as_u64);
        let data = data.filter(|_| self.shards.is_none());
        let (level, need) = match (data, head.used_memory) {
            (Some(data), _) => (FindingLevel::Error, data.saturating_add(own)),
            (None, Some(used)) => (FindingLevel::Warning, used),
            (None, None) => return Vec::new(),
        };
        if need <= limit {
            return Vec::new();
        }
        let policy = self.info.get("maxmemory_policy").unwrap_or("noeviction");
        let lost = if policy == "noeviction" { "keys would be refused" } else { "keys would be evicted" };
        vec![Finding {
            level,
            subject: format!("`maxmemory` of {}", self.address.shown()),
            problem: format!(
                "it is {}, but the dumped data took {}: {lost} (`{policy}`)",
                ByteSize(limit),
                ByteSize(need)
            ),
            help: Help::new(&format!(
                "CONFIG SET maxmemory {need}, or 0 for no limit; `--allow-errors` loads the keys that fit and counts the others."
            )),
        }]
    }
}

fn refuse_strange_wishes(target: &RestoreTarget) -> Result<(), EngineError> {
    let refused = |problem: &str| {
        let help = help!("A backup of Redis or Valkey is restored as a whole, under its own name.");
        Err(EngineError::Refused { problem: problem.to_owned(), help })
    };
    if !target.selection.is_everything() {
        return refused("Redis has no schemas or tables to choose");
    }
    if target.database != target.source_database {
        return refused("the data of a server cannot be restored under another name");
    }
    Ok(())
}

/// A payload with the right version and checksum, of a type that does not exist.
fn no_value(version: u16) -> Vec<u8> {
    let mut payload = vec![255];
    payload.extend_from_slice(&version.to_le_bytes());
    let mut crc = Crc64::default();
    crc.update(&payload);
    payload.extend_from_slice(&crc.value().to_le_bytes());
    payload
}

/// Runs a command that is wrong in itself: it does nothing, and whether the user may run it is looked at first.
async fn allowed(connection: &mut Connection, words: &[&str]) -> Result<(), EngineError> {
    let bytes: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    match connection.reply_to(&bytes).await? {
        Reply::Error(said) if said.starts_with("NOPERM") || is_unknown(&said) => {
            Err(connection.refusal(words[0], &said))
        }
        Reply::Error(_) => Ok(()),
        _ => Err(strange(connection, words[0])),
    }
}

fn strange(connection: &Connection, question: &str) -> EngineError {
    EngineError::Answer {
        question: format!("{}: {question}", connection.address()),
        problem: "unexpected reply".to_owned(),
    }
}

/// Removes every key of every database, and the functions.
#[derive(Debug)]
struct Remove {
    nodes: Vec<Address>,
    functions: bool,
}

#[async_trait]
impl Action for Remove {
    fn describe(&self) -> Vec<String> {
        let nodes: Vec<String> = self.nodes.iter().map(Address::shown).collect();
        let what = if self.functions { "FLUSHALL+FUNCTION FLUSH" } else { "FLUSHALL" };
        vec![what.to_owned(), nodes.join(",")]
    }

    async fn run(&self, _runner: &dyn Runner) -> Result<(), EngineError> {
        for node in &self.nodes {
            let mut connection = node.connect().await?.patient(REMOVAL_LIMIT);
            connection.ask(&["FLUSHALL"]).await?;
            if self.functions {
                connection.ask(&["FUNCTION", "FLUSH"]).await?;
            }
        }
        Ok(())
    }
}
