//! `[policies.NAME]` as it is written.

use super::EncryptionFile;
use crate::model::{Codec, IncrementalBase, Period};
use serde::Deserialize;

/// How a group of databases is protected.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PolicyFile {
    /// Store of its databases (default: settings.default_store).
    pub store: Option<String>,
    /// Notifiers for its databases.
    #[serde(default)]
    pub notify: Vec<String>,
    /// false: its databases stay attached and nothing is scheduled (default true).
    pub enabled: Option<bool>,
    /// When full backups are taken (default: only by hand).
    pub full: Option<ScheduleFile>,
    /// How often incremental backups are taken between them (default none).
    #[serde(default)]
    pub incremental: IntervalFile,
    /// What an incremental builds on: last (the backup before it) or full (the last full) (default last).
    pub incremental_base: Option<IncrementalBase>,
    /// Default compression of its databases (default zstd).
    pub compression: Option<Codec>,
    /// Its level (default 3 for zstd, 6 for gzip).
    pub compression_level: Option<i32>,
    /// Default encryption of its databases (default on).
    #[serde(default)]
    pub encryption: EncryptionFile,
    /// Retries of a failed scheduled backup before it counts as failed, after 5 minutes, then 10 and so on, until the
    /// next one is due; 0 to 10 (default 2).
    pub retries: Option<u32>,
    /// Number of consecutive failures that pause a database; 0 means never (default 3).
    pub pause_after_failures: Option<u32>,
    /// What is verified after each scheduled backup (default checksum).
    pub verify: Option<VerifyFile>,
    /// `status` reports a last good backup that was not verified for this long; "0s" means never (default: "30d" when `verify`
    /// is on).
    pub max_unverified: Option<Period>,
    /// `status` reports a full smaller than this share of the previous one; 0 means never (default 0.5).
    pub expected_min_ratio: Option<f64>,
    /// A backup is overdue this long after its planned time (default: half the interval, at most "6h").
    pub overdue_after: Option<Period>,
    /// What is kept.
    #[serde(default)]
    pub retention: RetentionFile,
}

/// When: a preset with its time, or a crontab expression.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ScheduleFile {
    /// hourly, daily, weekly or monthly.
    pub every: Option<EveryFile>,
    /// Time of the day, "HH:MM" (default "00:00"); for hourly the minute counts.
    pub at: Option<String>,
    /// Weekly: a day such as "sunday" (default). Monthly: a number from 1 (default) to 28.
    pub day: Option<DayFile>,
    /// Weekly: several days.
    pub days: Vec<WeekdayFile>,
    /// Five fields as in crontab: minute, hour, day of month, month, day of week.
    pub cron: Option<String>,
    /// Time zone (default settings.timezone).
    pub timezone: Option<String>,
}

/// How often, roughly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum EveryFile {
    /// Once an hour.
    Hourly,
    /// Once a day.
    Daily,
    /// On one or several days of each week.
    Weekly,
    /// Once a month.
    Monthly,
}

/// A day of the week or of the month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged, expecting = "a day of the week such as \"sunday\", or a day of the month from 1 to 28")]
pub enum DayFile {
    /// Of the week.
    Week(WeekdayFile),
    /// Of the month.
    Month(u32),
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "their names say it")]
pub enum WeekdayFile {
    #[serde(alias = "sun")]
    Sunday,
    #[serde(alias = "mon")]
    Monday,
    #[serde(alias = "tue")]
    Tuesday,
    #[serde(alias = "wed")]
    Wednesday,
    #[serde(alias = "thu")]
    Thursday,
    #[serde(alias = "fri")]
    Friday,
    #[serde(alias = "sat")]
    Saturday,
}

/// Time between incremental backups.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum IntervalFile {
    /// No incremental backups.
    #[default]
    #[serde(rename = "none")]
    None,
    /// Every hour.
    #[serde(rename = "1h")]
    One,
    /// At every second hour of the day.
    #[serde(rename = "2h")]
    Two,
    /// At every fourth.
    #[serde(rename = "4h")]
    Four,
    /// At every sixth.
    #[serde(rename = "6h")]
    Six,
    /// At midnight and noon.
    #[serde(rename = "12h")]
    Twelve,
}

/// How a scheduled backup is verified afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum VerifyFile {
    /// Not at all.
    None,
    /// Its objects exist and have the right sizes.
    Exists,
    /// Every stored byte matches its checksum.
    Checksum,
    /// It is decrypted and its dumps are parsed.
    Read,
    /// It is restored into a throw-away server and counted.
    Restore,
}

/// Which backups of each database are kept; `jagad prune` removes the others.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct RetentionFile {
    /// How many of the newest good fulls (default 7).
    pub full: Option<u32>,
    /// Incrementals: how many of the newest, or a length of time such as "30d" (default "30d").
    pub incremental: Option<CountOrAge>,
    /// The newest full of each of the last N hours that have one (default 0).
    pub keep_hourly: u32,
    /// The same for days.
    pub keep_daily: u32,
    /// The same for weeks, from Monday.
    pub keep_weekly: u32,
    /// The same for months.
    pub keep_monthly: u32,
    /// The same for years.
    pub keep_yearly: u32,
    /// Minimum number of good fulls to keep (default 1, at least 1).
    pub min_keep: Option<u32>,
}

/// A number of backups, or how old they may get.
#[derive(Debug, Clone, Copy, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged, expecting = "a number of backups, or a length of time such as \"30d\"")]
pub enum CountOrAge {
    /// This many of the newest.
    Count(u32),
    /// Not older than this.
    Age(Period),
}
