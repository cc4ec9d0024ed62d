//! Calendar periods in the local time of one zone.

use crate::model::Timestamp;
use chrono::{Datelike as _, TimeZone as _, Timelike as _};
use chrono_tz::Tz;

/// A kind of period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PeriodKind {
    /// An hour; the one that a clock change repeats counts twice.
    Hour,
    /// A day.
    Day,
    /// A week of ISO 8601, from Monday.
    Week,
    /// A month.
    Month,
    /// A year.
    Year,
}

impl PeriodKind {
    /// The name of the period that `time` lies in, the same for all times in it and for none outside: `2026-11-20`.
    pub fn of(self, time: Timestamp, zone: Tz) -> String {
        let local = zone.timestamp_opt(time.unix_seconds(), 0).single();
        let Some(local) = local else { return time.to_string() };
        match self {
            Self::Hour => {
                format!("{} {:02}:00 {}", local.format("%Y-%m-%d"), local.hour(), local.format("%:z"))
            }
            Self::Day => local.format("%Y-%m-%d").to_string(),
            Self::Week => {
                let week = local.iso_week();
                format!("{}-W{:02}", week.year(), week.week())
            }
            Self::Month => local.format("%Y-%m").to_string(),
            Self::Year => local.format("%Y").to_string(),
        }
    }

    /// The word for people.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }
}
