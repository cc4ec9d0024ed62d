//! Server programs on this machine, and which of them a backup's throw-away server is made of.

use super::facts::{Family, VALKEY_MARK};
use crate::engine::{EngineError, ServerSettings};
use crate::model::help;
use crate::process::{Runner, ToolSpec, program_directories};
use std::path::PathBuf;
use std::time::Duration;

/// Where packages put servers, whether or not `PATH` says so.
const USUAL_FOLDERS: [&str; 5] =
    ["/usr/bin", "/usr/local/bin", "/usr/sbin", "/opt/redis/bin", "/opt/valkey/bin"];
const ASKING_LIMIT: Duration = Duration::from_secs(30);
/// The last of Redis whose form Valkey reads, and the first of Redis that reads what Valkey 7 and 8 write.
const SHARED_FORM: Release = Release { major: 7, minor: 2 };
/// From this one on Valkey writes a form of its own.
const OWN_FORM: Release = Release { major: 9, minor: 0 };

/// As much of a version as tells what data a server reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Release {
    major: u32,
    minor: u32,
}

impl Release {
    /// Of "7.0.15".
    fn parse(version: &str) -> Option<Self> {
        let mut numbers = version.split('.').map(str::parse);
        Some(Self { major: numbers.next()?.ok()?, minor: numbers.next()?.ok()? })
    }
}

/// A server program that has told what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Program {
    path: PathBuf,
    family: Family,
    release: Release,
}

impl Program {
    /// What it answers to `--version`: "Redis server v=7.0.15 sha=…", "Valkey server v=9.1.2 sha=…".
    fn parse(path: PathBuf, answer: &str) -> Option<Self> {
        let family = if answer.starts_with(Family::Valkey.name()) { Family::Valkey } else { Family::Redis };
        let version = answer.split_whitespace().find_map(|word| word.strip_prefix("v="))?;
        Some(Self { path, family, release: Release::parse(version)? })
    }

    /// Whether it reads what a server of that family and release wrote.
    fn reads(&self, family: Family, release: Release) -> bool {
        match (family, self.family) {
            (Family::Redis, Family::Valkey) => release <= SHARED_FORM,
            (Family::Valkey, Family::Redis) => release < OWN_FORM && self.release >= SHARED_FORM,
            _ => self.release >= release,
        }
    }
}

/// The program for a backup of a server of `server_version`: that of `tools.bin_dir` if it reads the backup, else the newest
/// that is installed and does. Where none does, the first of the backup's family: it may read it all the same.
pub(super) async fn for_backup(
    runner: &dyn Runner,
    settings: &ServerSettings,
    server_version: &str,
) -> Result<PathBuf, EngineError> {
    let family = Family::of_version(server_version);
    let named: Vec<PathBuf> = settings.bin_dir.iter().cloned().collect();
    let installed = program_directories().into_iter().chain(USUAL_FOLDERS.map(PathBuf::from)).collect();
    let mut known = Vec::new();
    for folders in [named, installed] {
        let found = identify(runner, &folders).await;
        if let Some(program) = choose(&found, family, Release::parse(server_version)) {
            return Ok(program.path.clone());
        }
        known.extend(found);
    }
    let same = known.iter().find(|program| program.family == family);
    same.or_else(|| known.first()).map(|program| program.path.clone()).ok_or_else(|| {
        let name = family.program();
        EngineError::ToolMissing {
            tool: format!("{name} of version {} or newer", server_version.trim_end_matches(VALKEY_MARK)),
            help: help!(
                "Install it, on Debian with `apt install {name}`, or name its folder in `tools.bin_dir`."
            ),
        }
    })
}

/// The newest that reads the backup, of its own family if possible.
fn choose(programs: &[Program], family: Family, release: Option<Release>) -> Option<&Program> {
    let reads = |program: &&Program| release.is_none_or(|release| program.reads(family, release));
    // Of equal ones the first, as a shell would take it.
    programs.iter().rev().filter(reads).max_by_key(|program| (program.family == family, program.release))
}

/// Every server program in these folders, each once, by what it says of itself: some packages give one server the name of the other.
async fn identify(runner: &dyn Runner, folders: &[PathBuf]) -> Vec<Program> {
    let (mut programs, mut seen) = (Vec::new(), Vec::new());
    for folder in folders {
        for family in [Family::Redis, Family::Valkey] {
            let path = folder.join(family.program());
            let Ok(real) = path.canonicalize() else { continue };
            if seen.contains(&real) {
                continue;
            }
            seen.push(real);
            let mut tool = ToolSpec::new(path.clone()).arg("--version");
            tool.timeout = Some(ASKING_LIMIT);
            let Ok(run) = runner.output(&tool).await else { continue };
            programs.extend(Program::parse(path, &String::from_utf8_lossy(&run.stdout)));
        }
    }
    programs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(path: &str, answer: &str) -> Program {
        Program::parse(PathBuf::from(path), answer).unwrap()
    }

    fn chosen(programs: &[Program], version: &str) -> Option<String> {
        let found = choose(programs, Family::of_version(version), Release::parse(version));
        found.map(|program| program.path.display().to_string())
    }

    #[test]
    fn the_newest_that_reads_a_backup_is_chosen_of_its_own_family_first() {
        let all = [
            program("/old", "Redis server v=6.2.14 sha=00000000:0 malloc=jemalloc bits=64 build=1"),
            program("/r7", "Redis server v=7.2.4 sha=00000000:0"),
            program("/r8", "Redis server v=8.0.6 sha=00000000:1"),
            program("/r8-too", "Redis server v=8.0.9 sha=00000000:1"),
            program("/v8", "Valkey server v=8.0.1 sha=00000000:0"),
            program("/v9", "Valkey server v=9.1.2 sha=00000000:0"),
        ];
        let is = |programs: &[Program], version: &str, path: &str| {
            assert_eq!(chosen(programs, version).as_deref(), Some(path), "{version}");
        };
        is(&all, "6.0.16", "/r8");
        is(&all, "8.0.9", "/r8");
        is(&all, "8.1.0 (Valkey)", "/v9");
        is(&all[..1], "6.2.99", "/old");
        is(&all[4..], "7.2.5", "/v9");
        is(&all[..4], "8.0.1 (Valkey)", "/r8");
        for (programs, version) in [
            (&all[..1], "7.0.0"),
            (&all[4..], "7.4.0"),
            (&all[..4], "9.0.0 (Valkey)"),
            (&all[..1], "7.2.1 (Valkey)"),
        ] {
            assert_eq!(chosen(programs, version), None, "{version}");
        }
        assert_eq!(chosen(&all, "unknown").as_deref(), Some("/r8"));
    }

    #[test]
    fn what_tells_no_version_is_no_server() {
        assert_eq!(Program::parse(PathBuf::from("/x"), "usage: redis-server"), None);
        assert_eq!(Program::parse(PathBuf::from("/x"), "Redis server v=x"), None);
    }
}
