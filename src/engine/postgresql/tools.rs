//! PostgreSQL's programs on this machine, and which of them fit which server.

use crate::engine::EngineError;
use crate::model::help;
use crate::process::{Runner, ToolSpec, program_directories};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A directory with PostgreSQL's programs of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ToolSet {
    pub(super) folder: PathBuf,
    /// "18.6"; empty when it is only known by the folder's name.
    pub(super) version: String,
    /// 18; 0 when nothing tells it.
    pub(super) major: u32,
}

impl ToolSet {
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Directories that hold `program`, by the places where packages put them. Only the names are looked at, so a set
/// whose directory does not tell its version has major 0.
pub(super) fn installed(bin_dir: Option<&Path>, program: &str) -> Vec<ToolSet> {
    let folders = match bin_dir {
        Some(folder) => vec![folder.to_owned()],
        None => usual_folders(),
    };
    let mut sets: Vec<ToolSet> = Vec::new();
    for folder in folders {
        // On Debian /usr/bin/pg_dump is a wrapper that picks a version by configuration that we do not want.
        let Ok(real) = folder.join(program).canonicalize() else { continue };
        if real.file_name().is_some_and(|name| name == "pg_wrapper") {
            continue;
        }
        let real_folder = real.parent().unwrap_or(&folder);
        let major = major_of_folder(&folder).or_else(|| major_of_folder(real_folder)).unwrap_or(0);
        if !sets.iter().any(|set| set.folder.canonicalize().is_ok_and(|seen| seen == real_folder)) {
            sets.push(ToolSet { folder, version: String::new(), major });
        }
    }
    sets
}

fn usual_folders() -> Vec<PathBuf> {
    let mut versioned = Vec::new();
    for (parent, prefix) in [("/usr/lib/postgresql", ""), ("/usr", "pgsql-")] {
        let Ok(entries) = std::fs::read_dir(parent) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let major =
                name.to_str().and_then(|name| name.strip_prefix(prefix)).and_then(|name| name.parse().ok());
            if let Some(major) = major {
                versioned.push((std::cmp::Reverse::<u32>(major), entry.path().join("bin")));
            }
        }
    }
    versioned.sort();
    versioned.into_iter().map(|(_, folder)| folder).chain(program_directories()).collect()
}

/// `…/postgresql/18/bin` and `/usr/pgsql-18/bin` tell their version.
fn major_of_folder(folder: &Path) -> Option<u32> {
    let version = folder.parent()?.file_name()?.to_str()?;
    version.strip_prefix("pgsql-").unwrap_or(version).parse().ok().filter(|major| (9..1000).contains(major))
}

/// The installed client programs with their true versions, in the order of preference.
pub(super) async fn identify(
    runner: &dyn Runner,
    bin_dir: Option<&Path>,
) -> Result<Vec<ToolSet>, EngineError> {
    let mut sets = Vec::new();
    for mut set in installed(bin_dir, "pg_dump") {
        let mut tool = ToolSpec::new(set.program("pg_dump")).arg("--version");
        tool.timeout = Some(Duration::from_secs(30));
        let Ok(run) = runner.output(&tool).await else { continue };
        let text = String::from_utf8_lossy(&run.stdout).into_owned();
        // "pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"
        let Some(version) = text.split_whitespace().nth(2) else { continue };
        let Some(major) = major_of(version) else { continue };
        version.clone_into(&mut set.version);
        set.major = major;
        sets.push(set);
    }
    if sets.is_empty() {
        return Err(missing("pg_dump", None, bin_dir));
    }
    Ok(sets)
}

/// The major version of a version text: 18 of "18.6", "18beta1" and "18.6 (Debian …)".
pub(super) fn major_of(version: &str) -> Option<u32> {
    let digits = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version[..digits].parse().ok()
}

/// The set for `major`: the same, else the smallest newer one.
pub(super) fn fitting(sets: &[ToolSet], major: u32) -> Option<&ToolSet> {
    sets.iter().filter(|set| set.major >= major).min_by_key(|set| set.major)
}

/// Like [`fitting`], for sets whose version may be known by nothing but trying.
pub(super) fn fitting_or_unknown(sets: &[ToolSet], major: u32) -> Option<&ToolSet> {
    fitting(sets, major).or_else(|| sets.iter().find(|set| set.major == 0))
}

/// That `program` of `major` or newer is not here.
pub(super) fn missing(program: &str, major: Option<u32>, bin_dir: Option<&Path>) -> EngineError {
    let server = matches!(program, "initdb" | "pg_ctl" | "postgres");
    let package = match (major, server) {
        (Some(major), true) => format!("postgresql-{major}"),
        (Some(major), false) => format!("postgresql-client-{major}"),
        (None, true) => "postgresql".to_owned(),
        (None, false) => "postgresql-client".to_owned(),
    };
    let place =
        bin_dir.map_or_else(String::new, |folder| format!(", or correct `bin_dir` (`{}`)", folder.display()));
    EngineError::ToolMissing {
        tool: major.map_or_else(|| program.to_owned(), |major| format!("{program} {major} or newer")),
        help: help!("Install it, on Debian with `apt install {package}`{place}."),
    }
}

/// That `program` of exactly `major` is not here.
pub(super) fn missing_exactly(program: &str, major: u32, bin_dir: Option<&Path>) -> EngineError {
    match missing(program, Some(major), bin_dir) {
        EngineError::ToolMissing { help, .. } => {
            EngineError::ToolMissing { tool: format!("{program} {major}"), help }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(major: u32) -> ToolSet {
        ToolSet { folder: PathBuf::from(format!("/{major}")), version: String::new(), major }
    }

    #[test]
    fn the_same_major_is_chosen_else_the_smallest_newer_one() {
        let sets = [set(18), set(15), set(16), set(0)];
        assert_eq!(fitting(&sets, 15).map(|set| set.major), Some(15));
        assert_eq!(fitting(&sets, 17).map(|set| set.major), Some(18));
        assert_eq!(fitting(&sets, 19), None);
        assert_eq!(fitting_or_unknown(&sets, 19).map(|set| set.major), Some(0));
    }

    #[test]
    fn versions_are_read_off_texts_and_folders() {
        for (text, major) in
            [("18.6 (Debian 18.6-3)", Some(18)), ("19beta1", Some(19)), ("x", None), ("", None)]
        {
            assert_eq!(major_of(text), major, "{text}");
        }
        for (folder, major) in [
            ("/usr/lib/postgresql/15/bin", Some(15)),
            ("/usr/pgsql-16/bin", Some(16)),
            ("/usr/local/bin", None),
            ("/opt/1/bin", None),
        ] {
            assert_eq!(major_of_folder(Path::new(folder)), major, "{folder}");
        }
    }

    #[test]
    fn a_missing_tool_names_the_package() {
        let EngineError::ToolMissing { tool, help } = missing("pg_dump", Some(18), None) else { panic!() };
        assert_eq!(tool, "pg_dump 18 or newer");
        assert!(help.contains("postgresql-client-18"));
        let EngineError::ToolMissing { help, .. } = missing("initdb", Some(18), None) else { panic!() };
        assert!(help.contains("apt install postgresql-18`"));
    }
}
