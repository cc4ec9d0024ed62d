//! The engine of MySQL and MariaDB against real servers.

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

#[path = "mysql/charsets.rs"]
mod charsets;
#[path = "mysql/dump.rs"]
mod dump;
#[path = "mysql/encryption.rs"]
mod encryption;
#[path = "mysql/filters.rs"]
mod filters;
#[path = "mysql/hindrances.rs"]
mod hindrances;
#[path = "mysql/leftovers.rs"]
mod leftovers;
#[path = "mysql/names.rs"]
mod names;
#[path = "mysql/packets.rs"]
mod packets;
#[path = "mysql/places.rs"]
mod places;
#[path = "mysql/preflight.rs"]
mod preflight;
#[path = "mysql/privileges.rs"]
mod privileges;
#[path = "mysql/reach.rs"]
mod reach;
#[path = "mysql/restores.rs"]
mod restores;
#[path = "mysql/schemas.rs"]
mod schemas;
#[path = "mysql/suites.rs"]
mod suites;
#[path = "mysql/tls.rs"]
mod tls;
#[path = "mysql/users.rs"]
mod users;
