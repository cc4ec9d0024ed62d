//! `pg_cron` lives in one database of a server, which a setting of the server names.

use super::archive::Outline;

/// The extension, and its library.
pub(super) const CRON: &str = "pg_cron";

/// The setting that names its database.
pub(super) const CRON_DATABASE: &str = "cron.database_name";

/// Whether something in the archive works only in a database of its own name.
pub(super) fn needs_own_name(outline: &Outline) -> bool {
    outline.extensions.contains(CRON)
}
