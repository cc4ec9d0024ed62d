//! Programs of the user around a backup.

use crate::bench::Bench;
use crate::place::Place;
use crate::program::assert_killed;
use crate::support::post::Post;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

/// A hook that writes down what it was told, and then does `body`.
fn hook(bench: &Bench, name: &str, body: &str) -> String {
    let path = bench.path("bin").join(name);
    let notes = bench.path("tmp/notes");
    let script = format!(
        "#!/bin/sh\necho \"{name} $JAGAD_EVENT $JAGAD_DATABASE $JAGAD_ENGINE $JAGAD_STATUS ${{JAGAD_BACKUP_ID:+id}} \
         ${{JAGAD_SIZE:+size}} $JAGAD_ERROR\" >> {}\n{body}\n",
        notes.display()
    );
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

/// What the hooks wrote since the last look, one line each.
fn notes(bench: &Bench) -> Vec<String> {
    let path = bench.path("tmp/notes");
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let _ = std::fs::remove_file(&path);
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

fn bench() -> Option<Bench> {
    let bench = Bench::small(Place::Local)?;
    let [before, after, failure, last] =
        ["before", "after", "failure", "last"].map(|name| hook(&bench, name, "echo chatter"));
    bench.add(&format!(
        "[hooks]\nbefore_backup = [\"{before}\"]\nafter_backup = \"'{after}' x\"\non_failure = [\"{failure}\"]\n\
         finally = [\"{last}\"]\n"
    ));
    Some(bench)
}

#[test]
fn hooks_run_around_a_backup_and_are_told_how_it_is() {
    let Some(bench) = bench() else { return };
    bench.back_up(&[]);
    assert_eq!(
        notes(&bench),
        [
            "before before_backup shop postgresql running id",
            "after after_backup shop postgresql success id size",
            "last finally shop postgresql success id size"
        ]
    );
    let set = bench.with_dump("echo 'pg_dump: error: late trouble' >&2; exit 1");
    bench.run(&["backup", "shop", "--set", &set]).expect(1);
    let told = notes(&bench);
    assert_eq!(told[0], "before before_backup shop postgresql running id");
    assert!(
        told[1].starts_with("failure on_failure shop postgresql failed id ")
            && told[1].contains("late trouble")
    );
    assert!(told[2].starts_with("last finally shop postgresql failed id "), "{told:?}");
    assert_eq!(told.len(), 3, "{told:?}");
}

#[test]
fn a_hook_before_that_fails_is_the_failure_of_the_backup_and_nothing_is_dumped() {
    let Some(bench) = bench() else { return };
    hook(&bench, "before", "echo 'the disk of the day is missing' >&2; exit 3");
    let output = bench.run(&["backup", "shop"]).expect(1).helps();
    let words = "hook before_backup failed with exit status 3: the disk of the day is missing";
    assert!(output.stderr.contains(words), "{}", output.stderr);
    let listed = bench.listed();
    assert_eq!((listed.len(), &listed[0]["status"]), (1, &"failed".into()), "{listed:?}");
    assert!(listed[0]["error"].as_str().unwrap().contains(words), "{listed:?}");
    let told = notes(&bench);
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[1].starts_with("failure on_failure") && told[2].starts_with("last finally"), "{told:?}");
    assert_eq!(bench.leftovers(), [""; 0]);
}

#[test]
fn a_hook_that_never_returns_is_ended_with_all_it_started() {
    let Some(bench) = bench() else { return };
    let pids = bench.path("tmp/pids");
    let hangs = format!("sleep 1000 & echo $! $$ > {}; wait", pids.display());
    hook(&bench, "before", &hangs);
    let began = Instant::now();
    let output = bench.run(&["backup", "shop", "--set", "hooks.timeout=1s"]).expect(1);
    assert!(began.elapsed() < Duration::from_secs(30));
    assert!(output.stderr.contains("hook before_backup did not end within 1 s"), "{}", output.stderr);
    assert_killed(&std::fs::read_to_string(&pids).unwrap());
    hook(&bench, "before", "");
    hook(&bench, "last", &hangs);
    bench
        .run(&["backup", "shop", "--set", "hooks.timeout=1s"])
        .ok()
        .says("hook finally did not end within 1 s");
    assert_killed(&std::fs::read_to_string(&pids).unwrap());
    assert_eq!(bench.statuses(), ["success", "failed"]);
}

#[test]
fn a_hook_that_fails_afterwards_changes_nothing_but_is_told() {
    let Some(post) = Post::web("") else { return };
    let Some(bench) = bench() else { return };
    bench.add(&format!(
        "[notify.ops]\ntype = \"webhook\"\nurl = \"http://127.0.0.1:{}/\"\nallow_plain = true\n",
        post.port
    ));
    hook(&bench, "after", "echo 'no room for a copy' >&2; exit 4");
    let output = bench.run(&["backup", "shop", "--notify-on", "backup_succeeded"]).ok();
    assert!(output.stderr.contains("hook after_backup failed with exit status 4"), "{}", output.stderr);
    assert_eq!(bench.statuses(), ["success"]);
    let body = post.requests()[0]["body"].as_str().unwrap().to_owned();
    assert!(body.contains("no room for a copy"), "{body}");
    assert_eq!(notes(&bench).len(), 3);
}

#[test]
fn hooks_of_an_entry_replace_the_global_ones_and_a_run_that_never_began_undoes_nothing() {
    let Some(bench) = bench() else { return };
    let own = hook(&bench, "own", "");
    let set = format!("databases.shop.hooks.before_backup=[\"{own}\"]");
    bench.run(&["backup", "shop", "--set", &set, "--set", "databases.shop.hooks.after_backup=[]"]).ok();
    let told = notes(&bench);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("own before_backup") && told[1].starts_with("last finally"), "{told:?}");
    std::fs::rename(bench.path("store"), bench.path("gone")).unwrap();
    std::fs::write(bench.path("store"), "a file").unwrap();
    assert!(bench.run(&["backup", "shop"]).code != 0);
    let told = notes(&bench);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("failure on_failure shop postgresql failed"), "{told:?}");
}

