//! An incremental on a logical backup: the range of the server's own log since its parent, and the accounts as they are now.

use super::dump::dump;
use super::held::HeldRun;
use super::part::{self, Packing};
use super::preflight;
use crate::catalog::{LogRecord, Manifest};
use crate::commands::links::chain_of;
use crate::commands::{Class, Failure, crash, findings};
use crate::engine::{DumpedAt, EngineError, LogParent, LogRequest, Scope, Server};
use crate::model::PartKind;

/// The result of taking a range of the log.
enum Followed {
    /// It is in the store.
    Taken,
    /// It cannot be taken, or could not be replayed: why, for people.
    Impossible(String),
}

/// Stores the range of the log since the parent; a full where there can be none.
pub(super) async fn follow(
    run: &mut HeldRun<'_>,
    packing: &Packing,
    server: &dyn Server,
    scope: &Scope,
) -> Result<(), Failure> {
    match take(run, packing, server, scope).await? {
        Followed::Taken => Ok(()),
        Followed::Impossible(reason) => {
            discard(run).await;
            run.fall_back(reason).await?;
            dump(run, packing, server, scope).await
        }
    }
}

async fn take(
    run: &mut HeldRun<'_>,
    packing: &Packing,
    server: &dyn Server,
    scope: &Scope,
) -> Result<Followed, Failure> {
    let Some(parent) = run.parent.clone() else {
        return Ok(Followed::Impossible("it has no parent".to_owned()));
    };
    let runner = run.app.runner.as_ref();
    let cannot = |reason: &str| Followed::Impossible(format!("{} cannot be built on: {reason}", parent.id));
    let log = preflight::log(server)?;
    let found = log.check_log(runner, scope).await?;
    if let Some(finding) = found.iter().find(|finding| finding.is_no_incrementals()) {
        return Ok(Followed::Impossible(findings::line(finding)));
    }
    let chain = match chain_of(&run.catalog, &parent).await {
        Err(failure) if failure.class == Class::Integrity => return Ok(cannot(&failure.message())),
        chain => chain?,
    };
    let described = described(&parent, &chain);
    let mut copy = match log.begin_log(runner, LogRequest { scope, parent: &described }).await {
        Err(EngineError::NoBase { reason, .. }) => return Ok(cannot(&reason)),
        begun => begun?,
    };
    crash::point("after-begin");
    while let Some(plan) = copy.next_part(runner).await? {
        let (part, _) = part::dump(run.app, packing, server, &run.manifest, plan).await?;
        if run.manifest.parts.iter().any(|other| other.name == part.name) {
            return Err(Failure::new(Class::Operation, format!("two parts are named `{}`", part.name)));
        }
        run.manifest.parts.push(part);
        crash::point("after-part");
    }
    let end = match copy.finish(runner).await {
        Err(EngineError::NoBase { reason, .. }) => return Ok(cannot(&reason)),
        ended => ended?,
    };
    // The log tells of accounts too, in statements that also change the server itself: they come whole, as they are now.
    let globals = server.logical().dump(scope)?.into_iter().filter(|plan| plan.kind == PartKind::Globals);
    for plan in globals {
        let (part, _) = part::dump(run.app, packing, server, &run.manifest, plan).await?;
        run.manifest.parts.push(part);
    }
    run.manifest.tool = Some(end.tool);
    run.manifest.span = Some(end.span);
    let databases = described.databases.into_iter().map(|dumped| dumped.database).collect();
    run.manifest.log = Some(LogRecord { databases, facts: end.facts });
    Ok(Followed::Taken)
}

/// The backup that the range builds on, as the engine needs it. `chain` ends with its full.
fn described(parent: &Manifest, chain: &[Manifest]) -> LogParent {
    let dumps = chain.last().into_iter().flat_map(|full| full.parts_of(PartKind::Database));
    let databases = dumps.filter_map(|part| {
        Some(DumpedAt { database: part.database.clone()?, position: part.position.clone() })
    });
    let server = parent.server.as_ref();
    LogParent {
        backup: parent.id.clone(),
        server_version: server.map(|server| server.version.clone()).unwrap_or_default(),
        identity: server.and_then(|server| server.identity.clone()),
        databases: databases.collect(),
        facts: parent.log.as_ref().map(|log| log.facts.clone()),
    }
}

/// Removes what of the range was stored: the full gets another id.
async fn discard(run: &mut HeldRun<'_>) {
    if run.manifest.parts.is_empty() {
        return;
    }
    run.manifest.parts.clear();
    crash::point("before-discard");
    let (database, id) = (&run.manifest.database, &run.manifest.id);
    if let Err(error) = run.catalog.delete_leftovers(database, id).await {
        let problem = Failure::from(error).message();
        run.log().warn(format!("what was stored of the log could not be removed: {problem}"));
    }
}
