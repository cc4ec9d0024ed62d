//! The program itself, end to end: real PostgreSQL servers, real stores, and everything that can go wrong between them.

// clippy's own exemption covers test functions only, not what they share.
#![allow(clippy::expect_used, clippy::unwrap_used)]

#[macro_use]
#[path = "../support/mod.rs"]
mod support;

#[cfg(feature = "crash-points")]
mod alarms;
mod authenticity;
mod bench;
mod care;
#[cfg(feature = "crash-points")]
mod chain_care;
#[cfg(feature = "crash-points")]
mod chain_crashes;
#[cfg(feature = "crash-points")]
mod chains;
mod choices;
mod clone;
#[cfg(feature = "crash-points")]
mod counting;
#[cfg(feature = "crash-points")]
mod crashes;
mod damage;
mod drilled_files;
mod drills;
mod failures;
mod folder;
mod from_files;
mod from_files_options;
mod good;
mod hooks;
mod host;
mod hostile;
mod housekeeping;
mod installing;
mod json;
mod leases;
mod matrix;
#[cfg(feature = "crash-points")]
mod month;
#[cfg(feature = "crash-points")]
mod month_chains;
mod own_files;
mod packing;
mod pairs;
mod pgbackrest;
mod pgbackrest_bench;
mod pgbackrest_targets;
mod pgbackrest_troubles;
mod physical;
mod place;
mod policies;
mod policy_bench;
mod program;
mod providers;
mod pruning;
mod readers;
mod redis;
mod redis_sources;
mod repositories;
mod requests;
mod restores;
mod round_trip;
#[cfg(feature = "crash-points")]
mod schedule;
mod signals;
mod sources;
mod sql_bench;
#[cfg(feature = "crash-points")]
mod sql_crashes;
mod sql_failures;
mod sql_from_files;
#[cfg(feature = "crash-points")]
mod sql_log_crashes;
mod sql_log_troubles;
mod sql_log_users;
mod sql_logs;
mod sql_physical;
mod sql_round_trip;
mod sql_sources;
mod sql_trials;
mod sql_whole_servers;
mod suites;
mod tampering;
mod targets;
mod telling;
mod terminal;
#[cfg(feature = "crash-points")]
mod ticks;
mod tools;
#[cfg(feature = "crash-points")]
mod troubles;
mod truth;
mod waiting;
mod whole_servers;
mod xtrabackup;

#[cfg(not(feature = "crash-points"))]
#[test]
fn killed_runs_are_tried_with_the_feature_crash_points() {
    support::presence::skipped("killed runs need `--features crash-points`");
}
