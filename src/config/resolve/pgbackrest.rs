//! Resolves `[databases.NAME.pgbackrest]`, and refuses keys that have no effect when pgBackRest takes the backups.

use super::EntryPlace;
use crate::config::error::ConfigError;
use crate::config::file::{DatabaseFile, PgBackRestFile};
use crate::engine::PgBackRestSettings;

/// A key that pgBackRest's own configuration decides: its name, whether it is set, and the option there.
type Delegated = (&'static str, fn(&DatabaseFile) -> bool, &'static str);

const DELEGATED: [Delegated; 5] = [
    ("compression", |written| written.compression.is_some(), "`compress-type`"),
    ("compression_level", |written| written.compression_level.is_some(), "`compress-level`"),
    (
        "encryption",
        |written| {
            let encryption = &written.encryption;
            encryption.enabled.is_some() || encryption.cipher.is_some() || encryption.key.is_some()
        },
        "`repo1-cipher-type`",
    ),
    ("replicas", |written| !written.replicas.is_empty(), "`backup-standby`"),
    ("source", |written| written.source.is_some(), "`backup-standby`"),
];

/// Refuses a key that has no effect: ignoring it would hide a mistake.
pub(super) fn refuse_strange_keys(place: &EntryPlace<'_>, written: &DatabaseFile) -> Result<(), ConfigError> {
    let Some((key, _, theirs)) = DELEGATED.iter().find(|(_, given, _)| given(written)) else { return Ok(()) };
    let problem =
        format!("`{key}` has no effect with method = \"pgbackrest\": pgBackRest's configuration says it");
    let help = format!("Leave it out; in the configuration of pgBackRest it is {theirs}.");
    Err(place.wrong_with(key, problem, Some(help)))
}

/// The written settings, or the defaults.
pub(super) fn resolve(
    place: &EntryPlace<'_>,
    written: Option<&PgBackRestFile>,
) -> Result<PgBackRestSettings, ConfigError> {
    let defaults = PgBackRestSettings::default();
    let Some(written) = written else { return Ok(defaults) };
    Ok(PgBackRestSettings {
        config: place.file(written.config.as_ref()),
        stanza: word(place, "stanza", written.stanza.as_deref(), defaults.stanza)?,
        user: word(place, "user", written.user.as_deref(), defaults.user)?,
        expire: written.expire,
    })
}

/// A name for a command line of pgBackRest, which would read some texts as options or paths.
fn word(
    place: &EntryPlace<'_>,
    key: &str,
    written: Option<&str>,
    default: String,
) -> Result<String, ConfigError> {
    let Some(text) = written else { return Ok(default) };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    if begins && text.len() <= 63 && text.chars().all(plain) {
        return Ok(text.to_owned());
    }
    let problem = format!("`{text}` is no name: it has 1 to 63 letters, digits, `_`, `-` and `.`");
    Err(place.wrong(&format!("pgbackrest.{key}"), problem))
}
