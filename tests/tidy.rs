//! The house rules that a compiler does not know: who may import whom, where a library may be named, how long a file may
//! be. The rules are `src/lib.rs`'s and docs/ARCHITECTURE.md's; each exception stands here with its reason.

#![allow(clippy::expect_used, reason = "clippy's own exemption covers test functions only")]

#[path = "tidy/architecture.rs"]
mod architecture;
#[path = "tidy/circles.rs"]
mod circles;
#[path = "tidy/signatures.rs"]
mod signatures;

use std::path::{Path, PathBuf};

/// Rows of the house from the ground up. A module imports from rows below its own, and from itself.
const ROWS: [&[&str]; 7] = [
    &["model", "certificates"],
    &["process", "compress", "crypto", "store"],
    &["engine", "pipeline", "catalog", "notify"],
    &["retention", "schedule"],
    &["config"],
    &["commands"],
    &["cli", "ui"],
];

/// Imports sideways that are meant.
const SIDEWAYS: [(&str, &str, &str); 1] =
    [("ui/terminal.rs", "cli", "`--json`, `--color` and `--progress` are settings of the terminal alone")];

/// Imports that point down and must not be: (module, never imports, why).
const ABSENT: [(&str, &[&str], &str); 4] = [
    ("engine", &["store", "crypto", "compress"], "an engine does not know where its bytes go"),
    ("pipeline", &["store", "process"], "a stage knows readers, not where they come from"),
    ("catalog", &["process", "crypto", "compress"], "a record is plain data in a store"),
    ("notify", &["store", "crypto", "compress"], "somebody is told also when nothing else works"),
];

/// Where something may be named at all: (name, files or folders in `src/`, why there).
const PLACES: [(&str, &[&str], &str); 17] = [
    ("cron::", &["schedule/crontab.rs"], "one file knows how that crate means an expression"),
    ("s3::", &["store/s3/", "store/mod.rs"], "one adapter knows rust-s3; `store` names the adapter's module"),
    ("lettre::", &["notify/email/"], "one channel knows how mail is sent"),
    ("clap::", &["cli/", "main.rs"], "requests do not depend on how they are written"),
    ("indicatif::", &["ui/"], "commands report, the terminal draws"),
    ("comfy_table::", &["ui/"], "commands report, the terminal draws"),
    ("Command::new", &["process/"], "every program gets a process group, a clean environment and an end"),
    ("process::exit", &["main.rs"], "whoever exits elsewhere skips what others clean up"),
    ("println!", &[], "data and talk go through `ui`"),
    ("eprintln!", &[], "data and talk go through `ui`"),
    ("print!", &[], "data and talk go through `ui`"),
    ("eprint!", &[], "data and talk go through `ui`"),
    ("Utc::now", &["model/time.rs"], "time comes in through `Clock`"),
    ("Local::now", &[], "times are UTC"),
    ("SystemTime::now", &[], "time comes in through `Clock`"),
    ("anyhow", &[], "an error keeps its class"),
    (
        "env::var",
        &[
            "config/search.rs",
            "process/account.rs",
            "process/launch.rs",
            "commands/crash.rs",
            "ui/terminal.rs",
        ],
        "the environment is a setting: read by the configuration, handed on to tools, and `NO_COLOR`",
    ),
];

/// Never in `src/` or `tests/`: what is not finished.
const UNFINISHED: [&str; 4] =
    [concat!("todo", "!"), concat!("unimplemented", "!"), concat!("dbg", "!"), concat!("#[", "ignore")];

const FILE_LINES_LIMIT: usize = 400;

/// Names of files without a subject.
const DRAWERS: [&str; 9] =
    ["util", "utils", "helper", "helpers", "common", "misc", "types", "manager", "handler"];

struct Source {
    /// Its path from the repository's root.
    path: String,
    text: String,
}

impl Source {
    /// Its path below `src/`.
    fn place(&self) -> Option<&str> {
        self.path.strip_prefix("src/")
    }

    /// The module of the house it belongs to; `lib.rs` and `main.rs` belong to none.
    fn module(&self) -> Option<&str> {
        let place = self.place()?;
        let module =
            place.split_once('/').map_or_else(|| place.trim_end_matches(".rs"), |(folder, _)| folder);
        row(module).map(|_| module)
    }

    /// Lines with their numbers, without comments that have a line of their own.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        numbered.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn sources(folders: &[&str]) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut waiting: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    let mut found = Vec::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).expect("a folder that can be read");
            waiting.extend(entries.map(|entry| entry.expect("an entry").path()));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&path).expect("a source file");
            let path = path.strip_prefix(root).expect("below the root").display().to_string();
            found.push(Source { path, text });
        }
    }
    assert!(!found.is_empty(), "no sources in {folders:?}");
    found
}

fn row(module: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&module))
}

/// Whether `line` has `name` as a name of its own, neither the end of a longer one nor the end of a longer path when it
/// begins a path.
fn names(line: &str, name: &str) -> bool {
    let path = name.ends_with("::");
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && !(path && c == ':'))
    })
}

/// The modules of this crate that `text` names: `crate::x`, also in `crate::{x, y}`.
fn imports(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, prefix) in text.match_indices("crate::") {
        let rest = &text[at + prefix.len()..];
        let word = |part: &str| {
            let end = part.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(part.len());
            part[..end].to_owned()
        };
        match rest.strip_prefix('{') {
            None => found.push(word(rest)),
            Some(group) => {
                let (mut depth, mut begin) = (1, true);
                for (at, c) in group.char_indices() {
                    depth += i32::from(c == '{') - i32::from(c == '}');
                    if depth == 0 {
                        break;
                    }
                    if begin && c.is_alphanumeric() {
                        found.push(word(&group[at..]));
                        begin = false;
                    }
                    begin |= depth == 1 && c == ',';
                }
            }
        }
    }
    found
}

