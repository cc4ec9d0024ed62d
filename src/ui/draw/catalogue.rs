//! Reports of the catalogue's backups.

use super::{Draw, count, elapsed, pretty};
use crate::catalog::{Manifest, Part};
use crate::commands::{list, pin, repository, unlock};
use crate::model::{ByteSize, Integrity, LogPosition, Method, VerificationState};
use crate::ui::page::{Columns, Page};
use crate::ui::plain::one_line;

impl Draw for list::Report {
    fn human(&self, page: Page) -> String {
        if self.backups.is_empty() {
            return "no backups\n".to_owned();
        }
        let rows = self.backups.iter().map(row).collect::<Vec<_>>();
        let header = [
            "ID",
            "DATABASE",
            "STARTED (UTC)",
            "TIME",
            "DUMP",
            "STORED",
            "STORE",
            "STATUS",
            "VERIFIED",
            "HOLDS",
        ];
        let mut text =
            page.table(Columns { titles: &header, right: &[3, 4, 5], optional: &[9, 4, 6, 3, 2, 5] }, &rows);
        if self.more > 0 {
            text.push_str(&format!("{} older: raise --limit\n", count(self.more as u64, "backup")));
        }
        text
    }

    fn json(&self) -> String {
        pretty(self)
    }
}

fn row(row: &list::Row) -> Vec<String> {
    let size = |bytes: u64| if bytes == 0 { "-".to_owned() } else { ByteSize(bytes).to_string() };
    let pinned = if row.pinned { " (pinned)" } else { "" };
    let unproven = if row.authenticated == Some(false) { " (not authenticated)" } else { "" };
    vec![
        row.id.to_string(),
        row.database.to_string(),
        row.started_at.table(),
        row.duration_ms.map_or_else(|| "-".to_owned(), elapsed),
        size(row.plain_bytes),
        size(row.stored_bytes),
        row.store.to_string(),
        format!("{}{pinned}{unproven}", row.status),
        verified(row),
        holds(row),
    ]
}

/// The state of its verifications: `restore passed`, `pending`.
fn verified(row: &list::Row) -> String {
    use crate::model::VerificationState::{Failed, Inconclusive, Passed};
    match (row.verification, row.verified_level) {
        (Some(state @ (Passed | Failed | Inconclusive)), Some(level)) => format!("{level} {state}"),
        (Some(state), _) => state.to_string(),
        (None, _) => "-".to_owned(),
    }
}

/// The logical databases, or why there are none, cut to fit a line.
fn holds(row: &list::Row) -> String {
    const WIDTH: usize = 48;
    let text = match &row.error {
        Some(error) => error.clone(),
        None if row.method.is_some_and(Method::takes_whole_server) => files(row),
        None if row.databases.is_empty() => row.note.clone().unwrap_or_default(),
        None => row.databases.join(", "),
    };
    if text.chars().count() <= WIDTH {
        text
    } else {
        text.chars().take(WIDTH - 1).collect::<String>() + "…"
    }
}

/// The contents of a physical backup.
fn files(row: &list::Row) -> String {
    let delegated = if row.integrity.is_own() { "" } else { "delegated to pgBackRest: " };
    match (&row.parent, &row.fallback_reason) {
        (Some(parent), _) => format!("{delegated}files changed since {parent}"),
        (None, Some(reason)) => format!("{delegated}files, a full because {reason}"),
        (None, None) => format!("{delegated}files"),
    }
}

impl Draw for list::ShownBackup {
    fn human(&self, page: Page) -> String {
        match self {
            Self::Recorded(detail) => detail.human(page),
            Self::Running(row) => format!(
                "backup      {}\ndatabase    {}\nstatus      {}\nstarted     {} UTC, {}\n",
                row.id,
                row.database,
                row.status,
                row.started_at.table(),
                row.note.as_deref().unwrap_or_default()
            ),
        }
    }

    fn json(&self) -> String {
        pretty(self)
    }
}

impl Draw for list::Detail {
    fn human(&self, page: Page) -> String {
        let manifest = &self.manifest;
        let mut lines = facts(manifest);
        lines.insert(2, ("store", self.store.clone()));
        if let Some(problem) = self.pin.problem() {
            lines.push(("pinned", format!("there is a pin that cannot be read: {problem}")));
        }
        if let Some(pin) = self.pin.known() {
            let note = pin.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
            lines.push(("pinned", format!("since {} on {}{note}", pin.pinned_at.table(), pin.host)));
        }
        match (self.authenticated, &self.unproven) {
            (Some(true), _) => lines.push(("authenticated", "yes".to_owned())),
            (_, Some(problem)) => lines.push(("authenticated", format!("no: {problem}"))),
            _ => {}
        }
        match (self.verification_state, self.verification.problem()) {
            (_, Some(problem)) => {
                lines.push(("verified", format!("unknown: the record cannot be read: {problem}")));
            }
            (Some(state @ (VerificationState::Pending | VerificationState::Verifying)), _) => {
                lines.push(("verified", state.to_string()));
            }
            _ => {}
        }
        lines.extend(self.gone.iter().map(|gone| ("gone", gone.clone())));
        if let Some(last) = self.verification.known() {
            let why = last.error.as_ref().map(|error| format!(": {}", error.message)).unwrap_or_default();
            let at = last.verified_at.table();
            lines.push(("verified", format!("{} at level {}, {at} UTC{why}", last.status, last.level)));
            if let Some(bad) = last.found_bad.as_ref().filter(|bad| bad.at != last.verified_at) {
                lines.push(("found bad", format!("at level {}, {} UTC", bad.level, bad.at.table())));
            }
        }
        let mut text = String::new();
        for (name, value) in &lines {
            text.push_str(&format!("{name:<15}{}\n", one_line(value)));
        }
        if !manifest.parts.is_empty() {
            text.push('\n');
            let header =
                ["PART", "DATABASE", "DUMP", "STORED", "OBJECTS", "TABLES", "ROWS", "SHA-256 (COMPRESSED)"];
            text.push_str(&page.table(
                Columns { titles: &header, right: &[2, 3, 4, 5, 6], optional: &[7, 4, 1] },
                &manifest.parts.iter().map(part).collect::<Vec<_>>(),
            ));
        }
        text
    }

