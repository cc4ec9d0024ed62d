//! jagad backs up databases to S3-compatible storage and restores them.
//!
//! Layers, top to bottom; imports go down only, and modules of one row do not import each other:
//!
//! ```text
//! 6  main, cli, ui
//! 5  commands
//! 4  config
//! 3  retention, schedule
//! 2  engine, pipeline, catalog, notify
//! 1  process, compress, crypto, store
//! 0  model, certificates
//! ```
//!
//! `docs/ARCHITECTURE.md` follows a byte of a dump and a line of the configuration through these layers.

pub mod catalog;
pub mod certificates;
pub mod cli;
pub mod commands;
pub mod compress;
pub mod config;
pub mod crypto;
pub mod engine;
pub mod model;
pub mod notify;
pub mod pipeline;
pub mod process;
pub mod retention;
pub mod schedule;
pub mod store;
pub mod ui;
