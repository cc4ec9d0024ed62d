//! `docs/JSON.md` is what scripts are written against: the program prints what it says, and says what it prints.

use crate::bench::Bench;
use crate::place::Place;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Objects that the page describes elsewhere, or whose keys are the user's.
const WHOLE: [&str; 4] = ["manifest", "pin", "verification", "backups[].verification"];

/// One documented field: its path and whether it may be absent.
type Fields = BTreeMap<String, bool>;

/// The tables of the page by their heading.
fn page() -> BTreeMap<String, Fields> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/JSON.md")).unwrap();
    let mut sections: BTreeMap<String, Fields> = BTreeMap::new();
    let mut heading = String::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("## ") {
            name.clone_into(&mut heading);
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if let [_, field, kind, ..] = cells[..]
            && let Some(path) = field.strip_prefix('`').and_then(|field| field.strip_suffix('`'))
        {
            sections.entry(heading.clone()).or_default().insert(path.to_owned(), kind.contains("optional"));
        }
    }
    sections
}

/// Every path of `value`; lists add `[]`.
fn paths(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) if at == "error" || !(WHOLE.contains(&at) || at.ends_with("error")) => {
            for (name, inner) in fields {
                paths(inner, &if at.is_empty() { name.clone() } else { format!("{at}.{name}") }, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| paths(item, &format!("{at}[]"), found)),
        _ => {
            found.insert(at.to_owned());
        }
    }
}

#[track_caller]
fn fits(page: &BTreeMap<String, Fields>, section: &str, printed: &Value) {
    let documented = &page[section];
    let mut found = BTreeSet::new();
    paths(printed, "", &mut found);
    for path in &found {
        // An empty list or an absent object shows its own name only.
        let described =
            documented.keys().any(|field| field == path || field.starts_with(&format!("{path}[]")));
        assert!(described, "`{section}` prints `{path}`, which docs/JSON.md does not describe");
    }
    for (field, optional) in documented {
        assert!(
            *optional || found.contains(field),
            "docs/JSON.md promises `{field}` of `{section}`: {printed:#}"
        );
    }
}

#[test]
fn every_document_has_the_fields_that_the_page_describes() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let page = page();
    let json = |args: &[&str]| {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        bench.run(&args).json()
    };
    fits(&page, "check", &json(&["check"]));
    fits(&page, "backup", &json(&["backup", "shop", "--note", "n", "--verify", "exists"]));
    fits(&page, "list", &json(&["list"]));
    fits(&page, "verify", &json(&["verify", "shop@latest"]));
    fits(&page, "pin", &json(&["pin", "shop@latest"]));
    fits(&page, "show", &json(&["show", "shop@latest"]));
    fits(&page, "pin", &json(&["unpin", "shop@latest"]));
    fits(&page, "restore", &json(&["restore", "shop@latest", "--plan"]));
    fits(&page, "restore", &json(&["restore", "shop@latest", "--yes"]));
    fits(&page, "list --restores", &json(&["list", "--restores"]));
    fits(&page, "download", &json(&["download", "shop@latest"]));
    bench.add("[policies.prod]\n");
    fits(&page, "prune", &json(&["prune", "--dry-run", "--set", "databases.shop.policy=prod"]));
    fits(&page, "delete", &json(&["delete", "shop@latest", "--yes", "--delete-last-good"]));
    fits(&page, "unlock", &json(&["unlock", "shop", "--yes"]));
    fits(&page, "key list", &json(&["key", "list"]));
    fits(&page, "config check", &json(&["config", "check"]));
    let missing = bench.run(&["show", "shop@latest", "--json"]).expect(5);
    fits(&page, "error", &missing.json());
    bench.add("[notify.told]\ntype = \"exec\"\ncommand = [\"tee\", \"told.json\"]\n");
    bench.run(&["backup", "shop", "--notify-on", "backup_succeeded"]).ok();
    let told = std::fs::read_to_string(bench.path("told.json")).unwrap();
    fits(&page, "event", &serde_json::from_str(&told).unwrap());
}

#[test]
fn the_documents_about_protection_have_the_fields_that_the_page_describes() {
    const POLICY: &str = "[policies.prod]\nfull = { every = \"daily\" }\n";
    let Some(bench) = crate::policy_bench::PolicyBench::new(&["cache", "other"], POLICY) else { return };
    let page = page();
    let json = |args: &[&str]| {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        bench.run(&args).json()
    };
    fits(&page, "policy apply", &json(&["policy", "apply", "--dry-run"]));
    fits(&page, "policy attach", &json(&["policy", "attach", "prod", "cache", "other"]));
    fits(&page, "policy list", &json(&["policy", "list"]));
    fits(&page, "policy pause", &json(&["policy", "pause", "other"]));
    fits(&page, "policy show", &json(&["policy", "show", "prod"]));
    fits(&page, "schedule run", &json(&["schedule", "run"]));
    fits(&page, "schedule list", &json(&["schedule", "list"]));
    fits(&page, "schedule install", &json(&["schedule", "install"]));
    fits(&page, "status", &json(&["status"]));
    fits(&page, "policy detach", &json(&["policy", "detach", "cache"]));
}
