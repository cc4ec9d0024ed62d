//! Who may do what: the statements that jagad prints are enough, and every right in them is needed.

use crate::content::fill;
use crate::round_trip::{ALL, take};
use crate::support::plans::{dump_all, restore};
use crate::support::redis::{KINDS, Kind, Server};
use jagad::engine::{Engine as _, EngineError, FindingLevel, Occupied, RestoreTarget};
use jagad::process::SystemRunner;

/// The statement that the message tells; a password makes it complete.
fn grant(server: &Server, statement: &str) {
    let statement = statement.trim_start_matches("Run `").trim_end_matches("`.");
    assert!(statement.starts_with("ACL SETUSER jagad on "), "{statement}");
    server.client().ok(statement);
}

fn only(server: &Server, rights: &str) {
    server.client().ok(&format!("ACL SETUSER jagad reset on >secret {rights}"));
}

#[tokio::test]
async fn the_statement_for_backups_is_enough_and_no_right_in_it_is_idle() {
    for kind in KINDS {
        let Some(source) = Server::start(kind) else { return };
        fill(&source);
        only(&source, "+info");
        let engine = source.as_user("jagad", "secret");
        let server = engine.inspect(&SystemRunner).await.unwrap();
        let findings = server.logical().check_dump(&SystemRunner, &ALL).await.unwrap();
        let error = findings.iter().find(|finding| finding.level == FindingLevel::Error).unwrap();
        grant(&source, error.hint());
        let findings = server.logical().check_dump(&SystemRunner, &ALL).await.unwrap();
        let rehearsed = server.logical().rehearse_dump(&SystemRunner, &ALL).await.unwrap();
        assert!(findings.iter().chain(&rehearsed).all(|finding| finding.level == FindingLevel::Ok));
        let dump = dump_all(server.as_ref(), &ALL).await.unwrap().remove(0);
        assert_eq!(dump.contents, take(&source).await.contents);

        let statement = error.hint().to_owned();
        source.client().ok("ACL SETUSER jagad -sync");
        let rehearsed = server.logical().rehearse_dump(&SystemRunner, &ALL).await.unwrap();
        assert_eq!((rehearsed[0].level, rehearsed[0].hint()), (FindingLevel::Error, statement.as_str()));
        // And where the user may ask what he may do.
        source.client().ok("ACL SETUSER jagad +acl");
        let rehearsed = server.logical().rehearse_dump(&SystemRunner, &ALL).await.unwrap();
        assert_eq!((rehearsed[0].level, rehearsed[0].hint()), (FindingLevel::Error, statement.as_str()));
        let opened = server.logical().dump(&ALL).unwrap().remove(0).source.open(&SystemRunner).await;
        assert!(format!("{:?}", opened.err().unwrap()).contains("Privilege"));
        source.client().ok("ACL SETUSER jagad +sync -info");
        assert!(matches!(engine.inspect(&SystemRunner).await.err(), Some(EngineError::Privilege { .. })));
    }
}

#[tokio::test]
async fn the_statement_for_restores_is_enough_and_a_missing_right_is_found_before_anything_is_removed() {
    for kind in KINDS {
        let (Some(source), Some(target)) = (Server::start(kind), Server::start(kind)) else { return };
        fill(&source);
        let dump = take(&source).await;
        let clean = RestoreTarget { occupied: Occupied::Clean, ..dump.target("keys") };
        target.client().ok("SET old 1");
        let before = target.digest();
        only(&target, "+info");
        let engine = target.as_user("jagad", "secret");
        let server = engine.inspect(&SystemRunner).await.unwrap();
        let Some(EngineError::Privilege { help, .. }) =
            server.logical().load(&SystemRunner, &clean, &dump).await.err()
        else {
            panic!("a restore without rights was planned")
        };
        for missing in
            ["restore", "select", "scan", "type", "pttl", "function|load", "flushall", "function|flush"]
        {
            only(&target, "");
            grant(&target, &help);
            target.client().ok(&format!("ACL SETUSER jagad -{missing}"));
            let error = server.logical().load(&SystemRunner, &clean, &dump).await.err();
            assert!(
                matches!(error, Some(EngineError::Privilege { .. })),
                "{kind:?} without {missing}: {error:?}"
            );
        }
        assert_eq!(target.digest(), before);
        only(&target, "");
        grant(&target, &help);
        restore(server.as_ref(), &dump, &clean).await.unwrap();
        assert_eq!(target.digest(), source.digest());
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_apart_from_a_server_that_is_not_there() {
    let Some(mut server) = Server::start_with(Kind::Redis7, &["--requirepass", "right"]) else { return };
    let wrong = server.as_user("", "wrong").inspect(&SystemRunner).await.err();
    assert!(matches!(wrong, Some(EngineError::Login { .. })), "{wrong:?}");
    let none = server.engine().inspect(&SystemRunner).await.err();
    assert!(matches!(none, Some(EngineError::Login { .. })), "{none:?}");
    let stranger = server.as_user("nobody", "right").inspect(&SystemRunner).await.err();
    assert!(matches!(stranger, Some(EngineError::Login { .. })), "{stranger:?}");
    assert!(!format!("{wrong:?}").contains("wrong"), "the password is told: {wrong:?}");
    server.as_user("", "right").inspect(&SystemRunner).await.unwrap();
    server.as_user("default", "right").inspect(&SystemRunner).await.unwrap();
    server.crash();
    let gone = server.engine().inspect(&SystemRunner).await.err();
    assert!(matches!(gone, Some(EngineError::Unreachable { .. })), "{gone:?}");
}

#[tokio::test]
async fn commands_that_were_renamed_away_are_found_before_anything_is_done() {
    for command in ["SYNC", "REPLCONF"] {
        let Some(source) = Server::start_with(Kind::Redis7, &["--rename-command", command, ""]) else {
            return;
        };
        let server = source.engine().inspect(&SystemRunner).await.unwrap();
        let findings = server.logical().check_dump(&SystemRunner, &ALL).await.unwrap();
        let error = findings.iter().find(|finding| finding.level == FindingLevel::Error).unwrap();
        assert!(error.problem.contains(command) && error.hint().contains("rename-command"), "{error:?}");
    }
    let Some(source) = Server::start(Kind::Redis7) else { return };
    fill(&source);
    let dump = take(&source).await;
    for command in ["FLUSHALL", "RESTORE", "SCAN", "TYPE", "PTTL", "SELECT", "FUNCTION"] {
        let Some(target) = Server::start_with(Kind::Redis7, &["--rename-command", command, ""]) else {
            return;
        };
        target.client().ok("SET old 1");
        let clean = RestoreTarget { occupied: Occupied::Clean, ..dump.target("keys") };
        let server = target.engine().inspect(&SystemRunner).await.unwrap();
        match server.logical().load(&SystemRunner, &clean, &dump).await.err() {
            Some(EngineError::Prerequisite { problem, help }) => {
                assert!(problem.contains(command) && help.contains("rename-command"), "{problem} {help}");
                // Only what empties the server can be done without.
                let empties = ["FLUSHALL", "FUNCTION"].contains(&command);
                assert_eq!(help.contains("without --clean"), empties, "{help}");
            }
            other => panic!("{command}: {other:?}"),
        }
        assert_eq!(target.client().ok("GET old").text(), "1");
    }
}
