//! The programs of the two families on this machine, and which of them fit which server. Names do not tell: on many
//! machines `mysqldump` is a link to `mariadb-dump`, so every program is asked for its version.

use super::flavor::Flavor;
use super::version::ToolVersion;
use crate::engine::EngineError;
use crate::model::help;
use crate::process::{Runner, ToolSpec, program_directories};
use memchr::memmem;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    /// "9.7.4".
    pub(super) text: String,
    pub(super) version: ToolVersion,
}

/// The client programs that are used with one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ToolSet {
    pub(super) dump: Program,
    pub(super) client: Program,
    /// Whether the dump tool says a statement of ours when it is connected.
    pub(super) dump_says_first: bool,
}

impl ToolSet {
    /// "mariadb-dump 10.11.19".
    pub(super) fn describe(&self) -> String {
        let name = self.dump.path.file_name().map(|name| name.to_string_lossy().into_owned());
        format!("{} {}", name.unwrap_or_default(), self.dump.text)
    }
}

/// Where programs of these names are.
pub(super) fn candidates(bin_dir: Option<&Path>, names: &[&str]) -> Vec<PathBuf> {
    let mut folders = match bin_dir {
        // A tree has its server beside its clients.
        Some(folder) => vec![folder.to_owned(), folder.join("../sbin")],
        None => program_directories(),
    };
    if bin_dir.is_none() {
        folders.extend(["/usr/bin", "/usr/sbin", "/usr/local/mysql/bin"].map(PathBuf::from));
    }
    let mut found: Vec<PathBuf> = Vec::new();
    for name in names {
        for folder in &folders {
            let path = folder.join(name);
            let Ok(real) = path.canonicalize() else { continue };
            let seen = found.iter().any(|other| other.canonicalize().is_ok_and(|other| other == real));
            if !seen && real.is_file() {
                found.push(path);
            }
        }
    }
    found
}

/// Looks for the programs of one family.
pub(super) struct ToolSearch<'a> {
    pub(super) runner: &'a dyn Runner,
    pub(super) flavor: &'static Flavor,
    /// Where the user says that they are.
    pub(super) bin_dir: Option<&'a Path>,
}

impl ToolSearch<'_> {
    /// The client programs for a server of `version`; of the newest version where that is not known yet.
    pub(super) async fn tools(&self, version: Option<ToolVersion>) -> Result<ToolSet, EngineError> {
        let dump = self.program(self.flavor.dump, version).await?;
        let client = self.program(self.flavor.client, version).await?;
        let dump_says_first =
            self.flavor.unconverted.is_some() && lists_init_command(self.runner, &dump.path).await;
        Ok(ToolSet { dump, client, dump_says_first })
    }

    async fn program(&self, names: &[&str], version: Option<ToolVersion>) -> Result<Program, EngineError> {
        let programs = self.programs(names).await;
        fitting(&programs, version).cloned().ok_or_else(|| missing(self.flavor, names[0], self.bin_dir))
    }

    /// The server's program of the very version, as files need it.
    pub(super) async fn server(&self, version: &str) -> Result<Program, EngineError> {
        let wanted = ToolVersion::parse(version);
        let mut programs = self.programs(self.flavor.server).await;
        // `bin_dir` may hold client programs alone.
        let elsewhere = ToolSearch { bin_dir: None, ..*self };
        programs.extend(elsewhere.programs(self.flavor.server).await);
        let found = programs.into_iter().find(|program| Some(program.version) == wanted);
        found.ok_or_else(|| match missing(self.flavor, self.flavor.server[0], self.bin_dir) {
            EngineError::ToolMissing { tool, help } => {
                EngineError::ToolMissing { tool: format!("{tool} {version}"), help }
            }
            other => other,
        })
    }

    /// The programs of these names that belong to the family, in the order of preference.
    async fn programs(&self, names: &[&str]) -> Vec<Program> {
        let mut programs = Vec::new();
        for path in candidates(self.bin_dir, names) {
            let mut tool = ToolSpec::new(&path).arg("--version");
            tool.timeout = Some(Duration::from_secs(30));
            let Ok(run) = self.runner.output(&tool).await else { continue };
            let said = String::from_utf8_lossy(&run.stdout).into_owned();
            if Flavor::told_by(&said).kind != self.flavor.kind {
                continue;
            }
            let Some(text) = told_version(&said) else { continue };
            let Some(version) = ToolVersion::parse(text) else { continue };
            programs.push(Program { path, text: text.to_owned(), version });
        }
        programs
    }
}