#[test]
fn hooks_of_a_restore_run_in_the_database_that_is_filled() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let psql = |sql: &str| {
        let (bin, folder) = (bench.postgres.bin().display(), bench.postgres.socket().display());
        format!(
            "{bin}/psql -qX -h {folder} -U postgres -d \"$JAGAD_FILLING\" -v ON_ERROR_STOP=1 -c \"{sql}\" >/dev/null"
        )
    };
    // As TimescaleDB asks for it: something is there before the first statement of the dump, and something is done at last.
    let before = hook(&bench, "before", &psql("CREATE EXTENSION pg_trgm"));
    let after = hook(
        &bench,
        "after",
        &psql(
            "DELETE FROM item WHERE id = (SELECT max(id) FROM item WHERE NOT EXISTS (SELECT FROM sale WHERE sale.item = item.id))",
        ),
    );
    bench.add(&format!("[hooks]\nbefore_restore = [\"{before}\"]\nafter_restore = [\"{after}\"]\n"));
    bench.postgres.psql("shop", "INSERT INTO item VALUES (2001, 'unsold'); CREATE EXTENSION pg_trgm;");
    bench.back_up(&[]);
    assert_eq!(notes(&bench), [""; 0]);
    bench.run(&["verify", "shop@latest", "--level", "restore"]).ok();
    assert_eq!(notes(&bench), [""; 0], "a drill runs no hooks");

    bench.run(&["restore", "shop@latest", "--into", "copy", "--yes"]).ok();

    assert_eq!(
        notes(&bench),
        [
            "before before_restore shop postgresql running id",
            "after after_restore shop postgresql running id"
        ]
    );
    assert_eq!(bench.postgres.psql("copy", "SELECT count(*), max(id) FROM item"), "1000|1000");

    // A hook that fails fails the restore, and what was there is there.
    let state = bench.fingerprint();
    for name in ["before", "after"] {
        hook(&bench, name, "echo 'not like this' >&2; exit 3");
        bench.run(&["restore", "shop@latest", "--yes"]).expect(1).says("not like this").helps();
        assert_eq!(bench.fingerprint(), state);
    }
}
