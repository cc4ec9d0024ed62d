//! The data types that every layer shares. No input or output happens here.

pub mod authentication;
pub mod contents;
pub mod count;
pub mod digest;
pub mod help;
pub mod id;
pub mod kind;
pub mod names;
pub mod needs;
pub mod part;
pub mod reader;
pub mod secret;
pub mod size;
pub mod span;
pub mod stage;
pub mod time;

pub use authentication::{Argon2Cost, Authentication, HMAC_SHA256, Mac};
pub use contents::{Contents, LogPosition, TableRows, Witness, WitnessError};
pub use count::Count;
pub use digest::Sha256Digest;
pub use help::Help;
pub(crate) use help::help;
pub use id::{BackupId, RepositoryId, RestoreId, random_word};
pub use kind::{
    BackupKind, BackupPurpose, BackupStatus, CipherKind, Codec, Demand, EngineKind, IncrementalBase,
    Integrity, Method, PartKind, RestoreStatus, ServerRole, SourceChoice, VerificationState,
    VerificationStatus, VerifyLevel,
};
pub use names::{DatabaseName, KeyName, NotifierName, PolicyName, StoreName};
pub use needs::Needs;
pub use part::{PartName, PartNameError};
pub use reader::ByteReader;
pub use secret::Secret;
pub use size::ByteSize;
pub use span::Span;
pub use stage::Stage;
pub use time::{Clock, Period, SystemClock, Timestamp};
