//! How consecutive runs change the state.

use super::*;
use std::time::Duration;

const DAY: u64 = 24 * 3600;

fn day(number: u32) -> Timestamp {
    format!("2026-01-{number:02}T02:00:00Z").parse().unwrap()
}

/// A planned run of the day that ended a minute later.
fn manifest(number: u32, status: &str, more: &str) -> Manifest {
    let text = format!(
        r#"{{"format":1,"id":"202601{number:02}T020000Z-full-abcdef","repository":"0123456789abcdef0123456789abcdef",
        "database":"shop","engine":"postgresql","server":null,"tool":null,"method":"logical","kind":"full",
        "purpose":"scheduled","parent":null,"source":null,"started_at":"2026-01-{number:02}T02:00:00Z",
        "finished_at":"2026-01-{number:02}T02:01:00Z","duration_ms":1000,"span":null,"status":"{status}",
        "error":{{"class":"store","message":"m","help":null}},"fallback_reason":null,{more}"note":null,"jagad":"0.1.0",
        "host":"h","recipe":{{"codec":"zstd","level":3,"cipher":null,"key_id":null}},"parts":[]}}"#
    );
    serde_json::from_str(&text).unwrap()
}

/// A policy with one run a day and no retries.
fn rules(number: u32, limit: Option<u32>) -> Rules {
    let period = (day(number), day(number).plus(Duration::from_secs(DAY)));
    Rules { limit, retries: 0, period: Some(period) }
}

/// The effect of each run of `days`, and the state after all of them.
fn noted(days: &[(u32, &str)], limit: Option<u32>) -> (Vec<RunEffect>, State) {
    let mut state = State::default();
    let turns = days.iter().map(|(number, status)| {
        state.note(&manifest(*number, status, ""), &rules(*number, limit), VerificationFollows::No)
    });
    (turns.collect(), state)
}

#[test]
fn failures_in_a_row_pause_and_a_success_resumes() {
    let (turns, state) = noted(&[(1, "failed"), (2, "failed"), (3, "failed"), (4, "failed")], Some(3));
    assert_eq!(turns, [RunEffect::None, RunEffect::None, RunEffect::Paused, RunEffect::None]);
    assert_eq!((state.failures, state.paused.as_ref().unwrap().cause), (4, PauseCause::Failures));
    let (turns, state) = noted(&[(1, "failed"), (2, "success"), (3, "failed"), (4, "failed")], Some(3));
    assert_eq!((turns.contains(&RunEffect::Paused), state.failures), (false, 2));
    let (turns, state) = noted(&[(1, "failed"), (2, "success")], Some(1));
    assert_eq!((turns, state.failures), (vec![RunEffect::Paused, RunEffect::Resumed], 0));
    assert!(state.paused.is_none() && state.last_error.is_none());
    assert_eq!(noted(&[(1, "failed"), (2, "failed")], None).0, [RunEffect::None, RunEffect::None]);
}

/// The run of the second day, `minutes` after its time.
fn attempt(minutes: u64, class: &str) -> Manifest {
    let mut run = manifest(2, "failed", "");
    run.started_at = day(2).plus(Duration::from_secs(minutes * 60));
    run.finished_at = run.started_at;
    run.id = format!("{}-full-abcdef", run.started_at.compact()).parse().unwrap();
    run.error.as_mut().unwrap().class = class.to_owned();
    run
}

#[test]
fn a_try_that_waits_for_its_verification_is_not_made_again() {
    let two = Rules { retries: 2, ..rules(2, Some(1)) };
    let minute = |minutes: u64| day(2).plus(Duration::from_secs(minutes * 60));
    let mut state = State::default();
    let again = state.note(&attempt(0, "store"), &two, VerificationFollows::Yes);
    assert_eq!(again, RunEffect::Again(minute(5)));
    assert!(state.retry_of(BackupKind::Full, minute(5)).is_some());
    let good = Manifest { status: BackupStatus::Success, error: None, ..attempt(5, "store") };
    assert_eq!(state.note(&good, &two, VerificationFollows::Yes), RunEffect::None);
    assert_eq!(state.retry_of(BackupKind::Full, minute(6)), None, "its backup is there");
    // The backup is bad: the planned run is tried once more, as its third try.
    let failure = attempt(0, "integrity").error.unwrap();
    let bad = VerificationEnd::Failed(failure);
    assert_eq!(state.settle(&good.id, &bad, minute(7), &two), Some(RunEffect::Again(minute(17))));
    assert_eq!(state.retry_of(BackupKind::Full, minute(17)).map(|retry| retry.failed), Some(2));
}

