//! Real servers that may be absent, and what a test does then.

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
    eprintln!(
        "\n*** SKIPPED: {variable} is not set, so nothing was tried on that server. See scripts/setup. ***\n"
    );
    None
}
