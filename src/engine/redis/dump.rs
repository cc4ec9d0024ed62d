//! What a backup consists of: one stream per server that holds keys.

use super::facts::{Info, RedisServer};
use super::sync::Sync;
use super::witness::RdbWitness;
use super::{ENTRY_NAME, EXTENSION};
use crate::engine::{DatabaseChoice, DumpPart, EngineError, Producer, Scope};
use crate::model::PartKind;
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
                help: format!("{} is backed up as a whole: {}", self.family.name(), known.join(", ")),
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
    serde_json::json!({ "highest_database": highest, "used_memory": info.number("used_memory") })
}
