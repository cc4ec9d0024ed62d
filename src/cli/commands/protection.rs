//! `policy`, `schedule` and `status`.

use crate::cli::args::{Global, duration};
use crate::commands::{Class, Failure, Mode, policy, schedule, status};
use crate::config::{Inventory, Settings};
use crate::model::{DatabaseName, PolicyName};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Show and change which policies protect databases.
#[derive(Debug, Subcommand)]
pub enum Policy {
    /// Attach databases to a policy, and take the first full backup of each
    Attach {
        /// Policy
        #[arg(value_name = "POLICY")]
        policy: PolicyName,
        /// Database entries
        #[arg(value_name = "DB", required = true)]
        databases: Vec<DatabaseName>,
    },
    /// Detach databases from their policy; their backups stay
    Detach {
        /// Database entries
        #[arg(value_name = "DB", required = true)]
        databases: Vec<DatabaseName>,
    },
    /// List policies
    List,
    /// Show one policy and its attached databases
    Show {
        /// Policy
        #[arg(value_name = "POLICY")]
        policy: PolicyName,
    },
    /// Pause the schedule of databases until they are resumed
    Pause(Pause),
    /// Resume paused databases and reset their failure count
    Resume(Resume),
    /// Attach and detach databases so that they match the configuration
    Apply {
        /// Show the changes without making them
        #[arg(short = 'n', long, visible_alias = "plan")]
        dry_run: bool,
    },
}

/// Attached databases.
#[derive(Debug, Args)]
pub struct Switch {
    /// Database entries
    #[arg(value_name = "DB", required_unless_present = "policy")]
    pub databases: Vec<DatabaseName>,
    /// All databases attached to this policy
    #[arg(long, value_name = "NAME", conflicts_with = "databases")]
    pub policy: Option<PolicyName>,
}

/// Arguments of `policy resume`.
#[derive(Debug, Args)]
pub struct Resume {
    /// Which.
    #[command(flatten)]
    pub switch: Switch,
    /// Make up for a missed run with the next tick
    #[arg(long)]
    pub now: bool,
}

impl Resume {
    /// The request.
    pub fn request(self, global: &Global, defaults: &Settings) -> policy::SwitchRequest {
        let missed = if self.now { policy::MissedRuns::MakeUp } else { policy::MissedRuns::Skip };
        policy::SwitchRequest { missed, ..self.switch.request(global, defaults) }
    }
}

/// Arguments of `policy pause`.
#[derive(Debug, Args)]
pub struct Pause {
    /// Which.
    #[command(flatten)]
    pub switch: Switch,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
}

/// The wait that the command line or the configuration asks for.
fn wait(global: &Global, defaults: &Settings) -> Duration {
    global.wait.unwrap_or(defaults.lock_wait)
}

impl Switch {
    /// The request.
    pub fn request(self, global: &Global, defaults: &Settings) -> policy::SwitchRequest {
        let wait = wait(global, defaults);
        let missed = policy::MissedRuns::Skip;
        policy::SwitchRequest { databases: self.databases, policy: self.policy, reason: None, missed, wait }
    }
}

impl Pause {
    /// The request.
    pub fn request(self, global: &Global, defaults: &Settings) -> policy::SwitchRequest {
        policy::SwitchRequest { reason: self.note, ..self.switch.request(global, defaults) }
    }
}

/// The request of `policy attach`.
pub fn attach(
    policy: PolicyName,
    databases: Vec<DatabaseName>,
    global: &Global,
    defaults: &Settings,
) -> policy::AttachRequest {
    let timeout = global.timeout.or(defaults.timeout);
    policy::AttachRequest { policy, databases, wait: wait(global, defaults), timeout }
}

/// The request of `policy apply`.
pub fn apply(dry_run: bool, global: &Global, defaults: &Settings) -> policy::ApplyRequest {
    let timeout = global.timeout.or(defaults.timeout);
    policy::ApplyRequest { mode: Mode::of(dry_run), wait: wait(global, defaults), timeout }
}

/// Run due backups, list the next runs, and set up cron or systemd.
#[derive(Debug, Subcommand)]
pub enum Schedule {
    /// Take every backup that is due now, then exit
    Run(ScheduleRun),
    /// Show the next runs
    List(ScheduleList),
    /// Write systemd units or a crontab line that call `schedule run`
    Install(Install),
}

