//! Checks before a backup: what would fail hours later, or leave something out.

use crate::commands::{App, Failure, RunLog, findings};
use crate::engine::{Delegate, EngineError, Finding, FindingLevel, LogSource, Physical, Scope, Server};
use crate::model::{BackupKind, Demand, Method, help};
use crate::process::Runner;

/// A backup that is about to be taken, and of what.
#[derive(Debug, Clone, Copy)]
pub(in crate::commands) struct Wanted<'a> {
    pub(in crate::commands) demand: Demand,
    pub(in crate::commands) scope: &'a Scope,
}

/// Stops a run that would fail, with the statements that fix it; what is only worth knowing goes to the log.
pub(in crate::commands) async fn refuse_what_would_fail(
    app: &App,
    server: &dyn Server,
    wanted: Wanted<'_>,
    log: &RunLog,
) -> Result<(), Failure> {
    let findings = look(app.runner.as_ref(), server, wanted).await?;
    for finding in findings.iter().filter(|finding| finding.level == FindingLevel::Warning) {
        log.warn(findings::line(finding));
    }
    findings::failure_of(&findings).map_or(Ok(()), Err)
}

/// Asks the server for everything that would make the backup fail.
pub(in crate::commands) async fn look(
    runner: &dyn Runner,
    server: &dyn Server,
    wanted: Wanted<'_>,
) -> Result<Vec<Finding>, EngineError> {
    match wanted.demand.method {
        Method::Logical => {
            let mut findings = server.logical().check_dump(runner, wanted.scope).await?;
            if wanted.demand.kind == BackupKind::Incremental {
                findings.extend(log(server)?.check_log(runner, wanted.scope).await?);
            }
            Ok(findings)
        }
        Method::Physical => physical(server)?.check_copy(runner, wanted.demand.kind).await,
        Method::PgBackRest => delegate(server)?.check_delegate(runner).await,
    }
}

/// The tool that takes the backups of the server, as its entry says.
pub(in crate::commands) fn delegate(server: &dyn Server) -> Result<&dyn Delegate, EngineError> {
    server.delegate().ok_or_else(|| EngineError::Refused {
        problem: "no other tool takes backups of this server".to_owned(),
        help: help!("Leave out `method` of the database entry."),
    })
}

/// The server's files, which its entry says are to be copied.
pub(super) fn physical(server: &dyn Server) -> Result<&dyn Physical, EngineError> {
    server.physical().ok_or_else(|| EngineError::Refused {
        problem: format!("the files of this server ({}) cannot be copied", server.facts().version),
        help: help!("Leave out `method` of the database entry."),
    })
}

/// The server's log of changes, of which incrementals of its dumps are made.
pub(super) fn log(server: &dyn Server) -> Result<&dyn LogSource, EngineError> {
    server.log().ok_or_else(|| EngineError::Refused {
        problem: format!("this server ({}) has no log that incrementals are made of", server.facts().version),
        help: help!("Leave out --type."),
    })
}
