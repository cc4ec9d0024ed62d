//! A crontab expression on the clocks of one zone.

use super::Crontab;
use crate::model::Timestamp;
use chrono::{Datelike as _, Days, LocalResult, NaiveDate, NaiveDateTime, TimeZone as _};
use chrono_tz::Tz;
use std::fmt;

/// The rarest day there is, 29 February on a certain weekday, comes after 40 years at most.
const LONGEST_SEARCH_DAYS: u32 = 41 * 366;
/// Clock changes are shorter.
const LONGEST_GAP_MINUTES: u32 = 26 * 60;

/// When something is to happen again and again.
///
/// Clock changes, as cron means them: a time that is left out happens right after the change; a time that comes twice
/// happens the first time only. Expressions that begin with `*` in the field of hours follow the hours as they pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cadence {
    /// When.
    pub crontab: Crontab,
    /// On whose clocks.
    pub zone: Tz,
}

impl fmt::Display for Cadence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.crontab, self.zone.name())
    }
}

impl Cadence {
    /// The first time after `after`; `None` when there is none, such as for 30 February.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        // A day before: a zone that moves across the date line leaves out a day, and its times happen right after.
        let first = self.date(after)?.checked_sub_days(Days::new(2))?;
        let mut dates = first.iter_days().take(LONGEST_SEARCH_DAYS as usize);
        dates.find_map(|date| self.times_of(date).into_iter().find(|time| *time > after))
    }

    /// Whether there is no such time at all, as for 30 February.
    pub fn never(&self) -> bool {
        // A date that exists comes within the longest search from anywhere.
        self.next(Timestamp::from_unix_seconds(1_767_225_600)).is_none()
    }

    /// The last time at or before `until`; `None` when there is none.
    pub fn latest(&self, until: Timestamp) -> Option<Timestamp> {
        let mut date = self.date(until)?.checked_add_days(Days::new(1))?;
        for _ in 0..LONGEST_SEARCH_DAYS {
            let found = self.times_of(date).into_iter().rev().find(|time| *time <= until);
            if found.is_some() {
                return found;
            }
            date = date.pred_opt()?;
        }
        None
    }

    /// `at` on the clocks of the zone: `2026-11-21 02:00 CET`.
    pub fn local(&self, at: Timestamp) -> String {
        let local = self.zone.timestamp_opt(at.unix_seconds(), 0).single();
        local.map(|local| local.format("%Y-%m-%d %H:%M %Z").to_string()).unwrap_or_default()
    }

    fn date(&self, time: Timestamp) -> Option<NaiveDate> {
        self.zone.timestamp_opt(time.unix_seconds(), 0).single().map(|local| local.date_naive())
    }

    /// The points in time of one date, in order.
    fn times_of(&self, date: NaiveDate) -> Vec<Timestamp> {
        if !self.crontab.matches_day(date.month(), date.day(), date.weekday().num_days_from_sunday()) {
            return Vec::new();
        }
        let mut times: Vec<Timestamp> = self
            .crontab
            .times()
            .filter_map(|(hour, minute)| date.and_hms_opt(hour, minute, 0))
            .flat_map(|local| self.points(local))
            .collect();
        times.sort_unstable();
        times.dedup();
        times
    }

    fn points(&self, local: NaiveDateTime) -> Vec<Timestamp> {
        let point = |time: chrono::DateTime<Tz>| Timestamp::from_unix_seconds(time.timestamp());
        match self.zone.from_local_datetime(&local) {
            LocalResult::Single(time) => vec![point(time)],
            LocalResult::Ambiguous(first, second) if self.crontab.follows_every_hour() => {
                vec![point(first), point(second)]
            }
            LocalResult::Ambiguous(first, _) => vec![point(first)],
            LocalResult::None if self.crontab.follows_every_hour() => Vec::new(),
            LocalResult::None => self.after_gap(local).into_iter().map(point).collect(),
        }
    }

    /// The first time that the clocks show after they have left out `local`.
    fn after_gap(&self, local: NaiveDateTime) -> Option<chrono::DateTime<Tz>> {
        (1..=LONGEST_GAP_MINUTES).find_map(|minutes| {
            let later = local + chrono::Duration::minutes(i64::from(minutes));
            self.zone.from_local_datetime(&later).earliest()
        })
    }
}
