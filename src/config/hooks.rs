//! Programs that run before and after a backup or a restore.

use std::time::Duration;

/// The hooks of an entry: its own, or the global ones. An empty command is none.
#[derive(Debug, Clone)]
pub struct Hooks {
    /// Before the dump.
    pub before_backup: Vec<String>,
    /// After a success.
    pub after_backup: Vec<String>,
    /// After a failure.
    pub on_failure: Vec<String>,
    /// After every backup, successful or not.
    pub last: Vec<String>,
    /// Before a database is filled by a restore.
    pub before_restore: Vec<String>,
    /// When it is loaded and counted.
    pub after_restore: Vec<String>,
    /// Time limit of each hook.
    pub timeout: Duration,
}

impl Hooks {
    /// No hook.
    pub(super) fn none() -> Self {
        Self {
            before_backup: Vec::new(),
            after_backup: Vec::new(),
            on_failure: Vec::new(),
            last: Vec::new(),
            before_restore: Vec::new(),
            after_restore: Vec::new(),
            timeout: Duration::from_secs(300),
        }
    }
}