#[test]
fn a_failed_run_that_was_planned_is_tried_again_before_it_counts() {
    let two = Rules { retries: 2, ..rules(2, Some(1)) };
    let mut state = State::default();
    let minute = |minutes: u64| day(2).plus(Duration::from_secs(minutes * 60));
    let note =
        |state: &mut State, minutes| state.note(&attempt(minutes, "store"), &two, VerificationFollows::No);
    assert_eq!(note(&mut state, 0), RunEffect::Again(minute(5)));
    assert_eq!(note(&mut state, 5), RunEffect::Again(minute(15)));
    assert_eq!((state.failures, state.paused.is_some(), state.last_error.is_some()), (0, false, true));
    assert_eq!(note(&mut state, 15), RunEffect::Paused);
    assert_eq!((state.failures, state.retry), (1, None));
    // A manual run is not tried again.
    let mut state = State::default();
    let by_hand = Manifest { purpose: BackupPurpose::Manual, ..attempt(0, "store") };
    assert_eq!(state.note(&by_hand, &two, VerificationFollows::No), RunEffect::Paused);
    assert_eq!(state.last_full, None);
    // The next run comes before the time to try again.
    let hourly = Rules { period: Some((minute(0), minute(60))), ..two };
    let mut state = State::default();
    assert_eq!(state.note(&attempt(58, "store"), &hourly, VerificationFollows::No), RunEffect::Paused);
}

#[test]
fn an_interrupted_run_is_made_up_for_and_does_not_count_towards_a_pause() {
    let two = Rules { retries: 2, ..rules(2, Some(1)) };
    let minute = |minutes: u64| day(2).plus(Duration::from_secs(minutes * 60));
    for (rules, expected) in [
        (two, [RunEffect::Again(minute(0)), RunEffect::Again(minute(11)), RunEffect::None]),
        (Rules { retries: 0, ..two }, [RunEffect::Again(minute(0)), RunEffect::None, RunEffect::None]),
    ] {
        let mut state = State::default();
        let tries = if rules.retries == 0 { 2 } else { 3 };
        for (minutes, turn) in expected.into_iter().enumerate().take(tries) {
            let run = attempt(minutes as u64, INTERRUPTED);
            assert_eq!(state.note(&run, &rules, VerificationFollows::No), turn);
        }
        assert_eq!((state.failures, state.paused.is_some(), state.last_error.is_some()), (0, false, true));
    }
}

#[test]
fn a_run_counts_when_its_backup_has_been_verified() {
    let settled = |verified: &VerificationEnd| {
        let (_, mut state) = noted(&[(1, "failed")], Some(2));
        let run = manifest(2, "success", "");
        assert_eq!(state.note(&run, &rules(2, Some(2)), VerificationFollows::Yes), RunEffect::None);
        assert_eq!((state.failures, &state.last_good), (1, &None), "it was counted before it was verified");
        let turn = state.settle(&run.id, verified, day(2), &rules(2, Some(2)));
        assert_eq!(state.settle(&run.id, verified, day(2), &rules(2, Some(2))), None, "it was counted twice");
        (turn, state)
    };
    let (turn, state) = settled(&VerificationEnd::Passed);
    assert_eq!((turn, state.failures), (Some(RunEffect::None), 0));
    assert_eq!(state.last_good.unwrap().id, manifest(2, "success", "").id);
    let error = manifest(1, "failed", "").error.unwrap();
    let (turn, state) = settled(&VerificationEnd::Failed(error.clone()));
    assert_eq!((turn, state.failures, &state.last_good), (Some(RunEffect::Paused), 2, &None));
    assert_eq!(state.last_error.unwrap().failure, error);
    // Nothing is known against the backup.
    let (turn, state) = settled(&VerificationEnd::Inconclusive);
    assert_eq!((turn, state.failures), (Some(RunEffect::None), 0));
}

#[test]
fn a_verification_that_proved_nothing_is_tried_again() {
    let two = Rules { retries: 2, ..rules(2, Some(2)) };
    let (mut state, run) = (State::default(), manifest(2, "success", ""));
    state.note(&run, &two, VerificationFollows::Yes);
    let turns: Vec<_> =
        (0..4).map(|_| state.settle(&run.id, &VerificationEnd::Inconclusive, day(2), &two)).collect();
    let minutes = |minutes: u64| Some(RunEffect::Again(day(2).plus(Duration::from_secs(minutes * 60))));
    assert_eq!(turns, [minutes(5), minutes(10), Some(RunEffect::None), None]);
}

#[test]
fn a_run_that_is_noted_twice_counts_once() {
    let (_, mut state) = noted(&[(1, "failed")], Some(2));
    let again = state.note(&manifest(1, "failed", ""), &rules(1, Some(2)), VerificationFollows::No);
    assert_eq!((again, state.failures), (RunEffect::None, 1));
}

