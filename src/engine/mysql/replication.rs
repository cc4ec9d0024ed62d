//! How a replica follows its primary.

use super::client::Question;
use super::facts::MySqlServer;
use super::flavor::StatusWords;
use super::quote::literal;
use crate::engine::{EngineError, LinkState, ReplicaMatch, Replication, Server};
use crate::model::help;
use crate::process::Runner;
use std::collections::BTreeMap;
use std::time::Duration;

/// A replica's row of status by names of columns.
type Status = BTreeMap<String, String>;

/// In place of a word that a replica leaves out.
const NOT_TOLD: &str = "-";

/// Begins the columns that say what of the primary is left out or goes elsewhere. This one concerns no data.
const FILTERS: &str = "Replicate_";
const LOOPS: &str = "Replicate_Ignore_Server_Ids";

impl MySqlServer {
    pub(super) async fn ask_replication(
        &self,
        runner: &dyn Runner,
    ) -> Result<Option<Replication>, EngineError> {
        let doing = "ask how it follows its primary";
        let question = Question::short(doing, self.flavor().replica_status);
        let asked = self.client.ask_named(runner, &question).await;
        let rows = match asked {
            Err(EngineError::Privilege { problem, .. }) => {
                let right = self.flavor().status.right;
                let help = help!("GRANT {right} ON *.* TO {};", self.grantee(runner).await?);
                return Err(EngineError::Privilege { problem, help });
            }
            asked => asked?,
        };
        Ok(match rows.as_slice() {
            [] => None,
            [status] => Some(read(status, &self.flavor().status)),
            several => Some(Replication {
                origin: None,
                link: LinkState::Down(format!(
                    "it follows {} servers, so what it holds is not of one alone",
                    several.len()
                )),
                lag: None,
            }),
        })
    }

    /// MySQL's replicas tell the identity of their primary. MariaDB's tell none: there the primary is asked whether its
    /// log has, at the place up to which the replica has applied it, the very transaction that the replica has come to.
    /// Systems that were set up alike begin alike, so the replica must also have what this one had before it was asked.
    pub(super) async fn compare_origin(
        &self,
        runner: &dyn Runner,
        replica: &dyn Server,
    ) -> Result<ReplicaMatch, EngineError> {
        let doing = "ask for a place in the binary log";
        let before = if self.flavor().tells_origin {
            Vec::new()
        } else {
            let sql = "SELECT @@server_id, @@global.gtid_binlog_pos;";
            self.client.ask_row(runner, &Question::short(doing, sql), 2).await?
        };
        let said = replica.replication(runner).await?;
        let origin = said.as_ref().and_then(|said| said.origin.as_deref());
        let [own, written] = before.as_slice() else {
            return Ok(ReplicaMatch::of(origin, self.facts.identity.as_deref()));
        };
        let Some(origin) = origin.and_then(Origin::parse) else {
            return Ok(ReplicaMatch::of(None, None));
        };
        if own != origin.server {
            let server = origin.server;
            return Ok(ReplicaMatch::Other(format!(
                "it follows server_id {server}, and the primary is {own}"
            )));
        }
        let sql = format!("SELECT BINLOG_GTID_POS({}, {});", literal(origin.file), origin.at);
        let here = self.client.ask_row(runner, &Question::short(doing, &sql), 1).await?.remove(0);
        Ok(origin.compare(&here, written))
    }
}

/// What a replica of MariaDB tells of its primary.
#[derive(Debug, PartialEq, Eq)]
struct Origin<'a> {
    server: &'a str,
    /// The file of the primary's log that it applies.
    file: &'a str,
    /// Up to where in it.
    at: u64,
    /// The last transaction of each domain that it applied.
    applied: &'a str,
    /// The last that it received, where it asks for transactions and not for places.
    received: Option<&'a str>,
}

impl<'a> Origin<'a> {
    /// `1 binlog.000003 1408 0-1-384 0-1-385`; the name of a file may have spaces.
    fn parse(origin: &'a str) -> Option<Self> {
        let (server, rest) = origin.split_once(' ')?;
        let (rest, received) = rest.rsplit_once(' ')?;
        let (rest, applied) = rest.rsplit_once(' ')?;
        let (file, at) = rest.rsplit_once(' ')?;
        let received = (received != NOT_TOLD).then_some(received);
        Some(Self { server, file, at: at.parse().ok()?, applied, received })
    }

    /// `here` is at the replica's place of the log, and all of `written` was there before the replica was asked.
    fn compare(&self, here: &str, written: &str) -> ReplicaMatch {
        if sorted(here) != sorted(self.applied) {
            let Self { file, at, applied, .. } = self;
            let here = if here == "NULL" || here.is_empty() { "none" } else { here };
            return ReplicaMatch::Other(format!(
                "it says that {applied} is at {file}:{at} of its primary's log, where this one has {here}"
            ));
        }
        let has = self.received.unwrap_or(self.applied);
        let last = |domain: &str| {
            let of_domain = transactions(has).filter(|(other, _)| *other == domain);
            of_domain.map(|(_, number)| number).max()
        };
        if transactions(written).all(|(domain, number)| last(domain) >= Some(number)) {
            return ReplicaMatch::Same;
        }
        ReplicaMatch::Other(format!("it has come to {has}, and the primary had written {written} before"))
    }
}

