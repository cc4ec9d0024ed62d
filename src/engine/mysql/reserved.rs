//! Names on a server that are nobody's data: the server's own databases, and what a restore makes for a while.

/// Databases that every server makes for itself.
pub(super) const SYSTEM_DATABASES: [&str; 4] = ["information_schema", "mysql", "performance_schema", "sys"];

/// The superuser of a throw-away server on files: nobody knows the passwords of the source. It is never backed up.
pub(super) const DRILL_USER: &str = "jagad_drill";

/// Names a table that is in a database only while it is being restored. One that stays tells that it is incomplete, and
/// only a database that has it is removed when a restore is undone.
pub(super) const UNFINISHED_MARK: &str = "__jagad_unfinished_";

/// Begins the name of the database that definitions are tried in. It is never backed up.
pub(super) const TRIAL_DATABASE: &str = "__jagad_trial_";
