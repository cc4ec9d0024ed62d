//! The whole table of contents of an archive.

use super::field::Problem;
use super::head::{ArchiveFacts, Definitions, Head, Progress, TocEntry};
use crate::engine::EngineError;
use crate::model::ByteReader;
use tokio::io::AsyncReadExt as _;

/// The largest table of contents that is kept: more than 500,000 objects.
const KEPT_LIMIT_BYTES: usize = 512 * 1024 * 1024;

/// What an archive holds, entry by entry, in the order in which it is restored. It is kept in memory, some 400 bytes for
/// each entry, so it is read only to choose from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableOfContents {
    /// What wrote it.
    pub facts: ArchiveFacts,
    /// Every entry.
    pub entries: Vec<TocEntry>,
}

impl TableOfContents {
    /// Reads `archive` from its beginning up to the end of its table of contents, and no further. `None` when it is an
    /// archive of a version whose layout is not known here.
    pub async fn read(archive: ByteReader<'_>) -> Result<Option<Self>, EngineError> {
        let (mut entries, mut kept) = (Vec::new(), 0);
        let facts = read_head(archive, Definitions::OfChoices, |entry| {
            kept += size(&entry);
            entries.push(entry);
            if kept > KEPT_LIMIT_BYTES {
                Err("its table of contents is too large".to_owned())
            } else {
                Ok(())
            }
        })
        .await?;
        Ok(facts.map(|facts| Self { facts, entries }))
    }
}

/// Reads the head of `archive`, and gives every entry to `seen`.
pub(super) async fn read_head(
    mut archive: ByteReader<'_>,
    definitions: Definitions,
    mut seen: impl FnMut(TocEntry) -> Result<(), Problem>,
) -> Result<Option<ArchiveFacts>, EngineError> {
    let malformed = |problem: String| EngineError::Archive { problem };
    let mut head = Head::new(definitions);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = archive.read(&mut buffer).await.map_err(|source| EngineError::Read {
            doing: "read the head of the archive".to_owned(),
            source,
        })?;
        if count == 0 {
            return Err(malformed("it ends inside its table of contents".to_owned()));
        }
        match head.feed(&mut &buffer[..count], &mut seen).map_err(malformed)? {
            Progress::More => {}
            Progress::Done(facts) => return Ok(Some(facts)),
            Progress::Unknown => return Ok(None),
        }
    }
}

fn size(entry: &TocEntry) -> usize {
    entry.namespace.len()
        + entry.tag.len()
        + entry.kind.len()
        + entry.owner.len()
        + entry.tablespace.len()
        + entry.definition.len()
        + entry.dependencies.len() * 4
        + size_of::<TocEntry>()
}
