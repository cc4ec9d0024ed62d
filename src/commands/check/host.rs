//! Checks this host's own folders.

use super::{Findings, Section, SectionKind};
use crate::commands::{App, Class, Failure, host_files, slots};
use std::io::{self, Write as _};
use std::path::Path;

/// Tries the folders of `settings`.
pub(super) fn check(app: &App) -> (Section, Option<Class>) {
    let settings = &app.inventory.settings;
    let mut findings = Findings::new();
    let state = &settings.state_dir;
    let subject = "limit backups at once, and remember failures of a store that is down";
    match slots::probe(app).and_then(|()| write_in(state)) {
        Ok(()) => findings.ok(subject),
        // Backups work without it.
        Err(error) => findings.warning(
            subject,
            &format!("`{}` cannot be used: {error}", state.display()),
            "Make it a directory of this user with mode 700, or name another with settings.state_dir.",
        ),
    }
    // An empty file can be created on a full disk.
    let write = || tempfile::NamedTempFile::new_in(&settings.tmp_dir)?.write_all(&vec![b'.'; 64 << 10]);
    let written = write().map_err(|error| {
        let problem = format!("`{}` cannot be written to: {}", settings.tmp_dir.display(), error.kind());
        Failure::new(Class::Prerequisite, problem)
            .help("Passwords are handed to tools through it, and drills run in it: name a directory with settings.tmp_dir.")
    });
    findings.result("write temporary files", written);
    findings.section(SectionKind::Host, "this host".to_owned(), state.display().to_string())
}

/// Writes a small file in the same way as the host's state files, and removes it.
fn write_in(folder: &Path) -> io::Result<()> {
    let probe = folder.join(format!(".check-{}", crate::model::random_word(10)));
    host_files::write(&probe, b"jagad")?;
    std::fs::remove_file(&probe)
}
