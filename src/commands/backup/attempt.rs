//! A replica that is lost in the middle of a dump: what came of it is removed, and the primary is taken in its place.

use super::run::{self, Taking};
use super::source::{self, Source};
use crate::commands::{Class, Failure, crash};
use crate::model::ServerRole;

/// Takes the dump from the source that fits best, and once more from the primary when that was a replica which failed.
pub(super) async fn take(taking: &mut Taking<'_>) -> Result<(), Failure> {
    let chosen = source::choose(taking.app, taking.database, taking.choices.source, taking.log).await?;
    let (failure, elsewhere) = match attempt(taking, &chosen).await {
        Ok(()) => return Ok(()),
        Err(miss) => miss,
    };
    let replica = chosen.record.role == ServerRole::Replica && chosen.replaceable;
    if !replica || !elsewhere || taking.stop.is_cancelled() {
        return Err(failure);
    }
    let primary = instead(taking, &chosen, failure).await?;
    attempt(taking, &primary).await.map_err(|(failure, _)| failure)
}

/// One dump from `source`. With a failure comes whether another server may do better.
async fn attempt(taking: &mut Taking<'_>, source: &Source) -> Result<(), (Failure, bool)> {
    run::describe(taking.manifest, source);
    let server = source.reached.server.as_ref();
    let scope = taking.database.scope(&taking.choices.databases);
    let looked = run::refuse_what_would_fail(taking.app, server, &scope, taking.log).await;
    looked.map_err(|failure| (failure, true))?;
    // The store, a key or a stop are the same whatever is dumped.
    let dumped = run::dump(taking, server, &scope).await;
    dumped.map_err(|failure| {
        // A full disk is the server's unless the store says so.
        let source_failed =
            failure.class == Class::Operation || (failure.class == Class::Full && failure.heading.is_none());
        (failure, source_failed)
    })
}

/// Removes what the replica gave, and asks the primary.
async fn instead(taking: &mut Taking<'_>, replica: &Source, failure: Failure) -> Result<Source, Failure> {
    let what = format!("the backup from replica {} failed: {}", replica.record.address, failure.message());
    let advice = failure.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    taking.log.warn(format!("{what}{advice}; it is taken again from the primary"));
    crash::point("between-sources");
    taking.manifest.parts.clear();
    let (database, id) = (&taking.manifest.database, &taking.manifest.id);
    if let Err(error) = taking.catalog.delete_leftovers(database, id).await {
        taking.log.warn(format!("what it gave could not be removed: {}", Failure::from(error).message()));
    }
    let primary = source::own_server(taking.app, taking.database, what.clone()).await;
    let primary = primary.map_err(|failure| failure.doing(format!("{what}; and the primary")))?;
    taking.log.say(format!("SOURCE: {} {} (in its place)", primary.record.role, primary.record.address));
    Ok(primary)
}
