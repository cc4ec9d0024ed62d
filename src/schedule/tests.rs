//! Known answers.

use super::*;
use crate::model::Timestamp;
use chrono_tz::Tz;
use proptest::prelude::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn cadence(expression: &str, zone: Tz) -> Cadence {
    Cadence { crontab: expression.parse().unwrap(), zone }
}

/// The next `count` times after `after`, in UTC.
fn next(expression: &str, zone: Tz, after: &str, count: usize) -> Vec<String> {
    let cadence = cadence(expression, zone);
    let times = std::iter::successors(cadence.next(at(after)), |time| cadence.next(*time));
    times.take(count).map(Timestamp::table).collect()
}

#[test]
fn expressions_mean_what_crontab_means() {
    // 2026-11-20 is a Friday.
    let now = "2026-11-20T12:00:00Z";
    for (expression, expected) in [
        ("0 2 * * *", &["2026-11-21 02:00:00", "2026-11-22 02:00:00"][..]),
        ("*/15 * * * *", &["2026-11-20 12:15:00", "2026-11-20 12:30:00"]),
        ("0 12 * * *", &["2026-11-21 12:00:00", "2026-11-22 12:00:00"]),
        ("30 3 * * 0", &["2026-11-22 03:30:00", "2026-11-29 03:30:00"]),
        ("30 3 * * 7", &["2026-11-22 03:30:00", "2026-11-29 03:30:00"]),
        ("30 3 * * sun", &["2026-11-22 03:30:00", "2026-11-29 03:30:00"]),
        ("30 3 * * 5-7", &["2026-11-21 03:30:00", "2026-11-22 03:30:00", "2026-11-27 03:30:00"]),
        ("0 0 1 jan *", &["2027-01-01 00:00:00", "2028-01-01 00:00:00"]),
        ("0 0 29 2 *", &["2028-02-29 00:00:00", "2032-02-29 00:00:00"]),
        ("0 0 31 * *", &["2026-12-31 00:00:00", "2027-01-31 00:00:00", "2027-03-31 00:00:00"]),
        // Both days given: either is enough. One begins with a star: both must hold.
        (
            "0 0 13 * 5",
            &["2026-11-27 00:00:00", "2026-12-04 00:00:00", "2026-12-11 00:00:00", "2026-12-13 00:00:00"],
        ),
        ("0 0 */2 * 1", &["2026-11-23 00:00:00", "2026-12-07 00:00:00", "2026-12-21 00:00:00"]),
        ("0 0 1-7 * */7", &["2026-12-06 00:00:00", "2027-01-03 00:00:00"]),
        (
            "5,10-20/5 23 * * *",
            &["2026-11-20 23:05:00", "2026-11-20 23:10:00", "2026-11-20 23:15:00", "2026-11-20 23:20:00"],
        ),
        ("0 0 1 JAN,jun-jul Mon", &["2027-01-01 00:00:00", "2027-01-04 00:00:00", "2027-01-11 00:00:00"]),
        (
            "0 6 * * mon-wed,5",
            &["2026-11-23 06:00:00", "2026-11-24 06:00:00", "2026-11-25 06:00:00", "2026-11-27 06:00:00"],
        ),
        ("0 6 * * */3", &["2026-11-21 06:00:00", "2026-11-22 06:00:00", "2026-11-25 06:00:00"]),
        ("*/7 0 * * *", &["2026-11-21 00:00:00", "2026-11-21 00:07:00"]),
        ("*/45 * * * *", &["2026-11-20 12:45:00", "2026-11-20 13:00:00"]),
        ("@weekly", &["2026-11-22 00:00:00", "2026-11-29 00:00:00"]),
        ("@monthly", &["2026-12-01 00:00:00", "2027-01-01 00:00:00"]),
        ("0 0 30 2 *", &[]),
    ] {
        assert_eq!(next(expression, Tz::UTC, now, expected.len().max(1)), expected, "{expression}");
    }
}

#[test]
fn invalid_expressions_are_refused_with_the_reason() {
    for (expression, words) in [
        ("0 2 * *", "it has 4 fields, five are needed"),
        ("0 0 2 * * *", "it has 6 fields, five are needed"),
        ("60 2 * * *", "`60` in the field minute (0 to 59) cannot be read"),
        ("0 24 * * *", "`24` in the field hour (0 to 23) cannot be read"),
        ("0 2 0 * *", "`0` in the field day of month (1 to 31) cannot be read"),
        ("0 2 * 13 *", "`13` in the field month (1 to 12) cannot be read"),
        ("0 2 * * 8", "`8` is not a day of week: 0 to 7"),
        ("0 2 * * mo", "`mo` in the field day of week (0 to 7) cannot be read"),
        ("5/10 * * * *", "a step goes with `*` or a range"),
        ("*/0 * * * *", "a step is 1 to 60"),
        ("20-10 * * * *", "`20-10` in the field minute (0 to 59) cannot be read"),
        ("-1 * * * *", "`-1` in the field minute (0 to 59) cannot be read"),
        ("0 2 ? * *", "`?` in the field day of month is not valid in a crontab"),
        ("0 2 L * *", "`L` in the field day of month (1 to 31) cannot be read"),
        // Not the crate's own error: it names other fields and marks the place of an error on further lines.
        ("0 2 * * fri-mon", "ranges with the smaller first (1-3)"),
        ("0 2 * * sunday", "names of three letters (jan, mon)"),
        ("1- * * * *", "write numbers"),
        ("@reboot", "the words are"),
        ("", "it has 0 fields"),
    ] {
        let error = expression.parse::<Crontab>().unwrap_err().to_string();
        assert!(error.contains(words), "{expression}: {error}");
        let crate_words = ["Invalid range", "must be", "field does not", "^"];
        assert!(!crate_words.iter().any(|word| error.contains(word)), "{expression}: {error}");
    }
}

