//! `jagad schedule install`: the systemd units or the crontab line that call `schedule run`.

use crate::commands::{App, Class, Failure};
use crate::config::{KeySource, SecretNames, StoreEntry};
use crate::model::Period;
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Folders that the unit may always write to.
const WRITABLE: [&str; 3] = ["/tmp", "/var/tmp", "/var/lib/jagad"];

/// What to make.
#[derive(Debug, Clone)]
pub struct InstallRequest {
    /// For systemd or cron.
    pub manner: Manner,
    /// The time between two ticks.
    pub every: Duration,
    /// The account that runs it.
    pub user: String,
    /// The folder to write systemd units into, or the crontab fragment's; `None` prints.
    pub folder: Option<PathBuf>,
    /// The configuration that the ticks read.
    pub config: PathBuf,
    /// The program that they run.
    pub program: PathBuf,
}

/// What calls `schedule run`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// A service and a timer.
    Systemd,
    /// A line of `/etc/cron.d`.
    Crontab,
}

/// What was made.
#[derive(Debug, Serialize)]
pub struct Installed {
    /// The files, in order.
    pub files: Vec<InstalledFile>,
    /// What is left to do.
    pub next: Vec<String>,
    /// Whether they were written; else they are only shown.
    pub written: bool,
}

/// One file.
#[derive(Debug, Serialize)]
pub struct InstalledFile {
    /// Where it is, or belongs.
    pub path: PathBuf,
    /// What is in it.
    pub contents: String,
}

/// Creates the files, and writes them if requested; existing files that differ are refused. An error may leave the
/// files that were written before it.
pub fn install(app: &App, request: &InstallRequest) -> Result<Installed, Failure> {
    for path in [&request.config, &request.program] {
        plain(path)?;
    }
    let secrets = app.inventory.secret_names();
    let (folder, files, next) = match request.manner {
        Manner::Systemd => ("/etc/systemd/system", systemd(app, request), next_steps(request, &secrets)),
        Manner::Crontab => {
            refuse_what_cron_has_not(&secrets)?;
            ("/etc/cron.d", vec![("jagad", crontab(request)?)], Vec::new())
        }
    };
    let place = request.folder.as_deref().unwrap_or(Path::new(folder));
    let files: Vec<InstalledFile> = files
        .into_iter()
        .map(|(name, contents)| InstalledFile { path: place.join(name), contents })
        .collect();
    if request.folder.is_some() {
        files.iter().try_for_each(write)?;
    }
    Ok(Installed { files, next, written: request.folder.is_some() })
}

/// The file with the environment variables of secrets, beside the configuration.
fn environment_file(request: &InstallRequest) -> PathBuf {
    request.config.with_extension("env")
}

fn next_steps(request: &InstallRequest, secrets: &SecretNames) -> Vec<String> {
    let mut next = Vec::new();
    if !secrets.variables.is_empty() {
        let file = environment_file(request);
        let (file, names) = (file.display(), list(&secrets.variables));
        next.push(format!("write {names} into {file}, a line NAME=value each"));
        next.push(format!("chown root: {file} && chmod 600 {file}"));
    }
    if !secrets.credentials.is_empty() {
        let names = list(&secrets.credentials);
        next.push(format!("put the credentials {names} into /etc/credstore, a file each"));
    }
    next.extend(["systemctl daemon-reload".to_owned(), "systemctl enable --now jagad.timer".to_owned()]);
    next
}

fn list(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// Cron starts programs with an environment of its own, so these secrets would be missing in every run.
fn refuse_what_cron_has_not(secrets: &SecretNames) -> Result<(), Failure> {
    let names: Vec<String> = secrets.variables.iter().map(|name| format!("${name}")).collect();
    let names: Vec<&str> =
        names.iter().map(String::as_str).chain(secrets.credentials.iter().map(String::as_str)).collect();
    if names.is_empty() {
        return Ok(());
    }
    let problem =
        format!("cron does not provide the secrets that the configuration names: {}", names.join(", "));
    Err(Failure::new(Class::Refused, problem)
        .help("Give them as `…_file` in the configuration, or install systemd units."))
}

/// How the unit gets the secrets that are not in files of the configuration.
fn secret_lines(request: &InstallRequest, secrets: &SecretNames) -> String {
    let mut lines = String::new();
    if !secrets.variables.is_empty() {
        // Without it the unit does not start, which is better than failing at each backup.
        lines += &format!("# Holds {}.\n", list(&secrets.variables));
        lines += &format!("EnvironmentFile={}\n", environment_file(request).display());
    }
    for name in &secrets.credentials {
        lines += &format!("LoadCredential={name}:/etc/credstore/{name}\n");
    }
    lines
}

/// Units and crontabs have different quoting; only a path that needs no quoting works in both.
fn plain(path: &Path) -> Result<(), Failure> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | '@');
    let text = path.to_str().unwrap_or_default();
    if path.is_absolute() && text.chars().all(is_plain) {
        return Ok(());
    }
    let problem = format!("`{}` cannot be used in a unit or a crontab", path.display());
    Err(Failure::new(Class::Usage, problem)
        .help("Use an absolute path without spaces and special characters."))
}

