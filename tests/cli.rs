//! The command line as it is seen: help, refusals, hints and exit codes; and the files made from it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

use clap_complete::Shell;
use jagad::cli::manual;
use std::path::{Path, PathBuf};

#[test]
fn every_recorded_command_answers_as_recorded() {
    trycmd::TestCases::new().env("NO_COLOR", "1").case("tests/cmd/*.toml").run();
}

/// Compares a committed file with what the code makes; `JAGAD_BLESS=1` writes it instead.
fn in_step(path: &Path, made: &[u8]) {
    let committed = std::fs::read(path).unwrap_or_default();
    if committed == made {
        return;
    }
    assert!(
        std::env::var_os("JAGAD_BLESS").is_some(),
        "{} is stale: run the tests once with JAGAD_BLESS=1",
        path.display()
    );
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, made).unwrap();
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_manual_pages_are_those_of_the_code() {
    let pages = manual::pages();
    assert!(pages.len() > 20, "only {} pages", pages.len());
    for (name, text) in &pages {
        in_step(&root().join("man").join(name), text);
    }
    let kept = std::fs::read_dir(root().join("man")).unwrap().count();
    assert_eq!(kept, pages.len(), "man/ holds pages of commands that do not exist");
}

/// The name of every command that does something: "key list".
fn commands(command: &clap::Command, path: &str, names: &mut Vec<String>) {
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        let path = format!("{path} {}", inner.get_name()).trim_start().to_owned();
        if inner.has_subcommands() {
            commands(inner, &path, names);
        } else {
            names.push(path);
        }
    }
}

#[test]
fn every_command_has_examples_that_it_understands() {
    let mut names = vec!["jagad".to_owned()];
    commands(&manual::tree(), "", &mut names);
    for name in names {
        let examples = jagad::cli::examples::of(&name);
        assert!(!examples.is_empty(), "`{name}` has no example");
        for (_, line) in examples {
            let line = line.split(" | ").next().unwrap();
            let words = shlex::split(line).unwrap();
            let parsed = manual::tree().try_get_matches_from(&words);
            assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
            let begins = if name == "jagad" { name.clone() } else { format!("jagad {name}") };
            assert!(line.starts_with(&begins), "{line} is no example of `{name}`");
        }
    }
}

#[test]
fn the_completions_are_those_of_the_code() {
    for (shell, file) in [(Shell::Bash, "jagad.bash"), (Shell::Zsh, "_jagad"), (Shell::Fish, "jagad.fish")] {
        in_step(&root().join("completions").join(file), &manual::completions(shell));
    }
}

#[test]
fn every_command_and_flag_of_the_readme_exists() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let tree = manual::tree();
    let mut seen = 0;
    for line in readme
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("jagad ") || line.starts_with("$ jagad "))
    {
        let words: Vec<&str> = line.trim_start_matches("$ ").split_whitespace().skip(1).collect();
        let mut command = &tree;
        for word in &words {
            if let Some(flag) = word.strip_prefix("--") {
                let flag = flag.split('=').next().unwrap_or(flag);
                let known = command.get_arguments().any(|arg| {
                    arg.get_long() == Some(flag)
                        || arg.get_visible_aliases().is_some_and(|aliases| aliases.contains(&flag))
                });
                assert!(
                    known || flag == "help" || flag == "version",
                    "README: `{flag}` is not a flag of: {line}"
                );
            } else if let Some(inner) = command.find_subcommand(word) {
                command = inner;
            }
        }
        assert!(
            command.get_name() != "jagad" || words[0].starts_with('-'),
            "README: no such command: {line}"
        );
        seen += 1;
    }
    assert!(seen >= 10, "the README shows only {seen} commands");
}