    fn json(&self) -> String {
        pretty(self)
    }
}

fn facts(manifest: &Manifest) -> Vec<(&'static str, String)> {
    let mut lines = vec![
        ("backup", manifest.id.to_string()),
        ("database", format!("{} ({})", manifest.database, manifest.engine)),
        ("status", manifest.status.to_string()),
        ("kind", format!("{}, {}", manifest.kind, manifest.method)),
        ("purpose", purpose(manifest)),
        ("started", format!("{} UTC", manifest.started_at.table())),
        (
            "finished",
            format!("{} UTC, after {}", manifest.finished_at.table(), elapsed(manifest.duration_ms)),
        ),
    ];
    lines.extend(manifest.parent.iter().map(|parent| ("builds on", parent.to_string())));
    lines.extend(manifest.fallback_reason.iter().map(|reason| ("a full because", reason.clone())));
    if let Some(error) = &manifest.error {
        lines.push(("error", format!("{} ({})", error.message, error.class)));
        lines.extend(error.help.iter().map(|help| ("help", help.to_string())));
    }
    if let Some(server) = &manifest.server {
        let identity = server.identity.as_ref().map(|id| format!(", system {id}")).unwrap_or_default();
        lines.push(("server", format!("{}{identity}", server.version)));
    }
    if let Some(source) = &manifest.source {
        lines.push(("source", format!("{} {}: {}", source.role, source.address, source.reason)));
    }
    lines.extend(manifest.tool.iter().map(|tool| ("tool", tool.clone())));
    lines.extend(data(manifest));
    for part in &manifest.parts {
        if let Some(LogPosition { file, offset, gtid }) = &part.position {
            let gtid = gtid.as_ref().map(|gtid| format!(", transactions {gtid}")).unwrap_or_default();
            let name = part.database.as_deref().unwrap_or(&part.name);
            lines.push(("position", format!("{name}: {file}:{offset}{gtid}")));
        }
    }
    for (database, reason) in &manifest.left_out {
        lines.push(("left out", format!("`{database}`: {reason}")));
    }
    lines.extend(manifest.note.iter().map(|note| ("note", note.clone())));
    if !manifest.labels.is_empty() {
        let labels: Vec<_> = manifest.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        lines.push(("labels", labels.join(" ")));
    }
    lines.push(("made by", format!("jagad {} on {}", manifest.jagad, manifest.host)));
    lines
}

/// The amount of data, and how it is packed or which tool keeps it.
fn data(manifest: &Manifest) -> Vec<(&'static str, String)> {
    let (plain, stored) = (ByteSize(manifest.plain_bytes()), ByteSize(manifest.stored_bytes()));
    if manifest.integrity == Integrity::Delegated {
        let fact = |key: &str| {
            let fact = manifest.physical.as_ref().and_then(|facts| facts.get(key)?.as_str());
            fact.unwrap_or("?").to_owned()
        };
        let tool = manifest.tool.as_deref().unwrap_or("another tool");
        let kept = format!("delegated to {tool}, which keeps the data and answers for it");
        return vec![
            ("integrity", kept),
            ("label", format!("{} ({}), stanza `{}`", fact("label"), fact("type"), fact("stanza"))),
            ("size", format!("{plain} of files, {stored} added to its repository")),
        ];
    }
    let recipe = &manifest.recipe;
    let cipher = match (&recipe.cipher, &recipe.key_id) {
        (Some(cipher), Some(key)) => format!("{cipher}, key {key}"),
        _ => "not encrypted".to_owned(),
    };
    vec![
        ("packed", format!("{} level {}, {cipher}", recipe.codec, recipe.level)),
        ("size", format!("{plain} of dump, {stored} stored")),
    ]
}

/// Why it was taken, and whether it is complete.
fn purpose(manifest: &Manifest) -> String {
    let partial = if manifest.partial { ", only some databases of its entry" } else { "" };
    format!("{}{partial}", manifest.purpose)
}

fn part(part: &Part) -> Vec<String> {
    let number = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    vec![
        part.name.to_string(),
        part.database.clone().unwrap_or_else(|| "-".to_owned()),
        ByteSize(part.plain_bytes).to_string(),
        ByteSize(part.stored_bytes).to_string(),
        part.segments.len().to_string(),
        number(part.tables),
        number(part.rows),
        part.packed_sha256.to_string(),
    ]
}

impl Draw for pin::Report {
    fn human(&self, _page: Page) -> String {
        format!("{} is {}\n", self.id, if self.pinned { "pinned" } else { "not pinned any more" })
    }

    fn json(&self) -> String {
        pretty(self)
    }
}

impl Draw for repository::Report {
    fn human(&self, _page: Page) -> String {
        let made = if self.created { "was made" } else { "was there already" };
        format!("repository {} {made} in `{}` ({})\n", self.repository, self.store, self.place)
    }

    fn json(&self) -> String {
        pretty(self)
    }
}

impl Draw for unlock::Report {
    fn human(&self, _page: Page) -> String {
        if self.removed.is_empty() {
            return format!("`{}` was not locked\n", self.database);
        }
        "removed: ".to_owned() + &self.removed.join("\nremoved: ") + "\n"
    }

    fn json(&self) -> String {
        pretty(self)
    }
}