fn write(file: &InstalledFile) -> Result<(), Failure> {
    let doing =
        |error: std::io::Error| Failure::from(error).doing(format!("write `{}`", file.path.display()));
    match std::fs::OpenOptions::new().write(true).create_new(true).open(&file.path) {
        Ok(mut opened) => opened.write_all(file.contents.as_bytes()).map_err(doing),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let same = std::fs::read_to_string(&file.path).map_err(doing)? == file.contents;
            let problem = format!("`{}` exists already with other contents", file.path.display());
            let help = "Remove it, or write into another folder with --output.";
            if same { Ok(()) } else { Err(Failure::new(Class::Refused, problem).help(help)) }
        }
        Err(error) => Err(doing(error)),
    }
}

/// A quoted path for a unit, prefixed with `-` because it may be missing; quotes and specifiers are escaped.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
    format!("\"-{text}\"")
}

/// The settings of a unit that depend on the host's folders.
struct Folders {
    /// Lines that allow it to write to the folders of the configuration.
    writable: String,
    /// `ProtectHome=` of it.
    protect_home: &'static str,
}

impl Folders {
    /// Besides its own state, a unit may write to directories that are stores, and to those in the settings. Sockets
    /// are reached through /run.
    fn of(app: &App, request: &InstallRequest) -> Self {
        let inventory = &app.inventory;
        let stores = inventory
            .stores
            .values()
            .filter_map(|store| if let StoreEntry::Local(path) = store { Some(path) } else { None });
        let named = [&inventory.settings.state_dir, &inventory.settings.tmp_dir].into_iter();
        let named = named.filter(|path| !WRITABLE.iter().any(|folder| path.starts_with(folder)));
        let folders: BTreeSet<&PathBuf> = stores.chain(named).collect();
        let writable: Vec<String> =
            folders.iter().map(|path| format!("ReadWritePaths={}\n", quoted(path))).collect();
        let keys = inventory.keys.values().filter_map(|key| match &key.source {
            KeySource::File(path) => Some(path.clone()),
            KeySource::Passphrase(_) => None,
        });
        let in_home = std::iter::once(request.config.clone())
            .chain(keys)
            .chain(folders.into_iter().cloned())
            .any(|path| path.starts_with("/home") || path.starts_with("/root"));
        Self { writable: writable.concat(), protect_home: if in_home { "read-only" } else { "yes" } }
    }
}

/// The units, by the names of their files.
fn systemd(app: &App, request: &InstallRequest) -> Vec<(&'static str, String)> {
    vec![("jagad.service", service(app, request)), ("jagad.timer", timer(request))]
}

fn service(app: &App, request: &InstallRequest) -> String {
    let (user, config, program) = (&request.user, request.config.display(), request.program.display());
    let Folders { writable, protect_home } = Folders::of(app, request);
    let secrets = secret_lines(request, &app.inventory.secret_names());
    format!(
        "# Made by `jagad schedule install`.
[Unit]
Description=Back up what is due (jagad)
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
User={user}
ExecStart={program} --config {config} --progress none schedule run
{secrets}# Progress and errors go to standard error.
StandardOutput=null
StateDirectory=jagad
StateDirectoryMode=0700
UMask=0077
# A backup is stopped in good order: the upload is aborted and the run is recorded as failed.
KillMode=mixed
TimeoutStartSec=infinity
TimeoutStopSec=2min
Nice=10
IOSchedulingClass=idle
# Throw-away servers.
ReadWritePaths=/tmp /var/tmp
{writable}NoNewPrivileges=yes
PrivateDevices=yes
ProtectSystem=strict
ProtectHome={protect_home}
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
"
    )
}

fn timer(request: &InstallRequest) -> String {
    let every = Period(request.every);
    format!(
        "# Made by `jagad schedule install`.
[Unit]
Description=Check every {every} whether a backup is due (jagad)

[Timer]
OnActiveSec={seconds}s
OnUnitInactiveSec={seconds}s
AccuracySec=1s

[Install]
WantedBy=timers.target
",
        seconds = request.every.as_secs()
    )
}

/// Cron counts minutes of the hour, or hours of the day.
fn crontab(request: &InstallRequest) -> Result<String, Failure> {
    let minutes = request.every.as_secs() / 60;
    let fields = match minutes {
        1 => "* * * * *".to_owned(),
        2..60 if 60 % minutes == 0 => format!("*/{minutes} * * * *"),
        60 => "0 * * * *".to_owned(),
        _ => {
            let problem = format!("cron cannot call every {}", Period(request.every));
            return Err(
                Failure::new(Class::Usage, problem).help("Use a part of an hour such as 1m, 5m, 15m or 60m.")
            );
        }
    };
    Ok(format!(
        "# Made by `jagad schedule install`. Cron mails what goes wrong, and nothing else.
{fields} {} {} --config {} --quiet --progress none schedule run >/dev/null\n",
        request.user,
        request.program.display(),
        request.config.display()
    ))
}
