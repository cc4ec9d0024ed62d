//! A crontab expression in one time zone.

use super::Crontab;
use crate::model::Timestamp;
use chrono::{Days, LocalResult, NaiveDate, NaiveDateTime, TimeZone as _};
use chrono_tz::Tz;
use std::fmt;

/// How many planned days are examined for a time that exists: more than a zone skips when it crosses the date line.
const LONGEST_SEARCH_DAYS: usize = 64;
/// Clock changes are shorter.
const LONGEST_GAP_MINUTES: u32 = 26 * 60;

/// A recurring schedule.
///
/// Clock changes are handled as by cron: a time that is skipped runs right after the change; a time that comes twice
/// runs the first time only. Expressions with `*` at the beginning of the field of minutes or hours run by elapsed
/// time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cadence {
    /// The expression.
    pub crontab: Crontab,
    /// The time zone of its times.
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
        // Starts two days early: a zone that crosses the date line skips a day, whose times run right after it.
        let first = self.date(after)?.checked_sub_days(Days::new(2))?;
        let dates = std::iter::successors(self.next_date(first.pred_opt()?), |date| self.next_date(*date));
        dates
            .take(LONGEST_SEARCH_DAYS)
            .find_map(|date| self.times_of(date).into_iter().find(|time| *time > after))
    }

    /// Whether there is no such time at all, as for 30 February.
    pub fn never(&self) -> bool {
        // A date that exists comes within the longest search from anywhere.
        self.next(Timestamp::from_unix_seconds(1_767_225_600)).is_none()
    }

    /// The last time at or before `until`; `None` when there is none.
    pub fn latest(&self, until: Timestamp) -> Option<Timestamp> {
        let last = self.date(until)?.checked_add_days(Days::new(2))?;
        let dates = std::iter::successors(self.previous_date(last), |date| self.previous_date(*date));
        dates
            .take(LONGEST_SEARCH_DAYS)
            .find_map(|date| self.times_of(date).into_iter().rev().find(|time| *time <= until))
    }

    /// `at` in the zone's local time: `2026-11-21 02:00 CET`.
    pub fn local(&self, at: Timestamp) -> String {
        let local = self.zone.timestamp_opt(at.unix_seconds(), 0).single();
        local.map(|local| local.format("%Y-%m-%d %H:%M %Z").to_string()).unwrap_or_default()
    }

    fn date(&self, time: Timestamp) -> Option<NaiveDate> {
        self.zone.timestamp_opt(time.unix_seconds(), 0).single().map(|local| local.date_naive())
    }

    /// The first date after `date` on which something is planned.
    fn next_date(&self, date: NaiveDate) -> Option<NaiveDate> {
        self.crontab.next(end_of(Some(date))?).map(|wall| wall.date())
    }

    /// The last date before `date` on which something is planned.
    fn previous_date(&self, date: NaiveDate) -> Option<NaiveDate> {
        self.crontab.previous(date.and_hms_opt(0, 0, 0)?).map(|wall| wall.date())
    }

    /// The points in time of one date, in order.
    fn times_of(&self, date: NaiveDate) -> Vec<Timestamp> {
        let Some(evening) = end_of(date.pred_opt()) else { return Vec::new() };
        let walls = std::iter::successors(self.crontab.next(evening), |wall| self.crontab.next(*wall));
        let mut times: Vec<Timestamp> =
            walls.take_while(|wall| wall.date() == date).flat_map(|wall| self.points(wall)).collect();
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

    /// The first local time after the gap that contains `local`.
    fn after_gap(&self, local: NaiveDateTime) -> Option<chrono::DateTime<Tz>> {
        (1..=LONGEST_GAP_MINUTES).find_map(|minutes| {
            let later = local + chrono::Duration::minutes(i64::from(minutes));
            self.zone.from_local_datetime(&later).earliest()
        })
    }
}

/// The last second of a date.
fn end_of(date: Option<NaiveDate>) -> Option<NaiveDateTime> {
    date?.and_hms_opt(23, 59, 59)
}
