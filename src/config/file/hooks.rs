//! `[hooks]` and `[databases.NAME.hooks]` as they are written.

use super::Words;
use crate::model::Period;
use schemars::JsonSchema;
use serde::Deserialize;

/// Programs around a backup or a restore; an entry's replace the global ones one by one, and an empty list is none.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HooksFile {
    /// Before the dump; a status other than 0 fails the backup.
    pub before_backup: Option<Words>,
    /// After a backup that succeeded.
    pub after_backup: Option<Words>,
    /// After a backup that failed.
    pub on_failure: Option<Words>,
    /// After every backup that got as far as `before_backup`, whatever came of it.
    #[serde(rename = "finally")]
    pub last: Option<Words>,
    /// In a restore, when a database is there to be filled and empty; a status other than 0 fails the restore.
    pub before_restore: Option<Words>,
    /// In a restore, when a database is full and counted, and before it takes its place; a status other than 0 fails the restore.
    pub after_restore: Option<Words>,
    /// Longest life of each, 1s to 24h (default "5m").
    pub timeout: Option<Period>,
}
