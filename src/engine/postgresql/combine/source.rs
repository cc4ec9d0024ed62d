//! What a backup records about the configuration of its server.

use serde::{Deserialize, Serialize};

/// What a backup records about the configuration of its server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceConfiguration {
    /// `config_file`, where that is outside of the data directory; otherwise the archives have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_file: Option<String>,
    /// `hba_file`, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hba_file: Option<String>,
    /// `ident_file`, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ident_file: Option<String>,
    /// What the restored server needs at least.
    pub minimum_settings: MinimumSettings,
}

/// Settings that must not be smaller than they were on the source: a server that recovers refuses that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MinimumSettings {
    /// `max_connections`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<u32>,
    /// `max_worker_processes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_worker_processes: Option<u32>,
    /// `max_wal_senders`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_wal_senders: Option<u32>,
    /// `max_prepared_transactions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_prepared_transactions: Option<u32>,
    /// `max_locks_per_transaction`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_locks_per_transaction: Option<u32>,
}

impl MinimumSettings {
    /// A line for each, as `postgresql.conf` has them.
    pub(in crate::engine::postgresql) fn lines(&self) -> String {
        self.each().map(|(name, value)| format!("{name} = {value}\n")).collect::<Vec<_>>().concat()
    }

    /// All of them on one line, for people.
    pub fn said(&self) -> String {
        self.each().map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join(", ")
    }

    fn each(&self) -> impl Iterator<Item = (&'static str, u32)> {
        let settings = [
            ("max_connections", self.max_connections),
            ("max_worker_processes", self.max_worker_processes),
            ("max_wal_senders", self.max_wal_senders),
            ("max_prepared_transactions", self.max_prepared_transactions),
            ("max_locks_per_transaction", self.max_locks_per_transaction),
        ];
        settings.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }
}