/// The version in what `--version` prints, in any of the forms seen: `Ver 9.7.4-2 for Linux`, `Ver 10.13 Distrib
/// 5.7.44, for`, `Ver 10.19 Distrib 10.11.19-MariaDB,` and `from 11.8.9-MariaDB, client 15.2`.
fn told_version(said: &str) -> Option<&str> {
    let after = |word: &str| {
        let (_, rest) = said.split_once(word)?;
        Some(rest.trim_start()).filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let text = after(" Distrib ").or_else(|| after(" from ")).or_else(|| after(" Ver "))?;
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    Some(&text[..end])
}

/// The best of `programs` for a server of `version`: the same, else the nearest newer one, else the newest.
fn fitting(programs: &[Program], version: Option<ToolVersion>) -> Option<&Program> {
    let Some(version) = version else { return programs.iter().max_by_key(|program| program.version) };
    let newer = programs.iter().filter(|program| program.version >= version);
    newer.min_by_key(|program| program.version).or_else(|| fitting(programs, None))
}

async fn lists_init_command(runner: &dyn Runner, dump: &Path) -> bool {
    let mut tool = ToolSpec::new(dump).args(["--no-defaults", "--help"]);
    tool.timeout = Some(Duration::from_secs(30));
    let Ok(run) = runner.output(&tool).await else { return false };
    memmem::find(&run.stdout, b"--init-command").is_some()
}

/// That `program` of this family is not here.
pub(super) fn missing(flavor: &Flavor, program: &str, bin_dir: Option<&Path>) -> EngineError {
    let package =
        if flavor.server.contains(&program) { flavor.server_package } else { flavor.client_package };
    let place =
        bin_dir.map_or_else(String::new, |folder| format!(", or correct `bin_dir` (`{}`)", folder.display()));
    EngineError::ToolMissing {
        tool: format!("{program} of {}", flavor.name),
        help: help!("Install it, on Debian with `apt install {package}`{place}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_off_every_form_of_the_version_line() {
        for (said, text, version) in [
            ("mysqldump  Ver 9.7.4-2 for Linux on x86_64 ((Debian))", "9.7.4", (9, 7)),
            ("mysqldump  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)", "8.0.36", (8, 0)),
            ("mysqldump  Ver 10.13 Distrib 5.7.44, for Linux (x86_64)", "5.7.44", (5, 7)),
            ("mariadb-dump  Ver 10.19 Distrib 10.11.19-MariaDB, for debian-linux-gnu", "10.11.19", (10, 11)),
            ("mariadbd  Ver 11.8.9-MariaDB-4 from Debian for debian-linux-gnu on x86_64", "11.8.9", (11, 8)),
            ("mysqldump from 11.8.9-MariaDB, client 10.20 for debian-linux-gnu", "11.8.9", (11, 8)),
        ] {
            let told = told_version(said).unwrap();
            assert_eq!(told, text);
            assert_eq!(ToolVersion::parse(told), Some(ToolVersion { major: version.0, minor: version.1 }));
        }
        assert_eq!(told_version("something else"), None);
    }

    #[test]
    fn the_same_version_is_chosen_else_the_nearest_newer_one_else_the_newest() {
        let program = |major, minor| Program {
            path: PathBuf::new(),
            text: String::new(),
            version: ToolVersion { major, minor },
        };
        let programs = [program(8, 0), program(9, 7), program(8, 4)];
        let chosen = |major, minor| fitting(&programs, Some(ToolVersion { major, minor })).map(|p| p.version);
        assert_eq!(chosen(8, 0), Some(ToolVersion { major: 8, minor: 0 }));
        assert_eq!(chosen(8, 3), Some(ToolVersion { major: 8, minor: 4 }));
        assert_eq!(chosen(10, 0), Some(ToolVersion { major: 9, minor: 7 }));
        assert_eq!(fitting(&[], None), None);
    }
}
