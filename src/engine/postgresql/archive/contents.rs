//! The whole table of contents of an archive.

use super::head::{ArchiveFacts, Entry, Head, Progress};
use crate::engine::EngineError;
use crate::model::ByteReader;
use tokio::io::AsyncReadExt as _;

/// How much of a definition is kept: statements that grant something to somebody are far shorter.
const DEFINITION_LIMIT_BYTES: usize = 64 * 1024;

/// The largest table of contents that is kept: some 500,000 objects.
const KEPT_LIMIT_BYTES: usize = 512 * 1024 * 1024;

/// What an archive holds, entry by entry, in the order in which it is restored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableOfContents {
    /// What wrote it.
    pub facts: ArchiveFacts,
    /// Every entry.
    pub entries: Vec<Entry>,
}

impl TableOfContents {
    /// Reads `archive` from its beginning up to the end of its table of contents, and no further. `None` when it is an
    /// archive of a version whose layout is not known here.
    pub async fn read(mut archive: ByteReader<'_>) -> Result<Option<Self>, EngineError> {
        let malformed = |problem: String| EngineError::Archive { problem };
        let mut head = Head::new(DEFINITION_LIMIT_BYTES);
        let (mut entries, mut kept) = (Vec::new(), 0);
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = archive.read(&mut buffer).await.map_err(|source| EngineError::Read {
                doing: "read the head of the archive".to_owned(),
                source,
            })?;
            if count == 0 {
                return Err(malformed("it ends inside its table of contents".to_owned()));
            }
            let mut bytes = &buffer[..count];
            let progress = head.feed(&mut bytes, &mut |entry| {
                kept += size(&entry);
                entries.push(entry);
                if kept > KEPT_LIMIT_BYTES {
                    Err("its table of contents is too large".to_owned())
                } else {
                    Ok(())
                }
            });
            match progress.map_err(malformed)? {
                Progress::More => {}
                Progress::Done(facts) => return Ok(Some(Self { facts, entries })),
                Progress::Unknown => return Ok(None),
            }
        }
    }
}

fn size(entry: &Entry) -> usize {
    entry.namespace.len()
        + entry.tag.len()
        + entry.kind.len()
        + entry.owner.len()
        + entry.definition.len()
        + entry.dependencies.len() * 4
        + size_of::<Entry>()
}
