//! Runs that fail. Each must say so, be recorded, leave nothing behind, and not be in the way of the next.

use crate::bench::Bench;
use crate::place::Place;
use crate::program::Output;
use crate::support::faulty::{Asked, Fault, error};
use http::Method;

/// What every failed backup must end in, and that the next one works.
#[track_caller]
fn failed_cleanly(bench: &Bench, output: Output, (code, class, words): (i32, &str, &str)) {
    let output = output.expect(code);
    assert!(output.stderr.contains(words), "no `{words}` in {}", output.stderr);
    let listed = bench.listed();
    assert_eq!((listed.len(), &listed[0]["status"]), (1, &"failed".into()), "{listed:?}");
    let id = listed[0]["id"].as_str().unwrap();
    let recorded = bench.run(&["show", id, "--json"]).ok().json()["manifest"]["error"].clone();
    assert_eq!(recorded["class"], class, "{recorded}");
    assert!(recorded["message"].as_str().unwrap().contains(words), "{recorded}");
    assert!(bench.run(&["logs", id]).ok().stdout.contains(words));
    assert_eq!(bench.leftovers(), [""; 0]);
    bench.run(&["restore", id, "--yes"]).expect(6).says("cannot restore backup with status: failed").helps();
    bench.run(&["restore", "shop@latest", "--yes"]).expect(5);
    let id = bench.back_up(&[]);
    bench.run(&["verify", &id, "--level", "read"]).ok();
    assert_eq!(bench.statuses(), ["success", "failed"]);
}

fn a_dump_that(body: &str, (code, class, words): (i32, &str, &str)) {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let set = bench.with_dump(body);
    let output = bench.run(&["backup", "shop", "--set", &set]);
    failed_cleanly(&bench, output, (code, class, words));
}

#[test]
fn a_dump_that_exits_1_after_all_of_its_output_is_no_backup() {
    a_dump_that(
        "$real \"$@\"; echo 'pg_dump: error: late trouble' >&2; exit 1",
        (1, "operation", "late trouble"),
    );
}

#[test]
fn a_dump_that_dies_in_the_middle_is_no_backup() {
    a_dump_that(
        "$real \"$@\" | head -c 20000; echo 'pg_dump: error: lost the server' >&2; exit 1",
        (1, "operation", "lost the server"),
    );
}

#[test]
fn a_dump_that_is_killed_is_no_backup() {
    a_dump_that("$real \"$@\" | head -c 20000; kill -9 $$", (1, "operation", "137"));
}

#[test]
fn a_dump_that_is_cut_and_called_good_is_no_backup() {
    a_dump_that("$real \"$@\" | head -c 20000; exit 0", (4, "integrity", "archive"));
}

#[test]
fn a_dump_that_is_empty_and_called_good_is_no_backup() {
    a_dump_that("exit 0", (4, "integrity", "archive"));
}

#[test]
fn a_dump_that_hangs_is_stopped_in_time_with_all_it_started() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let pids = bench.path("tmp/pids");
    let body = format!("sleep 1000 & echo $! $$ > {}; $real \"$@\" | head -c 20000; wait", pids.display());
    let set = bench.with_dump(&body);
    let output = bench.run(&["backup", "shop", "--set", &set, "--timeout", "2s"]);
    assert!(pids.exists(), "{output:?}");
    crate::program::assert_killed(&std::fs::read_to_string(pids).unwrap());
    let output = output.helps();
    failed_cleanly(&bench, output, (1, "operation", "did not end within"));
}

/// A store that fails as `hook` says while a backup of several parts is taken.
fn a_store_that(hook: impl FnMut(&Asked) -> Fault + Send + 'static) -> Option<(Bench, Output)> {
    let bench = Bench::small(Place::server())?;
    bench.fill(12);
    bench.server().fail(hook);
    let output = bench.run(&["backup", "shop"]);
    bench.server().end_faults();
    Some((bench, output))
}

#[test]
fn an_upload_part_that_is_denied_fails_the_run() {
    let hook = |asked: &Asked| if asked.is_part(2) { error(403, "AccessDenied") } else { Fault::Pass };
    let Some((bench, output)) = a_store_that(hook) else { return };
    failed_cleanly(&bench, output.helps(), (10, "store", "STORAGE PROVIDER ERROR"));
}

