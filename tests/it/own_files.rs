//! What a run leaves on its host and needs from it.

use crate::bench::Bench;
use crate::place::Place;
use crate::program::{Run, wait_until};
use crate::sql_bench::SqlBench;
use crate::support::mysql::Release;
use nix::sys::signal::Signal;
use std::path::Path;
use std::process::Command;

/// Folders of files that only one run may read.
fn private_folders(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("jagad-private-")).count()
}

#[test]
fn a_password_file_of_a_run_that_was_killed_is_gone_after_the_next_one() {
    let Some(bench) = SqlBench::small(Release::MariaDb1011) else { return };
    let begun = bench.path("t/begun");
    let set = bench.with_dump(&format!("touch {}; sleep 60; $real \"$@\"", begun.display()));
    let run = bench.program(&["backup", "shop", "--set", &set]);
    wait_until("the tool is at work", || begun.exists());
    assert!(private_folders(&bench.path("t")) > 0);
    run.signal(Signal::SIGKILL);
    run.wait();
    assert!(private_folders(&bench.path("t")) > 0, "nobody was there to remove it");
    bench.run(&["list"]).ok();
    assert_eq!(private_folders(&bench.path("t")), 0);
}

#[test]
fn a_run_that_shall_outlive_its_terminal_does() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let begun = bench.path("tmp/begun");
    let set = bench.with_dump(&format!("touch {}; sleep 2; $real \"$@\"", begun.display()));
    let plain = bench.command(&["backup", "shop", "--set", &set]);
    let mut command = Command::new("nohup");
    command.arg(plain.get_program()).args(plain.get_args()).current_dir(plain.get_current_dir().unwrap());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let run = Run::start(&mut command);
    wait_until("the tool is at work", || begun.exists());
    run.signal(Signal::SIGHUP);
    run.wait().ok();
}

#[test]
fn a_state_directory_that_cannot_be_used_stops_no_backup() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    std::fs::write(bench.path("state"), "a file").unwrap();
    bench.run(&["backup", "shop"]).ok().says("are not limited across processes");
    std::fs::remove_file(bench.path("state")).unwrap();
    // A link in its place leads nowhere.
    std::fs::create_dir(bench.path("state")).unwrap();
    let slots = bench.path("state").join(format!("slots-{}", nix::unistd::geteuid()));
    std::fs::create_dir(bench.path("victim")).unwrap();
    std::os::unix::fs::symlink(bench.path("victim"), &slots).unwrap();
    bench.run(&["backup", "shop"]).ok().says("are not limited across processes");
    assert_eq!(std::fs::read_dir(bench.path("victim")).unwrap().count(), 0);
}

#[test]
fn a_check_tells_of_folders_that_cannot_be_used() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let host = |args: &[&str]| {
        let report = bench.run(&[&["check", "--json"], args].concat()).json();
        let sections = report["sections"].as_array().unwrap();
        sections.iter().find(|section| section["kind"] == "host").cloned()
    };
    let levels = |section: serde_json::Value| -> Vec<String> {
        let findings = section["findings"].as_array().unwrap();
        findings.iter().map(|finding| finding["level"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(levels(host(&[]).unwrap()), ["ok", "ok"]);
    assert_eq!(host(&["main"]), None, "only the store was asked for");
    std::fs::write(bench.path("file"), "").unwrap();
    let args = ["--set", "settings.state_dir=file", "--set", "settings.tmp_dir=absent"];
    let section = host(&args).unwrap();
    assert_eq!(levels(section.clone()), ["warning", "error"]);
    assert!(section["findings"].to_string().contains("settings.state_dir"), "{section}");
    let told = bench.run(&[&["check"][..], &args].concat()).expect(7).stdout;
    assert!(told.contains("absent") && told.contains("settings.tmp_dir"), "{told}");
    assert!(!bench.path("absent").exists());
}

#[test]
fn a_key_is_made_where_the_configuration_wants_it_and_the_example_is_printed() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    bench.add("[keys.second]\nkey_file = \"keys/second.key\"\n");
    let made = bench.run(&["key", "generate", "second", "--json"]).ok().json();
    assert_eq!(made["key_file"], bench.path("keys/second.key").display().to_string().as_str());
    assert_eq!(made["configuration"], "");
    bench.run(&["check", "second"]).ok();
    bench.run(&["key", "generate", "second"]).expect(6).says("exists already");
    // One that is declared nowhere goes into the folder where one is.
    let made = bench.run(&["key", "generate", "third"]).ok();
    assert!(made.stdout.contains("[keys.third]") && bench.path("third.key").exists(), "{made:?}");
    let example = bench.run(&["config", "example"]).ok().stdout;
    assert_eq!(example.trim(), include_str!("../../jagad.example.toml").trim());
}
