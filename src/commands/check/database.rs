//! Checks a database: the connection to its server, the privileges, and the dump tool.

use super::{Findings, Section, SectionKind, failed};
use crate::commands::backup::source::{self, ReplicaSearch, SourceSurvey};
use crate::commands::backup::{self, Wanted};
use crate::commands::{App, Class, Failure};
use crate::config::DatabaseEntry;
use crate::engine::{self, EngineError, Finding, FindingLevel, Scope, Server};
use crate::model::{BackupKind, Method, SourceChoice};

/// Checks the server of an entry, and its replicas.
pub(super) async fn check(app: &App, entry: &DatabaseEntry) -> (Section, Option<Class>) {
    let mut findings = Findings::new();
    let mut place = String::new();
    let settings = app.inventory.engine_settings(entry).await.map_err(Failure::from);
    if let Some(settings) = findings.result("settings and secrets", settings) {
        let engine = engine::open(settings);
        place = engine.address();
        let server = engine.inspect(app.runner.as_ref()).await.map_err(Failure::from);
        if let Some(server) = findings.result("find the tools and connect", server) {
            let facts = server.facts();
            place = format!("{place}, {} {}, {}, {}", entry.engine, facts.version, facts.role, facts.tool);
            let scope = entry.scope(&[]);
            let looked = look(app, server.as_ref(), wanted(app, entry, &scope)).await.map_err(Failure::from);
            match looked {
                Ok(list) => list.into_iter().for_each(|finding| findings.add(finding)),
                Err(failure) => {
                    findings.result("look at privileges", Err::<(), _>(failure));
                }
            }
        }
    }
    if !entry.replicas.is_empty() {
        match source::survey(app, entry, None, ReplicaSearch::All).await {
            Ok(survey) => check_replicas(app, entry, &survey, &mut findings).await,
            Err(failure) => {
                findings.result("look at its replicas", Err::<(), _>(failure));
            }
        }
    }
    findings.section(SectionKind::Database, entry.name.to_string(), place)
}

/// Reports which replicas would be used, why not the others, and whether a dump of the one that would be used works.
async fn check_replicas(app: &App, entry: &DatabaseEntry, survey: &SourceSurvey, findings: &mut Findings) {
    if entry.source == SourceChoice::Primary {
        findings.ok("its replicas are not asked: `source` is primary");
    }
    let first = survey.replicas.iter().find_map(|looked| looked.verdict.as_ref().ok());
    for looked in &survey.replicas {
        let subject = format!("take a backup from replica {}", looked.address);
        match &looked.verdict {
            Ok((reached, reason)) => {
                let used = first.is_some_and(|(other, _)| std::ptr::eq(other, reached));
                let used = if used { "it is used" } else { "it fits, and another comes before it" };
                findings.ok(&format!("{subject}: {used}, {reason}"));
            }
            Err(failure) => {
                let needed = entry.source == SourceChoice::Replica && first.is_none();
                let level = if needed { FindingLevel::Error } else { FindingLevel::Warning };
                findings.add(failed(level, &subject, failure));
            }
        }
    }
    if let Some((reached, _)) = first {
        let address = reached.engine.address();
        let scope = entry.scope(&[]);
        let looked =
            look(app, reached.server.as_ref(), wanted(app, entry, &scope)).await.map_err(Failure::from);
        for mut finding in findings.result(&format!("look at {address}"), looked).unwrap_or_default() {
            finding.subject = format!("{address}: {}", finding.subject);
            findings.add(finding);
        }
    }
}

/// The backup of the entry that needs most of its server.
fn wanted<'a>(app: &App, entry: &DatabaseEntry, scope: &'a Scope) -> Wanted<'a> {
    let kind = app.inventory.policy_of(entry).map_or(BackupKind::Full, |policy| policy.hardest_kind(entry));
    Wanted { demand: entry.demand(kind), scope }
}

/// Queries first; if they found no problem, the tool itself is run.
async fn look(app: &App, server: &dyn Server, wanted: Wanted<'_>) -> Result<Vec<Finding>, EngineError> {
    let mut findings = backup::look(app.runner.as_ref(), server, wanted).await?;
    if findings.iter().any(|finding| finding.level == FindingLevel::Error) {
        return Ok(findings);
    }
    findings.extend(match wanted.demand.method {
        Method::Logical => server.logical().rehearse_dump(app.runner.as_ref(), wanted.scope).await?,
        Method::Physical => Vec::new(),
        Method::PgBackRest => backup::delegate(server)?.rehearse_delegate(app.runner.as_ref()).await?,
    });
    Ok(findings)
}
