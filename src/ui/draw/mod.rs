//! How each report looks: for people, and as JSON. `docs/JSON.md` describes the JSON and is checked by test.

mod backups;
mod catalogue;
mod checks;
mod protection;
mod restores;
mod settings;
mod status;

pub use status::csv as status_csv;

use crate::commands::{Class, Failure};
use crate::model::Count;
use crate::ui::page::Page;
use serde::Serialize;
use serde_json::{Value, json};

/// A report that can be shown.
pub trait Draw {
    /// As text for `page`; ends with a line feed unless it is empty.
    fn human(&self, _page: Page) -> String;

    /// As JSON; ends with a line feed.
    fn json(&self) -> String;

    /// The class that decides the exit code when the command ended without an error of its own.
    fn verdict(&self) -> Option<Class> {
        None
    }
}

/// Readable JSON with a line feed at its end.
fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

/// A failure as JSON.
pub(super) fn failure(failure: &Failure) -> Value {
    json!({
        "class": failure.class.as_str(),
        "exit_code": failure.class.exit_code(),
        "message": failure.message(),
        "help": failure.help,
    })
}

/// `1 table`, `12,345 rows`.
fn count(number: u64, noun: &str) -> String {
    format!("{:#}", Count(number, noun))
}

/// A length of time for people: `0.4s`, `12s`, `3m 05s`, `2h 14m`.
fn elapsed(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        0..10 => format!("{}.{}s", seconds, milliseconds % 1000 / 100),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_read_well() {
        assert_eq!(count(1, "row"), "1 row");
        assert_eq!(count(1_234_567, "row"), "1,234,567 rows");
        let table = [(400, "0.4s"), (12_900, "12s"), (185_000, "3m 05s"), (8_040_000, "2h 14m")];
        for (milliseconds, text) in table {
            assert_eq!(elapsed(milliseconds), text);
        }
    }
}
