//! The Redis engine against real servers: Redis 7 and 8, Valkey 9.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod support;

#[path = "redis/cluster.rs"]
mod cluster;
#[path = "redis/content.rs"]
mod content;
#[path = "redis/files.rs"]
mod files;
#[path = "redis/refusals.rs"]
mod refusals;
#[path = "redis/rights.rs"]
mod rights;
#[path = "redis/round_trip.rs"]
mod round_trip;
#[path = "redis/stream.rs"]
mod stream;
#[path = "redis/tls.rs"]
mod tls;
#[path = "redis/versions.rs"]
mod versions;
#[path = "redis/walker.rs"]
mod walker;
