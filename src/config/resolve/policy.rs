//! `[policies.NAME]`.

use super::{EntryPlace, packing};
use crate::config::entry::PolicyEntry;
use crate::config::error::ConfigError;
use crate::config::file::{
    CountOrAge, DayFile, EveryFile, IntervalFile, PolicyFile, RetentionFile, ScheduleFile, VerifyFile,
    WeekdayFile,
};
use crate::model::VerifyLevel;
use crate::retention::{IncrementalRule, Retention};
use crate::schedule::{Cadence, Crontab};
use chrono_tz::Tz;
use std::time::Duration;

/// The last day that every month has.
const LAST_DAY_OF_EVERY_MONTH: u64 = 28;
const LONGEST_UNVERIFIED: Duration = Duration::from_secs(30 * 86_400);

/// One `[policies.NAME]` table; its days are those of `zone`.
pub(super) fn resolve(
    place: &EntryPlace<'_>,
    name: &str,
    written: &PolicyFile,
    zone: Tz,
) -> Result<PolicyEntry, ConfigError> {
    let full = written.full.as_ref().map(|full| cadence(place, full, zone)).transpose()?;
    let ratio = written.expected_min_ratio.unwrap_or(0.5);
    if !(0.0..=1.0).contains(&ratio) {
        return Err(
            place.wrong("expected_min_ratio", format!("`expected_min_ratio` is {ratio}; it must be 0 to 1"))
        );
    }
    let retries = written.retries.unwrap_or(2);
    place.bounded("retries", retries.into(), 0..=10)?;
    let verify = level(written.verify.unwrap_or(VerifyFile::Checksum));
    let unverified = written.max_unverified.map_or(LONGEST_UNVERIFIED, |period| period.0);
    let watched = !unverified.is_zero() && (verify.is_some() || written.max_unverified.is_some());
    let notify = written.notify.iter().map(|name| place.name("notify", name));
    Ok(PolicyEntry {
        notify: notify.collect::<Result<_, _>>()?,
        name: place.name("", name)?,
        store: written.store.as_ref().map(|store| place.name("store", store)).transpose()?,
        enabled: written.enabled.unwrap_or(true),
        full,
        incremental: interval(place, written.incremental, zone)?,
        incremental_base: written.incremental_base.unwrap_or_default(),
        packing: packing(place, written.compression, written.compression_level, &written.encryption)?,
        retries,
        pause_after_failures: written.pause_after_failures.unwrap_or(3),
        verify,
        max_unverified: watched.then_some(unverified),
        expected_min_ratio: ratio,
        overdue_after: written.overdue_after.map(|period| period.0),
        retention: retention(place, &written.retention, zone)?,
    })
}

fn level(written: VerifyFile) -> Option<VerifyLevel> {
    match written {
        VerifyFile::None => None,
        VerifyFile::Exists => Some(VerifyLevel::Exists),
        VerifyFile::Checksum => Some(VerifyLevel::Checksum),
        VerifyFile::Read => Some(VerifyLevel::Read),
        VerifyFile::Restore => Some(VerifyLevel::Restore),
    }
}

fn retention(place: &EntryPlace<'_>, kept: &RetentionFile, zone: Tz) -> Result<Retention, ConfigError> {
    let min_keep = kept.min_keep.unwrap_or(1);
    place.bounded("retention.min_keep", min_keep.into(), 1..=1_000_000)?;
    let default = Retention::default();
    Ok(Retention {
        full: kept.full.unwrap_or(default.full),
        incremental: match kept.incremental {
            None => default.incremental,
            Some(CountOrAge::Count(count)) => IncrementalRule::Count(count),
            Some(CountOrAge::Age(age)) => IncrementalRule::Age(age.0),
        },
        hourly: kept.keep_hourly,
        daily: kept.keep_daily,
        weekly: kept.keep_weekly,
        monthly: kept.keep_monthly,
        yearly: kept.keep_yearly,
        min_keep,
        zone,
    })
}

