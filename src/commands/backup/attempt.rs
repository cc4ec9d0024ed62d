//! The server that a backup is dumped from. When a replica fails in the middle, what it gave is removed, and the primary is
//! used instead.

use super::copy::copy;
use super::delegate::delegate;
use super::dump::dump;
use super::held::HeldRun;
use super::log::follow;
use super::part::Packing;
use super::preflight::{Wanted, refuse_what_would_fail};
use super::source::{self, Source};
use crate::catalog::ServerRecord;
use crate::commands::{Class, Failure, crash};
use crate::engine::{Scope, Server};
use crate::model::{BackupKind, Demand, Method, ServerRole};

/// An attempt that failed.
struct FailedAttempt {
    failure: Failure,
    /// Whether another server may succeed.
    elsewhere: bool,
}

/// Takes the dump from the source that fits best, and once more from the primary when that was a replica which failed.
pub(super) async fn take(run: &mut HeldRun<'_>) -> Result<(), Failure> {
    let chosen = source::choose(run.app, run.database, run.choices.source, run.log()).await?;
    let Err(FailedAttempt { failure, elsewhere }) = attempt(run, &chosen).await else { return Ok(()) };
    let replica = chosen.record.role == ServerRole::Replica && chosen.replaceable;
    if !replica || !elsewhere || run.stop.is_cancelled() {
        return Err(failure);
    }
    let primary = take_primary(run, &chosen, failure).await?;
    attempt(run, &primary).await.map_err(|missed| missed.failure)
}

/// One dump from `source`.
async fn attempt(run: &mut HeldRun<'_>, source: &Source) -> Result<(), FailedAttempt> {
    let server = source.reached.server.as_ref();
    let facts = server.facts();
    run.manifest.server =
        Some(ServerRecord { version: facts.version.clone(), identity: facts.identity.clone() });
    run.manifest.tool = Some(facts.tool.clone());
    run.manifest.source = Some(source.record.clone());
    let scope = run.database.scope(&run.choices.databases);
    // What keeps the log of changes from being taken keeps no dump from that, which is taken then.
    let kind = match run.manifest.method {
        Method::Logical => BackupKind::Full,
        Method::Physical | Method::PgBackRest => run.manifest.kind,
    };
    let demand = Demand { kind, method: run.manifest.method };
    let looked = refuse_what_would_fail(run.app, server, Wanted { demand, scope: &scope }, run.log()).await;
    looked.map_err(|failure| FailedAttempt { failure, elsewhere: true })?;
    take_parts(run, server, &scope).await.map_err(|failure| {
        // The store, a key or a stop are the same whatever is dumped. A full disk is the server's unless the store says so.
        let elsewhere =
            failure.class == Class::Operation || (failure.class == Class::Full && failure.heading.is_none());
        FailedAttempt { failure, elsewhere }
    })
}

/// Everything that the backup consists of, by the method that was asked for.
async fn take_parts(run: &mut HeldRun<'_>, server: &dyn Server, scope: &Scope) -> Result<(), Failure> {
    if run.manifest.method == Method::PgBackRest {
        return delegate(run, server).await;
    }
    let packing = Packing::of(run).await?;
    run.manifest.recipe = packing.recipe(run.manifest.repository);
    match run.manifest.method {
        Method::Logical if run.parent.is_some() => follow(run, &packing, server, scope).await,
        Method::Logical => dump(run, &packing, server, scope).await,
        Method::Physical | Method::PgBackRest => copy(run, &packing, server).await,
    }
}

/// Removes what the replica gave, and asks the primary.
async fn take_primary(run: &mut HeldRun<'_>, replica: &Source, failure: Failure) -> Result<Source, Failure> {
    let what = format!("the backup from replica {} failed: {}", replica.record.address, failure.message());
    let advice = failure.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    run.log().warn(format!("{what}{advice}; it is taken again from the primary"));
    crash::point("between-sources");
    run.manifest.parts.clear();
    let (database, id) = (&run.manifest.database, &run.manifest.id);
    if let Err(error) = run.catalog.delete_leftovers(database, id).await {
        run.log().warn(format!("what it gave could not be removed: {}", Failure::from(error).message()));
    }
    let primary = source::own_server(run.app, run.database, what.clone()).await;
    let primary = primary.map_err(|failure| failure.doing(format!("{what}; and the primary")))?;
    run.log().say(format!("SOURCE: {} {} (in its place)", primary.record.role, primary.record.address));
    Ok(primary)
}
