//! Whether a verification failed because of the backup or because of its environment: a throw-away server that died, or
//! a full disk, does not mean that the backup is bad.

use super::{Class, Failure};
use crate::engine::Drill;
use crate::process::{Runner, ToolError};
use std::path::Path;
use std::time::Duration;

/// A disk with less free space than this counts as full: the file that filled it may just have been removed.
const FULL_BELOW_BYTES: u64 = 8 << 20;
/// How long a server may take to answer before it counts as dead.
const LONGEST_ANSWER: Duration = Duration::from_secs(20);

/// The status of a program that ended itself: 128 and the number of the signal.
const ABORTED: i32 = 134;

/// Messages of tools and servers whose environment failed.
const WORDS: [&str; 33] = [
    "No space left on device",
    "could not extend file",
    "could not write to file",
    "Disk full",
    "disk is full",
    "The table is full",
    "Errcode: 28",
    "Disk quota exceeded",
    "server closed the connection",
    "terminating connection",
    "connection to server was lost",
    "could not connect to server",
    "connection to server",
    "Lost connection to",
    "server has gone away",
    "Can't connect to",
    "the database system is",
    "out of memory",
    "Out of memory",
    "Cannot allocate memory",
    "OOM command not allowed",
    "Too many open files",
    "Input/output error",
    "could not open extension control file",
    "could not access file",
    "Unknown storage engine",
    // A drill reads no foreign tables, allows no outgoing connections, and has only the installed libraries.
    "access to non-system foreign table is restricted",
    "could not establish connection",
    "via shared_preload_libraries",
    // Files that the installed server or this operating system does not support.
    "incompatible with server",
    "incompatible with operating system",
    // A drill does not have the keys of encrypted files.
    "encrypted",
    "decrypt",
];

/// Whether the messages of a failed tool mean that its environment failed.
fn lost(stderr: &str) -> bool {
    WORDS.iter().any(|words| stderr.contains(words))
}

/// Classifies the failure of a tool that reads a backup: the backup is bad, unless a signal or the environment ended
/// the tool.
pub(super) fn judge_reader(failure: Failure) -> Failure {
    match failure.find::<ToolError>() {
        Some(ToolError::Failed { status, stderr, .. }) if *status < 128 && !lost(stderr) => {
            Failure { class: Class::Integrity, ..failure }
        }
        Some(_) => Failure { class: Class::Prerequisite, ..failure },
        None => failure,
    }
}

/// As [`judge_reader`], for work of a throw-away server: it must still answer, and have free space.
pub(super) async fn judge_loader(
    runner: &dyn Runner,
    drill: &Drill,
    folder: &Path,
    failure: Failure,
) -> Failure {
    if failure.class != Class::Integrity || failure.find::<ToolError>().is_none() {
        return failure;
    }
    let failure = match judge_reader(failure) {
        failure if failure.class == Class::Integrity && is_full(folder) => {
            let failure = failure.doing("the disk of the throw-away server is full");
            Failure { class: Class::Prerequisite, ..failure }
        }
        failure => failure,
    };
    if failure.class != Class::Integrity {
        return failure;
    }
    let answer = tokio::time::timeout(LONGEST_ANSWER, drill.engine.inspect(runner)).await;
    if let Ok(Ok(_)) = answer {
        return failure;
    }
    let failure = failure.doing("the throw-away server does not answer any more");
    Failure { class: Class::Prerequisite, ..failure }
}

/// As [`judge_reader`], for a program that turns files below `folder` into a server, or opens them. One that aborted
/// has found files that it cannot use.
pub(super) fn judge_opener(folder: &Path, failure: Failure) -> Failure {
    let gave_up = match failure.find::<ToolError>() {
        Some(ToolError::Failed { status, stderr, .. }) => *status == ABORTED && !lost(stderr),
        Some(_) => false,
        None => return failure,
    };
    let failure =
        if gave_up { Failure { class: Class::Integrity, ..failure } } else { judge_reader(failure) };
    if failure.class == Class::Integrity && is_full(folder) {
        let failure = failure.doing("the disk of the throw-away server is full");
        return Failure { class: Class::Prerequisite, ..failure };
    }
    failure
}

fn is_full(folder: &Path) -> bool {
    let Ok(system) = nix::sys::statvfs::statvfs(folder) else { return false };
    let free = system.blocks_available().saturating_mul(system.fragment_size());
    free < FULL_BELOW_BYTES || (system.files() > 0 && system.files_available() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: i32, stderr: &str) -> Class {
        let error = ToolError::Failed { label: "pg_restore".to_owned(), status, stderr: stderr.to_owned() };
        judge_reader(error.into()).class
    }

    #[test]
    fn only_a_dump_that_its_own_tool_cannot_read_is_the_dumps_fault() {
        assert_eq!(judged(1, "pg_restore: error: corrupt tar header found"), Class::Integrity);
        for stderr in [
            "ERROR:  could not extend file \"base/5/1\": No space left on device",
            "server closed the connection unexpectedly",
            "ERROR 1114 (HY000) at line 7: The table is full",
            "FATAL:  the database system is shutting down",
        ] {
            assert_ne!(judged(1, stderr), Class::Integrity, "{stderr}");
        }
        // Killed by a signal.
        assert_ne!(judged(137, ""), Class::Integrity);
    }

    #[test]
    fn files_that_a_server_gives_up_on_are_bad_and_those_that_it_is_not_made_for_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let judged = |status: i32, stderr: &str| {
            let error = ToolError::Failed { label: "postgres".to_owned(), status, stderr: stderr.to_owned() };
            judge_opener(folder.path(), error.into()).class
        };
        let lacks = "PANIC:  could not locate a valid checkpoint record";
        assert_eq!((judged(1, lacks), judged(134, lacks)), (Class::Integrity, Class::Integrity));
        assert_eq!(judged(137, lacks), Class::Prerequisite);
        for stderr in [
            "FATAL:  database files are incompatible with server",
            "FATAL:  could not write to file \"pg_wal/1\": No space left on device",
            "InnoDB: Table `shop`.`t` is encrypted but the encryption service is not available",
        ] {
            assert_eq!(
                (judged(1, stderr), judged(134, stderr)),
                (Class::Prerequisite, Class::Prerequisite),
                "{stderr}"
            );
        }
    }
}
