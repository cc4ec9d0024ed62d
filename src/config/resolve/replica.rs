//! `[[databases.NAME.replicas]]`: the keys of a replica, and those that it inherits from its entry.

use super::EntryPlace;
use crate::config::entry::{Connection, ReplicaEntry};
use crate::config::error::ConfigError;
use crate::config::file::ReplicaFile;
use crate::config::secret::Forms;
use std::time::Duration;

/// The default of how far a replica may be behind.
const MAX_LAG: Duration = Duration::from_secs(60);
/// Most replicas of one entry: each is queried before every backup.
const MOST: usize = 16;

/// The replicas of the entry at `place`, whose own server is at `primary`.
pub(super) fn resolve(
    place: &EntryPlace<'_>,
    written: &[ReplicaFile],
    primary: &Connection,
) -> Result<Vec<ReplicaEntry>, ConfigError> {
    if written.len() > MOST {
        return Err(place.wrong("replicas", format!("{} replicas; at most {MOST} are asked", written.len())));
    }
    let replicas = written.iter().map(|replica| one(place, replica, primary));
    let replicas: Vec<ReplicaEntry> = replicas.collect::<Result<_, _>>()?;
    let same = |a: &Connection, b: &Connection| (&a.host, &a.socket, a.port) == (&b.host, &b.socket, b.port);
    for (at, replica) in replicas.iter().enumerate() {
        let before = replicas[..at].iter().map(|other| &other.connection).chain([primary]);
        if before.into_iter().any(|other| same(other, &replica.connection)) {
            let problem = format!("replica {} is a server that is declared already", at + 1);
            let help = Some("Give each its own `host`, `port` or `socket`.".to_owned());
            return Err(place.wrong_with("replicas", problem, help));
        }
    }
    Ok(replicas)
}

fn one(
    place: &EntryPlace<'_>,
    written: &ReplicaFile,
    primary: &Connection,
) -> Result<ReplicaEntry, ConfigError> {
    if written.host.is_some() == written.socket.is_some() {
        let problem = match &written.host {
            Some(_) => "`host` and `socket` of a replica are given together",
            None => "a replica has no host",
        };
        let help = Some("Give `host`, or `socket`.".to_owned());
        return Err(place.wrong_with("replicas", problem, help));
    }
    let password = Forms {
        inline: written.password.as_ref(),
        file: written.password_file.as_ref(),
        environment: written.password_env.as_ref(),
        command: written.password_command.as_ref(),
        credential: written.password_credential.as_ref(),
    };
    let password = place.secret("replicas.password", &password)?;
    let connection = Connection {
        host: written.host.clone(),
        socket: place.file(written.socket.as_ref()),
        port: written.port.unwrap_or(primary.port),
        user: written.user.clone().unwrap_or_else(|| primary.user.clone()),
        password: password.or_else(|| primary.password.clone()),
        ..primary.clone()
    };
    Ok(ReplicaEntry { max_lag: written.max_lag.map_or(MAX_LAG, |period| period.0), connection })
}
