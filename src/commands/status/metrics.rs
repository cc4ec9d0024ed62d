//! The status as metrics, in the text format that Prometheus and `node_exporter`'s textfile collector read.

use super::{ProblemKind, Report, Standing};
use crate::commands::Failure;
use std::io::Write as _;
use std::path::Path;

/// Name, help, and the value of one database, where it has one.
type Metric = (&'static str, &'static str, fn(&Standing) -> Option<String>);

const METRICS: [Metric; 10] = [
    ("jagad_attached", "Whether the database is attached to a policy.", |one| flag(one.policy.is_some())),
    ("jagad_last_success_timestamp_seconds", "When the last good full began.", |one| {
        Some(one.last_good.as_ref()?.started_at.unix_seconds().to_string())
    }),
    ("jagad_last_success_stored_bytes", "Bytes of the last good full in the store.", |one| {
        Some(one.last_good.as_ref()?.stored_bytes.to_string())
    }),
    ("jagad_last_verified_timestamp_seconds", "When the last good full passed a verification.", |one| {
        Some(one.last_good.as_ref()?.verified.as_ref()?.at.unix_seconds().to_string())
    }),
    ("jagad_good_backups", "Good backups of the database.", |one| Some(one.good_backups.to_string())),
    ("jagad_stored_bytes", "Bytes of all its backups in the store.", |one| {
        Some(one.stored_bytes.to_string())
    }),
    ("jagad_leftover_bytes", "Bytes of failed and dead runs that are still in the store.", |one| {
        Some(one.leftover_bytes.to_string())
    }),
    ("jagad_failures_in_a_row", "Runs that failed since the last success.", |one| {
        Some(one.failures.to_string())
    }),
    ("jagad_paused", "Whether nothing is scheduled for it.", |one| flag(one.paused.is_some())),
    ("jagad_next_run_timestamp_seconds", "When something is due next.", |one| {
        Some(one.next?.unix_seconds().to_string())
    }),
];

#[allow(clippy::unnecessary_wraps, reason = "a metric may have no value")]
fn flag(value: bool) -> Option<String> {
    Some(u8::from(value).to_string())
}

/// The metrics of a report. Names of databases need no escaping: they are safe key segments.
pub fn prometheus(report: &Report) -> String {
    let mut text = String::new();
    for (name, help, value) in METRICS {
        text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} gauge\n"));
        for one in &report.databases {
            if let Some(value) = value(one) {
                text.push_str(&format!("{name}{{{}}} {value}\n", labels(one)));
            }
        }
    }
    text.push_str("# HELP jagad_problem Whether something is wrong, by kind.\n# TYPE jagad_problem gauge\n");
    for one in &report.databases {
        for kind in ProblemKind::ALL {
            let there = one.problems.iter().any(|problem| problem.kind == kind);
            let value = u8::from(there);
            text.push_str(&format!("jagad_problem{{{},kind=\"{}\"}} {value}\n", labels(one), kind.as_str()));
        }
    }
    let at = report.at.unix_seconds();
    text.push_str("# HELP jagad_status_timestamp_seconds When these metrics were taken.\n");
    text.push_str(&format!(
        "# TYPE jagad_status_timestamp_seconds gauge\njagad_status_timestamp_seconds {at}\n"
    ));
    text
}

fn labels(one: &Standing) -> String {
    let policy = one.policy.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("database=\"{}\",engine=\"{}\",policy=\"{policy}\"", one.database, one.engine)
}

/// Writes the metrics beside `path` and moves them there: a collector never reads half of them.
pub fn write_textfile(path: &Path, text: &str) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    let doing = |error: std::io::Error| Failure::from(error).doing(format!("write `{}`", path.display()));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".jagad-").tempfile_in(folder).map_err(doing)?;
    file.write_all(text.as_bytes()).map_err(doing)?;
    // The collector runs as another user.
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644)).map_err(doing)?;
    file.persist(path).map(|_| ()).map_err(|error| doing(error.error))
}
