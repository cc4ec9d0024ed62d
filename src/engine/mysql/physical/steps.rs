//! What every way from a copy to a data directory does with folders and files.

use super::checkpoints::FIRST_FILE;
use crate::engine::{Action, EngineError, RecoveryLink, RecoveryPart};
use crate::model::PartKind;
use crate::process::Runner;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Where the files are until all is done, inside the folder: on its file system, and out of a server's sight.
pub(super) const FILES: &str = ".jagad-files";

/// What somebody has to know before a server is started.
pub(super) fn notes(family: &str, version: &str, settings: &BTreeMap<String, String>) -> Vec<String> {
    let mut notes = vec![
        format!("Start {family} {version} on it, and nothing older; the files belong to the owner of the folder."),
        "The server needs the settings of InnoDB's files that are in `backup-my.cnf`, where they are not the default.".to_owned(),
    ];
    let own = settings
        .iter()
        .map(|(name, value)| format!("The server needs `{name} = {value}`, as its source had it."));
    notes.extend(own);
    notes
}

pub(super) fn files_of(link: &RecoveryLink) -> Result<&RecoveryPart, EngineError> {
    let found = link.parts.iter().find(|part| part.kind == PartKind::Files);
    found.ok_or_else(|| unknown(&format!("{} holds no files", link.backup)))
}

pub(super) fn unknown(problem: &str) -> EngineError {
    EngineError::Archive { problem: problem.to_owned() }
}

pub(super) struct MakeFolder {
    pub(super) folder: PathBuf,
}

#[async_trait]
impl Action for MakeFolder {
    fn describe(&self) -> Vec<String> {
        vec!["mkdir".to_owned(), self.folder.display().to_string()]
    }

    async fn run(&self, _runner: &dyn Runner) -> Result<(), EngineError> {
        std::fs::create_dir(&self.folder).map_err(|source| failed("make", &self.folder, source))
    }
}

/// Writes what a throw-away server on the files has to be told beside what the copy tool says.
pub(super) struct WriteSettings {
    pub(super) file: PathBuf,
    pub(super) settings: BTreeMap<String, String>,
}

#[async_trait]
impl Action for WriteSettings {
    fn describe(&self) -> Vec<String> {
        vec!["write".to_owned(), self.file.display().to_string()]
    }

    async fn run(&self, _runner: &dyn Runner) -> Result<(), EngineError> {
        let lines = self.settings.iter().map(|(name, value)| format!("{name}={value}\n"));
        let text: String = std::iter::once("[mysqld]\n".to_owned()).chain(lines).collect();
        std::fs::write(&self.file, text).map_err(|source| failed("write", &self.file, source))
    }
}

pub(super) struct RemoveFolder {
    pub(super) folder: PathBuf,
}

#[async_trait]
impl Action for RemoveFolder {
    fn describe(&self) -> Vec<String> {
        vec!["rm".to_owned(), "-r".to_owned(), self.folder.display().to_string()]
    }

    async fn run(&self, _runner: &dyn Runner) -> Result<(), EngineError> {
        std::fs::remove_dir_all(&self.folder).map_err(|source| failed("remove", &self.folder, source))
    }
}

/// Gives what root wrote to the owner of the folder, which is the user that the server runs as, writes it to the disk, and puts
/// it in its place.
pub(super) struct Publish {
    pub(super) files: PathBuf,
    pub(super) folder: PathBuf,
}

#[async_trait]
impl Action for Publish {
    fn describe(&self) -> Vec<String> {
        vec!["mv".to_owned(), format!("{}/*", self.files.display()), self.folder.display().to_string()]
    }

    async fn run(&self, _runner: &dyn Runner) -> Result<(), EngineError> {
        let (files, folder) = (self.files.clone(), self.folder.clone());
        let published = tokio::task::spawn_blocking(move || publish(&files, &folder)).await;
        let published = published.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        published.map_err(|source| failed("complete", &self.folder, source))
    }
}

fn publish(files: &Path, folder: &Path) -> std::io::Result<()> {
    settle(files, &std::fs::metadata(folder)?)?;
    let mut names: Vec<OsString> =
        std::fs::read_dir(files)?.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<_>>()?;
    // The last: without it no server takes the rest for its data.
    names.sort_by_key(|name| name == FIRST_FILE);
    for name in names {
        std::fs::rename(files.join(&name), folder.join(&name))?;
    }
    std::fs::remove_dir(files)?;
    std::fs::File::open(folder)?.sync_all()
}

/// Everything in `folder` belongs to `owner`, and is on the disk.
fn settle(folder: &Path, owner: &std::fs::Metadata) -> std::io::Result<()> {
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            // Without root rights this fails, and the file stays with the current user.
            let _ = std::os::unix::fs::lchown(entry.path(), Some(owner.uid()), Some(owner.gid()));
            if kind.is_dir() {
                waiting.push(entry.path());
            } else if kind.is_file() {
                std::fs::File::open(entry.path())?.sync_all()?;
            }
        }
        std::fs::File::open(&folder)?.sync_all()?;
    }
    Ok(())
}

fn failed(doing: &str, folder: &Path, source: std::io::Error) -> EngineError {
    EngineError::Read { doing: format!("{doing} `{}`", folder.display()), source }
}
