//! `pg_cron` lives in one database of a server, which a setting of the server names.

use super::archive::Outline;
use super::facts::PostgreSqlServer;
use super::quote::{identifier, literal};
use super::target::TargetFacts;
use crate::engine::{Finding, RestoreTarget};

/// The extension, and its library.
pub(super) const CRON: &str = "pg_cron";

/// The setting that names its database.
pub(super) const CRON_DATABASE: &str = "cron.database_name";

/// Whether something in the archive works only in a database of its own name.
pub(super) fn needs_own_name(outline: &Outline) -> bool {
    outline.extensions.contains(CRON)
}

impl PostgreSqlServer {
    /// Whether `pg_cron` can be created in the target, where the archive has it.
    pub(super) fn cron_findings(
        &self,
        target: &RestoreTarget,
        outline: &Outline,
        facts: &TargetFacts,
    ) -> Option<Finding> {
        let known = facts.extensions.iter().any(|extension| extension.name == CRON);
        // Only a superuser sees the setting, and only a superuser creates the extension.
        if !outline.extensions.contains(CRON) || !known || !self.superuser {
            return None;
        }
        let name = &target.database;
        match &facts.cron_database {
            Some(database) if database == name => Some(Finding::warning(
                format!("`{CRON}` in `{name}`"),
                "its jobs may run as soon as they are loaded, before the restore has ended",
                "If that does harm, set `cron.launch_active_jobs` to off during the restore, or stop the jobs in another way.",
            ))
            .filter(|_| target.lifetime == crate::engine::Lifetime::Lasting),
            Some(database) => Some(Finding::error(
                format!("`{CRON}` in `{name}`"),
                format!("this server has it in `{database}`"),
                format!(
                    "Restore into `{database}`, or ALTER SYSTEM SET {CRON_DATABASE} = {}; and restart the server.",
                    literal(name)
                ),
            )),
            None => Some(Finding::error(
                format!("`{CRON}` in `{name}`"),
                "the server does not load its library at the start",
                format!(
                    "Add `{CRON}` to `shared_preload_libraries`, ALTER SYSTEM SET {CRON_DATABASE} = {}; and restart the server.",
                    literal(name)
                ),
            )),
        }
    }
}

/// For people: how a database that was put aside gets its name back.
pub(super) fn back_sql(aside: &str, database: &str) -> String {
    format!("ALTER DATABASE {} RENAME TO {};", identifier(aside), identifier(database))
}
