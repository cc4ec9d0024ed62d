//! Files from which a server starts with the data of a backup, with or without `appendonly yes`.

use super::rdb::{RdbEntry, RdbError, Visitor, Walker, Wants};
use crate::engine::{
    Consumer, EngineError, FilledFolder, Push, Recovery, RecoveryPart, RecoveryRequest, RecoveryStep,
    RecoveryWrite, StreamError,
};
use crate::model::{ByteReader, PartName};
use crate::process::FeedError;
use async_trait::async_trait;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const PIECE_BYTES: usize = 256 << 10;
/// What the names of our own begin with.
const MARK: &str = ".jagad-";
const DUMP: &str = "dump.rdb";
/// A server with `appendonly yes` reads only this folder. Without it the server starts empty, whatever `dump.rdb` holds.
const APPEND_FOLDER: &str = "appendonlydir";
const APPEND_BASE: &str = "appendonly.aof.1.base.rdb";
const APPEND_MANIFEST: &str = "appendonly.aof.manifest";
const MANIFEST_TEXT: &str = "file appendonly.aof.1.base.rdb seq 1 type b\n";

/// Every part gets a folder of its own when there are several.
pub(super) fn recover(request: &RecoveryRequest<'_>) -> Result<Recovery, EngineError> {
    let Some(link) = request.links.first() else {
        return Err(EngineError::Archive { problem: "there is no backup to recover".to_owned() });
    };
    let parts = link.parts.as_slice();
    let write = |part: &RecoveryPart| {
        let folder = match parts {
            [_] => request.folder.to_owned(),
            _ => request.folder.join(folder_of(&part.database)?),
        };
        let consumer = Consumer::Native(Arc::new(Files { folder: folder.clone() }));
        Ok(RecoveryStep::Write(RecoveryWrite { link: 0, part: part.name.clone(), folder, consumer }))
    };
    Ok(Recovery {
        steps: parts.iter().map(write).collect::<Result<_, EngineError>>()?,
        folders: vec![FilledFolder {
            path: request.folder.to_owned(),
            bytes: parts.iter().fold(0, |sum, part| sum.saturating_add(part.plain_bytes)),
        }],
        notes: Vec::new(),
    })
}

/// The folder of one of several parts. It must not be outside of the folder of the recovery.
fn folder_of(name: &str) -> Result<&str, EngineError> {
    let problem = || format!("the backup has a part named `{name}`, which cannot be the name of a folder");
    let named = name.parse::<PartName>();
    named.map(|_| name).map_err(|_| EngineError::Archive { problem: problem() })
}

/// Writes one stream into a folder that is new or empty. No file gets its final name before the whole stream is proven.
#[derive(Debug)]
struct Files {
    folder: PathBuf,
}

/// A visitor for the structure alone.
struct Nobody;

impl Visitor for Nobody {
    fn wants(&self) -> Wants {
        Wants::Shape
    }

    fn end(&mut self, _entry: &RdbEntry, _module: Option<u64>) {}
}

#[async_trait]
impl Push for Files {
    fn describe(&self) -> Vec<String> {
        let path = |name: &str| self.folder.join(name).display().to_string();
        vec!["write".to_owned(), path(DUMP), path(APPEND_FOLDER)]
    }

    async fn take(&self, mut body: ByteReader<'_>) -> Result<Vec<String>, StreamError> {
        let file = self.prepare().map_err(|source| self.failed(source))?;
        let handle = file.as_file().try_clone().map_err(|source| self.failed(source))?;
        let mut out = tokio::fs::File::from_std(handle);
        let mut walker = Walker::new();
        let mut buffer = vec![0; PIECE_BYTES];
        loop {
            let read = body.read(&mut buffer).await;
            let count =
                read.map_err(|source| FeedError::Body { label: self.folder.display().to_string(), source })?;
            if count == 0 {
                break;
            }
            walker.feed(&buffer[..count], &mut Nobody).map_err(|error| unreadable(&error))?;
            out.write_all(&buffer[..count]).await.map_err(|source| self.failed(source))?;
        }
        walker.finish().map_err(|error| unreadable(&error))?;
        out.flush().await.map_err(|source| self.failed(source))?;
        out.sync_all().await.map_err(|source| self.failed(source))?;
        self.publish(file).map_err(|source| self.failed(source))?;
        Ok(Vec::new())
    }
}

fn unreadable(error: &RdbError) -> EngineError {
    EngineError::Archive { problem: error.to_string() }
}

impl Files {
    fn failed(&self, source: io::Error) -> StreamError {
        EngineError::Read { doing: format!("write into `{}`", self.folder.display()), source }.into()
    }

    fn prepare(&self) -> io::Result<NamedTempFile> {
        std::fs::DirBuilder::new().recursive(true).mode(0o750).create(&self.folder)?;
        // A mark of whoever fills the folder is no file of a server.
        let foreign = |entry: &io::Result<std::fs::DirEntry>| {
            entry.as_ref().map_or(true, |entry| !entry.file_name().to_string_lossy().starts_with(MARK))
        };
        if std::fs::read_dir(&self.folder)?.any(|entry| foreign(&entry)) {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the folder is not empty"));
        }
        tempfile::Builder::new().prefix(MARK).tempfile_in(&self.folder)
    }

    /// Gives the files their final names. The append-only folder appears at once, complete with its manifest.
    fn publish(&self, file: NamedTempFile) -> io::Result<()> {
        let building = tempfile::Builder::new().prefix(MARK).tempdir_in(&self.folder)?;
        let base = building.path().join(APPEND_BASE);
        let dump = self.folder.join(DUMP);
        file.persist_noclobber(&dump)?;
        // One file with two names, where the file system has hard links: a server replaces the file and never writes into it.
        if std::fs::hard_link(&dump, &base).is_err() {
            std::fs::copy(&dump, &base)?;
            std::fs::File::open(&base)?.sync_all()?;
        }
        let manifest = building.path().join(APPEND_MANIFEST);
        std::fs::write(&manifest, MANIFEST_TEXT)?;
        std::fs::File::open(&manifest)?.sync_all()?;
        std::fs::File::open(building.path())?.sync_all()?;
        let folder = self.folder.join(APPEND_FOLDER);
        std::fs::rename(building.keep(), &folder)?;
        for (path, mode) in [
            (dump, 0o640),
            (folder.clone(), 0o750),
            (folder.join(APPEND_BASE), 0o640),
            (folder.join(APPEND_MANIFEST), 0o640),
        ] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))?;
            self.give(&path);
        }
        std::fs::File::open(&self.folder)?.sync_all()
    }

    /// Gives a file that root wrote to the owner of the folder, which is the user that the server runs as.
    fn give(&self, path: &Path) {
        if let Ok(folder) = std::fs::metadata(&self.folder) {
            // Without root rights this fails, and the file stays with the current user.
            let _ = std::os::unix::fs::chown(path, Some(folder.uid()), Some(folder.gid()));
        }
    }
}
