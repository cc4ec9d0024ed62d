//! How a replica follows its primary.

use super::facts::MySqlServer;
use super::query::{Patience, ask_named};
use super::quote::literal;
use crate::engine::{EngineError, Kinship, Link, Replication};
use crate::model::EngineKind;
use crate::process::Runner;
use std::collections::BTreeMap;
use std::time::Duration;

/// Names of what a replica tells of itself, in one family's words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StatusWords {
    /// Whether it receives.
    pub(super) receives: &'static str,
    /// Whether it applies.
    pub(super) applies: &'static str,
    /// Seconds that it is behind.
    pub(super) behind: &'static str,
    /// What tells whose data it has, in order.
    pub(super) origin: &'static [&'static str],
    /// The right to ask.
    pub(super) right: &'static str,
}

/// A replica's row of status by names of columns.
type Status = BTreeMap<String, String>;

/// Begins the columns that say what of the primary is left out or goes elsewhere. This one concerns no data.
const FILTERS: &str = "Replicate_";
const LOOPS: &str = "Replicate_Ignore_Server_Ids";

impl MySqlServer {
    pub(super) async fn ask_replication(
        &self,
        runner: &dyn Runner,
    ) -> Result<Option<Replication>, EngineError> {
        let doing = "ask how it follows its primary";
        let server = (&self.connection, &self.tools);
        let asked = ask_named(runner, server, (doing, self.flavor().replica_status, Patience::Small)).await;
        let rows = match asked {
            Err(EngineError::Privilege { problem, .. }) => {
                let right = self.flavor().status.right;
                let help = format!("GRANT {right} ON *.* TO {};", self.grantee(runner).await?);
                return Err(EngineError::Privilege { problem, help });
            }
            asked => asked?,
        };
        Ok(match rows.as_slice() {
            [] => None,
            [status] => Some(read(status, &self.flavor().status)),
            several => Some(Replication {
                origin: None,
                link: Link::Down(format!(
                    "it follows {} servers, so what it holds is not of one alone",
                    several.len()
                )),
                lag: None,
            }),
        })
    }

    /// MySQL's replicas tell the identity of their primary. MariaDB's tell none: there the primary is asked whether its
    /// log has, at the place up to which the replica has applied it, the very transaction that the replica has come to.
    pub(super) async fn compare_origin(
        &self,
        runner: &dyn Runner,
        replica: &Replication,
    ) -> Result<Kinship, EngineError> {
        let origin = replica.origin.as_deref();
        if self.flavor().kind == EngineKind::MySql {
            return Ok(Kinship::of(origin, self.facts.identity.as_deref()));
        }
        let Some((server, place, transaction)) = origin.and_then(parse_origin) else {
            return Ok(Kinship::of(None, None));
        };
        let doing = "ask for a place in the binary log";
        let sql = format!("SELECT @@server_id, BINLOG_GTID_POS({}, {});", literal(place.0), place.1);
        let answer = self.ask(runner, (doing, &sql, Patience::Small)).await?;
        let row = super::facts::one(doing, answer, 2)?;
        let (own, here) = (&row[0], &row[1]);
        if own != server {
            return Ok(Kinship::Other(format!("it follows server_id {server}, and the primary is {own}")));
        }
        if sorted(here) == sorted(transaction) {
            return Ok(Kinship::Same);
        }
        let (file, at) = place;
        Ok(Kinship::Other(format!(
            "it says transaction {transaction} is at {file}:{at} of its primary's log, where this one has {}",
            if here == "NULL" || here.is_empty() { "none" } else { here }
        )))
    }
}

/// What one row of status means.
fn read(status: &Status, words: &StatusWords) -> Replication {
    let get = |name: &str| status.get(name).map_or("", String::as_str);
    let lag = get(words.behind).parse().ok().map(Duration::from_secs);
    let origin: Vec<&str> = words.origin.iter().map(|name| get(name)).collect();
    let told = origin.iter().all(|word| !word.is_empty());
    Replication { origin: told.then(|| origin.join(" ")), link: link(status, words), lag }
}

/// The texts of errors quote rows, so only their numbers are told.
fn link(status: &Status, words: &StatusWords) -> Link {
    let get = |name: &str| status.get(name).map_or("", String::as_str);
    let error = |name: &str| match get(name) {
        "" | "0" => String::new(),
        number => format!(", error {number}"),
    };
    let filter = status.iter().find(|(name, value)| {
        name.starts_with(FILTERS) && *name != LOOPS && !value.is_empty() && *value != "NULL"
    });
    if let Some((name, _)) = filter {
        return Link::Down(format!("it does not hold all of its primary: `{name}` is set"));
    }
    match (get(words.receives), get(words.applies)) {
        ("Yes", "Yes") => Link::Up,
        ("Yes", other) => {
            Link::Down(format!("it applies nothing: {} is {other}{}", words.applies, error("Last_SQL_Errno")))
        }
        (other, _) => Link::Down(format!(
            "it receives nothing: {} is {other}{}",
            words.receives,
            error("Last_IO_Errno")
        )),
    }
}

/// `1 binlog.000003 1408 0-1-384`: the number of the server, a place in its log, and the transactions there. The name of
/// a log may have spaces.
fn parse_origin(origin: &str) -> Option<(&str, (&str, u64), &str)> {
    let (server, rest) = origin.split_once(' ')?;
    let (rest, transactions) = rest.rsplit_once(' ')?;
    let (file, at) = rest.rsplit_once(' ')?;
    Some((server, (file, at.parse().ok()?), transactions))
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
        assert_eq!(of("Yes", "Yes", ("Replicate_Do_DB", "")), Link::Up);
        assert_eq!(of("Yes", "Yes", ("Replicate_Ignore_Server_Ids", "7")), Link::Up);
        for (io, sql, more, words) in [
            ("Connecting", "Yes", ("Last_IO_Errno", "2003"), "Replica_IO_Running is Connecting, error 2003"),
            ("Yes", "No", ("Last_SQL_Errno", "1062"), "Replica_SQL_Running is No, error 1062"),
            ("Yes", "Yes", ("Replicate_Do_DB", "shop"), "`Replicate_Do_DB` is set"),
            ("", "", ("", ""), "Replica_IO_Running is "),
        ] {
            assert!(matches!(of(io, sql, more), Link::Down(why) if why.contains(words)), "{words}");
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
    fn a_place_in_the_log_of_a_primary_is_read_back() {
        let row = [
            ("Master_Server_Id", "1"),
            ("Relay_Master_Log_File", "bin log.000003"),
            ("Exec_Master_Log_Pos", "1408"),
            ("Gtid_Slave_Pos", "1-2-3,0-1-384"),
        ];
        let origin = read(&status(&row), &MARIADB.status).origin.unwrap();
        let (server, place, transactions) = parse_origin(&origin).unwrap();
        assert_eq!((server, place), ("1", ("bin log.000003", 1408)));
        assert_eq!(sorted(transactions), ["0-1-384", "1-2-3"]);
        assert_eq!(parse_origin("1 a b c"), None);
        assert_eq!(parse_origin("1"), None);
    }
}
