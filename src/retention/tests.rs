//! Known answers, and what must hold for any history.

use super::*;
use crate::catalog::Health;
use crate::model::{BackupId, BackupKind, Timestamp};
use chrono_tz::Tz;
use proptest::prelude::*;
use std::collections::BTreeSet;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn id(number: usize, kind: BackupKind) -> BackupId {
    format!("20260101T000000Z-{kind}-{number:06}").parse().unwrap()
}

fn full(number: usize, finished_at: &str) -> Candidate {
    let kind = BackupKind::Full;
    Candidate {
        id: id(number, kind),
        kind,
        parent: None,
        finished_at: at(finished_at),
        health: Health::Good,
        pinned: Pinned::No,
        in_use: false,
        base_unreadable: false,
    }
}

fn incremental(number: usize, parent: &Candidate, finished_at: &str) -> Candidate {
    let kind = BackupKind::Incremental;
    Candidate { id: id(number, kind), kind, parent: Some(parent.id.clone()), ..full(0, finished_at) }
}

fn only_fulls(count: u32) -> Retention {
    Retention { full: count, ..Retention::default() }
}

/// The numbers of the backups that stay, sorted.
fn stays(rule: &Retention, candidates: &[Candidate], now: &str) -> Vec<usize> {
    let decisions = plan(rule, candidates, at(now));
    assert_eq!(decisions.len(), candidates.len());
    let mut numbers: Vec<usize> = decisions
        .iter()
        .filter(|decision| decision.removed.is_none())
        .map(|decision| decision.id.to_string().rsplit('-').next().unwrap().parse().unwrap())
        .collect();
    numbers.sort_unstable();
    numbers
}

