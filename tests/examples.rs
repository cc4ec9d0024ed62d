//! Every configuration in `examples/` is one that the program takes, and every unit one that systemd takes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

#[path = "support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// Has the program read `config`, which must be to its liking in every respect.
#[track_caller]
fn accepted(config: &Path) {
    let output = Command::new(env!("CARGO_BIN_EXE_jagad"))
        .args(["config", "check", "--json", "--config"])
        .arg(config)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{}: {said}", config.display());
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["warnings"], serde_json::json!([]), "{}", config.display());
    assert!(report["databases"].as_u64().unwrap() > 0, "{} declares no database", config.display());
}

#[test]
fn every_configuration_of_the_examples_is_accepted_without_a_warning() {
    let mut seen = 0;
    for folder in folders(&examples()) {
        let config = folder.join("jagad.toml");
        let hosts: Vec<PathBuf> =
            folders(&folder).into_iter().filter(|host| host.join("host.toml").exists()).collect();
        // As its README says: the shared file and, beside it, the one of the host.
        for host in &hosts {
            let home = tempfile::tempdir().unwrap();
            std::fs::create_dir(home.path().join("conf.d")).unwrap();
            std::fs::copy(&config, home.path().join("jagad.toml")).unwrap();
            std::fs::copy(host.join("host.toml"), home.path().join("conf.d/host.toml")).unwrap();
            accepted(&home.path().join("jagad.toml"));
            seen += 1;
        }
        if hosts.is_empty() {
            accepted(&config);
            seen += 1;
        }
    }
    assert_eq!(seen, 7);
}

#[test]
fn every_example_is_in_the_list_and_says_what_it_is() {
    let list = std::fs::read_to_string(examples().join("README.md")).unwrap();
    for folder in folders(&examples()) {
        let name = folder.file_name().unwrap().to_str().unwrap();
        assert!(list.contains(&format!("[{name}]({name})")), "examples/README.md does not list {name}");
        assert!(folder.join("README.md").exists(), "{name} has no README.md");
    }
}

#[test]
fn systemd_accepts_the_units() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["jagad.service", "jagad.timer"] {
        let text = std::fs::read_to_string(examples().join("systemd").join(name)).unwrap();
        // systemd looks whether the program is there, and it is installed nowhere.
        let text = text.replace("/usr/local/bin/jagad", env!("CARGO_BIN_EXE_jagad"));
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let units = ["jagad.service", "jagad.timer"].map(|name| folder.path().join(name));
    // Without looking for the manual page, which is installed nowhere either.
    let verify = Command::new("systemd-analyze").args(["verify", "--man=no"]).args(units).output();
    let Ok(output) = verify else {
        return support::presence::skipped("there is no systemd-analyze, so nobody looked at the units");
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let about: Vec<&str> = said.lines().filter(|line| line.contains("jagad.")).collect();
    assert!(output.status.success() && about.is_empty(), "{said}");
}

#[test]
fn the_step_of_a_pipeline_is_a_script_that_a_shell_takes() {
    let checked = Command::new("sh").arg("-n").arg(examples().join("ci/step.sh")).status().unwrap();
    assert!(checked.success());
}
