//! What a user of the server must be allowed to do, as the statement that allows it.

use super::super::EngineError;
use crate::model::help;

/// The rights to every command that a backup sends.
pub(super) const BACKUP_RIGHTS: &str = "+info +replconf +sync +cluster|slots";
/// The rights to every command that a restore sends, and those to count the keys afterwards.
pub(super) const RESTORE_RIGHTS: &str =
    "~* +info +select +restore +scan +type +pttl +function|load +cluster|slots +asking";
/// The rights to remove all keys and functions, for `--clean`.
pub(super) const CLEAN_RIGHTS: &str = "+flushall +function|flush";

/// The statement for a user who takes backups.
pub(super) fn backup_statement(user: &str) -> String {
    format!("ACL SETUSER {} on {BACKUP_RIGHTS}", shown(user))
}

/// The statement for a user who restores.
pub(super) fn restore_statement(user: &str) -> String {
    format!("ACL SETUSER {} on {RESTORE_RIGHTS} {CLEAN_RIGHTS}", shown(user))
}

/// The name of a user as the server knows it.
pub(super) fn shown(user: &str) -> &str {
    if user.is_empty() { "default" } else { user }
}

/// Whether an error reply says that the server does not know the command: it was renamed away, or a service leaves it out.
pub(super) fn is_unknown(said: &str) -> bool {
    said.starts_with("ERR unknown command")
}

/// What an error reply to `question` means. It was asked at `address` as `user`.
pub(super) fn refusal(question: &str, said: &str, address: &str, user: &str) -> EngineError {
    let user = shown(user);
    let code = said.split(' ').next().unwrap_or_default();
    match code {
        "NOAUTH" | "WRONGPASS" => EngineError::Login {
            address: address.to_owned(),
            user: user.to_owned(),
            problem: said.to_owned(),
        },
        "NOPERM" => {
            let backs_up = ["SYNC", "REPLCONF", "INFO", "CLUSTER"].contains(&question);
            EngineError::Privilege {
                problem: format!("{question}: `{user}` lacks a right at {address}: {said}"),
                help: help!(
                    "Run `{}`.",
                    if backs_up { backup_statement(user) } else { restore_statement(user) }
                ),
            }
        }
        "LOADING" => EngineError::Prerequisite {
            problem: format!("{address} is still loading its data"),
            help: help!("Wait until the data is loaded; `INFO persistence` shows the progress."),
        },
        "NOMASTERLINK" | "MASTERDOWN" => EngineError::Prerequisite {
            problem: format!("{address} is a replica that has lost its primary: {said}"),
            help: help!("Repair the replication, or take the backup from another server."),
        },
        "OOM" => EngineError::Prerequisite {
            problem: format!("the memory of {address} is full: {said}"),
            help: help!("Raise `maxmemory` on the server. The keys that were loaded so far stay there."),
        },
        "ERR" if is_unknown(said) => EngineError::Prerequisite {
            problem: format!("{address} does not offer {question}: {said}"),
            help: match question {
                "FLUSHALL" | "FUNCTION" => help!(
                    "Remove `rename-command` for it from the configuration, or empty the server in another way and restore \
                     without --clean."
                ),
                _ => help!(
                    "Remove `rename-command` for it from the configuration. A service that does not offer it cannot be used."
                ),
            },
        },
        "BUSYKEY" => EngineError::Refused {
            problem: format!("{question} exists already at {address}: another client writes there"),
            help: help!("Stop the clients that write to the server, and restore again with --clean."),
        },
        _ => EngineError::Answer { question: format!("{address}: {question}"), problem: said.to_owned() },
    }
}
