//! The configuration of a server, as far as its files do not have it.

use crate::engine::EngineError;
use crate::engine::postgresql::combine::{MinimumSettings, SourceConfiguration};
use crate::engine::postgresql::facts::PostgreSqlServer;
use crate::engine::postgresql::psql::{Patience, Question};
use crate::engine::postgresql::quote::{identifier, literal};
use crate::model::{Contents, Witness, WitnessError};
use crate::process::Runner;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

const FORMAT: &str = "configuration";
/// Three files that people write.
const LIMIT_BYTES: usize = 16 << 20;

/// What a backup keeps of the configuration, and what it cannot keep.
pub(super) struct Configuration {
    pub(super) source: SourceConfiguration,
    pub(super) notes: Vec<String>,
}

/// Where the configuration is, as far as the role may know.
#[derive(Debug, Deserialize)]
pub(super) struct Places {
    data_directory: Option<String>,
    files: BTreeMap<String, String>,
    readable: bool,
    minimum: MinimumSettings,
}

/// Why the configuration is not in a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unread {
    /// Nothing says where it is.
    Hidden,
    /// These are outside of the data directory, and may not be read.
    Forbidden(Vec<String>),
}

impl Unread {
    /// For people.
    pub(super) fn problem(&self) -> String {
        match self {
            Self::Hidden => {
                "the role may not ask where the configuration is: where that is outside of the data directory, the backup does not \
                 have it"
                    .to_owned()
            }
            Self::Forbidden(files) => format!(
                "the configuration is outside of the data directory and the role may not read it, so the backup does not have {}",
                files.iter().map(|file| format!("`{file}`")).collect::<Vec<_>>().join(", ")
            ),
        }
    }

    /// The statements that let `role` read it.
    pub(super) fn help(&self, role: &str, database: &str) -> String {
        let role = identifier(role);
        match self {
            Self::Hidden => format!("GRANT pg_read_all_settings TO {role};"),
            Self::Forbidden(_) => format!(
                "GRANT pg_read_server_files TO {role}; and in the database `{database}`: GRANT EXECUTE ON FUNCTION \
                 pg_read_binary_file(text) TO {role};"
            ),
        }
    }
}

const PLACES: &str = "SELECT json_build_object(
  'data_directory', (SELECT setting FROM pg_settings WHERE name = 'data_directory'),
  'files', (SELECT coalesce(json_object_agg(name, setting), '{}') FROM pg_settings
    WHERE name IN ('config_file', 'hba_file', 'ident_file') AND setting <> ''),
  'readable', has_function_privilege('pg_read_binary_file(text)', 'execute')
    AND pg_has_role('pg_read_server_files', 'usage'),
  'minimum', (SELECT json_object_agg(name, setting::int) FROM pg_settings WHERE name IN ('max_connections',
    'max_worker_processes', 'max_wal_senders', 'max_prepared_transactions', 'max_locks_per_transaction')));";

impl Places {
    /// The files that are not among those of the data directory, by their settings.
    fn outside(&self) -> BTreeMap<&str, &str> {
        let data = self.data_directory.as_deref().map(Path::new);
        let outside = |file: &str| data.is_none_or(|data| !Path::new(file).starts_with(data));
        self.files
            .iter()
            .map(|(name, file)| (name.as_str(), file.as_str()))
            .filter(|(_, file)| outside(file))
            .collect()
    }

    pub(super) fn unread(&self) -> Option<Unread> {
        if self.files.is_empty() || self.data_directory.is_none() {
            return Some(Unread::Hidden);
        }
        let outside = self.outside();
        let forbidden = !self.readable && !outside.is_empty();
        forbidden.then(|| Unread::Forbidden(outside.values().map(|file| (*file).to_owned()).collect()))
    }
}

impl PostgreSqlServer {
    pub(super) async fn ask_places(&self, runner: &dyn Runner) -> Result<Places, EngineError> {
        let database = &self.connection.settings.maintenance_database;
        let doing = "ask where the configuration of the server is";
        self.ask(runner, Question { doing, database, sql: PLACES, patience: Patience::Small }).await
    }

    /// Reads what is outside of the data directory. What cannot be read is told and stops no backup.
    pub(super) async fn ask_configuration(&self, runner: &dyn Runner) -> Result<Configuration, EngineError> {
        let places = self.ask_places(runner).await?;
        let mut source =
            SourceConfiguration { minimum_settings: places.minimum, ..SourceConfiguration::default() };
        let mut notes = Vec::new();
        if let Some(unread) = places.unread() {
            notes.push(unread.problem());
            return Ok(Configuration { source, notes });
        }
        for (name, file) in places.outside() {
            match self.read_file(runner, file).await {
                Ok(text) => match name {
                    "config_file" => source.config_file = Some(text),
                    "hba_file" => source.hba_file = Some(text),
                    _ => source.ident_file = Some(text),
                },
                Err(error) => notes.push(format!("`{file}` is not in the backup: {error}")),
            }
        }
        Ok(Configuration { source, notes })
    }

    async fn read_file(&self, runner: &dyn Runner, file: &str) -> Result<String, EngineError> {
        let database = &self.connection.settings.maintenance_database;
        let doing = format!("read `{file}`");
        let sql = format!(
            "SELECT to_json(translate(encode(pg_read_binary_file({}), 'base64'), E'\\n', ''));",
            literal(file)
        );
        let question = Question { doing: &doing, database, sql: &sql, patience: Patience::Small };
        let encoded: String = self.ask(runner, question).await?;
        let bytes = STANDARD
            .decode(encoded)
            .map_err(|error| EngineError::Answer { question: doing.clone(), problem: error.to_string() })?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Watches the part that holds it: JSON that is understood.
pub(in crate::engine::postgresql) fn witness() -> Box<dyn Witness> {
    Box::new(ConfigurationWitness { text: Vec::new() })
}

/// Bounds: keeps all of it, at most 16 MiB.
struct ConfigurationWitness {
    text: Vec<u8>,
}

impl Witness for ConfigurationWitness {
    fn feed(&mut self, bytes: &[u8]) -> Result<(), WitnessError> {
        if self.text.len() + bytes.len() > LIMIT_BYTES {
            let problem = "it is longer than 16 MiB".to_owned();
            return Err(WitnessError::Malformed { format: FORMAT, problem });
        }
        self.text.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(&mut self) -> Result<Option<Contents>, WitnessError> {
        let understood: Result<SourceConfiguration, _> = serde_json::from_slice(&self.text);
        understood
            .map(|_| None)
            .map_err(|error| WitnessError::Incomplete { format: FORMAT, problem: error.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(data: Option<&str>, file: &str, readable: bool) -> Places {
        Places {
            data_directory: data.map(str::to_owned),
            files: BTreeMap::from([("hba_file".to_owned(), file.to_owned())]),
            readable,
            minimum: MinimumSettings::default(),
        }
    }

    #[test]
    fn only_what_is_outside_of_the_data_directory_has_to_be_read() {
        assert_eq!(places(Some("/srv/pg"), "/srv/pg/pg_hba.conf", false).unread(), None);
        assert_eq!(places(Some("/srv/pg"), "/etc/pg_hba.conf", true).unread(), None);
        let forbidden = places(Some("/srv/pg"), "/srv/pg2/pg_hba.conf", false).unread();
        assert_eq!(forbidden, Some(Unread::Forbidden(vec!["/srv/pg2/pg_hba.conf".to_owned()])));
        assert_eq!(places(None, "/etc/pg_hba.conf", true).unread(), Some(Unread::Hidden));
    }
}
