//! What users see on a terminal of 80 and of 120 columns.

use crate::program::{Output, Run};
use crate::redis::Bench;
use crate::support::redis::{Kind, Server};
use std::process::Command;

/// A program on a terminal of so many columns, where somebody presses Ctrl-C as soon as `word` is shown.
fn interrupted(bench: &Bench, columns: usize, word: &str, args: &[&str]) -> Output {
    let inside = bench.command(args);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/terminal.py");
    let mut command = Command::new("python3");
    command.args([script, &columns.to_string(), word]).arg(inside.get_program()).args(inside.get_args());
    command.current_dir(inside.get_current_dir().unwrap());
    for (name, value) in inside.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    Run::start(&mut command).wait()
}

fn on_terminal(bench: &Bench, columns: usize, args: &[&str]) -> Output {
    interrupted(bench, columns, "", args)
}

/// What is left of a line when the terminal has obeyed it.
fn visible(line: &str) -> String {
    let line = line.rsplit('\r').next().unwrap_or(line);
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, escaped)) = rest.split_once('\x1b') {
        text.push_str(before);
        let end = escaped.find(|c: char| c.is_ascii_alphabetic()).map_or(escaped.len(), |end| end + 1);
        rest = &escaped[end..];
    }
    text + rest
}

/// Every command that shows something.
const COMMANDS: [&[&str]; 32] = [
    &["--help"],
    &["backup", "--help"],
    &["restore", "--help"],
    &["policy", "attach", "--help"],
    &["list"],
    &["list", "--restores"],
    &["status"],
    &["show", "cache@latest"],
    &["logs", "cache@latest"],
    &["verify", "cache@latest", "--level", "checksum"],
    &["verify", "--all", "--level", "exists"],
    &["restore", "cache@latest", "--target", "other", "--plan"],
    &["restore", "cache@latest", "--target", "other", "--yes"],
    &["restore", "nothing@latest"],
    &["restore", "20260101T000000Z-full-abcdef"],
    &["backup", "cache", "--dry-run"],
    &["backup", "cache"],
    &["backup", "gone"],
    &["check"],
    &["prune", "--dry-run"],
    &["delete", "cache@latest", "--dry-run"],
    &["policy", "list"],
    &["policy", "show", "production-every-night"],
    &["policy", "apply", "--dry-run"],
    &["schedule", "list"],
    &["schedule", "run", "--dry-run"],
    &["schedule", "install"],
    &["key", "list"],
    &["config", "check"],
    &["pin", "cache@latest", "--note", "the last one before the new version of everything is installed"],
    &["unlock", "cache"],
    &["lits"],
];

#[test]
fn every_command_fits_a_terminal() {
    let (Some(source), Some(target)) = (Server::start(Kind::Redis7), Server::start(Kind::Redis7)) else {
        return;
    };
    let bench = Bench::with(source, target);
    bench.fill();
    bench.add(
        "[policies.production-every-night]\nfull = { every = \"daily\", at = \"02:00\" }\n\
         [policies.production-every-night.retention]\nfull = 7\n\
         [databases.gone]\nengine = \"redis\"\nhost = \"127.0.0.1\"\nport = 1\n\
         [databases.a-name-that-somebody-found-good-some-years-ago]\nengine = \"redis\"\nhost = \"127.0.0.1\"\nport = 1\n",
    );
    bench.back_up(&["--verify", "checksum", "--note", "the first"]);
    bench.back_up(&[]);
    bench.run(&["policy", "attach", "production-every-night", "cache"]).ok();
    for columns in [80, 120] {
        for args in COMMANDS {
            let shown = on_terminal(&bench, columns, args);
            assert!(!shown.stdout.trim().is_empty(), "{args:?} shows nothing: {shown:?}");
            for line in shown.stdout.lines().map(visible) {
                // Command lines are left to be copied, and a word that is too long is not broken.
                // A log is shown as it was written.
                let is_whole =
                    line.starts_with("    ") || line.split_whitespace().count() == 1 || args[0] == "logs";
                assert!(is_whole || line.chars().count() <= columns, "{args:?} at {columns}: {line}");
            }
        }
    }
    // A file or a pipe gets everything on one line.
    let piped = bench.run(&["list"]).ok().stdout;
    assert!(piped.lines().next().unwrap().contains("HOLDS"), "{piped}");
    let narrow = on_terminal(&bench, 80, &["list"]).stdout;
    assert!(!narrow.contains("HOLDS") && narrow.contains("cache"), "{narrow}");
}

#[test]
fn an_interrupted_backup_leaves_no_bar_behind() {
    let (Some(source), Some(target)) = (Server::start(Kind::Redis7), Server::start(Kind::Redis7)) else {
        return;
    };
    let bench = Bench::with(source, target);
    // Enough for a bar to be seen.
    bench.source.client().ok("DEBUG POPULATE 300000 key 1000");
    let shown = interrupted(&bench, 80, "dumping", &["backup", "cache"]);
    assert_eq!(shown.code, 130, "{shown:?}");
    assert!(shown.stdout.contains("dumping"), "there was no bar: {shown:?}");
    let lines: Vec<String> = shown.stdout.lines().map(visible).collect();
    assert!(!lines.iter().any(|line| line.contains("dumping")), "{lines:?}");
    let last = lines.iter().rfind(|line| !line.trim().is_empty()).unwrap();
    assert!(last.contains("interrupted"), "{lines:?}");
}
