//! What the user declared: TOML files become one typed [`Inventory`]. Secrets stay references until they are used.

mod document;
mod entry;
mod error;
pub mod file;
mod hooks;
mod inventory;
mod load;
mod notifier;
mod resolve;
#[cfg(feature = "schema")]
pub mod schema;
mod search;
mod secret;
mod secret_names;

pub use entry::{
    DatabaseEntry, EncryptionChoice, KeyEntry, KeySource, PolicyEntry, ReplicaEntry, StoreEntry,
};
pub use error::ConfigError;
pub use file::{LogFormat, LogLevel};
pub use hooks::Hooks;
pub use inventory::{Inventory, LogSettings, Settings};
pub use load::ConfigRequest;
pub use notifier::NotifierEntry;
pub use secret::SecretSource;
pub use secret_names::SecretNames;
