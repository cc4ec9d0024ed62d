//! `[hooks]` and `[databases.NAME.hooks]` as they are written.

use super::Words;
use crate::model::Period;
use serde::Deserialize;

/// Programs run for a backup or a restore; each hook of an entry replaces the global one, and an empty list means none.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct HooksFile {
    /// Before the dump; a status other than 0 fails the backup.
    pub before_backup: Option<Words>,
    /// After a backup that succeeded.
    pub after_backup: Option<Words>,
    /// After a backup that failed.
    pub on_failure: Option<Words>,
    /// After every backup that got as far as `before_backup`, successful or not.
    #[serde(rename = "finally")]
    pub last: Option<Words>,
    /// In a restore, when the database exists and is empty; a status other than 0 fails the restore.
    pub before_restore: Option<Words>,
    /// In a restore, when the database is loaded and counted, before it replaces the old one; a status other than 0 fails the restore.
    pub after_restore: Option<Words>,
    /// Longest life of each, 1s to 24h (default "5m").
    pub timeout: Option<Period>,
}
