//! What can be wrong with a repository.

use super::lease::FoundLease;
use super::manifest::Manifest;
use crate::model::{BackupId, DatabaseName, RepositoryId, StoreName};
use crate::store::{ObjectKey, StoreError};
use std::fmt;

/// Why a manifest is not authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// Whether its key is not configured: with that key it may be authenticated.
    pub key_is_missing: bool,
    /// The reason, for people.
    pub problem: String,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

/// A backup that is newer than the one that was chosen, and why it was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// The backup.
    pub id: BackupId,
    /// Why it was not chosen.
    pub reason: String,
}

/// A repository that cannot do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// There is no `jagad.json` at the store's prefix.
    #[error("there is no jagad repository at {place}")]
    NoRepository {
        /// The store, described.
        place: String,
    },
    /// There is no `jagad.json` where this host has seen one.
    #[error("the repository {repository} of store `{store}` is not at {place}")]
    RepositoryGone {
        /// The store, described.
        place: String,
        /// The repository that was seen.
        repository: RepositoryId,
        /// The store's name.
        store: StoreName,
    },
    /// No backup matches the reference.
    #[error("backup not found: `{reference}`")]
    NotFound {
        /// What was asked for.
        reference: String,
    },
    /// There are backups, and none of them is good.
    #[error("there is no good backup for `{reference}`: {}", describe(.candidates))]
    NoneGood {
        /// What was asked for.
        reference: String,
        /// Those that succeeded, the newest first.
        candidates: Vec<PassedOver>,
    },
    /// A backup that may be the one that was meant cannot be read.
    #[error("`{reference}` is ambiguous: {ids} cannot be read")]
    Unclear {
        /// What was asked for.
        reference: String,
        /// The backups that cannot be read, the newest first.
        ids: String,
        /// The good one that would be taken without them.
        best: Option<BackupId>,
        /// Why the newest of them cannot be read.
        #[source]
        source: Box<CatalogError>,
    },
    /// More than one backup matches the prefix.
    #[error("`{prefix}` matches {count} backups: {examples}")]
    Ambiguous {
        /// What was asked for.
        prefix: String,
        /// How many match.
        count: usize,
        /// The first few.
        examples: String,
    },
    /// Text that is not a backup id, prefix or `DB@…`.
    #[error("`{text}` is not a backup: {problem}")]
    Reference {
        /// What was given.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Another run holds the database.
    #[error("`{database}` is busy: {holder}")]
    Busy {
        /// The database.
        database: DatabaseName,
        /// Its host, process and operation, when it began, and the age of its last sign of life.
        holder: String,
    },
    /// Expired leases are in the way: their runs are dead and must be recorded before the leases are removed.
    #[error("{} dead run(s) left a lease on `{database}`", .leases.len())]
    Expired {
        /// The database.
        database: DatabaseName,
        /// The leases.
        leases: Vec<FoundLease>,
    },
    /// The lease was lost; another process may be at work, so nothing was committed.
    #[error("the lease on `{database}` was lost: {problem}")]
    LeaseLost {
        /// The database.
        database: DatabaseName,
        /// Why.
        problem: String,
    },
    /// Something was written by a newer jagad.
    #[error("`{key}` has format {found}; this jagad reads format {supported}", supported = super::FORMAT)]
    UnknownFormat {
        /// The object.
        key: ObjectKey,
        /// Its format.
        found: u64,
    },
    /// A record cannot be understood.
    #[error("`{key}` is damaged: {problem}")]
    Damaged {
        /// The object.
        key: ObjectKey,
        /// What is wrong with it.
        problem: String,
    },
    /// A record belongs to another repository, database or backup than its place says.
    #[error("`{key}` is in the wrong place: {problem}")]
    Stranger {
        /// The object.
        key: ObjectKey,
        /// What does not match.
        problem: String,
    },
    /// A manifest that no configured key authenticates.
    #[error("`{key}` is not authenticated: {doubt}")]
    Unproven {
        /// The object.
        key: ObjectKey,
        /// Why it is not authenticated.
        doubt: Doubt,
        /// Its content. None of it may be trusted.
        claim: Box<Manifest>,
    },
    /// The store reported success for a write, but does not have the object.
    #[error("the store accepted `{key}`, but {problem}")]
    NotStored {
        /// The object.
        key: ObjectKey,
        /// What is there instead.
        problem: String,
    },
    /// The store failed.
    #[error("{doing}")]
    Store {
        /// What was being done.
        doing: String,
        /// How it failed.
        #[source]
        source: StoreError,
    },
}

impl CatalogError {
    /// For `map_err`: the store failed while `doing`.
    pub fn store(doing: impl Into<String>) -> impl FnOnce(StoreError) -> Self {
        let doing = doing.into();
        move |source| Self::Store { doing, source }
    }

    /// Whether it concerns only one object: the others can still be read.
    pub(super) fn is_of_one_object(&self) -> bool {
        match self {
            Self::Store { source, .. } => {
                matches!(
                    source,
                    StoreError::Denied { .. }
                        | StoreError::Response { .. }
                        | StoreError::Broken { .. }
                        | StoreError::TooLarge { .. }
                ) || is_of_one_file(source)
            }
            _ => true,
        }
    }

    /// The error with its cause, on one line.
    pub(super) fn with_cause(&self) -> String {
        let text = match self {
            Self::Store { source, .. } => format!("{self}: {source}"),
            _ => self.to_string(),
        };
        text.replace(char::is_control, " ")
    }
}

fn is_of_one_file(error: &StoreError) -> bool {
    use std::io::ErrorKind::{IsADirectory, PermissionDenied};
    matches!(error, StoreError::Io { source, .. } if matches!(source.kind(), PermissionDenied | IsADirectory))
}

fn describe(candidates: &[PassedOver]) -> String {
    candidates.iter().map(|one| format!("{} ({})", one.id, one.reason)).collect::<Vec<_>>().join("; ")
}
