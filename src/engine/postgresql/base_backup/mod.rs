//! A base backup over the replication protocol: the whole server as files, with the WAL that makes it whole by itself.
//!
//! The server sends a tar archive for each tablespace, one for the data directory, and a manifest of all files. Meanwhile
//! a second connection holds the WAL by a slot that vanishes with it.

mod archive;
mod command;
mod position;
mod run;
mod start;
mod stream;
mod system;
mod witness;

pub use position::{BackupSpan, Lsn, LsnError, WalPosition};
pub use run::{Arriving, BackupRequest, HeldBaseBackup, Parent};
pub use start::{BackupStart, Member, Tablespace};
pub use system::System;
pub use witness::{ManifestWitness, SeenManifest, SeenWal, TarWitness};
