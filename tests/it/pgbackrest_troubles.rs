//! What is missing, what is killed and what somebody else does, while pgBackRest takes the backups.

use crate::pgbackrest_bench::{BackRest, id, label, prints};
use crate::program::Run;
#[cfg(feature = "crash-points")]
use nix::sys::signal::Signal;
use serde_json::Value;
use std::path::Path;

/// A program that stands for pgBackRest in the folder of tools.
fn stand_in(bench: &BackRest, script: &str) {
    let program = bench.path("tools/pgbackrest");
    std::fs::remove_file(&program).unwrap();
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    crate::folder::open(&program, 0o755);
}

fn what_is_missing_is_told(major: u32) {
    let Some(bench) = BackRest::without_archive(major) else { return };
    let backup = || bench.run(&["backup", "whole"]);
    let check = || bench.run(&["check", "whole"]);
    prints(&check().expect(7), &["archive_mode", "stanza-create", "archive_command"]);
    backup().expect(7).says("stanza-create");
    let bench = bench.archiving();
    let backup = || bench.run(&["backup", "whole"]);
    backup().expect(7).says("stanza-create");
    assert!(bench.run_tool(&["stanza-create"]).status.success());
    backup().ok();
    // The failed runs are recorded as what they were.
    assert_eq!(bench.listed()[1]["method"], "pgbackrest");
    bench.change("[databases.whole.pgbackrest]", "[databases.whole.pgbackrest]\nstanza = \"other\"");
    backup().expect(7).helps();
    bench.change("stanza = \"other\"\n", "");
    // A server that does not archive, and one whose archive does not come.
    bench.postgres.psql("postgres", "ALTER SYSTEM SET archive_command = '';");
    bench.postgres.psql("postgres", "SELECT pg_reload_conf();");
    prints(&bench.run(&["check", "whole"]).expect(7), &["ALTER SYSTEM SET archive_command = 'pgbackrest"]);
    backup().expect(1).says("archive_command").helps();
    bench.postgres.psql("postgres", "ALTER SYSTEM SET archive_command = 'false pgbackrest archive-push %p';");
    bench.postgres.psql("postgres", "SELECT pg_reload_conf();");
    backup().expect(1).says("[082]").says("does not reach the repository");
    // A configuration that nobody may read, a tool that is not there, and an old one.
    std::fs::rename(bench.config(), bench.path("away.conf")).unwrap();
    backup().expect(7).helps();
    std::fs::rename(bench.path("away.conf"), bench.config()).unwrap();
    stand_in(&bench, "echo pgBackRest 2.30");
    backup().expect(7).says("2.30 is older than 2.41").helps();
    stand_in(&bench, "echo something else");
    backup().expect(7);
    std::fs::remove_file(bench.path("tools/pgbackrest")).unwrap();
    let mut without = bench.command(&["backup", "whole"]);
    Run::start(without.env("PATH", bench.path("bin")))
        .wait()
        .expect(7)
        .says("pgBackRest is not installed")
        .helps();
    // Then nobody knows what there is: that is said, and nothing is called gone.
    let mut without = bench.command(&["list"]);
    let listed = Run::start(without.env("PATH", bench.path("bin"))).wait().ok();
    listed.says("whether pgBackRest still has the backups of `whole` is not known");
}

on_each!(what_is_missing_is_told as what_is_missing_is_said: 15, 18);

/// pgBackRest says that all is well, and its repository says otherwise.
fn a_word_is_no_proof(major: u32) {
    let Some(bench) = BackRest::new(major) else { return };
    let real = std::fs::canonicalize(bench.path("tools/pgbackrest")).unwrap();
    stand_in(
        &bench,
        &format!("case \"$*\" in *--annotation=*) exit 0;; esac\nexec {} \"$@\"", real.display()),
    );
    bench.run(&["backup", "whole"]).expect(1).says("none has the note jagad=");
    assert_eq!(bench.listed()[0]["status"], "failed");
}

on_each!(a_word_is_no_proof as a_backup_is_looked_for: 15, 18);

/// What is stopped ends with its tool; what is killed is recorded, and the next run works.
#[cfg(feature = "crash-points")]
fn runs_end_in_every_way(major: u32) {
    let Some(bench) = BackRest::new(major) else { return };
    let real = std::fs::canonicalize(bench.path("tools/pgbackrest")).unwrap();
    let mark = bench.path("tmp/mark");
    let slow = format!(
        "case \"$*\" in *--annotation=*) echo $$ >{}; sleep 60;; esac\nexec {} \"$@\"",
        mark.display(),
        real.display()
    );
    stand_in(&bench, &slow);
    let run = bench.program(&["backup", "whole"]);
    crate::program::wait_until("the tool runs", || {
        std::fs::read_to_string(&mark).is_ok_and(|text| text.ends_with('\n'))
    });
    run.signal(Signal::SIGINT);
    run.wait().expect(130);
    crate::program::assert_killed(&std::fs::read_to_string(&mark).unwrap());
    stand_in(&bench, &format!("exec {} \"$@\"", real.display()));
    for point in ["before-delegate", "after-delegate", "before-commit", "after-commit"] {
        bench.killed_at(&["backup", "whole"], point);
        std::thread::sleep(std::time::Duration::from_secs(6));
        let manifest = bench.take(&["--type", "incremental"]);
        bench.run(&["verify", id(&manifest), "--level", "exists"]).ok();
    }
    let listed = bench.listed();
    let failed = listed.iter().filter(|row| row["status"] == "failed").count();
    assert_eq!((failed, listed.len()), (4, 9), "{listed:?}");
}

