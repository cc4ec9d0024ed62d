//! The command line: one `Args` per command, each of which becomes that command's `Request`. Nothing is done here.

pub mod args;
pub mod commands;
pub mod examples;
pub mod manual;
mod root;

pub use args::Global;
pub use commands::Command;
pub use root::Cli;
