//! The PostgreSQL engine against real servers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

#[macro_use]
mod support;

#[path = "postgresql/base_backup.rs"]
mod base_backup;
#[path = "postgresql/base_backup_ends.rs"]
mod base_backup_ends;
#[path = "postgresql/choices.rs"]
mod choices;
#[path = "postgresql/combine/mod.rs"]
mod combine;
#[path = "postgresql/content.rs"]
mod content;
#[path = "postgresql/drill.rs"]
mod drill;
#[path = "postgresql/dump.rs"]
mod dump;
#[path = "postgresql/emptied.rs"]
mod emptied;
#[path = "postgresql/globals.rs"]
mod globals;
#[path = "postgresql/login.rs"]
mod login;
#[path = "postgresql/named.rs"]
mod named;
#[path = "postgresql/needs.rs"]
mod needs;
#[path = "postgresql/physical.rs"]
mod physical;
#[path = "postgresql/pooler.rs"]
mod pooler;
#[path = "postgresql/privileges.rs"]
mod privileges;
#[path = "postgresql/refusals.rs"]
mod refusals;
#[path = "postgresql/schemas.rs"]
mod schemas;
#[path = "postgresql/selection.rs"]
mod selection;
#[path = "postgresql/swap.rs"]
mod swap;
#[path = "postgresql/tls.rs"]
mod tls;
#[path = "postgresql/wire.rs"]
mod wire;
#[path = "postgresql/wire_tls.rs"]
mod wire_tls;
