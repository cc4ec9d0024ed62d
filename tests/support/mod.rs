//! Real servers and what tests do with them.

#![allow(
    dead_code,
    unused_macros,
    unused_macro_rules,
    unreachable_pub,
    missing_docs,
    reason = "each test binary uses its own part"
)]

#[macro_use]
mod on_each;

pub(crate) mod bucket;
pub(crate) mod definitions;
pub(crate) mod faulty;
pub(crate) mod mysql;
pub(crate) mod mysql_fingerprint;
pub(crate) mod plans;
pub(crate) mod post;
pub(crate) mod postgres;
pub(crate) mod postgres_files;
pub(crate) mod presence;
pub(crate) mod providers;
pub(crate) mod redis;
pub(crate) mod replicas;
pub(crate) mod restored;
