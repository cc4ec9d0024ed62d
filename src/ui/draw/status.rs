//! The status of every database.

use super::{Draw, count, pretty};
use crate::commands::status::{Report, Standing};
use crate::model::{ByteSize, Period, Timestamp};
use crate::ui::page::{Columns, Page};
use crate::ui::plain::one_line;
use std::time::Duration;

impl Draw for Report {
    fn human(&self, page: Page) -> String {
        if self.databases.is_empty() {
            return "no databases\n".to_owned();
        }
        let header = [
            "DATABASE",
            "POLICY",
            "STATUS",
            "LAST GOOD (UTC)",
            "AGE",
            "SIZE",
            "TREND",
            "VERIFIED",
            "BACKUPS",
            "NEXT (UTC)",
        ];
        let rows: Vec<_> = self.databases.iter().map(|one| row(one, self.at)).collect();
        let mut text = page
            .table(Columns { titles: &header, right: &[4, 5, 6, 8], optional: &[6, 8, 5, 1, 7, 9] }, &rows);
        text.push('\n');
        for one in &self.databases {
            if let Some(chain) = &one.chain {
                text.push_str(&format!(
                    "{}: {} since the full of {}; the last {} ago\n",
                    one.database,
                    count(chain.length.saturating_sub(1) as u64, "incremental"),
                    chain.full_started_at.table(),
                    age(self.at.since(chain.started_at))
                ));
            }
            for problem in &one.problems {
                text.push_str(&format!("! {}: {}\n", one.database, one_line(&problem.message)));
            }
            for warning in &one.warnings {
                text.push_str(&format!("warning: {}: {warning}\n", one.database));
            }
        }
        let stored: u64 = self.databases.iter().fold(0, |sum: u64, one| sum.saturating_add(one.stored_bytes));
        let wrong = self.databases.iter().filter(|one| !one.problems.is_empty()).count() as u64;
        let nobody =
            self.databases.iter().filter(|one| one.policy.is_none() && one.problems.is_empty()).count();
        let total = count(self.databases.len() as u64, "database");
        text.push_str(&match wrong {
            0 => format!("{total}, nothing is wrong"),
            wrong => format!("{total}, {wrong} with problems"),
        });
        if nobody > 0 {
            text.push_str(&format!("; {nobody} under no policy"));
        }
        text.push_str(&format!("; {} stored\n", ByteSize(stored)));
        text
    }

    fn json(&self) -> String {
        pretty(self)
    }
}

fn row(one: &Standing, at: Timestamp) -> Vec<String> {
    let dash = || "-".to_owned();
    let good = one.last_good.as_ref();
    let verified = good.and_then(|good| good.verified.as_ref());
    vec![
        one.database.to_string(),
        one.policy.as_ref().map_or_else(dash, ToString::to_string),
        one.status.to_string(),
        good.map_or_else(dash, |good| good.started_at.table()),
        good.map_or_else(dash, |good| age(at.since(good.started_at))),
        good.map_or_else(dash, |good| ByteSize(good.stored_bytes).to_string()),
        trend(&one.sizes).unwrap_or_else(dash),
        verified.map_or_else(dash, |last| last.level.to_string()),
        one.good_backups.to_string(),
        one.next.map_or_else(dash, Timestamp::table),
    ]
}

/// An age in its largest unit: `45s`, `12m`, `7h`, `3d`.
fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    let unit = [86_400, 3_600, 60].into_iter().find(|unit| seconds >= *unit).unwrap_or(1);
    // Days are not summed up to weeks.
    match unit {
        86_400 => format!("{}d", seconds / unit),
        unit => Period(Duration::from_secs(seconds / unit * unit)).to_string(),
    }
}

/// How the last full compares with the one before.
fn trend(sizes: &[u64]) -> Option<String> {
    let [.., before, last] = sizes else { return None };
    let (before, last) = (i128::from(*before).max(1), i128::from(*last));
    let percent = (last - before) * 100 / before;
    Some(if percent > 999 { ">+999%".to_owned() } else { format!("{percent:+}%") })
}

/// A line for each database; the header names the columns as the JSON does.
pub fn csv(report: &Report) -> String {
    let mut text = "database,policy,status,last_good,last_good_at,stored_bytes,verified_at,good_backups,failures,next,problems\n".to_owned();
    for one in &report.databases {
        let good = one.last_good.as_ref();
        let verified = good.and_then(|good| good.verified.as_ref());
        let problems: Vec<&str> = one.problems.iter().map(|problem| problem.kind.as_str()).collect();
        let fields = [
            one.database.to_string(),
            one.policy.as_ref().map(ToString::to_string).unwrap_or_default(),
            one.status.to_string(),
            good.map(|good| good.id.to_string()).unwrap_or_default(),
            good.map(|good| good.started_at.to_string()).unwrap_or_default(),
            good.map(|good| good.stored_bytes.to_string()).unwrap_or_default(),
            verified.map(|last| last.at.to_string()).unwrap_or_default(),
            one.good_backups.to_string(),
            one.failures.to_string(),
            one.next.map(|next| next.to_string()).unwrap_or_default(),
            // Words without commas and quotes, so nothing needs quoting.
            problems.join(" "),
        ];
        text.push_str(&(fields.join(",") + "\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_trends_read_well() {
        let table = [(45, "45s"), (750, "12m"), (26_000, "7h"), (300_000, "3d"), (1_300_000, "15d")];
        for (seconds, text) in table {
            assert_eq!(age(Duration::from_secs(seconds)), text);
        }
        let trends: [(&[u64], Option<&str>); 5] = [
            (&[], None),
            (&[5], None),
            (&[100, 103], Some("+3%")),
            (&[9, 100, 50], Some("-50%")),
            (&[0, 5000], Some(">+999%")),
        ];
        for (sizes, text) in trends {
            assert_eq!(trend(sizes).as_deref(), text);
        }
    }
}
