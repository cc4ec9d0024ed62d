//! The PostgreSQL engine against real servers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

mod support;

#[path = "postgresql/dump.rs"]
mod dump;
