//! Real servers that may be absent, and what a test does then.

use std::io::Write as _;

/// Stands for PostgreSQL 18 with the extensions that have packages of their own.
pub const EXTENDED: u32 = 1800;
/// Stands for PostgreSQL 18 with PostGIS, which only long runs of the tests install.
pub const GEOGRAPHIC: u32 = 1801;

/// How much it matters that a server is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Under `CI` its absence is a failure: a suite that skips itself proves nothing.
    Required,
    /// It takes too long to install everywhere: its absence is told, never failed.
    Optional,
}

/// The value of `variable`, which names a real server; `None`, loudly, when the test has to be skipped.
pub(crate) fn server_from(variable: &str, need: Need) -> Option<String> {
    if let Ok(value) = std::env::var(variable)
        && !value.is_empty()
    {
        return Some(value);
    }
    let ci = std::env::var_os("CI").is_some();
    assert!(!(ci && need == Need::Required), "{variable} is not set, and under CI this server must be there");
    skipped(&format!("{variable} is not set, so nothing was tried on that server (see scripts/setup)"));
    None
}

/// Tells that a test ends without having tried anything. Past the capture of test output, which would keep it silent.
pub(crate) fn skipped(reason: &str) {
    let _ = writeln!(std::io::stderr(), "\n*** SKIPPED: {reason} ***\n");
}

/// The value of `variable`, which a long run of the tests needs; `None`, loudly, in every other run.
pub(crate) fn soak_from(variable: &str) -> Option<String> {
    if std::env::var_os("JAGAD_SOAK").is_none() {
        skipped("this takes long: it runs with JAGAD_SOAK set");
        return None;
    }
    server_from(variable, Need::Required)
}
