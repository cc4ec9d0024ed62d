//! Clusters: one part for each primary, and parts that go where their keys belong.

use crate::round_trip::{ALL, take};
use crate::support::plans::{Dump, dump_all, run};
use crate::support::redis::{Answer, Cluster, Kind, Server};
use jagad::engine::redis::Redis;
use jagad::engine::{Engine as _, Occupied, RestoreTarget, TlsSettings};
use jagad::process::SystemRunner;
use std::collections::BTreeMap;
use std::sync::Arc;

async fn dumps(cluster: &Cluster) -> Vec<Dump> {
    let server = cluster.engine().inspect(&SystemRunner).await.unwrap();
    dump_all(server.as_ref(), &ALL).await.unwrap()
}

/// Every key with its value and its time to live.
fn keys(nodes: &[Server]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for node in nodes {
        let mut c = node.client();
        let Answer::List(names) = c.ok("KEYS *") else { panic!("no list") };
        for name in names {
            let name = name.text();
            let value = c.ok(&format!("DUMP {name}"));
            let ends = c.ok(&format!("PEXPIRETIME {name}")).text();
            assert_eq!(found.insert(name, format!("{ends} {value:?}")), None);
        }
    }
    assert!(found.len() >= 1800, "{}", found.len());
    found
}

async fn put_all(dumps: &[Dump], engine: &Redis, occupied: Occupied) -> Result<(), String> {
    let server = engine.inspect(&SystemRunner).await.unwrap();
    for (preceding, dump) in dumps.iter().enumerate() {
        let target = RestoreTarget { preceding, occupied, ..dump.target(&dump.database) };
        let plan = server
            .logical()
            .load(&SystemRunner, &target, dump)
            .await
            .map_err(|error| format!("{error:?}"))?;
        let body = Box::pin(std::io::Cursor::new(Arc::clone(&dump.bytes)));
        let counted = run(server.as_ref(), &plan, body).await?.unwrap();
        assert_eq!(counted.tables, dump.contents.as_ref().unwrap().tables);
    }
    Ok(())
}

#[tokio::test]
async fn a_cluster_comes_back_into_one_of_another_shape() {
    for kind in [Kind::Redis7, Kind::Redis8, Kind::Valkey9] {
        let (Some(source), Some(target)) = (Cluster::start(kind, 3), Cluster::start(kind, 2)) else { return };
        source.fill();
        let dumps = dumps(&source).await;
        let names: Vec<&str> = dumps.iter().map(|dump| dump.database.as_str()).collect();
        assert_eq!(names, ["slots-0-5460", "slots-5461-10921", "slots-10922-16383"]);
        put_all(&dumps, &target.engine(), Occupied::Refuse).await.unwrap();
        assert_eq!(keys(&target.nodes), keys(&source.nodes));
        for node in &target.nodes {
            assert!(node.client().ok("FUNCTION LIST").text().contains("one"));
        }
        // It is not empty now.
        let refused = put_all(&dumps, &target.engine(), Occupied::Refuse).await.unwrap_err();
        assert!(refused.contains("1800 keys"), "{refused}");
        target.nodes[0].client().ok("FLUSHALL");
        put_all(&dumps, &target.engine(), Occupied::Clean).await.unwrap();
        assert_eq!(keys(&target.nodes), keys(&source.nodes));
    }
}

#[tokio::test]
async fn a_cluster_comes_back_into_a_single_server_and_a_single_server_into_a_cluster() {
    let Some(source) = Cluster::start(Kind::Redis7, 3) else { return };
    let Some(single) = Server::start(Kind::Redis7) else { return };
    source.fill();
    put_all(&dumps(&source).await, &single.engine(), Occupied::Refuse).await.unwrap();
    let single = [single];
    assert_eq!(keys(&single), keys(&source.nodes));

    let target = Cluster::start(Kind::Redis7, 2).unwrap();
    put_all(&[take(&single[0]).await], &target.engine(), Occupied::Refuse).await.unwrap();
    assert_eq!(keys(&target.nodes), keys(&source.nodes));
}

#[tokio::test]
async fn databases_beside_the_first_do_not_go_into_a_cluster() {
    let Some(source) = Server::start(Kind::Redis7) else { return };
    let Some(target) = Cluster::start(Kind::Redis7, 2) else { return };
    let mut c = source.client();
    c.ok("SELECT 3");
    c.ok("SET a 1");
    let dump = take(&source).await;
    let error = put_all(&[dump], &target.engine(), Occupied::Refuse).await.unwrap_err();
    assert!(error.contains("has no database 3"), "{error}");
}

#[tokio::test]
async fn slots_that_move_during_a_restore_are_followed() {
    let (Some(source), Some(target)) = (Cluster::start(Kind::Redis7, 3), Cluster::start(Kind::Redis7, 2))
    else {
        return;
    };
    source.fill();
    let dumps = dumps(&source).await;
    let server = target.engine().inspect(&SystemRunner).await.unwrap();
    // The slots change hands after the plan has been made: what it knows of them is old.
    let ids: Vec<String> = target.nodes.iter().map(|node| node.client().ok("CLUSTER MYID").text()).collect();
    let mut plans = Vec::new();
    for (preceding, dump) in dumps.iter().enumerate() {
        let wish = RestoreTarget { preceding, ..dump.target(&dump.database) };
        plans.push(server.logical().load(&SystemRunner, &wish, dump).await.unwrap());
    }
    for node in &target.nodes {
        let mut c = node.client();
        for slot in (0..8192).step_by(7) {
            c.ok(&format!("CLUSTER SETSLOT {slot} NODE {}", ids[1]));
        }
    }
    // One slot is half way: what is not there yet belongs to the other.
    let mut c = target.nodes[0].client();
    let slots = (0..600).map(|n| c.ok(&format!("CLUSTER KEYSLOT key:{n}")).text().parse::<u16>().unwrap());
    let slot = slots.into_iter().find(|slot| *slot < 8192 && slot % 7 != 0).unwrap();
    target.nodes[1].client().ok(&format!("CLUSTER SETSLOT {slot} IMPORTING {}", ids[0]));
    target.nodes[0].client().ok(&format!("CLUSTER SETSLOT {slot} MIGRATING {}", ids[1]));
    for (plan, dump) in plans.iter().zip(&dumps) {
        let body = Box::pin(std::io::Cursor::new(Arc::clone(&dump.bytes)));
        plan.feed(&SystemRunner, body).await.unwrap();
    }
    assert!(target.nodes[1].client().ok(&format!("CLUSTER COUNTKEYSINSLOT {slot}")) != Answer::Number(0));
    for node in target.nodes.iter().rev() {
        node.client().ok(&format!("CLUSTER SETSLOT {slot} NODE {}", ids[1]));
    }
    assert_eq!(keys(&target.nodes), keys(&source.nodes));
}

#[tokio::test]
async fn a_cluster_with_a_hole_is_not_backed_up() {
    let Some(cluster) = Cluster::start(Kind::Redis7, 2) else { return };
    cluster.nodes[0].client().ok("CLUSTER DELSLOTS 5");
    let engine = cluster.nodes[0].by_port(cluster.ports[0], TlsSettings::default());
    let error = engine.inspect(&SystemRunner).await.err().unwrap();
    assert!(error.to_string().contains("serves 16383 of 16384 slots"), "{error}");
}
