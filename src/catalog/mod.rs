//! The repository in a store: what was backed up, by whom, and who is at work. Every key in the bucket is built in
//! [`layout`], every promise of `docs/FORMAT.md` about order and writing is kept here.

mod abandoned;
mod error;
mod find;
pub mod layout;
pub mod lease;
pub mod manifest;
mod protection;
pub mod reference;
mod removal;
pub mod repository;

pub use abandoned::Abandoned;
pub use error::CatalogError;
pub use lease::{Lease, LeaseRecord, Operation};
pub use manifest::{
    FailureRecord, Manifest, Part, PinRecord, RecipeRecord, RestoreRecord, Segment, ServerRecord,
    SourceRecord, Verification,
};
pub use protection::{Attachment, NotedFailure, NotedRun, Pause, PauseCause, State, Turn, is_plausible};
pub use reference::BackupReference;
pub use repository::{Catalog, Entry, Listing, RunningBackup};

/// The format of everything in a repository. A reader refuses a higher number.
pub const FORMAT: u32 = 1;
