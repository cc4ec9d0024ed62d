//! A backup, with everything that it builds on, becomes the files of a server: for `restore --target-dir`, and for a drill.

use super::stored::{StoredBackup, StoredPart};
use super::{App, Class, Failure, Task, crash};
use crate::catalog::{Manifest, Part};
use crate::engine::{Recovery, RecoveryLink, RecoveryPart, RecoveryStep, RecoveryWrite};
use crate::model::ByteSize;
use crate::pipeline::UnpackGauges;
use std::path::Path;

/// What the engine has to know of `manifest`, of which `parts` are wanted.
pub(super) fn link_of(manifest: &Manifest, parts: &[&Part]) -> RecoveryLink {
    RecoveryLink {
        backup: manifest.id.clone(),
        server_version: manifest.server.as_ref().map(|server| server.version.clone()).unwrap_or_default(),
        span: manifest.span.clone(),
        facts: manifest.physical.clone().unwrap_or_default(),
        parts: parts.iter().map(|part| recovery_part(part)).collect(),
    }
}

fn recovery_part(part: &Part) -> RecoveryPart {
    RecoveryPart {
        name: part.name.clone(),
        kind: part.kind,
        database: part.database.clone().unwrap_or_default(),
        properties: part.properties.clone(),
        plain_bytes: part.plain_bytes,
    }
}

/// Refuses when the file system of `folder` has less than `bytes` free.
pub(super) fn refuse_without_room(folder: &Path, bytes: u64) -> Result<(), Failure> {
    let existing = folder.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
    let existing = if existing.as_os_str().is_empty() { Path::new(".") } else { existing };
    // A file system that does not say has its own way to tell.
    let Ok(said) = nix::sys::statvfs::statvfs(existing) else { return Ok(()) };
    let free = said.blocks_available().saturating_mul(said.fragment_size());
    if free >= bytes {
        return Ok(());
    }
    let problem = format!(
        "`{}` has {} free, and the backup needs {}",
        folder.display(),
        ByteSize(free),
        ByteSize(bytes)
    );
    Err(Failure::new(Class::Full, problem).help("Make room, or choose a folder on another file system."))
}

/// A chain on its way into folders.
pub(super) struct Recovering<'a> {
    pub(super) app: &'a App,
    /// The backup and what it builds on, the newest first.
    pub(super) chain: &'a [Manifest],
    pub(super) recovery: &'a Recovery,
}

/// A part that is written, and of which backup.
pub(super) struct Source<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) part: &'a Part,
}

impl Recovering<'_> {
    /// Does every step.
    pub(super) async fn write_all(&self, reading: &StoredBackup<'_>) -> Result<(), Failure> {
        for (number, step) in self.recovery.steps.iter().enumerate() {
            self.app.cancel.check()?;
            match step {
                RecoveryStep::Write(write) => self.write(reading, write).await?,
                RecoveryStep::Run(step) => step.run(self.app.runner.as_ref()).await?,
            }
            crash::numbered("recovery-step", number);
        }
        Ok(())
    }

    async fn write(&self, reading: &StoredBackup<'_>, write: &RecoveryWrite) -> Result<(), Failure> {
        let Source { manifest, part } = self.source(write)?;
        let gauges = UnpackGauges::new();
        let body = StoredPart::new(reading, manifest, part).plain(&gauges);
        let task = Task {
            label: format!("writing {}", self.name(manifest, part)),
            total: Some(part.plain_bytes),
            gauge: gauges.plain.clone(),
        };
        let progress = self.app.watch.start(task);
        let taken = write.consumer.take(self.app.runner.as_ref(), body).await;
        drop(progress);
        Ok(taken.map(|_| ())?)
    }

    /// What `write` writes.
    pub(super) fn source(&self, write: &RecoveryWrite) -> Result<Source<'_>, Failure> {
        let manifest = self.chain.get(write.link);
        manifest
            .and_then(|manifest| {
                let part = manifest.parts.iter().find(|part| part.name == write.part)?;
                Some(Source { manifest, part })
            })
            .ok_or_else(|| Failure::new(Class::Integrity, format!("the backup has no part `{}`", write.part)))
    }

    /// What a part is called, for people.
    pub(super) fn name(&self, manifest: &Manifest, part: &Part) -> String {
        match &part.database {
            Some(database) => database.clone(),
            None if self.chain.len() == 1 => part.name.to_string(),
            None => format!("{} of {}", part.name, manifest.id),
        }
    }
}
