//! A clone becomes a data directory: its archive is unpacked. A server that starts on it makes the rest by itself.

use super::SOURCE_SETTINGS;
use super::clone::CloneFacts;
use super::steps::{FILES, MakeFolder, Publish, WriteSettings, files_of, notes};
use crate::engine::mysql::connection::Connection;
use crate::engine::{
    Consumer, EngineError, FilledFolder, Recovery, RecoveryLink, RecoveryStep, RecoveryWrite, Step,
};
use crate::process::ToolSpec;
use std::path::Path;
use std::sync::Arc;

/// Plans the way of `link` to `folder`.
pub(super) fn recover(
    connection: &Connection,
    folder: &Path,
    link: &RecoveryLink,
    facts: CloneFacts,
) -> Result<Recovery, EngineError> {
    let part = files_of(link)?;
    let files = folder.join(FILES);
    let unpack = ToolSpec::new("tar").args(["--extract", "--file=-", "--no-same-owner"]);
    let unpack = unpack.arg(format!("--directory={}", files.display()));
    let notes = notes(connection.flavor.name, &link.server_version, &facts.settings);
    let mut steps = vec![
        RecoveryStep::Run(Step::Native(Arc::new(MakeFolder { folder: files.clone() }))),
        RecoveryStep::Write(RecoveryWrite {
            link: 0,
            part: part.name.clone(),
            folder: files.clone(),
            consumer: Consumer::Tool(unpack),
        }),
    ];
    if !facts.settings.is_empty() {
        let (file, settings) = (files.join(SOURCE_SETTINGS), facts.settings);
        steps.push(RecoveryStep::Run(Step::Native(Arc::new(WriteSettings { file, settings }))));
    }
    let publish = Publish { files, folder: folder.to_owned() };
    steps.push(RecoveryStep::Run(Step::Native(Arc::new(publish))));
    let bytes = part.plain_bytes;
    Ok(Recovery { steps, folders: vec![FilledFolder { path: folder.to_owned(), bytes }], notes })
}
