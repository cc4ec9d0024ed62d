//! `[hooks]` and `[databases.NAME.hooks]`.

use super::EntryPlace;
use crate::config::error::ConfigError;
use crate::config::file::{HooksFile, Words};
use crate::config::hooks::Hooks;
use std::time::Duration;

/// The hooks of one table; those that it does not set come from `beneath`.
pub(super) fn resolve(
    place: &EntryPlace<'_>,
    written: &HooksFile,
    beneath: &Hooks,
) -> Result<Hooks, ConfigError> {
    let timeout = written.timeout.map_or(beneath.timeout, |timeout| timeout.0);
    place.period("timeout", timeout, Duration::from_secs(1)..=Duration::from_secs(24 * 60 * 60))?;
    let command = |key: &str, words: Option<&Words>, beneath: &Vec<String>| {
        let Some(words) = words else { return Ok(beneath.clone()) };
        let argv = words.split().map_err(|problem| place.wrong(key, problem))?;
        match argv.first() {
            Some(program) if program.is_empty() => Err(place.wrong(key, format!("`{key}` names no program"))),
            _ => Ok(argv),
        }
    };
    Ok(Hooks {
        before_backup: command("before_backup", written.before_backup.as_ref(), &beneath.before_backup)?,
        after_backup: command("after_backup", written.after_backup.as_ref(), &beneath.after_backup)?,
        on_failure: command("on_failure", written.on_failure.as_ref(), &beneath.on_failure)?,
        last: command("finally", written.last.as_ref(), &beneath.last)?,
        before_restore: command("before_restore", written.before_restore.as_ref(), &beneath.before_restore)?,
        after_restore: command("after_restore", written.after_restore.as_ref(), &beneath.after_restore)?,
        timeout,
    })
}
