//! pg_dump's custom archive format, read as a stream.
//!
//! An archive is a head (what it is, and a table of contents with one entry per object) and then one data block for
//! each entry that has data. It has no trailer and no checksum: it is whole when it ends between two blocks and every
//! promised block has come.

mod block;
mod contents;
mod field;
mod head;
mod outline;
#[cfg(test)]
mod tests;
mod witness;

pub use contents::TableOfContents;
pub use head::{ArchiveFacts, TocEntry};
pub use outline::{Outline, Relation, SkippedEntries};
pub use witness::ArchiveWitness;
