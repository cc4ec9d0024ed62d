//! PostgreSQL through its own tools.

pub mod archive;
mod settings;

pub use settings::{PostgreSqlSettings, TlsMode, TlsSettings};
