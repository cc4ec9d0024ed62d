//! Words and phrases that must not come back: a reader stops at them. docs/ARCHITECTURE.md names the house rule; each entry says
//! what to write in its place.

#![allow(clippy::expect_used, reason = "clippy's own exemption covers test functions only")]

use std::path::{Path, PathBuf};

/// Phrases in lower case and what to write in their place. A phrase that begins or ends with a letter is compared as whole words.
const PHRASES: &[(&str, &str)] = &[
    (concat!("me", "nd"), "fix, correct"),
    (concat!("me", "nds"), "fixes, corrects"),
    (concat!("me", "nded"), "fixed, corrected"),
    (concat!("me", "nding"), "fixing, correcting"),
    (concat!("how-", "manieth"), "nth consecutive"),
    (concat!("stranger ", "here"), "unexpected object"),
    (concat!("are str", "angers"), "do not import each other"),
    (concat!("did what is imp", "ossible"), "unexpected reply"),
    (concat!("steps by ", "nothing"), "step must be at least 1"),
    (concat!("first full ", "of {"), "first full backup of {"),
    (concat!("wishes ", "are"), "say configuration and state"),
    (concat!("is no ", "silence"), "say what is reported"),
    (concat!("whose time has ", "come"), "expired keys"),
    (concat!("who cannot do ", "so"), "a process that cannot"),
    (concat!("words to remember it ", "by"), "note"),
    (concat!("not ", "believable"), "out of bounds"),
    (concat!("proven to be ", "ours"), "authenticated"),
    (concat!("not found not ", "found"), "say it once"),
    (concat!("does not exist not ", "found"), "say it once"),
    (concat!("1 st", "ores"), "1 store"),
    (concat!("1 tables ", "differ"), "1 table differs"),
    (concat!("stays ", "away"), "is not restored"),
    (concat!("follows ", "nobody"), "has no primary"),
    (concat!("for la", "boratories"), "for tests only"),
    (concat!("looks in ", "all"), "search all stores"),
    (concat!("and how they ", "fare"), "their state"),
    (concat!("being ", "told\n"), "notifications"),
    (concat!("goes on, but not ", "where"), "has no continuation token"),
    (concat!("the store ", "took"), "the store accepted"),
    (concat!("kins", "hip"), "ReplicaMatch"),
    (concat!("look_", "after"), "check_restored"),
    (concat!("nobody's ", "duty"), "not made up for"),
    (concat!("has fa", "red"), "the state of its runs"),
    (concat!("it fa", "red"), "the state of its runs"),
    (concat!("whatever became ", "of"), "whatever its outcome"),
    (concat!("runs out by ", "itself"), "expires"),
    (concat!("run out by ", "itself"), "expire"),
    (concat!("none of our ", "business"), "another user's"),
    (concat!("nobody ", "hears"), "there is no notification"),
    (concat!("the newest so ", "many"), "this many of the newest"),
    (concat!("never ends ", "well"), "is an error"),
    (concat!("hang in ", "the air"), "without a parent"),
    (concat!("said ", "louder"), "overrides"),
];

/// What people and programs read.
const FOLDERS: [&str; 10] = [
    "src",
    "tests",
    "docs",
    "man",
    "completions",
    "schema",
    "examples",
    "README.md",
    "CHANGELOG.md",
    "jagad.example.toml",
];

fn texts() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut waiting: Vec<PathBuf> = FOLDERS.iter().map(|folder| root.join(folder)).collect();
    let mut found = Vec::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).expect("a folder that can be read");
            waiting.extend(entries.map(|entry| entry.expect("an entry").path()));
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            found.push((path.strip_prefix(root).expect("below the root").display().to_string(), text));
        }
    }
    assert!(found.len() > 100, "{} files", found.len());
    found
}

/// Where `phrase` stands in `text` as words of its own; a line break counts as a space.
fn lines_with(text: &str, phrase: &str) -> Vec<usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let free =
        |text: Option<char>, own: Option<char>| !(text.is_some_and(is_word) && own.is_some_and(is_word));
    let found = text.match_indices(phrase).filter(|(at, _)| {
        free(text[..*at].chars().next_back(), phrase.chars().next())
            && free(text[at + phrase.len()..].chars().next(), phrase.chars().next_back())
    });
    found.map(|(at, _)| text[..at].matches('\n').count() + 1).collect()
}

#[test]
fn words_that_stop_a_reader_do_not_come_back() {
    let mut found = Vec::new();
    for (path, text) in texts() {
        let text = text.to_lowercase();
        for (phrase, instead) in PHRASES {
            let lines = lines_with(&text, phrase);
            found.extend(
                lines.into_iter().map(|line| format!("{path}:{line} says `{phrase}`: write `{instead}`")),
            );
        }
    }
    assert!(found.is_empty(), "{} breaches:\n{}", found.len(), found.join("\n"));
}

#[test]
fn the_list_sees_whole_words_only() {
    let word = PHRASES[0].0;
    assert_eq!(
        lines_with(
            &format!(
                "recom{word}
{word} it"
            ),
            word
        ),
        [2]
    );
    assert!(lines_with(&format!("recom{word} a{word}ed"), word).is_empty());
}
