//! Whether the backups continue each other.

use super::label::BackupLabel;
use super::work::Work;
use crate::engine::EngineError;
use crate::model::help;

impl Work {
    /// Whether the backup at `link` is the one that the newer one before it continues.
    pub(super) fn fits(&self, link: usize, label: &BackupLabel) -> Result<(), EngineError> {
        let own = &self.request.links[link];
        if let Some(recorded) = own.start.filter(|recorded| *recorded != label.start) {
            let (name, start) = (&own.name, label.start);
            return Err(broken(format!(
                "{name} began at {start}, but was recorded as beginning at {recorded}"
            )));
        }
        let Some(newer) = link.checked_sub(1).map(|newer| &self.request.links[newer].name) else {
            return self.has_parent(link, label);
        };
        match self.continues {
            Some(wanted) if wanted == label.start => self.has_parent(link, label),
            Some(wanted) => {
                let (name, start) = (&own.name, label.start);
                Err(broken(format!(
                    "{newer} continues a backup that began at {wanted}, but {name} began at {start}"
                )))
            }
            None => Err(broken(format!("{newer} is a full backup, so it does not continue {}", own.name))),
        }
    }

    /// An incremental backup needs an older one, before anything is read in vain.
    fn has_parent(&self, link: usize, label: &BackupLabel) -> Result<(), EngineError> {
        match label.continues.filter(|_| link + 1 == self.request.links.len()) {
            None => Ok(()),
            Some(wanted) => {
                let name = &self.request.links[link].name;
                Err(broken(format!(
                    "{name} is an incremental backup, and the backup that began at {wanted}, which it continues, is not there"
                )))
            }
        }
    }
}

fn broken(problem: String) -> EngineError {
    EngineError::Prerequisite {
        problem,
        help: help!("Restore a backup whose chain is complete, down to its full backup."),
    }
}
