//! When a policy's backups are due: crontab's meaning in a time zone, presets, and what a missed run means. Facts and a
//! time in, answers out.

mod crontab;
mod due;
mod zoned;

pub use crontab::{Crontab, CrontabError};
pub use due::{Due, due};
pub use zoned::Cadence;

#[cfg(test)]
mod tests;
