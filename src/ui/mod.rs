//! What users see: data on standard output, talk on standard error.

mod draw;
mod lines;
mod log;
mod plain;
mod progress;
mod table;
mod terminal;

pub use draw::{Draw, status_csv};
pub use terminal::{Options, Terminal, print, print_failure, print_json, write};
