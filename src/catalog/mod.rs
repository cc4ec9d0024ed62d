//! The repository in a store: what was backed up, by whom, and who is at work. Every key in the bucket is built in
//! [`layout`], every promise of `docs/FORMAT.md` about order and writing is kept here.

mod abandoned;
pub mod authenticity;
pub mod chain;
mod creation;
mod error;
mod find;
pub mod layout;
pub mod lease;
mod listing;
pub mod manifest;
mod presence;
mod proof;
mod protection;
mod readers;
pub mod record;
pub mod reference;
mod removal;
pub mod repository;
mod restores;
mod side_record;
pub mod state;
mod verification;

pub use abandoned::Abandoned;
pub use authenticity::{Authenticator, NoKeys, Proof, UnprovenManifests};
pub use chain::{Chains, Health, LONGEST_CHAIN};
pub use error::{CatalogError, Doubt, PassedOver};
pub use find::Located;
pub use lease::{Lease, LeaseRecord, Operation};
pub use listing::{ListedBackup, Listing, RunningBackup, UnreadableBackup};
pub use manifest::{
    FailureRecord, LogRecord, Manifest, Part, PinRecord, RecipeRecord, Segment, ServerRecord, SourceRecord,
};
pub use presence::Presence;
pub use protection::Attachment;
pub use reference::{BackupReference, Subject};
pub use repository::Catalog;
pub use restores::{RestoreListing, RestoreRecord, UnreadableRestore};
pub use side_record::{SideRecord, VerifyingMark};
pub use state::{NotedFailure, NotedLeftovers, NotedRun, Pause, PauseCause, RunEffect, State, is_plausible};
pub use verification::{FoundBad, Verification};

/// The format of everything in a repository. A reader refuses a higher number.
pub const FORMAT: u32 = 1;
