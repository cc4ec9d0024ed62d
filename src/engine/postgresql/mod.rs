//! PostgreSQL through its own tools.

mod settings;

pub use settings::{PostgreSqlSettings, TlsMode, TlsSettings};
