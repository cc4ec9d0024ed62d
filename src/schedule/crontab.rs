//! Five fields as crontab(5) of Debian's cron 3.0pl1 means them.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Minute, hour, day of month, month, day of week. A day matches when both of its fields do; but when neither of the two
/// begins with `*`, one of them is enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crontab {
    text: String,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    either_day: bool,
    every_hour: bool,
}

/// What is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{expression}` is not a crontab expression: {problem}")]
pub struct CrontabError {
    expression: String,
    problem: String,
}

/// One of the five places.
struct Field {
    name: &'static str,
    bounds: RangeInclusive<u32>,
    names: &'static [&'static str],
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const FIELDS: [Field; 5] = [
    Field { name: "minute", bounds: 0..=59, names: &[] },
    Field { name: "hour", bounds: 0..=23, names: &[] },
    Field { name: "day of month", bounds: 1..=31, names: &[] },
    Field { name: "month", bounds: 1..=12, names: &MONTHS },
    // Both 0 and 7 are Sunday.
    Field { name: "day of week", bounds: 0..=7, names: &WEEKDAYS },
];

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
    /// Whether the date is one of its days: month 1 to 12, day 1 to 31, weekday 0 (Sunday) to 6.
    pub(super) fn matches_day(&self, month: u32, day: u32, weekday: u32) -> bool {
        let (by_date, by_week) = (has(self.days, day), has(self.weekdays, weekday));
        has(self.months, month) && if self.either_day { by_date || by_week } else { by_date && by_week }
    }

    /// The times of such a day, in order: hour and minute.
    pub(super) fn times(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let minutes = move || (0..60).filter(|minute| has(self.minutes, *minute));
        (0..24)
            .filter(|hour| has(self.hours, *hour))
            .flat_map(move |hour| minutes().map(move |minute| (hour, minute)))
    }

    /// Whether it follows the hours as they pass, those that a clock change repeats or leaves out with them.
    pub(super) fn follows_every_hour(&self) -> bool {
        self.every_hour
    }
}

const fn has(set: u64, value: u32) -> bool {
    set & (1 << value) != 0
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
        let parse = |place: usize, text: &str| parse_field(&FIELDS[place], text).map_err(refused);
        let weekdays = parse(4, weekday)?;
        Ok(Self {
            text: trimmed.to_owned(),
            minutes: parse(0, minute)?,
            hours: parse(1, hour)?,
            days: parse(2, day)?,
            months: parse(3, month)?,
            weekdays: (weekdays | weekdays >> 7) & 0x7f,
            either_day: !day.starts_with('*') && !weekday.starts_with('*'),
            every_hour: hour.starts_with('*'),
        })
    }
}

/// The set of a comma-separated list, one bit for each value.
fn parse_field(field: &Field, text: &str) -> Result<u64, String> {
    let mut set = 0;
    for item in text.split(',') {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(number(field, step)?)),
            None => (item, None),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (*field.bounds.start(), *field.bounds.end()),
            Some((first, last)) => (value(field, first)?, value(field, last)?),
            // A step needs a range: `5/10` is not crontab's.
            None if step.is_some() => {
                return Err(format!("`{item}` in the field {}: a step goes with `*` or a range", field.name));
            }
            None => (value(field, range)?, value(field, range)?),
        };
        if first > last {
            return Err(format!("`{item}` in the field {} runs backwards", field.name));
        }
        let step = step.unwrap_or(1);
        if step == 0 {
            return Err(format!("`{item}` in the field {} steps by nothing", field.name));
        }
        set |= (first..=last).step_by(step as usize).fold(0_u64, |set, value| set | 1 << value);
    }
    Ok(set)
}

fn value(field: &Field, text: &str) -> Result<u32, String> {
    if let Some(place) = field.names.iter().position(|name| text.eq_ignore_ascii_case(name)) {
        return Ok(field.bounds.start() + u32::try_from(place).unwrap_or(0));
    }
    let value = number(field, text)?;
    if field.bounds.contains(&value) {
        return Ok(value);
    }
    let (low, high) = (field.bounds.start(), field.bounds.end());
    Err(format!("`{text}` is not a {}: {low} to {high}", field.name))
}

fn number(field: &Field, text: &str) -> Result<u32, String> {
    let digits = !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    number.ok_or_else(|| format!("`{text}` in the field {} is not a number", field.name))
}
