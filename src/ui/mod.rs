//! What users see: data on standard output, messages on standard error.

mod draw;
mod lines;
mod log;
mod page;
mod plain;
mod progress;
mod terminal;

pub use draw::{Draw, status_csv};
pub use page::Page;
pub use terminal::{Options, Terminal, print, print_failure, print_json, write};