/// Arguments of `schedule run`.
#[derive(Debug, Args)]
pub struct ScheduleRun {
    /// Only these database entries
    #[arg(long, value_name = "DB")]
    pub db: Vec<DatabaseName>,
    /// Only databases attached to this policy
    #[arg(long, value_name = "NAME")]
    pub policy: Option<PolicyName>,
    /// Take a full backup of every selected database, due or not
    #[arg(long)]
    pub now: bool,
    /// Show which backups are due without running them
    #[arg(short = 'n', long, visible_alias = "plan")]
    pub dry_run: bool,
}

/// Arguments of `schedule list`.
#[derive(Debug, Args)]
pub struct ScheduleList {
    /// Only these database entries
    #[arg(value_name = "DB")]
    pub databases: Vec<DatabaseName>,
    /// Only databases attached to this policy
    #[arg(long, value_name = "NAME")]
    pub policy: Option<PolicyName>,
    /// Number of runs to show for each
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    pub count: u16,
}

/// What calls `schedule run`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Manner {
    /// A service and a timer.
    Systemd,
    /// A line of /etc/cron.d.
    Crontab,
}

/// Arguments of `schedule install`.
#[derive(Debug, Args)]
pub struct Install {
    /// What calls `schedule run`
    #[arg(value_enum, default_value = "systemd", value_name = "HOW")]
    pub manner: Manner,
    /// Time between two ticks
    #[arg(long, default_value = "1m", value_name = "DURATION", value_parser = duration)]
    pub every: Duration,
    /// Account that runs the ticks
    #[arg(long, default_value = "root", value_name = "NAME", value_parser = account)]
    pub user: String,
    /// Folder to write to, such as /etc/systemd/system or /etc/cron.d [default: print]
    #[arg(short, long, value_name = "FOLDER")]
    pub output: Option<PathBuf>,
}

/// The name of an account, which must be no more than a name in a unit and in a crontab.
fn account(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    match text.len() {
        1..=32 if text.chars().all(plain) => Ok(text.to_owned()),
        _ => Err("write the name of an account".to_owned()),
    }
}

impl ScheduleRun {
    /// The request.
    pub fn request(self, global: &Global, defaults: &Settings) -> schedule::Request {
        schedule::Request {
            databases: self.db,
            policy: self.policy,
            when: if self.now { schedule::When::Now } else { schedule::When::Due },
            mode: Mode::of(self.dry_run),
            wait: wait(global, defaults),
            jobs: defaults.max_concurrent as usize,
            timeout: global.timeout.or(defaults.timeout),
            look_again: schedule::LOOK_AGAIN,
        }
    }
}

impl ScheduleList {
    /// The request.
    pub fn request(self) -> schedule::ListRequest {
        schedule::ListRequest { databases: self.databases, policy: self.policy, count: self.count.into() }
    }
}

impl Install {
    /// The request: the ticks run this program and read the configuration that was read now.
    pub fn request(self, inventory: &Inventory) -> Result<schedule::InstallRequest, Failure> {
        let doing =
            |error: std::io::Error| Failure::from(error).doing("find this program and its configuration");
        let config = inventory.files.first();
        let config = config.ok_or_else(|| Failure::new(Class::Usage, "there is no configuration file"))?;
        Ok(schedule::InstallRequest {
            manner: match self.manner {
                Manner::Systemd => schedule::Manner::Systemd,
                Manner::Crontab => schedule::Manner::Crontab,
            },
            every: self.every,
            user: self.user,
            folder: self.output,
            config: config.canonicalize().map_err(doing)?,
            program: std::env::current_exe().map_err(doing)?,
        })
    }
}

/// The output format of `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StatusFormat {
    /// Text.
    Table,
    /// For machines (the same as --json).
    Json,
    /// A line for each database.
    Csv,
    /// Metrics.
    Prometheus,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct Status {
    /// Only these database entries
    #[arg(value_name = "DB")]
    pub databases: Vec<DatabaseName>,
    /// Only databases attached to this policy
    #[arg(long, value_name = "NAME")]
    pub policy: Option<PolicyName>,
    /// Exit with code 20 when anything is wrong
    #[arg(long)]
    pub check: bool,
    /// Output format
    #[arg(long, value_enum, default_value = "table", value_name = "FORMAT")]
    pub format: StatusFormat,
    /// Also write metrics to this file, for the textfile collector of node_exporter
    #[arg(long, value_name = "FILE")]
    pub textfile: Option<PathBuf>,
}

impl Status {
    /// The request.
    pub fn request(&self) -> status::Request {
        status::Request { databases: self.databases.clone(), policy: self.policy.clone() }
    }
}
