//! `pg_cron` lives in one database of a server, which a setting of the server names.

/// The extension, and its library.
pub(super) const CRON: &str = "pg_cron";

/// The setting that names its database.
pub(super) const CRON_DATABASE: &str = "cron.database_name";
