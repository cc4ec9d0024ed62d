//! How a replica follows its primary.

use super::facts::{Info, RedisServer};
use crate::engine::{EngineError, LinkState, Replication};
use crate::model::help;
use std::time::Duration;

impl RedisServer {
    pub(super) async fn ask_replication(&self) -> Result<Option<Replication>, EngineError> {
        if self.shards.is_some() {
            return Err(EngineError::Refused {
                problem: format!(
                    "{} is a node of a cluster, and a cluster is backed up from its primaries",
                    self.address.shown()
                ),
                help: help!("Leave out the replicas of this entry."),
            });
        }
        let mut connection = self.address.connect().await?;
        Ok(read(&Info::ask(&mut connection).await?))
    }
}

fn read(info: &Info) -> Option<Replication> {
    let link = match (info.get("role")?, info.get("master_link_status")) {
        ("master", _) => return None,
        _ if info.get("master_sync_in_progress") == Some("1") => {
            LinkState::Down("its primary is still sending it the data".to_owned())
        }
        (_, Some("up")) => LinkState::Up,
        (_, status) => LinkState::Down(format!("the link to its primary is {}", status.unwrap_or("unknown"))),
    };
    // Less than nothing while the link is down. A primary says something every ten seconds.
    let lag = info.number("master_last_io_seconds_ago").map(Duration::from_secs);
    Some(Replication { origin: info.get("master_replid").map(ToOwned::to_owned), link, lag })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_tells_its_link_its_lag_and_whose_data_it_has() {
        let of = |text: &str| read(&Info::parse(text));
        assert_eq!(of("role:master\nmaster_replid:x"), None);
        let up =
            of("role:slave\nmaster_link_status:up\nmaster_last_io_seconds_ago:3\nmaster_replid:x").unwrap();
        assert_eq!(up.link, LinkState::Up);
        assert_eq!((up.lag, up.origin.as_deref()), (Some(Duration::from_secs(3)), Some("x")));
        let down = of("role:slave\nmaster_link_status:down\nmaster_last_io_seconds_ago:-1").unwrap();
        assert!(matches!(down.link, LinkState::Down(why) if why.contains("is down")));
        assert_eq!(down.lag, None);
        let filled = of("role:slave\nmaster_link_status:up\nmaster_sync_in_progress:1").unwrap();
        assert!(matches!(filled.link, LinkState::Down(_)));
    }
}
