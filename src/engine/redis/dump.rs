//! What a backup consists of: one stream per server that holds keys.

use super::facts::{Info, RedisServer};
use super::sync::Sync;
use super::witness::RdbWitness;
use super::{ENTRY_NAME, EXTENSION};
use crate::engine::{DatabaseChoice, DumpPart, EngineError, Producer, Scope};
use crate::model::{PartKind, help};
use std::sync::Arc;

impl RedisServer {
    pub(super) fn plan_dump(&self, scope: &Scope) -> Result<Vec<DumpPart>, EngineError> {
        let places = match &self.shards {
            None => vec![(ENTRY_NAME.to_owned(), self.address.clone())],
            Some(shards) => shards.iter().map(|shard| (shard.name(), shard.address.clone())).collect(),
        };
        if let DatabaseChoice::Named(names) = &scope.databases
            && let Some(strange) = names.iter().find(|name| !places.iter().any(|(known, _)| known == *name))
        {
            let known: Vec<&str> = places.iter().map(|(name, _)| name.as_str()).collect();
            return Err(EngineError::NotFound {
                what: format!("database `{strange}`"),
                place: format!(" on {}", self.address.shown()),
                help: help!("{} is backed up as a whole: {}.", self.family.name(), known.join(", ")),
            });
        }
        let chosen = |name: &String| match &scope.databases {
            DatabaseChoice::All { .. } => true,
            DatabaseChoice::Named(names) => names.contains(name),
        };
        let places = places.into_iter().filter(|(name, _)| chosen(name));
        Ok(places
            .map(|(name, address)| DumpPart {
                kind: PartKind::Database,
                database: Some(name),
                archive: None,
                extension: EXTENSION,
                source: Producer::Native(Arc::new(Sync { address, version: self.version.clone() })),
                witness: Box::new(RdbWitness::new()),
                estimate: 0,
                properties: properties(&self.info),
            })
            .collect())
    }
}

/// What a restore wants to know before it begins.
fn properties(info: &Info) -> serde_json::Value {
    let highest = info.keyspace().keys().next_back().copied();
    serde_json::json!({
        "highest_database": highest,
        "used_memory": info.number("used_memory"),
        "data_memory": data_memory(info),
    })
}

/// The memory that keys and functions take: all that is used, less what a server has that holds nothing, and what it keeps for
/// those who are connected. `None` for a node of a cluster, of which each part is another server's.
fn data_memory(info: &Info) -> Option<u64> {
    if info.get("cluster_enabled") == Some("1") {
        return None;
    }
    let sum = |names: &[&str]| names.iter().filter_map(|name| info.number(name)).fold(0, u64::saturating_add);
    // From Redis 7 on one buffer holds what the backlog and the replicas share.
    let replication =
        sum(&["mem_replication_backlog", "mem_clients_slaves"]).max(sum(&["mem_total_replication_buffers"]));
    let others = sum(&["used_memory_startup", "mem_clients_normal", "mem_aof_buffer"]);
    let used = info.number("used_memory")?;
    Some(used.saturating_sub(others).saturating_sub(replication))
}
