//! The PostgreSQL engine against real servers.

mod support;

#[path = "postgresql/dump.rs"]
mod dump;