/// What one row of status means.
fn read(status: &Status, words: &StatusWords) -> Replication {
    let get = |name: &str| status.get(name).map_or("", String::as_str);
    let lag = get(words.behind).parse().ok().map(Duration::from_secs);
    let origin: Vec<&str> = words.origin.iter().map(|name| get(name)).collect();
    let told = origin.first().is_some_and(|word| !word.is_empty());
    let origin: Vec<&str> =
        origin.into_iter().map(|word| if word.is_empty() { NOT_TOLD } else { word }).collect();
    Replication { origin: told.then(|| origin.join(" ")), link: link(status, words), lag }
}

/// The texts of errors quote rows, so only their numbers are told.
fn link(status: &Status, words: &StatusWords) -> LinkState {
    let get = |name: &str| status.get(name).map_or("", String::as_str);
    let error = |name: &str| match get(name) {
        "" | "0" => String::new(),
        number => format!(", error {number}"),
    };
    let filter = status.iter().find(|(name, value)| {
        name.starts_with(FILTERS) && *name != LOOPS && !value.is_empty() && *value != "NULL"
    });
    if let Some((name, _)) = filter {
        return LinkState::Down(format!("it does not hold all of its primary: `{name}` is set"));
    }
    match (get(words.receives), get(words.applies)) {
        ("Yes", "Yes") => LinkState::Up,
        ("Yes", other) => LinkState::Down(format!(
            "it applies nothing: {} is {other}{}",
            words.applies,
            error("Last_SQL_Errno")
        )),
        (other, _) => LinkState::Down(format!(
            "it receives nothing: {} is {other}{}",
            words.receives,
            error("Last_IO_Errno")
        )),
    }
}

/// Domain and number of each transaction of a list.
fn transactions(list: &str) -> impl Iterator<Item = (&str, u64)> {
    list.split(',').filter_map(|transaction| {
        let (domain, rest) = transaction.trim().split_once('-')?;
        Some((domain, rest.split_once('-')?.1.parse().ok()?))
    })
}

/// One transaction of each domain, in order.
fn sorted(transactions: &str) -> Vec<&str> {
    let mut list: Vec<&str> = transactions.split(',').map(str::trim).collect();
    list.sort_unstable();
    list
}

#[cfg(test)]
mod tests {
    use super::super::flavor::{MARIADB, MYSQL};
    use super::*;

    fn status(pairs: &[(&str, &str)]) -> Status {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_replica_is_up_only_when_it_receives_and_applies_everything() {
        let of = |io: &str, sql: &str, more: (&str, &str)| {
            let row = [("Replica_IO_Running", io), ("Replica_SQL_Running", sql), more];
            read(&status(&row), &MYSQL.status).link
        };
        assert_eq!(of("Yes", "Yes", ("Replicate_Do_DB", "")), LinkState::Up);
        assert_eq!(of("Yes", "Yes", ("Replicate_Ignore_Server_Ids", "7")), LinkState::Up);
        for (io, sql, more, words) in [
            ("Connecting", "Yes", ("Last_IO_Errno", "2003"), "Replica_IO_Running is Connecting, error 2003"),
            ("Yes", "No", ("Last_SQL_Errno", "1062"), "Replica_SQL_Running is No, error 1062"),
            ("Yes", "Yes", ("Replicate_Do_DB", "shop"), "`Replicate_Do_DB` is set"),
            ("", "", ("", ""), "Replica_IO_Running is "),
        ] {
            assert!(matches!(of(io, sql, more), LinkState::Down(why) if why.contains(words)), "{words}");
        }
    }

    #[test]
    fn lag_and_origin_are_told_or_unknown() {
        let row = [("Seconds_Behind_Source", "7"), ("Source_UUID", "a-b")];
        let told = read(&status(&row), &MYSQL.status);
        assert_eq!((told.lag, told.origin.as_deref()), (Some(Duration::from_secs(7)), Some("a-b")));
        let row = [("Seconds_Behind_Source", "NULL"), ("Source_UUID", "")];
        let silent = read(&status(&row), &MYSQL.status);
        assert_eq!((silent.lag, silent.origin), (None, None));
    }

    #[test]
    fn a_primary_is_told_by_its_log() {
        let row = [
            ("Master_Server_Id", "1"),
            ("Relay_Master_Log_File", "bin log.000003"),
            ("Exec_Master_Log_Pos", "1408"),
            ("Gtid_Slave_Pos", "1-2-3,0-1-384"),
        ];
        let told = |received| {
            let row: Vec<_> = row.into_iter().chain([("Gtid_IO_Pos", received)]).collect();
            read(&status(&row), &MARIADB.status).origin.unwrap()
        };
        let text = told("0-1-400,1-2-3");
        let origin = Origin::parse(&text).unwrap();
        assert_eq!((origin.server, origin.file, origin.at), ("1", "bin log.000003", 1408));
        assert_eq!(origin.compare("0-1-384,1-2-3", "1-2-3,0-1-400"), ReplicaMatch::Same);
        for (here, written) in [
            ("0-1-384", "0-1-384"),
            ("NULL", "0-1-1"),
            ("0-1-384,1-2-3", "0-1-401"),
            ("0-1-384,1-2-3", "2-1-1"),
        ] {
            assert!(matches!(origin.compare(here, written), ReplicaMatch::Other(_)), "{here} {written}");
        }
        // One that asks for places tells what it applied.
        let text = told("");
        let origin = Origin::parse(&text).unwrap();
        assert_eq!(origin.received, None);
        assert_eq!(origin.compare("0-1-384,1-2-3", "0-1-384"), ReplicaMatch::Same);
        assert!(matches!(origin.compare("0-1-384,1-2-3", "0-1-385"), ReplicaMatch::Other(_)));
        for bad in ["1 a b c d", "1", ""] {
            assert_eq!(Origin::parse(bad), None);
        }
    }
}