#[test]
fn a_run_of_only_some_databases_does_not_change_the_state() {
    let (_, mut state) = noted(&[(1, "failed")], Some(3));
    let before = state.clone();
    let safety = Manifest { purpose: BackupPurpose::Safety, ..manifest(2, "success", "") };
    for run in [manifest(2, "success", "\"partial\":true,"), safety] {
        state.note(&run, &rules(2, Some(3)), VerificationFollows::No);
        assert_eq!(state, before);
    }
}

#[test]
fn a_failure_recorded_late_counts_unless_a_good_run_came_since() {
    let (_, mut state) = noted(&[(1, "success"), (3, "failed")], Some(3));
    state.note_late(&manifest(2, "failed", ""), &rules(2, Some(3)));
    assert_eq!(state.failures, 2);
    assert_eq!(state.last_full.as_ref().unwrap().started_at, day(3));
    // A good run in the future has the time of a wrong clock.
    for (good, failures) in [(1, 1), (3, 0), (20, 1)] {
        let (_, mut state) = noted(&[(good, "success")], Some(3));
        state.note_late(&manifest(2, "failed", ""), &rules(2, Some(3)));
        assert_eq!(state.failures, failures, "{good}");
    }
}

/// The run that was planned for an hour of the second day, as an incremental or as the full that replaced it.
fn hourly(hour: u32, kind: &str, fallback: Option<&str>) -> Manifest {
    let mut run = manifest(2, "success", "");
    run.id = format!("20260102T{hour:02}0000Z-{kind}-abcdef").parse().unwrap();
    run.kind = run.id.kind();
    run.started_at = run.id.started();
    run.finished_at = run.started_at;
    run.fallback_reason = fallback.map(str::to_owned);
    run
}

#[test]
fn an_incremental_that_became_a_full_was_the_run_of_its_hour() {
    let mut state = State::default();
    let run = hourly(5, "full", Some("why"));
    state.note(&run, &rules(2, None), VerificationFollows::No);
    assert_eq!(state.last_attempt(BackupKind::Incremental, run.started_at), Some(run.started_at));
    // A full that failed does not affect the incrementals to come.
    let mut state = State::default();
    state.note(&hourly(5, "incremental", None), &rules(2, None), VerificationFollows::No);
    assert_eq!(state.last_attempt(BackupKind::Full, run.started_at), None);
}

#[test]
fn fulls_in_the_place_of_incrementals_are_counted_until_one_succeeds() {
    let mut state = State::default();
    let mut count = |run: &Manifest| {
        state.note(run, &rules(2, None), VerificationFollows::No);
        state.repeated_fallbacks().map_or(0, |fallbacks| fallbacks.count)
    };
    assert_eq!(count(&hourly(3, "full", Some("one"))), 0);
    assert_eq!(count(&hourly(4, "full", None)), 0);
    assert_eq!(count(&hourly(5, "full", Some("two"))), 2);
    assert_eq!(count(&hourly(6, "full", Some("three"))), 3);
    assert_eq!(count(&hourly(7, "incremental", None)), 0);
    assert_eq!(count(&hourly(8, "full", Some("one"))), 0);
}

#[test]
fn a_full_that_is_to_be_tried_again_is_not_forgotten_for_an_incremental_that_succeeds() {
    let retry = |kind| {
        let again = Retry { kind, planned: day(2), failed: 1, after: day(2) };
        let mut state = State { retry: Some(again), ..State::default() };
        state.note(&hourly(3, "incremental", None), &rules(2, None), VerificationFollows::No);
        state.retry
    };
    assert!(retry(BackupKind::Full).is_some());
    assert!(retry(BackupKind::Incremental).is_none());
}

#[test]
fn a_late_verification_keeps_a_failure_that_came_since() {
    let mut state = State::default();
    let earlier = hourly(3, "incremental", None);
    state.note(&earlier, &rules(2, Some(2)), VerificationFollows::Yes);
    let failure = attempt(0, "store").error.unwrap();
    let failed =
        Manifest { status: BackupStatus::Failed, error: Some(failure), ..hourly(4, "incremental", None) };
    let waits = Retry {
        kind: BackupKind::Incremental,
        planned: failed.started_at,
        failed: 1,
        after: failed.started_at,
    };
    state.retry = Some(waits.clone());
    let error = failed.error.clone().unwrap();
    state.last_error = Some(NotedFailure { at: failed.started_at, id: failed.id.clone(), failure: error });
    state.failures = 2;
    let reason = "2 failures in a row".to_owned();
    state.paused = Some(Pause { at: failed.started_at, cause: PauseCause::Failures, reason });
    let late = failed.started_at.plus(Duration::from_secs(1));
    assert_eq!(
        state.settle(&earlier.id, &VerificationEnd::Passed, late, &rules(2, Some(2))),
        Some(RunEffect::None)
    );
    assert_eq!((state.retry, state.failures), (Some(waits), 1));
    assert!(state.paused.is_some(), "what failed since then has paused it");
    assert_eq!(state.last_error.unwrap().id, failed.id);
}
