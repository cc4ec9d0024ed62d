//! Turns a backup, with everything that it builds on, into the files of a server: for `restore --target-dir`, and for a
//! drill.

use super::stored::{StoredBackup, StoredPart};
use super::{App, Class, Failure, Task, crash};
use crate::catalog::{Manifest, Part};
use crate::engine::{FilledFolder, Recovery, RecoveryLink, RecoveryPart, RecoveryStep, RecoveryWrite};
use crate::model::ByteSize;
use crate::pipeline::UnpackGauges;
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// The engine's view of `manifest` with the selected `parts`.
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

/// The space that is needed on one file system.
struct Demanded<'a> {
    /// The first folder there.
    folder: &'a Path,
    /// A folder of it that exists.
    existing: &'a Path,
    bytes: u64,
}

/// Refuses when a file system has less room than the folders need that are on it.
pub(super) fn refuse_without_room(folders: &[FilledFolder]) -> Result<(), Failure> {
    let mut demands: BTreeMap<u64, Demanded<'_>> = BTreeMap::new();
    for FilledFolder { path, bytes } in folders {
        let existing = path.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
        let existing = if existing.as_os_str().is_empty() { Path::new(".") } else { existing };
        let Ok(found) = std::fs::metadata(existing) else { continue };
        let demand = demands.entry(found.dev()).or_insert(Demanded { folder: path, existing, bytes: 0 });
        demand.bytes = demand.bytes.saturating_add(*bytes);
    }
    demands.values().try_for_each(Demanded::refuse_without_room)
}

impl Demanded<'_> {
    fn refuse_without_room(&self) -> Result<(), Failure> {
        // A file system that does not report its free space fails later if it is full.
        let Ok(said) = nix::sys::statvfs::statvfs(self.existing) else { return Ok(()) };
        let free = said.blocks_available().saturating_mul(said.fragment_size());
        if free >= self.bytes {
            return Ok(());
        }
        let (free, needed) = (ByteSize(free), ByteSize(self.bytes));
        let problem =
            format!("`{}` has {free} free, and the backup needs {needed} there", self.folder.display());
        Err(Failure::new(Class::Full, problem).help("Make room, or choose a folder on another file system."))
    }
}

/// A chain that is being written into folders.
pub(super) struct Recovering<'a> {
    pub(super) app: &'a App,
    /// The backup and what it builds on, the newest first.
    pub(super) chain: &'a [Manifest],
    pub(super) recovery: &'a Recovery,
}

/// A part that is written, and its backup.
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

    /// The name of a part, for people.
    pub(super) fn name(&self, manifest: &Manifest, part: &Part) -> String {
        match &part.database {
            Some(database) => database.clone(),
            None if self.chain.len() == 1 => part.name.to_string(),
            None => format!("{} of {}", part.name, manifest.id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free(folder: &Path) -> u64 {
        let said = nix::sys::statvfs::statvfs(folder).unwrap();
        said.blocks_available() * said.fragment_size()
    }

    #[test]
    fn every_file_system_has_room_for_what_goes_there_and_for_no_more() {
        let (folder, memory) = (tempfile::tempdir().unwrap(), Path::new("/dev/shm"));
        let filled = |path: &Path, bytes| FilledFolder { path: path.to_owned(), bytes };
        let (one, two) = (folder.path().join("new/one"), folder.path().join("two"));
        let part = free(folder.path()) / 3 * 2;
        assert!(refuse_without_room(&[filled(&one, part)]).is_ok());
        let refused = refuse_without_room(&[filled(&one, part), filled(&two, part)]).unwrap_err();
        assert_eq!(refused.class, Class::Full);
        let other = std::fs::metadata(memory)
            .is_ok_and(|found| found.dev() != std::fs::metadata(folder.path()).unwrap().dev());
        if other {
            let elsewhere = free(memory) / 3 * 2;
            assert!(refuse_without_room(&[filled(&one, part), filled(&memory.join("x"), elsewhere)]).is_ok());
            let both = [filled(&one, 1), filled(&memory.join("x"), free(memory).saturating_mul(2))];
            assert!(refuse_without_room(&both).unwrap_err().message().contains("/dev/shm/x"));
        }
    }
}
