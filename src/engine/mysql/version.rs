//! Versions of servers and programs.

use std::fmt;

/// The first two numbers of a version: behaviour changes with these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ToolVersion {
    pub(super) major: u32,
    pub(super) minor: u32,
}

impl ToolVersion {
    /// "9.7.4-2", "10.11.19-MariaDB", "8.0"; `None` of anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(|c: char| !c.is_ascii_digit());
        let major = numbers.next()?.parse().ok()?;
        let minor = numbers.next()?.parse().ok()?;
        Some(Self { major, minor })
    }
}

impl fmt::Display for ToolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_version_is_none() {
        assert_eq!(ToolVersion::parse("8.0"), Some(ToolVersion { major: 8, minor: 0 }));
        assert_eq!(ToolVersion::parse("nine"), None);
    }
}
