//! A physical backup: stores the files of the server, part after part as the server sends them.

use super::held::HeldRun;
use super::part::{self, Packing};
use super::preflight;
use crate::catalog::Manifest;
use crate::commands::stored::{StoredBackup, StoredPart};
use crate::commands::{Class, Failure, crash};
use crate::engine::{CopyParent, CopyRequest, EngineError, OpenArchive, Physical, PhysicalCopy, Server};
use crate::model::PartKind;
use std::sync::Arc;

/// Copies the files of `server` into the store. Nothing of them counts until the manifest is committed.
pub(super) async fn copy(
    run: &mut HeldRun<'_>,
    packing: &Packing,
    server: &dyn Server,
) -> Result<(), Failure> {
    let mut copy = begin(run, preflight::physical(server)?).await?;
    let runner = run.app.runner.as_ref();
    crash::point("after-begin");
    while let Some(plan) = copy.next_part(runner).await? {
        let (part, _) = part::dump(run.app, packing, server, &run.manifest, plan).await?;
        part::say_uploaded(packing, &part);
        if run.manifest.parts.iter().any(|other| other.name == part.name) {
            return Err(Failure::new(Class::Operation, format!("two parts are named `{}`", part.name)));
        }
        run.manifest.parts.push(part);
        crash::point("after-part");
    }
    let end = copy.finish(runner).await?;
    for note in end.notes {
        run.log().say(format!("COPY: {note}"));
    }
    run.manifest.tool = Some(end.tool);
    run.manifest.span = Some(end.span);
    run.manifest.physical = Some(end.facts);
    Ok(())
}

/// Begins the copy; falls back to a full if the server cannot give an incremental.
async fn begin(run: &mut HeldRun<'_>, physical: &dyn Physical) -> Result<Box<dyn PhysicalCopy>, Failure> {
    let app = run.app;
    let (runner, folder) = (app.runner.as_ref(), app.inventory.settings.tmp_dir.as_path());
    if let Some(parent) = &run.parent {
        let parent = described(run, parent).await?;
        let request = CopyRequest { backup: &run.manifest.id, parent: Some(&parent), folder };
        let reason = match physical.begin_copy(runner, request).await {
            Err(EngineError::NoBase { reason, .. }) => reason,
            Err(error @ EngineError::Read { .. }) => unreadable(error)?,
            begun => return Ok(begun?),
        };
        run.fall_back(format!("{} cannot be built on: {reason}", parent.backup)).await?;
    }
    let request = CopyRequest { backup: &run.manifest.id, parent: None, folder };
    Ok(physical.begin_copy(runner, request).await?)
}

/// Why no incremental is built on a backup with a missing or damaged part, or whose key this host no longer has. A
/// store that does not answer is a failure of the run.
fn unreadable(error: EngineError) -> Result<String, Failure> {
    let failure = Failure::from(error);
    match failure.class {
        Class::Integrity | Class::Key | Class::NotFound => Ok(failure.message()),
        _ => Err(failure),
    }
}

/// The backup that the copy builds on, as the engine needs it.
async fn described(run: &HeldRun<'_>, parent: &Manifest) -> Result<CopyParent, Failure> {
    let keyring = Arc::new(run.app.inventory.keyring().await?);
    let reading = StoredBackup { store: run.catalog.store(), keyring: &keyring, stop: &run.stop };
    let file_manifest = parent.parts_of(PartKind::FileManifest).next();
    let open = |part| Arc::new(StoredPart::new(&reading, parent, part)) as Arc<dyn OpenArchive>;
    let server = parent.server.as_ref();
    Ok(CopyParent {
        backup: parent.id.clone(),
        server_version: server.map(|server| server.version.clone()).unwrap_or_default(),
        identity: server.and_then(|server| server.identity.clone()),
        span: parent.span.clone(),
        facts: parent.physical.clone().unwrap_or_default(),
        file_manifest: file_manifest.map(open),
    })
}
