//! Counts the keys of a live server, by database and type.

use super::cluster;
use super::connection::{Address, Connection};
use super::facts::{Info, RedisServer};
use super::resp::{self, Reply};
use super::restore::select;
use super::witness::{Census, Life};
use crate::engine::EngineError;
use crate::model::Contents;
use std::borrow::Cow;

/// Keys asked for at once.
const PAGE: &str = "1000";
/// A table that grows or shrinks while it is listed may tell a key twice; then it is listed again.
const MOST_TRIES: u32 = 3;

/// Which keys count: those in these slots, or all.
type Slots = Option<Vec<(u16, u16)>>;

impl RedisServer {
    /// Counts the keys of one part: of its slots, or all there are.
    pub(super) async fn count_keys(&self, part: &str) -> Result<Contents, EngineError> {
        let slots = cluster::slots_of(part);
        let mut census = Census::default();
        for node in self.nodes() {
            count_node(&node, &slots, &mut census).await?;
        }
        Ok(census.contents())
    }
}

async fn count_node(node: &Address, slots: &Slots, census: &mut Census) -> Result<(), EngineError> {
    let mut connection = node.connect().await?;
    let info = Info::ask(&mut connection).await?;
    for database in info.keyspace().into_keys() {
        if database != 0 {
            select(&mut connection, database).await?;
        }
        let mut tries = 1;
        loop {
            let mut found = Census::default();
            let listed = count_database(&mut connection, database, slots, &mut found).await?;
            let there = Info::ask(&mut connection).await?.keyspace().get(&database).copied().unwrap_or(0);
            if listed <= there || tries == MOST_TRIES {
                census.add(found);
                break;
            }
            tries += 1;
        }
    }
    Ok(())
}

/// How many keys were listed, in the slots or not.
async fn count_database(
    connection: &mut Connection,
    database: u64,
    slots: &Slots,
    census: &mut Census,
) -> Result<u64, EngineError> {
    let mut cursor = "0".to_owned();
    let mut listed = 0;
    loop {
        let page = connection.ask(&["SCAN", &cursor, "COUNT", PAGE]).await?;
        let [next, keys] = page.list() else { return Err(strange(connection)) };
        cursor = next.text().ok_or_else(|| strange(connection))?.into_owned();
        listed += keys.list().len() as u64;
        let wanted = |key: &&Reply| match (key, slots) {
            (Reply::Bytes(key), Some(slots)) => {
                let slot = cluster::slot(key);
                slots.iter().any(|(from, to)| (*from..=*to).contains(&slot))
            }
            _ => true,
        };
        let keys: Vec<&Reply> = keys.list().iter().filter(wanted).collect();
        count_page(connection, database, &keys, census).await?;
        if cursor == "0" {
            return Ok(listed);
        }
    }
}

async fn count_page(
    connection: &mut Connection,
    database: u64,
    keys: &[&Reply],
    census: &mut Census,
) -> Result<(), EngineError> {
    let mut commands = Vec::new();
    for key in keys {
        let Reply::Bytes(key) = key else { return Err(strange(connection)) };
        resp::command(&mut commands, &[b"TYPE", key]);
        resp::command(&mut commands, &[b"PTTL", key]);
    }
    let answers = connection.ask_all(&commands, keys.len() * 2).await?;
    for answer in answers.chunks(2) {
        match answer {
            [Reply::Error(said), _] => return Err(connection.refusal("TYPE", said)),
            [_, Reply::Error(said)] => return Err(connection.refusal("PTTL", said)),
            // It vanished in between.
            [Reply::Status(_), Reply::Number(-2)] => {}
            [Reply::Status(kind), Reply::Number(left)] => {
                let life = if *left >= 0 { Life::Fleeting } else { Life::Lasting };
                census.count(database, known(kind), life);
            }
            _ => return Err(strange(connection)),
        }
    }
    Ok(())
}

/// Without a copy for the types that every server has.
fn known(kind: &str) -> Cow<'static, str> {
    const WORDS: [&str; 6] = ["string", "list", "set", "zset", "hash", "stream"];
    match WORDS.into_iter().find(|word| *word == kind) {
        Some(word) => Cow::Borrowed(word),
        None => Cow::Owned(kind.to_owned()),
    }
}

fn strange(connection: &Connection) -> EngineError {
    EngineError::Answer {
        question: format!("{}: list the keys", connection.address()),
        problem: "the answer makes no sense".to_owned(),
    }
}
