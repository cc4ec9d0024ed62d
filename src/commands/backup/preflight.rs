//! What is looked at before a dump: what would fail hours later, or leave something out.

use crate::commands::{App, Failure, RunLog, findings};
use crate::engine::{FindingLevel, Scope, Server};

/// Stops a run that would fail, with the statements that fix it; what is only worth knowing goes to the log.
pub(in crate::commands) async fn refuse_what_would_fail(
    app: &App,
    server: &dyn Server,
    scope: &Scope,
    log: &RunLog,
) -> Result<(), Failure> {
    let findings = server.logical().check_dump(app.runner.as_ref(), scope).await?;
    for finding in findings.iter().filter(|finding| finding.level == FindingLevel::Warning) {
        log.warn(findings::line(finding));
    }
    findings::failure_of(&findings).map_or(Ok(()), Err)
}