/// Why code of `module` in `place` may not import `other`, if so.
fn objection(place: &str, module: &str, other: &str) -> Option<String> {
    let (own, others) = (row(module)?, row(other)?);
    if module == other || SIDEWAYS.iter().any(|(file, to, _)| *file == place && *to == other) {
        return None;
    }
    let absent = ABSENT.iter().find(|(from, never, _)| *from == module && never.contains(&other));
    match (absent, others.cmp(&own)) {
        (Some((_, _, why)), _) => Some((*why).to_owned()),
        (None, std::cmp::Ordering::Less) => None,
        (None, std::cmp::Ordering::Equal) => Some("modules of one row do not import each other".to_owned()),
        (None, std::cmp::Ordering::Greater) => Some("imports go down".to_owned()),
    }
}

#[track_caller]
fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "{} breaches of the house rules:\n{}", found.len(), found.join("\n"));
}

#[test]
fn imports_go_down_and_neighbours_are_strangers() {
    let mut found = Vec::new();
    for source in sources(&["src"]) {
        let (Some(place), Some(module)) = (source.place(), source.module()) else { continue };
        let code: Vec<&str> = source.code().map(|(_, line)| line).collect();
        for other in imports(&code.join("\n")) {
            if let Some(why) = objection(place, module, &other) {
                found.push(format!("{place} imports `{other}`: {why}"));
            }
        }
    }
    assert_none(&found);
}

#[test]
fn every_library_and_every_effect_has_its_place() {
    let mut found = Vec::new();
    for source in sources(&["src"]) {
        let place = source.place().expect("below src");
        for (name, places, why) in PLACES {
            if places.iter().any(|allowed| place.starts_with(allowed)) {
                continue;
            }
            let lines = source.code().filter(|(_, line)| names(line, name));
            found.extend(lines.map(|(number, _)| format!("{place}:{number} names `{name}`: {why}")));
        }
    }
    assert_none(&found);
}

#[test]
fn files_are_short_and_have_a_subject() {
    let mut found = Vec::new();
    for source in sources(&["src", "tests"]) {
        let lines = source.text.lines().count();
        if lines > FILE_LINES_LIMIT {
            found.push(format!(
                "{} has {lines} lines, {FILE_LINES_LIMIT} are allowed: split it by noun",
                source.path
            ));
        }
        let drawer =
            source.path.split('/').map(|part| part.trim_end_matches(".rs")).find(|p| DRAWERS.contains(p));
        if let Some(drawer) = drawer {
            found.push(format!("{} is a drawer for anything (`{drawer}`): name its noun", source.path));
        }
    }
    assert_none(&found);
}

#[test]
fn nothing_is_unfinished() {
    let mut found = Vec::new();
    for source in sources(&["src", "tests"]) {
        for name in UNFINISHED {
            let lines = source.code().filter(|(_, line)| names(line, name));
            found.extend(lines.map(|(number, _)| format!("{}:{number} has `{name}`", source.path)));
        }
    }
    assert_none(&found);
}

/// Tests that a line of docs/SECURITY.md names: words in backticks inside the parentheses at its end.
fn named_tests(line: &str) -> Vec<&str> {
    let Some((_, behind)) = line.trim_end().strip_suffix(')').and_then(|line| line.rsplit_once(" (")) else {
        return Vec::new();
    };
    behind.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_sentence_about_security_has_a_test() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/SECURITY.md");
    let page = std::fs::read_to_string(page).expect("the page about security");
    let code: String = sources(&["src", "tests"]).into_iter().map(|source| source.text).collect();
    let (mut found, mut open) = (Vec::new(), None);
    for (index, line) in page.lines().enumerate() {
        // A sentence begins with a dash and may go on in the next line.
        if line.starts_with("- ") {
            found.extend(open.take().map(|number| format!("line {number} names no test")));
            open = Some(index + 1);
        }
        let names = named_tests(line);
        if !names.is_empty() {
            open = None;
        }
        let missing = names.into_iter().filter(|name| !code.contains(&format!("fn {name}(")));
        found.extend(missing.map(|name| format!("line {}: there is no test `{name}`", index + 1)));
    }
    found.extend(open.map(|number| format!("line {number} names no test")));
    assert_none(&found);
}

#[test]
fn the_rules_see_what_they_forbid() {
    assert_eq!(imports("use crate::{store::{Key, X}, model};\ncrate::cli::run()"), ["store", "model", "cli"]);
    assert!(objection("model/time.rs", "model", "store").is_some());
    assert!(objection("engine/plan.rs", "engine", "catalog").is_some());
    assert!(objection("engine/plan.rs", "engine", "store").is_some());
    assert!(objection("ui/table.rs", "ui", "cli").is_some());
    assert!(objection("commands/list.rs", "commands", "catalog").is_none());
    assert!(names("let a = std::process::exit(1);", "process::exit") && names("use s3::Bucket;", "s3::"));
    assert_eq!(named_tests("- so it is. (`a_b`, `c_d`)"), ["a_b", "c_d"]);
    assert!(!names("super::s3::open()", "s3::") && !names("eprintln!()", "println!"));
}