/// `full = { … }`: a preset is only another way to write a crontab expression.
fn cadence(place: &EntryPlace<'_>, written: &ScheduleFile, zone: Tz) -> Result<Cadence, ConfigError> {
    let zone = match &written.timezone {
        Some(name) => place.zone("full.timezone", name)?,
        None => zone,
    };
    let expression = match (&written.cron, written.every) {
        (Some(_), Some(_)) => {
            return Err(place.wrong("full.every", "`every` and `cron` are given together; choose one"));
        }
        (None, None) => {
            let help = Some(
                "Set full = { every = \"daily\", at = \"02:00\" } or { cron = \"0 2 * * *\" }.".to_owned(),
            );
            return Err(place.wrong_with("full", "`full` does not say when", help));
        }
        (Some(_), None) if written.at.is_some() => {
            return Err(
                place.wrong("full.at", "`at` goes with `every`; a crontab expression has its own time")
            );
        }
        (Some(cron), None) => cron.clone(),
        (None, Some(every)) => preset(place, written, every)?,
    };
    if written.every != Some(EveryFile::Weekly) && !written.days.is_empty() {
        return Err(place.wrong("full.days", "`days` goes with every = \"weekly\""));
    }
    parse(place, "full.cron", &expression, zone)
}

fn parse(place: &EntryPlace<'_>, key: &str, expression: &str, zone: Tz) -> Result<Cadence, ConfigError> {
    let crontab: Crontab = expression.parse().map_err(|error| place.wrong(key, format!("{error}")))?;
    let cadence = Cadence { crontab, zone };
    if cadence.never() {
        return Err(place.wrong(key, format!("`{expression}` names a day that never comes")));
    }
    Ok(cadence)
}

fn preset(place: &EntryPlace<'_>, written: &ScheduleFile, every: EveryFile) -> Result<String, ConfigError> {
    let (hour, minute) = time_of_day(place, written.at.as_deref().unwrap_or("00:00"))?;
    if every == EveryFile::Hourly && hour != 0 {
        let help = format!(
            "Write at = \"00:{minute:02}\" for {minute} minutes past every hour, or every = \"daily\"."
        );
        return Err(place.wrong_with(
            "full.at",
            "with every = \"hourly\" only the minute of `at` counts",
            Some(help),
        ));
    }
    let days = match (every, written.day, written.days.as_slice()) {
        (EveryFile::Weekly, Some(_), [_, ..]) => {
            return Err(place.wrong("full.day", "`day` and `days` are given together; choose one"));
        }
        (EveryFile::Weekly, None, []) => vec![WeekdayFile::Sunday],
        (EveryFile::Weekly, Some(DayFile::Week(day)), []) => vec![day],
        (EveryFile::Weekly, None, days) => days.to_vec(),
        (EveryFile::Weekly, Some(DayFile::Month(_)), _) => {
            return Err(
                place.wrong("full.day", "with every = \"weekly\", `day` is a name such as \"sunday\"")
            );
        }
        (EveryFile::Monthly, Some(DayFile::Week(_)), _) => {
            return Err(place.wrong("full.day", "with every = \"monthly\", `day` is a number from 1 to 28"));
        }
        (EveryFile::Hourly | EveryFile::Daily, Some(_), _) => {
            return Err(place.wrong("full.day", "`day` goes with every = \"weekly\" or \"monthly\""));
        }
        _ => Vec::new(),
    };
    Ok(match every {
        EveryFile::Hourly => format!("{minute} * * * *"),
        EveryFile::Daily => format!("{minute} {hour} * * *"),
        EveryFile::Weekly => {
            let days: Vec<String> = days.iter().map(|day| (*day as u8).to_string()).collect();
            format!("{minute} {hour} * * {}", days.join(","))
        }
        EveryFile::Monthly => {
            let day = if let Some(DayFile::Month(day)) = written.day { day.into() } else { 1 };
            place.bounded("full.day", day, 1..=LAST_DAY_OF_EVERY_MONTH)?;
            format!("{minute} {hour} {day} * *")
        }
    })
}

fn time_of_day(place: &EntryPlace<'_>, text: &str) -> Result<(u32, u32), ConfigError> {
    let two = |digits: &str, below: u32| {
        let number: u32 = digits.parse().ok().filter(|_| digits.len() == 2)?;
        (number < below).then_some(number)
    };
    text.split_once(':')
        .and_then(|(hour, minute)| Some((two(hour, 24)?, two(minute, 60)?)))
        .ok_or_else(|| place.wrong("full.at", format!("`{text}` is not a time of day such as 02:00")))
}

fn interval(place: &EntryPlace<'_>, written: IntervalFile, zone: Tz) -> Result<Option<Cadence>, ConfigError> {
    let expression = match written {
        IntervalFile::None => return Ok(None),
        IntervalFile::One => "0 * * * *",
        IntervalFile::Two => "0 */2 * * *",
        IntervalFile::Four => "0 */4 * * *",
        IntervalFile::Six => "0 */6 * * *",
        IntervalFile::Twelve => "0 */12 * * *",
    };
    parse(place, "incremental", expression, zone).map(Some)
}
