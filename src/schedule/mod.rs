//! When a policy's backups are due: crontab's meaning in a time zone, presets, and what a missed run means. Pure
//! functions of facts and a time.

mod crontab;
mod due;
mod zoned;

pub use crontab::{Crontab, CrontabError};
pub use due::{Due, due};
pub use zoned::Cadence;

#[cfg(test)]
mod tests;
