//! The program itself, end to end: real PostgreSQL servers, real stores, and everything that can go wrong between them.

// clippy's own exemption covers test functions only, not what they share.
#![allow(clippy::expect_used, clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod bench;
mod care;
mod failures;
mod packing;
mod place;
mod program;
mod round_trip;
mod targets;
mod tools;
