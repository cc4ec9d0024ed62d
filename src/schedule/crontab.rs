//! Crontab expressions of five fields with the meaning that crontab(5) of Debian's cron 3.0pl1 gives them, parsed and
//! iterated by the crate `cron`.
//!
//! That crate has fields for seconds and years too, counts days of the week from 1, and wants both the day of the month and
//! the day of the week to match. So each expression becomes one schedule of the crate at second 0 with days by name, or
//! two where either day is enough.

use chrono::{DateTime, NaiveDateTime, Utc};
use cron::{Schedule, TimeUnitSpec as _};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// Minute, hour, day of month, month, day of week. A day matches when both of its fields do; but when neither of the two
/// begins with `*`, one of them is enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crontab {
    text: String,
    /// The expression matches whenever one of them does.
    schedules: Vec<Schedule>,
    every_hour: bool,
}

/// What is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{expression}` is not a crontab expression: {problem}")]
pub struct CrontabError {
    expression: String,
    problem: String,
}

/// One of the five fields.
struct Field {
    name: &'static str,
    low: u32,
    high: u32,
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", low: 0, high: 59 },
    Field { name: "hour", low: 0, high: 23 },
    Field { name: "day of month", low: 1, high: 31 },
    Field { name: "month", low: 1, high: 12 },
    // Both 0 and 7 are Sunday.
    Field { name: "day of week", low: 0, high: 7 },
];

/// By crontab's numbers.
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

const WORDS: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

impl Crontab {
    /// The first local time after `wall` that matches.
    pub(super) fn next(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        self.after(wall).min()
    }

    /// The last local time before `wall` that matches.
    pub(super) fn previous(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        let before = |schedule: &Schedule| schedule.after(&wall.and_utc()).next_back();
        self.schedules.iter().filter_map(before).map(|time| time.naive_utc()).max()
    }

    fn after(&self, wall: NaiveDateTime) -> impl Iterator<Item = NaiveDateTime> + '_ {
        let start: DateTime<Utc> = wall.and_utc();
        self.schedules
            .iter()
            .filter_map(move |schedule| schedule.after(&start).next())
            .map(|time| time.naive_utc())
    }

    /// Whether it runs by elapsed time, so that it also runs in an hour that a clock change repeats, and not in one
    /// that it skips: with `*` in the field of hours or minutes, as cron(8) says.
    pub(super) fn follows_every_hour(&self) -> bool {
        self.every_hour
    }
}

impl fmt::Display for Crontab {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Crontab {
    type Err = CrontabError;

    fn from_str(text: &str) -> Result<Self, CrontabError> {
        let refused = |problem: String| CrontabError { expression: text.to_owned(), problem };
        let trimmed = text.trim();
        let expanded = match trimmed.strip_prefix('@') {
            Some(_) => {
                WORDS.iter().find(|(word, _)| *word == trimmed).map(|(_, fields)| *fields).ok_or_else(
                    || refused("the words are @hourly, @daily, @weekly, @monthly and @yearly".to_owned()),
                )?
            }
            None => trimmed,
        };
        let written: Vec<&str> = expanded.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = written.as_slice() else {
            let count = written.len();
            return Err(refused(format!(
                "it has {count} fields, five are needed: minute, hour, day of month, month, day of week"
            )));
        };
        for (field, text) in FIELDS.iter().zip(&written) {
            check_steps(field, text).map_err(refused)?;
        }
        let weekdays = weekdays(weekday).map_err(refused)?;
        let schedule = |day: &str, weekdays: &str| -> Result<Schedule, String> {
            let fields = [minute, hour, day, month];
            for (field, text) in FIELDS.iter().zip(fields) {
                let mut alone = ["*"; 4];
                alone[position(field)] = text;
                read(field, text, &format!("0 {} *", alone.join(" ")))?;
            }
            let whole = format!("0 {} {weekdays}", fields.join(" "));
            whole.parse().map_err(|error| one_line(&error))
        };
        let either_day = !day.starts_with('*') && !weekday.starts_with('*');
        let days = if either_day { vec![(*day, "*"), ("*", &*weekdays)] } else { vec![(*day, &*weekdays)] };
        let schedules = days.into_iter().map(|(day, weekdays)| schedule(day, weekdays));
        Ok(Self {
            text: trimmed.to_owned(),
            schedules: schedules.collect::<Result<_, _>>().map_err(refused)?,
            every_hour: hour.starts_with('*') || minute.starts_with('*'),
        })
    }
}

fn position(field: &Field) -> usize {
    FIELDS.iter().position(|other| other.name == field.name).unwrap_or(0)
}

/// Refuses what the crate accepts and crontab does not: a step without a range, and signs of the crate's own.
fn check_steps(field: &Field, text: &str) -> Result<(), String> {
    let name = field.name;
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '*' | ',' | '-' | '/');
    if let Some(strange) = text.chars().find(|c| !known(*c)) {
        return Err(format!("`{strange}` in the field {name} is not valid in a crontab"));
    }
    for item in text.split(',') {
        let Some((range, step)) = item.split_once('/') else { continue };
        if range != "*" && !range.contains('-') {
            return Err(format!("`{item}` in the field {name}: a step goes with `*` or a range"));
        }
        let span = field.high - field.low + 1;
        if step.parse::<u32>().is_ok_and(|step| step == 0 || step > span) {
            return Err(format!("`{item}` in the field {name}: a step is 1 to {span}"));
        }
    }
    Ok(())
}

/// Parses an expression of the crate in which only `field` is restricted.
fn read(field: &Field, text: &str, expression: &str) -> Result<Schedule, String> {
    let Field { name, low, high } = field;
    // Not the crate's error: it names other fields, and the crate was not given what the user wrote.
    expression.parse().map_err(|_| {
        format!(
            "`{text}` in the field {name} ({low} to {high}) cannot be read: write numbers, lists (1,3), ranges with the \
             smaller first (1-3), steps (*/2), or names of three letters (jan, mon)"
        )
    })
}

/// The days of the week by name, as the crate wants them. It counts from 1, crontab from 0, and in a field of minutes it reads
/// numbers, ranges and steps from 0 on.
fn weekdays(text: &str) -> Result<String, String> {
    if text == "*" {
        return Ok(text.to_owned());
    }
    let [.., field] = &FIELDS;
    let mut numbers = text.to_ascii_lowercase().replace('*', "0-6");
    for (number, name) in WEEKDAYS.iter().enumerate() {
        numbers = numbers.replace(&name.to_ascii_lowercase(), &number.to_string());
    }
    let schedule = read(field, text, &format!("0 {numbers} * * * *"))?;
    let numbers: Vec<u32> = schedule.minutes().iter().collect();
    if let Some(strange) = numbers.iter().find(|day| **day > field.high) {
        return Err(format!("`{strange}` is not a {}: {} to {}", field.name, field.low, field.high));
    }
    let days: BTreeSet<u32> = numbers.into_iter().map(|day| day % 7).collect();
    let names = days.iter().filter_map(|day| WEEKDAYS.get(usize::try_from(*day).ok()?).copied());
    Ok(names.collect::<Vec<_>>().join(","))
}

/// The crate marks the place of an error on further lines; only the first is kept.
fn one_line(error: &cron::error::Error) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or_default().trim().to_owned()
}