#[test]
fn an_upload_part_that_never_gets_through_fails_the_run() {
    let hook = |asked: &Asked| if asked.is_part(2) { error(500, "InternalError") } else { Fault::Pass };
    let Some((bench, output)) = a_store_that(hook) else { return };
    failed_cleanly(&bench, output, (10, "store", "STORAGE PROVIDER ERROR"));
}

#[test]
fn an_upload_part_that_gets_through_in_the_end_is_all_right() {
    let hook = |asked: &Asked| match (asked.is_part(2), asked.before) {
        (true, 0) => error(503, "SlowDown"),
        (true, 1) => Fault::Drop,
        (true, 2) => Fault::DropAfter,
        _ => Fault::Pass,
    };
    let Some((bench, output)) = a_store_that(hook) else { return };
    output.ok();
    bench.run(&["verify", "shop@latest", "--level", "read"]).ok();
}

#[test]
fn a_completion_that_answers_200_with_an_error_is_no_success() {
    let hook = |asked: &Asked| {
        if asked.is_complete() { error(200, "InternalError") } else { Fault::Pass }
    };
    let Some((bench, output)) = a_store_that(hook) else { return };
    failed_cleanly(&bench, output, (10, "store", "STORAGE PROVIDER ERROR"));
}

#[test]
fn a_completion_whose_answer_is_lost_is_a_success_all_the_same() {
    let hook = |asked: &Asked| {
        if asked.is_complete() && asked.before == 0 { Fault::DropAfter } else { Fault::Pass }
    };
    let Some((bench, output)) = a_store_that(hook) else { return };
    output.ok();
    bench.run(&["verify", "shop@latest", "--level", "read"]).ok();
}

fn is_manifest(asked: &Asked) -> bool {
    asked.method == Method::PUT && asked.path.ends_with("/manifest.json")
}

#[test]
fn a_commit_whose_answer_is_lost_happens_exactly_once() {
    let hook = |asked: &Asked| {
        if is_manifest(asked) && asked.before == 0 { Fault::DropAfter } else { Fault::Pass }
    };
    let Some((bench, output)) = a_store_that(hook) else { return };
    output.ok();
    assert_eq!(bench.statuses(), ["success"]);
    bench.run(&["restore", "shop@latest", "--into", "copy", "--yes"]).ok();
}

#[test]
fn a_commit_that_is_denied_is_no_backup() {
    let mut denied = false;
    let hook = move |asked: &Asked| {
        if is_manifest(asked) && !std::mem::replace(&mut denied, true) {
            error(403, "AccessDenied")
        } else {
            Fault::Pass
        }
    };
    let Some((bench, output)) = a_store_that(hook) else { return };
    failed_cleanly(&bench, output, (10, "store", "STORAGE PROVIDER ERROR"));
}

#[test]
fn a_store_that_goes_away_stops_the_run_and_the_next_one_records_it() {
    let mut gone = false;
    let hook = move |asked: &Asked| {
        gone |= asked.is_part(2);
        if gone { Fault::Drop } else { Fault::Pass }
    };
    let Some((bench, output)) = a_store_that(hook) else { return };
    // Either is true: the lease could not be kept, or the part was not stored.
    assert!([10, 11].contains(&output.code), "{output:?}");
    output.helps();
    assert_eq!(bench.statuses().iter().filter(|status| *status == "success").count(), 0);
    bench
        .run(&["backup", "shop", "--wait", "20s"])
        .ok()
        .says("ended without a result")
        .says("recorded backup");
    assert_eq!(bench.statuses(), ["success", "failed"]);
    // The server in this process cannot list unfinished uploads; the gateway is asked in `crashes`.
    let data: Vec<_> = bench.leftovers().into_iter().filter(|key| !key.starts_with(".upload")).collect();
    let id = bench.listed()[0]["id"].as_str().unwrap().to_owned();
    assert!(data.iter().all(|key| key.contains(&id)), "{data:?}");
}
