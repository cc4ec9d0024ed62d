//! The Redis engine against real servers: Redis 7 and 8, Valkey 9.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod support;

#[path = "redis/content.rs"]
mod content;
#[path = "redis/round_trip.rs"]
mod round_trip;
