//! What a server says of itself.

use super::cluster::{self, Shard};
use super::connection::{Address, Connection};
use super::{ENTRY_NAME, rights};
use crate::engine::{EngineError, LogicalDatabase, ServerFacts};
use crate::model::{ServerRole, Timestamp};
use std::collections::BTreeMap;

/// What stands in a list of facts where other engines name their dump tool.
const OWN_CLIENT: &str = "own SYNC client";
/// What marks Valkey in the text of a version.
pub(super) const VALKEY_MARK: &str = " (Valkey)";

/// Whose server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Redis,
    Valkey,
}

impl Family {
    /// The family that a recorded version is of.
    pub(super) fn of_version(version: &str) -> Self {
        if version.ends_with(VALKEY_MARK) { Self::Valkey } else { Self::Redis }
    }

    /// Text.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Redis => "Redis",
            Self::Valkey => "Valkey",
        }
    }

    /// The server's program.
    pub(super) fn program(self) -> &'static str {
        match self {
            Self::Redis => "redis-server",
            Self::Valkey => "valkey-server",
        }
    }
}

/// The answer to `INFO`.
#[derive(Debug, Clone, Default)]
pub(super) struct Info(BTreeMap<String, String>);

impl Info {
    /// Asks for it.
    pub(super) async fn ask(connection: &mut Connection) -> Result<Self, EngineError> {
        let reply = connection.ask(&["INFO"]).await?;
        Ok(Self::parse(&reply.text().unwrap_or_default()))
    }

    pub(super) fn parse(text: &str) -> Self {
        let pair = |line: &str| line.trim().split_once(':').map(|(k, v)| (k.to_owned(), v.to_owned()));
        Self(text.lines().filter_map(pair).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }

    /// Databases that hold keys, and how many.
    pub(super) fn keyspace(&self) -> BTreeMap<u64, u64> {
        let keys = |(name, value): (&String, &String)| {
            let database = name.strip_prefix("db")?.parse().ok()?;
            let keys = value.split(',').find_map(|field| field.strip_prefix("keys="))?.parse().ok()?;
            Some((database, keys))
        };
        self.0.iter().filter_map(keys).collect()
    }

    /// Whose server, and the version that it calls its own.
    pub(super) fn version(&self) -> Option<(Family, &str)> {
        match self.get("valkey_version") {
            Some(version) => Some((Family::Valkey, version)),
            None => Some((Family::Redis, self.get("redis_version")?)),
        }
    }
}

/// An inspected server.
#[derive(Debug)]
pub(super) struct RedisServer {
    pub(super) address: Address,
    pub(super) facts: ServerFacts,
    pub(super) family: Family,
    /// As it stands in `INFO`: what `REPLCONF version` wants to hear.
    pub(super) version: String,
    pub(super) info: Info,
    /// The primaries and their slots; `None` for a server that is no cluster.
    pub(super) shards: Option<Vec<Shard>>,
}

impl RedisServer {
    pub(super) async fn inspect(address: Address) -> Result<Self, EngineError> {
        let mut connection = address.connect().await?;
        let info = Info::ask(&mut connection).await?;
        let (family, version) = info.version().ok_or_else(|| EngineError::Answer {
            question: format!("{}: INFO", address.shown()),
            problem: "it names no version".to_owned(),
        })?;
        let version = version.to_owned();
        let shards = if info.get("cluster_enabled") == Some("1") {
            Some(cluster::shards(&mut connection, &address).await?)
        } else {
            None
        };
        let names = match &shards {
            None => vec![ENTRY_NAME.to_owned()],
            Some(shards) => shards.iter().map(Shard::name).collect(),
        };
        let database = |name| LogicalDatabase { name, bytes: 0, properties: serde_json::Value::Null };
        let role = if info.get("role") == Some("master") { ServerRole::Primary } else { ServerRole::Replica };
        let seconds = info.number("server_time_usec").unwrap_or_default() / 1_000_000;
        let facts = ServerFacts {
            version: match family {
                Family::Redis => version.clone(),
                Family::Valkey => format!("{version}{VALKEY_MARK}"),
            },
            // The history of its data: a replica has that of its primary.
            identity: info.get("master_replid").map(ToOwned::to_owned),
            role,
            time: Timestamp::from_unix_seconds(i64::try_from(seconds).unwrap_or_default()),
            databases: names.into_iter().map(database).collect(),
            tool: OWN_CLIENT.to_owned(),
        };
        Ok(Self { address, facts, family, version, info, shards })
    }

    /// Every server that holds keys: itself, or the primaries of its cluster.
    pub(super) fn nodes(&self) -> Vec<Address> {
        match &self.shards {
            None => vec![self.address.clone()],
            Some(shards) => shards.iter().map(|shard| shard.address.clone()).collect(),
        }
    }

    /// The user, as the server knows it.
    pub(super) fn user(&self) -> &str {
        rights::shown(&self.address.settings.user)
    }

    /// "Redis 8.0.6".
    pub(super) fn shown(&self) -> String {
        format!("{} {}", self.family.name(), self.version)
    }

    /// The first number of its version.
    pub(super) fn major(&self) -> u32 {
        self.version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_tells_version_and_keys() {
        let info = Info::parse(
            "# Server\r\nredis_version:7.2.4\r\nvalkey_version:9.1.2\r\n# Keyspace\r\ndb0:keys=3,expires=1,avg_ttl=0\r\n\
             db15:keys=1,expires=0\r\n",
        );
        assert_eq!(info.version(), Some((Family::Valkey, "9.1.2")));
        assert_eq!(info.keyspace().into_iter().collect::<Vec<_>>(), [(0, 3), (15, 1)]);
        assert_eq!(Info::parse("redis_version:8.0.6").version(), Some((Family::Redis, "8.0.6")));
        assert_eq!(Info::parse("nothing").version(), None);
    }
}