fn why(rule: &Retention, candidates: &[Candidate], now: &str, number: usize) -> String {
    let decision = plan(rule, candidates, at(now))
        .into_iter()
        .find(|decision| decision.id.to_string().ends_with(&format!("{number:06}")))
        .unwrap();
    let reasons = decision.kept.iter().chain(&decision.removed);
    reasons.map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_newest_fulls_stay_and_commit_time_decides_not_the_name() {
    // The first by name was committed last.
    let days = ["2026-03-05T02:00", "2026-03-01T02:00", "2026-03-02T02:00", "2026-03-03T02:00"];
    let candidates: Vec<_> = days.iter().enumerate().map(|(number, day)| full(number, day)).collect();
    assert_eq!(stays(&only_fulls(2), &candidates, "2026-03-05T03:00"), [0, 3]);
    assert_eq!(why(&only_fulls(2), &candidates, "2026-03-05T03:00", 0), "full 1 of the newest 2");
    assert_eq!(why(&only_fulls(2), &candidates, "2026-03-05T03:00", 1), "enough fulls are newer");
}

#[test]
fn backups_of_a_clock_that_was_set_back_since_count_as_older() {
    // Three were taken while the clock was years ahead; then it was set right, and one more was taken.
    let candidates = [
        full(0, "2026-01-01T02:00"),
        full(1, "2031-01-01T02:00"),
        full(2, "2031-01-02T02:00"),
        full(3, "2031-01-03T02:00"),
        full(4, "2026-01-05T02:00"),
    ];
    assert_eq!(stays(&only_fulls(2), &candidates, "2026-01-05T02:01"), [0, 4]);
    assert_eq!(stays(&only_fulls(3), &candidates, "2026-01-05T02:01"), [0, 3, 4]);
    // By a few hours it is no different, and hosts may differ by minutes.
    let near = [full(0, "2026-01-05T08:00"), full(1, "2026-01-05T09:00"), full(2, "2026-01-05T07:30")];
    assert_eq!(stays(&only_fulls(1), &near, "2026-01-05T07:31"), [2]);
    assert_eq!(stays(&only_fulls(1), &near, "2026-01-05T08:57"), [1]);
}

#[test]
fn failed_and_bad_ones_never_count() {
    let mut candidates: Vec<_> =
        (0..4).map(|number| full(number, &format!("2026-03-0{}T02:00", number + 1))).collect();
    candidates[3].health = Health::Failed;
    candidates[2].health = Health::Bad;
    assert_eq!(stays(&only_fulls(2), &candidates, "2026-03-05T03:00"), [0, 1, 2, 3]);
    candidates.push(full(4, "2026-03-05T02:00"));
    candidates.push(full(5, "2026-03-06T02:00"));
    // The bad one is outlived by two good ones; the failure is recent, and later it is not.
    assert_eq!(stays(&only_fulls(2), &candidates, "2026-03-06T03:00"), [3, 4, 5]);
    assert_eq!(stays(&only_fulls(2), &candidates, "2026-05-06T03:00"), [4, 5]);
}

#[test]
fn the_last_good_full_stays_whatever_the_rule_says() {
    let mut candidates = vec![full(0, "2026-03-01T02:00"), full(1, "2026-03-02T02:00")];
    candidates[1].health = Health::Failed;
    let nothing = Retention { full: 0, min_keep: 0, ..Retention::default() };
    assert_eq!(stays(&nothing, &candidates, "2030-01-01T00:00"), [0, 1]);
    assert_eq!(why(&nothing, &candidates, "2030-01-01T00:00", 0), "one of the last good fulls (min_keep)");
}

#[test]
fn days_begin_where_the_zone_says_and_the_doubled_hour_counts_twice() {
    // 2026-10-25 in Berlin: 03:00 CEST becomes 02:00 CET, so 00:30 UTC and 01:30 UTC are both 02:30.
    let candidates = [
        full(0, "2026-10-24T21:30"),
        full(1, "2026-10-24T22:30"),
        full(2, "2026-10-25T00:30"),
        full(3, "2026-10-25T01:30"),
    ];
    let rule = |zone, daily, hourly| Retention { full: 1, daily, hourly, zone, ..Retention::default() };
    let now = "2026-10-25T12:00";
    assert_eq!(stays(&rule(Tz::UTC, 2, 0), &candidates, now), [1, 3]);
    assert_eq!(stays(&rule(Tz::Europe__Berlin, 2, 0), &candidates, now), [0, 3]);
    assert_eq!(stays(&rule(Tz::Europe__Berlin, 0, 2), &candidates, now), [2, 3]);
}

#[test]
fn longer_periods_reach_further_back() {
    let candidates: Vec<_> = (0..400)
        .map(|number| Candidate {
            finished_at: at("2025-01-01T02:00").plus(std::time::Duration::from_secs(number * DAY)),
            ..full(usize::try_from(number).unwrap(), "2025-01-01T02:00")
        })
        .collect();
    let rule = Retention { full: 3, weekly: 2, monthly: 3, yearly: 2, ..Retention::default() };
    // The last is 2026-02-04, a Wednesday: three newest, the Sunday before, the last of two months, the last of 2025.
    assert_eq!(stays(&rule, &candidates, "2026-02-05T00:00"), [364, 395, 396, 397, 398, 399]);
}

#[test]
fn a_full_takes_its_incrementals_along_and_a_kept_one_keeps_what_it_builds_on() {
    let old = full(0, "2026-03-01T02:00");
    let child = incremental(1, &old, "2026-03-01T08:00");
    let grandchild = incremental(2, &child, "2026-03-01T14:00");
    let new = full(3, "2026-03-02T02:00");
    let mut candidates = vec![old, child, grandchild, new];
    let now = "2026-03-02T03:00";
    assert_eq!(stays(&only_fulls(1), &candidates, now), [3]);
    let going: Vec<String> = plan(&only_fulls(1), &candidates, at(now))
        .into_iter()
        .filter(|decision| decision.removed.is_some())
        .map(|decision| decision.id.to_string())
        .collect();
    assert!(going[0].ends_with('2') && going[1].ends_with('1') && going[2].ends_with('0'), "{going:?}");
    let none = Retention { incremental: IncrementalRule::Count(0), ..only_fulls(1) };
    candidates[1].pinned = Pinned::Yes;
    assert_eq!(stays(&none, &candidates, now), [0, 1, 3]);
    candidates[1].pinned = Pinned::No;
    candidates[2].in_use = true;
    assert_eq!(stays(&none, &candidates, now), [0, 1, 2, 3]);
}

#[test]
fn incrementals_are_removed_by_age_or_by_number_and_so_are_those_without_a_parent() {
    let base = full(0, "2026-03-01T00:00");
    let first = incremental(1, &base, "2026-03-01T06:00");
    let second = incremental(2, &base, "2026-03-01T12:00");
    let third = incremental(3, &base, "2026-03-01T18:00");
    let orphan = incremental(4, &full(9, "2026-02-01T00:00"), "2026-03-01T18:30");
    let candidates = [base, first, second, third, orphan];
    let rule = |incremental| Retention { incremental, ..Retention::default() };
    let day = IncrementalRule::Age(std::time::Duration::from_secs(DAY));
    assert_eq!(stays(&rule(day), &candidates, "2026-03-02T12:00"), [0, 2, 3]);
    assert_eq!(stays(&rule(IncrementalRule::Count(1)), &candidates, "2026-03-02T12:00"), [0, 3]);
    assert_eq!(why(&rule(day), &candidates, "2026-03-02T12:00", 4), "its parent is removed or missing");
    // A clock that was set back makes nothing older.
    assert_eq!(stays(&rule(day), &candidates, "2020-01-01T00:00"), [0, 1, 2, 3]);
}

#[test]
fn what_builds_on_something_that_cannot_be_read_stays() {
    let unread = full(9, "2026-02-01T00:00");
    let first = Candidate { base_unreadable: true, ..incremental(1, &unread, "2026-02-01T06:00") };
    let second = incremental(2, &first, "2026-02-01T12:00");
    let good = full(3, "2026-03-01T00:00");
    let candidates = [good, Candidate { base_unreadable: true, ..second }, first];
    assert_eq!(stays(&only_fulls(1), &candidates, "2026-03-02T00:00"), [1, 2, 3]);
    assert_eq!(why(&only_fulls(1), &candidates, "2026-03-02T00:00", 2), "what it builds on cannot be read");
}

#[test]
fn a_run_that_failed_keeps_nothing_of_what_it_would_have_been_built_on() {
    let old = full(0, "2026-03-01T00:00");
    let first = incremental(1, &old, "2026-03-01T06:00");
    let failed = Candidate { health: Health::Failed, ..incremental(2, &first, "2026-03-01T12:00") };
    let candidates = [old, first, failed, full(3, "2026-03-02T00:00")];
    assert_eq!(stays(&only_fulls(1), &candidates, "2026-03-03T00:00"), [2, 3]);
}

fn histories() -> impl Strategy<Value = Vec<Candidate>> {
    let one = (0_u64..4000, 0_u8..10, proptest::option::of(0_usize..40), any::<bool>(), 0_u8..20);
    proptest::collection::vec(one, 0..40).prop_map(|rows| {
        let kinds: Vec<BackupKind> = rows
            .iter()
            .map(|row| if row.2.is_some() { BackupKind::Incremental } else { BackupKind::Full })
            .collect();
        let parent = |number: usize| {
            let kind = kinds.get(number).copied().unwrap_or(BackupKind::Full);
            id(number, kind)
        };
        let candidate =
            |(number, (hours, health, of, pinned, in_use)): (usize, &(u64, u8, Option<usize>, bool, u8))| {
                Candidate {
                    id: id(number, kinds[number]),
                    kind: kinds[number],
                    // Parents that are missing, younger than their children, or in a circle: the rule must cope with
                    // all of them.
                    parent: of.map(parent),
                    finished_at: at("2026-01-01T00:00").plus(std::time::Duration::from_secs(hours * HOUR)),
                    health: match health {
                        0 | 1 => Health::Failed,
                        2 => Health::Bad,
                        3 => Health::Partial,
                        _ => Health::Good,
                    },
                    pinned: if *pinned && *in_use == 1 { Pinned::Yes } else { Pinned::No },
                    in_use: *in_use == 0,
                    base_unreadable: *in_use == 2,
                }
            };
        rows.iter().enumerate().map(candidate).collect()
    })
}

fn rules() -> impl Strategy<Value = Retention> {
    let incremental = prop_oneof![
        (0_u32..10).prop_map(IncrementalRule::Count),
        (0_u64..100).prop_map(|days| IncrementalRule::Age(std::time::Duration::from_secs(days * DAY)))
    ];
    (0_u32..10, incremental, 0_u32..5, 0_u32..5, 0_u32..5, 0_u32..4).prop_map(
        |(full, incremental, daily, weekly, monthly, min_keep)| Retention {
            full,
            incremental,
            hourly: daily,
            daily,
            weekly,
            monthly,
            yearly: monthly,
            min_keep,
            zone: Tz::Europe__Berlin,
        },
    )
}

proptest! {
    #[test]
    fn no_rule_and_no_history_loses_what_must_stay(rule in rules(), mut history in histories(), days in 0_u64..400, turn in 0_usize..40) {
        let now = at("2026-01-01T00:00").plus(std::time::Duration::from_secs(days * DAY));
        let decisions = plan(&rule, &history, now);
        let kept: BTreeSet<&BackupId> =
            decisions.iter().filter(|decision| decision.removed.is_none()).map(|decision| &decision.id).collect();

        // The last good fulls.
        let mut good: Vec<&Candidate> = history
            .iter()
            .filter(|candidate| candidate.kind == BackupKind::Full && candidate.health == Health::Good)
            .collect();
        let past = now.plus(std::time::Duration::from_secs(300));
        good.sort_by_key(|candidate| (candidate.finished_at <= past, candidate.finished_at, candidate.id.clone()));
        for full in good.iter().rev().take(rule.min_keep.max(rule.full).max(1) as usize) {
            prop_assert!(kept.contains(&full.id));
        }
        for candidate in &history {
            // Pins and what is in use, and whatever a kept one builds on.
            prop_assert!(!(candidate.pinned != Pinned::No || candidate.in_use) || kept.contains(&candidate.id));
            if let Some(parent) = &candidate.parent {
                let known = history.iter().any(|other| other.id == *parent);
                let failed = candidate.health == Health::Failed;
                prop_assert!(failed || !kept.contains(&candidate.id) || !known || kept.contains(parent));
            }
        }
        // Nothing is removed before what builds on it, unless they build on each other in a circle.
        let going: Vec<&BackupId> =
            decisions.iter().filter(|decision| decision.removed.is_some()).map(|decision| &decision.id).collect();
        for (place, id) in going.iter().enumerate() {
            let candidate = history.iter().find(|candidate| candidate.id == **id).unwrap();
            let parent = candidate.parent.as_ref().and_then(|parent| going.iter().position(|other| *other == parent));
            let is_full_parent = candidate.parent.as_ref().is_some_and(|parent| parent.kind() == BackupKind::Full);
            if let (Some(parent), true) = (parent, is_full_parent) {
                prop_assert!(parent > place);
            }
        }

        // Applied again to what stays, nothing more is removed. In another order, the result is the same.
        let rest: Vec<Candidate> =
            history.iter().filter(|candidate| kept.contains(&candidate.id)).cloned().collect();
        prop_assert!(plan(&rule, &rest, now).iter().all(|decision| decision.removed.is_none()));
        if !history.is_empty() {
            let turn = turn % history.len();
            history.rotate_left(turn);
        }
        prop_assert_eq!(plan(&rule, &history, now), decisions);
    }
}
