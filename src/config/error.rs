//! What can be wrong with a configuration, and where.

use crate::model::Help;
use std::path::PathBuf;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// No file was given or found.
    #[error("there is no configuration: looked for {places}")]
    NoFile {
        /// Where it was looked for.
        places: String,
    },
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Something in a file, or in `--set`, is wrong.
    #[error("{origin}: {problem}")]
    Wrong {
        /// `jagad.toml:12`, or `--set KEY`.
        origin: String,
        /// What is wrong.
        problem: String,
        /// What to do.
        help: Option<Help>,
    },
    /// A name that the command line or another entry uses does not exist.
    #[error("no {what} is named `{name}`")]
    Unknown {
        /// "database", "store" or "key".
        what: &'static str,
        /// The name.
        name: String,
        /// Names that come close, or all.
        help: Option<Help>,
    },
    /// There is no store at all.
    #[error("no storage provider configured - add one")]
    NoStore,
    /// There is no key to encrypt with.
    #[error("`{database}` is to be encrypted, but no key is configured for it")]
    NoKey {
        /// The database entry.
        database: String,
        /// Which keys there are, and what to do.
        help: Option<Help>,
    },
    /// A key file cannot be used.
    #[error("key `{name}`: {problem}")]
    Key {
        /// The key.
        name: String,
        /// What is wrong.
        problem: String,
        /// What to do.
        help: Option<Help>,
    },
    /// A secret cannot be read. Its value is never part of the message.
    #[error("{key}: {problem}")]
    Secret {
        /// The configuration key: `databases.shop.password_file`.
        key: String,
        /// What is wrong.
        problem: String,
    },
}

impl ConfigError {
    /// What to do about it.
    pub fn help(&self) -> Option<&str> {
        match self {
            Self::NoFile { .. } => {
                Some("Write a first one with `jagad config init`, or name one with --config.")
            }
            Self::Wrong { help, .. }
            | Self::Unknown { help, .. }
            | Self::Key { help, .. }
            | Self::NoKey { help, .. } => help.as_deref(),
            Self::NoStore => Some("Add a [stores.NAME] table to the configuration."),
            Self::Read { .. } | Self::Secret { .. } => None,
        }
    }
}

/// The error for an unknown name, with similar names.
pub(super) fn unknown<'a>(
    what: &'static str,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> ConfigError {
    let help = nearest(name, known).and_then(|help| Help::new(&help));
    ConfigError::Unknown { what, name: name.to_owned(), help }
}

/// `did you mean` for a name among those that exist; else all of them, if they are few.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    let close = known
        .iter()
        .map(|other| (strsim::damerau_levenshtein(name, other), *other))
        .filter(|(distance, other)| *distance <= 2.max(other.len() / 3))
        .min();
    match close {
        Some((_, other)) => Some(format!("Did you mean `{other}`?")),
        None if (1..=24).contains(&known.len()) => Some(format!("Known are {}.", known.join(", "))),
        None => None,
    }
}
