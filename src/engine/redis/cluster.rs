//! Redis Cluster: which key belongs to which slot, and which slot to which server.

use super::connection::{Address, Connection};
use super::resp::Reply;
use crate::engine::EngineError;
use crate::model::help;
use std::collections::BTreeMap;

/// How many slots there are.
pub(super) const SLOTS: u16 = 16384;
const NAME_PREFIX: &str = "slots-";

/// One primary and its slots.
#[derive(Debug, Clone)]
pub(super) struct Shard {
    /// Where it is.
    pub(super) address: Address,
    /// From and to, both included, in order.
    pub(super) slots: Vec<(u16, u16)>,
}

impl Shard {
    /// The name of its part of a backup: `slots-0-5460`, `slots-0-99_200-299`.
    pub(super) fn name(&self) -> String {
        let ranges: Vec<String> = self.slots.iter().map(|(from, to)| format!("{from}-{to}")).collect();
        format!("{NAME_PREFIX}{}", ranges.join("_"))
    }
}

/// The slots that a part's name tells; `None` for a part that is all of a server.
pub(super) fn slots_of(name: &str) -> Option<Vec<(u16, u16)>> {
    let range = |text: &str| {
        let (from, to) = text.split_once('-')?;
        Some((from.parse().ok()?, to.parse().ok()?))
    };
    name.strip_prefix(NAME_PREFIX)?.split('_').map(range).collect()
}

/// The primaries, by their first slot. A cluster whose slots are not all served is an error: a backup of it has holes.
pub(super) async fn shards(connection: &mut Connection, own: &Address) -> Result<Vec<Shard>, EngineError> {
    let reply = connection.ask(&["CLUSTER", "SLOTS"]).await?;
    let mut found: BTreeMap<(String, u16), Vec<(u16, u16)>> = BTreeMap::new();
    for row in reply.list() {
        let strange = || EngineError::Answer {
            question: format!("{}: CLUSTER SLOTS", own.shown()),
            problem: "one of its rows is malformed".to_owned(),
        };
        let (from, to, place) = row_of(row).ok_or_else(strange)?;
        found.entry(place).or_default().push((from, to));
    }
    let mut shards: Vec<Shard> = found
        .into_iter()
        .map(|((host, port), mut slots)| {
            slots.sort_unstable();
            // A node that does not know its own address yet is the one that was asked.
            let address = if host.is_empty() { own.clone() } else { own.node(&host, port) };
            Shard { address, slots }
        })
        .collect();
    shards.sort_by(|one, other| one.slots.cmp(&other.slots));
    let served: u32 = shards.iter().flat_map(|shard| &shard.slots).map(|(a, b)| u32::from(b - a) + 1).sum();
    if served == u32::from(SLOTS) {
        return Ok(shards);
    }
    Err(EngineError::Prerequisite {
        problem: format!("the cluster of {} serves {served} of {SLOTS} slots", own.shown()),
        help: help!(
            "Run `redis-cli --cluster check` to list the missing slots, and `redis-cli --cluster fix` to assign them."
        ),
    })
}

fn row_of(row: &Reply) -> Option<(u16, u16, (String, u16))> {
    let [from, to, primary, ..] = row.list() else { return None };
    let (from, to) = (u16::try_from(from.number()?).ok()?, u16::try_from(to.number()?).ok()?);
    let [host, port, ..] = primary.list() else { return None };
    let host = host.text().map(std::borrow::Cow::into_owned).unwrap_or_default();
    let port = u16::try_from(port.number()?).ok()?;
    (from <= to && to < SLOTS).then_some((from, to, (host, port)))
}

/// The slot of a key: of what stands between the first braces, if anything does.
pub(super) fn slot(key: &[u8]) -> u16 {
    let tag = key.iter().position(|byte| *byte == b'{').and_then(|open| {
        let inside = &key[open + 1..];
        let length = inside.iter().position(|byte| *byte == b'}')?;
        (length > 0).then(|| &inside[..length])
    });
    crc16(tag.unwrap_or(key)) % SLOTS
}

/// CRC-16 of XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |mut crc: u16, byte| {
        crc ^= u16::from(*byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 };
        }
        crc
    })
}

/// What a node answers for a key that is not its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Redirect {
    /// `ASK`: only this once, and with `ASKING` in front.
    pub(super) once: bool,
    pub(super) slot: u16,
    pub(super) host: String,
    pub(super) port: u16,
}

impl Redirect {
    /// `MOVED 3999 127.0.0.1:6381`.
    pub(super) fn parse(said: &str) -> Option<Self> {
        let mut words = said.split(' ');
        let once = match words.next()? {
            "MOVED" => false,
            "ASK" => true,
            _ => return None,
        };
        let slot = words.next()?.parse().ok().filter(|slot| *slot < SLOTS)?;
        let (host, port) = words.next()?.rsplit_once(':')?;
        Some(Self { once, slot, host: host.to_owned(), port: port.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_to_the_slots_that_the_servers_say() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        assert_eq!(slot(b"foo"), 12182);
        assert_eq!(slot(b"{foo}.bar"), 12182);
        assert_eq!(slot(b"x{foo}{bar}"), 12182);
        assert_eq!(slot(b"foo{}{bar}"), crc16(b"foo{}{bar}") % SLOTS);
        assert_eq!(slot(b"foo{bar"), crc16(b"foo{bar") % SLOTS);
        assert_eq!(slot(b""), 0);
    }

    #[test]
    fn a_redirection_is_read() {
        let moved = Redirect::parse("MOVED 3999 127.0.0.1:6381").unwrap();
        assert_eq!(
            (moved.once, moved.slot, moved.host.as_str(), moved.port),
            (false, 3999, "127.0.0.1", 6381)
        );
        assert!(Redirect::parse("ASK 3999 ::1:6381").unwrap().once);
        assert_eq!(Redirect::parse("ASK 3999 ::1:6381").unwrap().host, "::1");
        for other in ["ERR no", "MOVED", "MOVED 99999 a:1", "MOVED 1 a", ""] {
            assert_eq!(Redirect::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_part_tells_its_slots_by_its_name() {
        assert_eq!(slots_of("slots-0-5460"), Some(vec![(0, 5460)]));
        assert_eq!(slots_of("slots-0-99_200-299"), Some(vec![(0, 99), (200, 299)]));
        assert_eq!(slots_of("keys"), None);
        assert_eq!(slots_of("slots-x"), None);
    }
}
