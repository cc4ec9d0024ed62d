//! Databases of trials that killed restores have left behind: the next restore removes them, and never one that is in use.

use super::support::mysql::{Release, Sql};
use super::support::plans::{dump, restore, scope};
use jagad::engine::mysql::MySql;
use jagad::engine::{Engine as _, Finding, ServerSettings};
use jagad::process::SystemRunner;
use std::io::Write as _;

async fn told(settings: ServerSettings) -> Vec<Finding> {
    let server = MySql::new(settings).inspect(&SystemRunner).await.unwrap();
    let found = server.logical().check_dump(&SystemRunner, &scope(&["shop"])).await.unwrap();
    found.into_iter().filter(|finding| finding.subject.contains("__jagad_trial_")).collect()
}

async fn a_dead_trial_is_removed_by_the_next_restore(release: Release) {
    let Some(sql) = Sql::start(release) else { return };
    sql.run("", "CREATE DATABASE shop; CREATE TABLE shop.t (a INT); INSERT INTO shop.t VALUES (1);");
    let now: i64 = sql.run("", "SELECT UNIX_TIMESTAMP();").parse().unwrap();
    let [dead, used, young] = [(now - 3600, "dead"), (now - 3600, "used"), (now, "young")]
        .map(|(began, word)| format!("__jagad_trial_{began}_{word}"));
    for name in [&dead, &used, &young] {
        sql.run("", &format!("CREATE DATABASE {name}; CREATE TABLE {name}.t (a INT);"));
    }
    // A restore that runs is connected to its trial.
    let mut restoring = sql.client("root", &used).arg("--unbuffered").spawn().unwrap();
    let mut input = restoring.stdin.take().unwrap();
    input.write_all(b"SELECT 1;\n").unwrap();
    let connected = format!("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = '{used}';");
    while sql.run("", &connected) == "0" {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }

    // Who does not see the connections of others cannot know, and removes nothing.
    sql.run("", "CREATE USER r@localhost IDENTIFIED BY 'pw'; GRANT ALL PRIVILEGES ON *.* TO r@localhost; REVOKE PROCESS ON *.* FROM r@localhost;");
    let unsure = told(sql.settings_of("r", "pw")).await;
    assert_eq!(unsure.len(), 2, "{unsure:?}");
    assert!(
        unsure[0].problem.contains("may not be seen") && unsure[0].hint().contains("DROP DATABASE"),
        "{unsure:?}"
    );
    let taken = dump(sql.inspect().await.as_ref(), "shop").await;
    let server = MySql::new(sql.settings_of("r", "pw")).inspect(&SystemRunner).await.unwrap();
    restore(server.as_ref(), &taken, &taken.target("shop")).await.unwrap();
    assert_eq!(sql.databases().len(), 4);

    let found = told(sql.settings()).await;
    assert!(
        matches!(&found[..], [one] if one.subject.contains(&dead) && one.problem.contains("was killed")),
        "{found:?}"
    );
    let server = sql.inspect().await;
    let (plan, _) = restore(server.as_ref(), &taken, &taken.target("shop")).await.unwrap();
    assert!(
        plan.findings.iter().any(|finding| finding.hint().contains("removed by this restore")),
        "{:?}",
        plan.findings
    );
    let mut left = vec!["shop".to_owned(), used, young];
    left.sort();
    let mut there = sql.databases();
    there.sort();
    assert_eq!(there, left);
    drop(input);
    restoring.wait().unwrap();
}

on_each!(
    async a_dead_trial_is_removed_by_the_next_restore as a_dead_trial_is_removed_by_the_next_restore:
    MySql97, MariaDb1011
);
