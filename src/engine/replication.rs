//! How a replica follows its primary, in words that every engine shares.

use std::fmt;
use std::time::Duration;

/// What a replica says of itself at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replication {
    /// Whose data it has, in the engine's own words: only [`super::Server::match_replica`] reads them. `None` when it does not
    /// say.
    pub origin: Option<String>,
    /// Whether it is replicating.
    pub link: LinkState,
    /// How old its data is; `None` when it does not say.
    pub lag: Option<Duration>,
}

/// Whether a replica is replicating.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// It receives and applies.
    Up,
    /// It does not: why.
    Down(String),
}

/// Whether a replica has the data of a certain primary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplicaMatch {
    /// It has.
    Same,
    /// It follows another system: what tells.
    Other(String),
    /// It cannot be determined: why.
    Unknown(String),
}

impl ReplicaMatch {
    /// By two words of which each side has one.
    pub(super) fn of(origin: Option<&str>, identity: Option<&str>) -> Self {
        match (origin, identity) {
            (Some(origin), Some(identity)) if origin == identity => Self::Same,
            (Some(origin), Some(identity)) => {
                Self::Other(format!("it has the data of {origin}, and the primary is {identity}"))
            }
            (None, _) => Self::Unknown("the replica does not tell whose data it has".to_owned()),
            (_, None) => Self::Unknown("the primary does not tell its identity".to_owned()),
        }
    }
}

/// A lag as text: seconds, as the servers count it.
#[derive(Debug, Clone, Copy)]
pub struct Lag(pub Duration);

impl fmt::Display for Lag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        if self.0.subsec_nanos() == 0 || seconds >= 10 {
            return write!(f, "{seconds} s");
        }
        write!(f, "{:.1} s", self.0.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_equal_words_are_the_same_system() {
        assert_eq!(ReplicaMatch::of(Some("a"), Some("a")), ReplicaMatch::Same);
        assert!(matches!(ReplicaMatch::of(Some("a"), Some("b")), ReplicaMatch::Other(_)));
        assert!(matches!(ReplicaMatch::of(None, Some("b")), ReplicaMatch::Unknown(_)));
        assert!(matches!(ReplicaMatch::of(Some("a"), None), ReplicaMatch::Unknown(_)));
    }

    #[test]
    fn a_lag_is_told_in_seconds() {
        for (milliseconds, text) in [(0, "0 s"), (300, "0.3 s"), (61_000, "61 s"), (90_400, "90 s")] {
            assert_eq!(Lag(Duration::from_millis(milliseconds)).to_string(), text);
        }
    }
}