#[cfg(feature = "crash-points")]
on_each!(runs_end_in_every_way as runs_that_are_ended: 15, 18);

/// Backups of somebody else are built on, counted and left alone.
fn others_use_the_repository_too(major: u32) {
    let Some(bench) = BackRest::new(major) else { return };
    let others =
        |kind: &str| assert!(bench.run_tool(&["backup", &format!("--type={kind}")]).status.success());
    others("full");
    let first = bench.take(&["--type", "incremental"]);
    // It is an incremental on what jagad knows nothing of, and good by pgBackRest's word.
    assert_eq!((&first["kind"], &first["parent"]), (&"incremental".into(), &Value::Null), "{first}");
    bench.run(&["restore", "whole@latest", "--target-dir", "files"]).ok();
    bench.run(&["verify", "whole@latest", "--level", "checksum"]).ok();
    others("incr");
    let second = bench.take(&["--type", "incremental"]);
    assert_eq!(second["parent"], first["id"], "the nearest that is recorded");
    prints(&bench.run(&["check", "whole"]).ok(), &["4 of its backups, 2 of them"]);
    // Nothing goes unasked.
    bench
        .run(&["delete", id(&first), "--yes", "--delete-last-good"])
        .expect(6)
        .says("pgBackRest keeps")
        .helps();
    bench.change("[databases.whole.pgbackrest]", "[databases.whole.pgbackrest]\nexpire = true");
    let full = bench.take(&[]);
    bench.add("[policies.p]\nfull = { every = \"daily\" }\nretention = { full = 1, incremental = 0 }\n");
    bench.change("method = \"pgbackrest\"\n", "method = \"pgbackrest\"\npolicy = \"p\"\n");
    bench.run(&["prune", "--db", "whole"]).ok();
    assert_eq!(bench.listed().len(), 3, "they hang together with backups of others");
    let going = bench.run(&["delete", id(&first), "--yes"]).ok();
    going.says("deleted");
    let left: Vec<Value> = bench.listed().iter().map(|row| row["id"].clone()).collect();
    assert_eq!(left, [full["id"].clone()]);
    assert!(!bench.repository().join("backup/main").join(label(&second)).exists());
    // What is jagad's own goes by its policy, and pgBackRest's own retention has no say.
    bench.configure("repo1-retention-full=9");
    let last = bench.take(&[]);
    bench.run(&["prune", "--db", "whole"]).ok();
    assert_eq!(bench.listed().len(), 1);
    let folder = bench.repository().join("backup/main");
    assert!(!Path::new(&folder.join(label(&full))).exists());
    assert!(Path::new(&folder.join(label(&last))).exists());
}

on_each!(others_use_the_repository_too as others_use_the_repository: 15, 18);

/// A policy takes incrementals between fulls, verifies them, and sees what is gone.
#[cfg(feature = "crash-points")]
fn a_policy_protects_it(major: u32) {
    let Some(bench) = BackRest::new(major) else { return };
    let chain = crate::chains::Chain::attached(&bench, "verify = \"checksum\"\nretention = { full = 2 }");
    assert_eq!(chain.tick("2027-03-01T12:30:00Z"), "waiting", "the first full is newer than the last hour");
    assert_eq!(chain.tick("2027-03-01T13:00:30Z"), "backed_up");
    assert_eq!(chain.tick("2027-03-01T14:00:30Z"), "backed_up");
    assert_eq!(chain.tick("2027-03-02T02:00:30Z"), "backed_up");
    let kinds: Vec<String> = chain
        .good()
        .iter()
        .map(|manifest| manifest["physical"]["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["full", "incr", "incr", "full"]);
    let listed = bench.listed();
    assert!(listed.iter().all(|row| row["verification"] == "passed"), "{listed:?}");
    let status = chain.at("2027-03-02T02:10:00Z", &["status", "whole", "--json"]).ok().json();
    assert_eq!(status["databases"][0]["good_backups"], 4, "{status}");
    // Somebody else's full pushes all of it out: nothing of jagad's is safe any more, and the next run builds on what is there.
    bench.configure("repo1-retention-full=1");
    assert!(bench.run_tool(&["backup", "--type=full"]).status.success());
    let status =
        chain.at("2027-03-02T02:20:00Z", &["status", "whole", "--check", "--json"]).expect(20).json();
    assert_eq!(status["databases"][0]["good_backups"], 0, "{status}");
    assert_eq!(chain.tick("2027-03-02T03:00:30Z"), "backed_up");
    let newest = chain.newest();
    assert_eq!((&newest["kind"], &newest["parent"]), (&"incremental".into(), &Value::Null), "{newest}");
    // A diff builds on the last full, whatever came between.
    let full = chain.take("2027-03-02T03:10:00Z", "full");
    chain.take("2027-03-02T03:20:00Z", "incremental");
    chain.change("retries = 0", "retries = 0\nincremental_base = \"full\"");
    let differential = chain.take("2027-03-02T03:30:00Z", "incremental");
    assert_eq!(
        (&differential["physical"]["type"], &differential["parent"]),
        (&"diff".into(), &full["id"]),
        "{differential}"
    );
}

#[cfg(feature = "crash-points")]
on_each!(a_policy_protects_it as a_policy_protects_a_stanza: 15, 18);
