//! An engine's findings about a server, for people.

use super::{Class, Failure};
use crate::engine::{Finding, FindingLevel};

/// One failure that names every error among `findings`, with the help for all of them; `None` when there is no error.
pub(super) fn failure_of<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Option<Failure> {
    let errors: Vec<_> =
        findings.into_iter().filter(|finding| finding.level == FindingLevel::Error).collect();
    if errors.is_empty() {
        return None;
    }
    let problems: Vec<_> =
        errors.iter().map(|error| format!("{}: {}", error.subject, error.problem)).collect();
    let mut help: Vec<_> = errors.iter().filter_map(|error| error.help.as_deref()).collect();
    help.dedup();
    Some(Failure::new(Class::Prerequisite, problems.join("; ")).help(help.join("\n")))
}

/// A finding in one line.
pub(super) fn line(finding: &Finding) -> String {
    let help = finding.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    format!("{}: {}{help}", finding.subject, finding.problem)
}