#[test]
fn clock_changes_neither_lose_nor_double_a_daily_run() {
    let berlin = Tz::Europe__Berlin;
    // 2026-03-29: 02:00 CET becomes 03:00 CEST at 01:00 UTC, so 02:30 is left out and made up for at 03:00.
    assert_eq!(
        next("30 2 * * *", berlin, "2026-03-28T00:00:00Z", 3),
        ["2026-03-28 01:30:00", "2026-03-29 01:00:00", "2026-03-30 00:30:00"]
    );
    // 2026-10-25: 03:00 CEST becomes 02:00 CET at 01:00 UTC, so 02:30 comes twice and counts once.
    assert_eq!(
        next("30 2 * * *", berlin, "2026-10-24T12:00:00Z", 2),
        ["2026-10-25 00:30:00", "2026-10-26 01:30:00"]
    );
    // Hourly follows the hours.
    assert_eq!(
        next("30 * * * *", berlin, "2026-10-24T23:45:00Z", 4),
        ["2026-10-25 00:30:00", "2026-10-25 01:30:00", "2026-10-25 02:30:00", "2026-10-25 03:30:00"]
    );
    assert_eq!(
        next("30 * * * *", berlin, "2026-03-28T23:45:00Z", 3),
        ["2026-03-29 00:30:00", "2026-03-29 01:30:00", "2026-03-29 02:30:00"]
    );
    // With `*` in the field of minutes too: twice as many on the long night, none on the short one.
    assert_eq!(
        next("*/15 2 * * *", berlin, "2026-10-24T12:00:00Z", 9),
        [
            "2026-10-25 00:00:00",
            "2026-10-25 00:15:00",
            "2026-10-25 00:30:00",
            "2026-10-25 00:45:00",
            "2026-10-25 01:00:00",
            "2026-10-25 01:15:00",
            "2026-10-25 01:30:00",
            "2026-10-25 01:45:00",
            "2026-10-26 01:00:00"
        ]
    );
    assert_eq!(
        next("*/15 2 * * *", berlin, "2026-03-28T02:00:00Z", 2),
        ["2026-03-30 00:00:00", "2026-03-30 00:15:00"]
    );
    // Samoa went from the 29th to the 31st of December 2011.
    assert_eq!(
        next("0 5 30 12 *", Tz::Pacific__Apia, "2011-01-01T00:00:00Z", 2),
        ["2011-12-30 10:00:00", "2012-12-29 15:00:00"]
    );
}

#[test]
fn one_missed_run_is_made_up_for_and_nothing_is_due_twice() {
    let nightly = cadence("0 2 * * *", Tz::UTC);
    let (ran, now) = (at("2026-11-17T02:00:05Z"), at("2026-11-20T08:00:00Z"));
    assert_eq!(due(&nightly, ran, now), Due::Now { planned: at("2026-11-20T02:00:00Z") });
    let later = Due::Later { next: Some(at("2026-11-21T02:00:00Z")) };
    assert_eq!(due(&nightly, now, now), later);
    // Set back by a day: what ran in the future has run.
    assert_eq!(due(&nightly, now, at("2026-11-19T08:00:00Z")), later);
    // Attached after it was planned.
    assert_eq!(due(&nightly, at("2026-11-20T02:00:00Z"), at("2026-11-20T02:00:30Z")), later);
    assert_eq!(due(&cadence("0 0 30 2 *", Tz::UTC), ran, now), Due::Later { next: None });
}

proptest! {
    #[test]
    fn next_and_latest_agree(
        minute in prop_oneof![Just("*".to_owned()), (0_u32..60).prop_map(|m| m.to_string()), Just("*/7".to_owned())],
        hour in prop_oneof![Just("*".to_owned()), (0_u32..24).prop_map(|h| h.to_string()), Just("1-3".to_owned())],
        weekday in prop_oneof![Just("*".to_owned()), (0_u32..8).prop_map(|d| d.to_string())],
        zone in prop_oneof![Just(Tz::Europe__Berlin), Just(Tz::America__St_Johns), Just(Tz::Australia__Lord_Howe), Just(Tz::UTC)],
        seconds in 1_700_000_000_i64..1_900_000_000,
    ) {
        let cadence = cadence(&format!("{minute} {hour} * * {weekday}"), zone);
        let now = Timestamp::from_unix_seconds(seconds);
        let next = cadence.next(now).unwrap();
        prop_assert!(next > now);
        prop_assert_eq!(cadence.latest(next), Some(next));
        let latest = cadence.latest(now).unwrap();
        prop_assert!(latest <= now);
        // Nothing lies between the two.
        prop_assert_eq!(cadence.next(latest), Some(next));
    }

    #[test]
    fn no_text_makes_it_panic(text in "[0-9*/,@a-z -]{0,40}") {
        if let Ok(crontab) = text.parse::<Crontab>() {
            let cadence = Cadence { crontab, zone: Tz::Europe__Berlin };
            let _ = cadence.next(Timestamp::from_unix_seconds(1_800_000_000));
        }
    }
}
