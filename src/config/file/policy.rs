//! `[policies.NAME]` as it is written.

use crate::model::Period;
use schemars::JsonSchema;
use serde::Deserialize;

/// How a group of databases is protected.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyFile {
    /// Store of its databases (default: the entry's, then settings.default_store).
    pub store: Option<String>,
    /// Notifiers that are told of its databases.
    #[serde(default)]
    pub notify: Vec<String>,
    /// What is kept.
    #[serde(default)]
    pub retention: RetentionFile,
}

/// What is kept of each database; what no line keeps is removed by `jagad prune`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionFile {
    /// The newest so many good fulls (default 7).
    pub full: Option<u32>,
    /// Incrementals: a number for the newest so many, or a length of time such as "30d" (default "30d").
    pub incremental: Option<CountOrAge>,
    /// The newest full of each of so many hours that have one (default 0).
    pub keep_hourly: u32,
    /// The same for days.
    pub keep_daily: u32,
    /// The same for weeks, from Monday.
    pub keep_weekly: u32,
    /// The same for months.
    pub keep_monthly: u32,
    /// The same for years.
    pub keep_yearly: u32,
    /// So many good fulls are never removed (default 1, at least 1).
    pub min_keep: Option<u32>,
}

/// A number of backups, or how old they may get.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum CountOrAge {
    /// The newest so many.
    Count(u32),
    /// Not older than this.
    Age(Period),
}
