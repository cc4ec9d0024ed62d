//! The command line: one `Args` per command, each of which becomes that command's `Request`. Nothing is done here.

pub mod args;
pub mod commands;
pub mod manual;

pub use args::{Cli, Global};
pub use commands::Command;
