//! Points in time and lengths of time.

use chrono::{DateTime, NaiveDateTime, SubsecRound as _, TimeZone as _, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A point in time in UTC, to the microsecond. Text form is RFC 3339 with `Z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(DateTime<Utc>);

/// The source of the current time; tests supply their own.
pub trait Clock: Send + Sync {
    /// The current time.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Timestamp {
        Timestamp(Utc::now().trunc_subsecs(6))
    }
}

/// A text that is not a point in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time: write RFC 3339, for example 2026-01-02T03:04:05Z")]
pub struct TimeError(String);

impl Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub fn from_unix_seconds(seconds: i64) -> Self {
        Self(Utc.timestamp_opt(seconds, 0).single().unwrap_or_default())
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub fn unix_seconds(self) -> i64 {
        self.0.timestamp()
    }

    /// The time of a file system entry.
    pub fn from_system(time: std::time::SystemTime) -> Self {
        Self(DateTime::<Utc>::from(time).trunc_subsecs(6))
    }

    /// An HTTP `Date` or `Last-Modified` header (RFC 2822 form) or an S3 listing's RFC 3339 time.
    pub fn from_http(text: &str) -> Result<Self, TimeError> {
        DateTime::parse_from_rfc2822(text)
            .map(|time| Self(time.with_timezone(&Utc)))
            .or_else(|_| text.parse())
    }

    /// `20261120T020000Z`: sortable, safe in a key, whole seconds.
    pub fn compact(self) -> String {
        self.0.format("%Y%m%dT%H%M%SZ").to_string()
    }

    /// The inverse of [`Timestamp::compact`].
    pub fn from_compact(text: &str) -> Result<Self, TimeError> {
        NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ")
            .map(|time| Self(time.and_utc()))
            .map_err(|_| TimeError(text.to_owned()))
    }

    /// How long `self` is after `earlier`; zero when it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        (self.0 - earlier.0).to_std().unwrap_or_default()
    }

    /// The point `length` later.
    #[must_use]
    pub fn plus(self, length: Duration) -> Self {
        chrono::Duration::from_std(length).ok().and_then(|d| self.0.checked_add_signed(d)).map_or(self, Self)
    }

    /// The point `length` earlier.
    #[must_use]
    pub fn minus(self, length: Duration) -> Self {
        chrono::Duration::from_std(length).ok().and_then(|d| self.0.checked_sub_signed(d)).map_or(self, Self)
    }

    /// `YYYY-MM-DD HH:MM:SS` in UTC, for tables.
    pub fn table(self) -> String {
        self.0.format("%Y-%m-%d %H:%M:%S").to_string()
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;
    fn from_str(text: &str) -> Result<Self, TimeError> {
        let refused = || TimeError(text.to_owned());
        if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self(time.with_timezone(&Utc).trunc_subsecs(6)));
        }
        // "2026-01-02 03:04[:05] UTC" and the zone-less RFC 3339 prefix `2026-01-02T03:04` mean UTC.
        let bare = text.trim_end_matches("UTC").trim_end_matches('Z').trim();
        ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(bare, form).ok())
            .map(|time| Self(time.and_utc()))
            .ok_or_else(refused)
    }
}

impl TryFrom<String> for Timestamp {
    type Error = TimeError;
    fn try_from(text: String) -> Result<Self, TimeError> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(time: Timestamp) -> Self {
        time.to_string()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A length of time, written `"90s"`, `"15m"`, `"6h"`, `"30d"` or `"2w"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period(pub Duration);

/// A text that is not a length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a length of time: write a number with s, m, h, d or w, for example \"90s\"")]
pub struct PeriodError(String);

impl Period {
    /// `count` seconds.
    pub const fn seconds(count: u64) -> Self {
        Self(Duration::from_secs(count))
    }
}

impl FromStr for Period {
    type Err = PeriodError;
    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let refused = || PeriodError(text.to_owned());
        let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(refused)?;
        let count: u64 = text[..split].parse().map_err(|_| refused())?;
        let unit = match text[split..].trim() {
            "s" => 1,
            "m" | "min" => 60,
            "h" => 3_600,
            "d" => 86_400,
            "w" => 604_800,
            _ => return Err(refused()),
        };
        // A century is longer than any useful setting, and keeps date arithmetic far from its limits.
        count.checked_mul(unit).filter(|s| *s <= 3_155_760_000).map(Self::seconds).ok_or_else(refused)
    }
}

impl TryFrom<String> for Period {
    type Error = PeriodError;
    fn try_from(text: String) -> Result<Self, PeriodError> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (count, unit) = [(604_800, "w"), (86_400, "d"), (3_600, "h"), (60, "m")]
            .into_iter()
            .find(|(length, _)| seconds >= *length && seconds.is_multiple_of(*length))
            .map_or((seconds, "s"), |(length, unit)| (seconds / length, unit));
        f.pad(&format!("{count}{unit}"))
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Period {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Period".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A length of time: a number with s, m, h, d or w.",
            "type": "string", "pattern": "^[0-9]+ *(s|m|min|h|d|w)$"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_print_what_they_parse_and_refuse_the_malformed() {
        let table = [
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
            ("2026-01-02T05:04:05+02:00", "2026-01-02T03:04:05Z"),
            ("2026-01-02T03:04", "2026-01-02T03:04:00Z"),
            ("2026-01-02 03:04 UTC", "2026-01-02T03:04:00Z"),
            ("2026-01-02T03:04:05.123456Z", "2026-01-02T03:04:05.123456Z"),
        ];
        for (text, printed) in table {
            let time: Timestamp = text.parse().unwrap();
            assert_eq!(time.to_string(), printed);
            assert_eq!(printed.parse(), Ok(time));
        }
        for bad in ["", "yesterday", "2026-13-01T00:00:00Z", "2026-01-02"] {
            assert!(bad.parse::<Timestamp>().is_err(), "{bad:?} was accepted");
        }
        let time = Timestamp::from_compact("20261120T020000Z").unwrap();
        assert_eq!(time.compact(), "20261120T020000Z");
        assert_eq!(Timestamp::from_http("Fri, 20 Nov 2026 02:00:00 GMT"), Ok(time));
    }

    #[test]
    fn periods_print_what_they_parse_and_refuse_the_malformed() {
        for text in ["90s", "15m", "6h", "30d", "2w", "0s"] {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), if text == "2w" { "2w" } else { text });
        }
        for bad in ["", "s", "10", "-1h", "5 fortnights", "99999999999999999w"] {
            assert!(bad.parse::<Period>().is_err(), "{bad:?} was accepted");
        }
    }
}
