//! Values that are almost as large as the longest statement that a server takes.

use super::support::mysql::{Release, Sql};
use super::support::plans::{dump, restore};
use jagad::engine::{FindingLevel, Lifetime, RestoreTarget};
use jagad::process::SystemRunner;

/// Bytes of `max_allowed_packet`.
const LIMIT: usize = 2 * 1024 * 1024;

/// A server that takes no more than [`LIMIT`], and a database with one value that is `part` of ten parts as long, made of
/// these bytes.
fn server(release: Release, bytes: &str, part: usize) -> Option<Sql> {
    let limit = format!("--max-allowed-packet={LIMIT}");
    let sql = Sql::start_with(release, &["--log-bin=binlog", "--server-id=1", &limit])?;
    sql.run("", "CREATE DATABASE shop;");
    let times = LIMIT / 10 * part / (bytes.len() / 2);
    sql.run(
        "shop",
        &format!(
            "CREATE TABLE large (id INT PRIMARY KEY, b LONGBLOB, t LONGTEXT CHARACTER SET cp932);
             INSERT INTO large (id, b) VALUES (1, REPEAT(x'{bytes}', {times}));"
        ),
    );
    Some(sql)
}

fn every_byte() -> String {
    (0..=255).fold(String::new(), |text, byte: u8| format!("{text}{byte:02x}"))
}

const SUM: &str = "SELECT id, LENGTH(b), SHA2(b, 256) FROM large;";

async fn large_values_go_back(release: Release) {
    for bytes in [&every_byte(), "00", "0a", "22"] {
        let Some(sql) = server(release, bytes, 9) else { return };
        let server = sql.inspect().await;
        let taken = dump(server.as_ref(), "shop").await;
        let contents = taken.contents.as_ref().unwrap();
        assert_eq!(server.logical().judge_dump("shop", contents), [], "{bytes}");
        let before = sql.run("shop", SUM);
        restore(server.as_ref(), &taken, &taken.target("shop")).await.unwrap();
        assert_eq!(sql.run("shop", SUM), before, "{bytes}");
        restore(server.as_ref(), &taken, &taken.tables("fresh", &["large"])).await.unwrap();
        assert_eq!(sql.run("fresh", SUM), before, "{bytes}");
    }
}

on_each!(
    async large_values_go_back as large_values_go_back_into_their_server:
    MySql97, MariaDb1011, MariaDb118
);

/// What does not fit, however it is written, is told when it is dumped and before anything is removed.
async fn a_value_that_does_not_fit_is_told(release: Release) {
    let Some(sql) = server(release, "27", 9) else { return };
    let server = sql.inspect().await;
    let taken = dump(server.as_ref(), "shop").await;
    let told = server.logical().judge_dump("shop", taken.contents.as_ref().unwrap());
    assert_eq!(told[0].level, FindingLevel::Warning, "{told:?}");
    let target = RestoreTarget { recorded: taken.contents.clone(), ..taken.target("shop") };
    let plan = server.logical().load(&SystemRunner, &target, &taken).await.unwrap();
    let error = plan.findings.iter().find(|finding| finding.level == FindingLevel::Error).unwrap();
    assert!(error.hint().starts_with("SET GLOBAL max_allowed_packet = "), "{error:?}");

    // A server that is thrown away gets what it needs, and says so.
    let drill = RestoreTarget { lifetime: Lifetime::ThrownAway, ..target.clone() };
    let plan = server.logical().load(&SystemRunner, &drill, &taken).await.unwrap();
    assert_eq!(plan.findings[0].level, FindingLevel::Warning, "{:?}", plan.findings);

    // The smallest limit that takes it is the one that is asked for.
    let number = error.hint().split(" = ").nth(1).unwrap().split(';').next().unwrap().parse::<u64>().unwrap();
    sql.run("", &format!("SET GLOBAL max_allowed_packet = {};", number - 1024));
    let refused = sql.inspect().await.logical().load(&SystemRunner, &target, &taken).await.unwrap();
    assert_eq!(refused.findings.len(), 1, "{:?}", refused.findings);
    sql.run("", error.hint().split(';').next().unwrap());
    let server = sql.inspect().await;
    assert_eq!(server.logical().load(&SystemRunner, &target, &taken).await.unwrap().findings, []);
    let before = sql.run("shop", SUM);
    restore(server.as_ref(), &taken, &target).await.unwrap();
    assert_eq!(sql.run("shop", SUM), before);
}

on_each!(
    async a_value_that_does_not_fit_is_told as a_value_that_does_not_fit_is_told:
    MySql97, MariaDb1011
);

/// A drill's server may take less than the one that was dumped did, which says nothing of the backup.
async fn check_smaller_server(release: Release) {
    let Some(sql) = server(release, "41", 5) else { return };
    let taken = dump(sql.inspect().await.as_ref(), "shop").await;
    let before = sql.run("shop", SUM);
    sql.run("", &format!("SET GLOBAL max_allowed_packet = {};", LIMIT / 4));
    let server = sql.inspect().await;
    let lasting = RestoreTarget { recorded: taken.contents.clone(), ..taken.target("copy") };
    let plan = server.logical().load(&SystemRunner, &lasting, &taken).await.unwrap();
    assert!(plan.findings.iter().any(|found| found.level == FindingLevel::Error), "{:?}", plan.findings);
    let drill = RestoreTarget { lifetime: Lifetime::ThrownAway, ..lasting };
    let (plan, _) = restore(server.as_ref(), &taken, &drill).await.unwrap();
    assert_eq!(plan.findings, []);
    assert_eq!(sql.run("copy", SUM), before);
}

on_each!(async check_smaller_server as a_drill_takes_what_the_source_took: MySql97, MariaDb1011);
