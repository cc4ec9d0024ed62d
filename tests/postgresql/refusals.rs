//! What stops a restore before anything on the target is changed.

use super::support::plans::{Dump, dump, restore};
use super::support::postgres::{Postgres, programs};
use jagad::engine::ServerSettings;
use jagad::engine::postgresql::PostgreSql;
use jagad::engine::{
    Consumer, Engine as _, EngineError, Finding, FindingLevel, LoadPlan, Naming, Ownership, RestoreTarget,
    Server,
};
use jagad::process::SystemRunner;

async fn inspect(postgres: &Postgres) -> Box<dyn Server> {
    postgres.engine().inspect(&SystemRunner).await.unwrap()
}

async fn as_role(postgres: &Postgres, user: &str) -> Box<dyn Server> {
    let settings = ServerSettings { user: user.to_owned(), ..postgres.settings() };
    PostgreSql::new(settings).inspect(&SystemRunner).await.unwrap()
}

async fn plan(server: &dyn Server, dump: &Dump, target: &RestoreTarget) -> Result<LoadPlan, EngineError> {
    let plan = server.logical().load(&SystemRunner, target, dump).await?;
    let error = plan.findings.iter().find(|finding| finding.level == FindingLevel::Error);
    match error.filter(|_| target.stop_at_first_error) {
        Some(Finding { subject, problem, help, .. }) => Err(EngineError::Prerequisite {
            problem: format!("{subject}: {problem}"),
            help: help.clone().expect("an error says what to do"),
        }),
        None => Ok(plan),
    }
}

async fn refused(server: &dyn Server, dump: &Dump, target: &RestoreTarget) -> EngineError {
    plan(server, dump, target).await.unwrap_err()
}

/// A dump of a database whose objects belong to roles that other servers do not have.
async fn owned(major: u32) -> Option<(Postgres, Dump)> {
    let postgres = Postgres::start(major)?;
    postgres.psql(
        "postgres",
        "CREATE ROLE \"Ow ner\"; CREATE ROLE guest; CREATE DATABASE shop OWNER \"Ow ner\";",
    );
    postgres.psql(
        "shop",
        "CREATE TABLE public.t (a int); ALTER TABLE public.t OWNER TO \"Ow ner\"; GRANT SELECT ON public.t TO guest;
         INSERT INTO public.t VALUES (1);",
    );
    let taken = dump(inspect(&postgres).await.as_ref(), "shop").await;
    Some((postgres, taken))
}

#[tokio::test]
async fn missing_roles_are_named_and_can_be_left_out() {
    let (Some((_source, taken)), Some(target)) = (owned(15).await, Postgres::start(18)) else { return };
    let server = inspect(&target).await;
    let all = taken.target("shop");
    let error = refused(server.as_ref(), &taken, &all).await;
    assert!(
        matches!(&error, EngineError::Prerequisite { problem, help }
            if problem.contains("`Ow ner`") && help.contains("--globals") && help.contains("--no-owner")),
        "{error:?}"
    );
    let all = RestoreTarget { owners: Ownership::Skip, ..all };
    let error = refused(server.as_ref(), &taken, &all).await;
    assert!(
        matches!(&error, EngineError::Prerequisite { problem, help }
            if problem.contains("`guest`") && help.contains("--no-privileges")),
        "{error:?}"
    );
    let coming =
        RestoreTarget { coming_roles: vec!["guest".to_owned(), "Ow ner".to_owned()], ..taken.target("shop") };
    plan(server.as_ref(), &taken, &coming).await.unwrap();
    assert_eq!(target.databases(), ["postgres"]);

    let all = RestoreTarget { privileges: Ownership::Skip, ..all };
    restore(server.as_ref(), &taken, &all).await.unwrap();
    assert_eq!(
        target.psql("shop", "SELECT relowner::regrole, relacl FROM pg_class WHERE relname = 't'"),
        "postgres|"
    );
}

#[tokio::test]
async fn the_right_to_create_databases_is_asked_for_before_the_roles_of_the_backup() {
    let (Some((_source, taken)), Some(target)) = (owned(15).await, Postgres::start(15)) else { return };
    target.psql("postgres", "CREATE ROLE small LOGIN;");
    let error = refused(as_role(&target, "small").await.as_ref(), &taken, &taken.target("shop")).await;
    assert!(matches!(&error, EngineError::Privilege { help, .. } if help.contains("CREATEDB")), "{error:?}");
}

#[tokio::test]
async fn a_role_that_a_policy_is_for_cannot_be_left_out_and_is_named() {
    let (Some(source), Some(target)) = (Postgres::start(15), Postgres::start(15)) else { return };
    source.psql(
        "postgres",
        "CREATE ROLE guest; CREATE TABLE t (a int); CREATE POLICY p ON t TO guest USING (true);",
    );
    let taken = dump(inspect(&source).await.as_ref(), "postgres").await;
    let skipped = Ownership::Skip;
    let everything = RestoreTarget { owners: skipped, privileges: skipped, ..taken.target("shop") };
    let error = refused(inspect(&target).await.as_ref(), &taken, &everything).await;
    assert!(
        matches!(&error, EngineError::Prerequisite { problem, help }
            if problem.contains("`guest`") && problem.contains("polic") && !help.contains("--no-privileges")),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_extension_that_the_target_lacks_is_named() {
    let (Some(source), Some(target)) = (Postgres::start(15), Postgres::start(18)) else { return };
    // PostgreSQL 17 took it out.
    source.psql("postgres", "CREATE EXTENSION old_snapshot;");
    let taken = dump(inspect(&source).await.as_ref(), "postgres").await;
    let server = inspect(&target).await;
    let error = refused(server.as_ref(), &taken, &taken.target("shop")).await;
    assert!(
        matches!(&error, EngineError::Prerequisite { problem, .. } if problem.contains("`old_snapshot`")),
        "{error:?}"
    );
    let tolerant = RestoreTarget { stop_at_first_error: false, ..taken.target("shop") };
    let (plan, _) = restore(server.as_ref(), &taken, &tolerant).await.unwrap();
    assert!(
        plan.findings.iter().any(|finding| finding.problem.contains("`old_snapshot`")),
        "{:?}",
        plan.findings
    );
}

#[tokio::test]
async fn an_older_server_is_refused_unless_errors_are_accepted() {
    let (Some((_source, taken)), Some(target)) = (owned(18).await, Postgres::start(15)) else { return };
    target.psql("postgres", "CREATE ROLE \"Ow ner\"; CREATE ROLE guest;");
    let newest = ServerSettings { bin_dir: programs(18), ..target.settings() };
    let server = PostgreSql::new(newest).inspect(&SystemRunner).await.unwrap();
    let error = refused(server.as_ref(), &taken, &taken.target("shop")).await;
    assert!(
        matches!(&error, EngineError::Version { problem, .. } if problem.contains("18") && problem.contains("15")),
        "{error:?}"
    );
    let tolerant = RestoreTarget { stop_at_first_error: false, ..taken.target("shop") };
    let error = refused(inspect(&target).await.as_ref(), &taken, &tolerant).await;
    assert!(matches!(&error, EngineError::ToolMissing { tool, .. } if tool.contains("18")), "{error:?}");

    let (plan, counted) = restore(server.as_ref(), &taken, &tolerant).await.unwrap();
    assert!(matches!(plan.feed, Consumer::Tolerant(..)), "{:?}", plan.feed);
    assert_eq!(counted.unwrap().tables, taken.contents.unwrap().tables);
    assert_eq!(
        target.psql("shop", "SELECT relowner::regrole FROM pg_class WHERE relname = 't'"),
        "\"Ow ner\""
    );

    // Each alone is reason enough: a newer server's dump, whatever wrote it, and what a newer pg_dump wrote, whatever it read.
    let Some((source, taken)) = owned(15).await else { return };
    let claimed = RestoreTarget { server_version: "16.2".to_owned(), ..taken.target("other") };
    let error = refused(inspect(&target).await.as_ref(), &taken, &claimed).await;
    assert!(matches!(&error, EngineError::Version { problem, .. } if problem.contains("16")), "{error:?}");
    let newest = ServerSettings { bin_dir: programs(18), ..source.settings() };
    let taken = dump(PostgreSql::new(newest).inspect(&SystemRunner).await.unwrap().as_ref(), "shop").await;
    let error = refused(server.as_ref(), &taken, &taken.target("other")).await;
    assert!(
        matches!(&error, EngineError::Version { problem, .. } if problem.contains("pg_dump 18")),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_replica_takes_no_restore_but_can_be_asked() {
    let (Some((_source, taken)), Some(replica)) = (owned(15).await, Postgres::start_replica(15)) else {
        return;
    };
    let server = inspect(&replica).await;
    let error = refused(server.as_ref(), &taken, &taken.target("shop")).await;
    assert!(
        matches!(&error, EngineError::Refused { problem, .. } if problem.contains("replica")),
        "{error:?}"
    );
    assert_eq!(dump(server.as_ref(), "postgres").await.contents.unwrap().tables, []);
}

#[tokio::test]
async fn a_server_that_is_read_only_by_setting_takes_no_restore() {
    let Some((postgres, taken)) = owned(15).await else { return };
    postgres.psql("postgres", "ALTER SYSTEM SET default_transaction_read_only = on;");
    postgres.psql("postgres", "SELECT pg_reload_conf();");
    while postgres.psql("postgres", "SHOW default_transaction_read_only") == "off" {}
    let server = inspect(&postgres).await;
    let error = refused(server.as_ref(), &taken, &taken.target("shop")).await;
    assert!(
        matches!(&error, EngineError::Refused { problem, help }
            if problem.contains("read-only") && help.contains("default_transaction_read_only")),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_role_without_the_rights_is_refused_beforehand() {
    let Some((postgres, taken)) = owned(15).await else { return };
    postgres.psql("postgres", "CREATE ROLE weak LOGIN;");
    let before = postgres.fingerprint("shop");
    let expect = |error: &EngineError, words: &str| {
        let (EngineError::Privilege { help, .. } | EngineError::Prerequisite { help, .. }) = error else {
            panic!("{error:?}")
        };
        assert_eq!(&**help, words, "{error}");
    };
    let replace = taken.target("shop");
    let create = taken.target("other");
    let server = as_role(&postgres, "weak").await;
    let skip = Ownership::Skip;
    let bare = |target: &RestoreTarget| RestoreTarget { owners: skip, privileges: skip, ..target.clone() };
    expect(&refused(server.as_ref(), &taken, &bare(&create)).await, "ALTER ROLE \"weak\" CREATEDB;");
    postgres.psql("postgres", "ALTER ROLE \"weak\" CREATEDB;");
    expect(&refused(server.as_ref(), &taken, &bare(&replace)).await, "GRANT \"Ow ner\" TO \"weak\";");
    let error = refused(server.as_ref(), &taken, &create).await;
    assert!(
        matches!(&error, EngineError::Prerequisite { help, .. } if help.contains("--no-owner")),
        "{error:?}"
    );
    postgres.psql("postgres", "GRANT \"Ow ner\" TO \"weak\";");

    // A session of a role that it may not end.
    let mut session = postgres.client("postgres", "shop").spawn().unwrap();
    std::io::Write::write_all(session.stdin.as_mut().unwrap(), b"\\echo in\n").unwrap();
    std::io::Read::read_exact(session.stdout.as_mut().unwrap(), &mut [0; 3]).unwrap();
    let error = refused(server.as_ref(), &taken, &replace).await;
    assert!(
        matches!(&error, EngineError::Privilege { problem, .. } if problem.contains("may not end 1 of the sessions")),
        "{error:?}"
    );
    drop(session.stdin.take());
    session.wait().unwrap();
    assert_eq!(postgres.fingerprint("shop"), before);
    assert_eq!(postgres.databases(), ["postgres", "shop"]);

    restore(server.as_ref(), &taken, &replace).await.unwrap();
    restore(server.as_ref(), &taken, &create).await.unwrap();
    assert_eq!(postgres.fingerprint("shop"), before);
}

#[tokio::test]
async fn what_would_make_the_swap_fail_is_refused_beforehand() {
    let Some((postgres, taken)) = owned(15).await else { return };
    postgres.psql("shop", "BEGIN; CREATE TABLE p (); PREPARE TRANSACTION 'half way';");
    let server = inspect(&postgres).await;
    let error = refused(server.as_ref(), &taken, &taken.target("shop")).await;
    assert!(
        matches!(&error, EngineError::Refused { problem, .. } if problem.contains("`half way`")),
        "{error:?}"
    );
    postgres.psql("shop", "ROLLBACK PREPARED 'half way';");
    postgres.psql("shop", "SELECT pg_create_logical_replication_slot('feed', 'pgoutput');");
    let error = refused(server.as_ref(), &taken, &taken.target("shop")).await;
    assert!(
        matches!(&error, EngineError::Refused { problem, .. } if problem.contains("`feed`")),
        "{error:?}"
    );
    postgres.psql("shop", "SELECT pg_drop_replication_slot('feed');");
    // The worker of an enabled one would go on writing into the database that was replaced; none can be dropped with it.
    postgres.psql(
        "shop",
        "CREATE SUBSCRIPTION \"Feed\" CONNECTION 'dbname=none' PUBLICATION p WITH (connect = false, slot_name = NONE);",
    );
    let error = refused(server.as_ref(), &taken, &taken.target("shop")).await;
    assert!(
        matches!(&error, EngineError::Refused { problem, help }
            if problem.contains("`Feed`") && help.contains("ALTER SUBSCRIPTION \"Feed\" DISABLE;") && help.contains("--into")),
        "{error:?}"
    );
    postgres.psql("shop", "DROP SUBSCRIPTION \"Feed\";");
    let error = refused(server.as_ref(), &taken, &taken.target("template1")).await;
    assert!(
        matches!(&error, EngineError::Refused { problem, .. } if problem.contains("template")),
        "{error:?}"
    );
    plan(server.as_ref(), &taken, &taken.target("shop")).await.unwrap();
}

#[tokio::test]
async fn a_name_that_a_restore_uses_for_a_while_must_be_free() {
    let Some((postgres, taken)) = owned(15).await else { return };
    let beside = taken.target("shop");
    let named = RestoreTarget { naming: Naming::Own, ..taken.target("shop") };
    for (target, name) in [
        (&beside, "shop__jagad_t0k3n0"),
        (&beside, "shop__old_t0k3n0"),
        (&named, "shop__jagad_t0k3n0"),
        (&named, "shop__aside_t0k3n0"),
    ] {
        postgres.psql("postgres", &format!("CREATE DATABASE {name};"));
        let error = refused(inspect(&postgres).await.as_ref(), &taken, target).await;
        assert!(
            matches!(&error, EngineError::Refused { problem, .. } if problem.contains(name)),
            "{error:?}"
        );
        postgres.psql("postgres", &format!("DROP DATABASE {name};"));
    }
}

#[tokio::test]
async fn what_interrupted_restores_left_is_told_with_the_statement_that_drops_it() {
    let Some((postgres, taken)) = owned(15).await else { return };
    postgres
        .psql("postgres", "CREATE DATABASE \"sh\"\"op__jagad_a1b2c3\"; CREATE DATABASE shop__old_zzzzzz;");
    let server = inspect(&postgres).await;
    let plan = plan(server.as_ref(), &taken, &taken.target("shop")).await.unwrap();
    for drop in [
        "DROP DATABASE IF EXISTS \"sh\"\"op__jagad_a1b2c3\" WITH (FORCE);",
        "DROP DATABASE IF EXISTS \"shop__old_zzzzzz\" WITH (FORCE);",
    ] {
        assert!(plan.notes.iter().any(|note| note.ends_with(drop)), "{:?}", plan.notes);
    }
}

/// Without the rights of the owner what was given to it can neither be filled nor dropped again.
#[tokio::test]
async fn a_role_that_has_no_rights_of_the_owner_is_refused_with_what_gives_them() {
    for (major, membership) in [
        (15, "ALTER ROLE weak NOINHERIT; GRANT \"Ow ner\" TO weak;"),
        (18, "GRANT \"Ow ner\" TO weak WITH INHERIT FALSE, SET TRUE;"),
        (18, "GRANT \"Ow ner\" TO weak WITH INHERIT TRUE, SET FALSE;"),
    ] {
        let Some((postgres, taken)) = owned(major).await else { return };
        postgres.psql("postgres", &format!("CREATE ROLE weak LOGIN CREATEDB; {membership}"));
        let server = as_role(&postgres, "weak").await;
        for name in ["copy", "shop"] {
            let target = RestoreTarget { privileges: Ownership::Skip, ..taken.target(name) };
            let error = refused(server.as_ref(), &taken, &target).await;
            let (EngineError::Privilege { help, .. } | EngineError::Prerequisite { help, .. }) = error else {
                panic!("{error:?}")
            };
            let statements = help.rsplit_once(';').unwrap().0;
            postgres.psql("postgres", statements);
            restore(server.as_ref(), &taken, &target)
                .await
                .unwrap_or_else(|error| panic!("{membership} {error}"));
            postgres.psql("postgres", &format!("REVOKE \"Ow ner\" FROM weak; {membership}"));
        }
        assert_eq!(postgres.databases(), ["copy", "postgres", "shop"]);
    }
}

#[tokio::test]
async fn the_owner_of_a_database_must_be_there_though_nothing_in_it_is_its_own() {
    let (Some(source), Some(target)) = (Postgres::start(15), Postgres::start(15)) else { return };
    source.psql("postgres", "CREATE ROLE alone; CREATE DATABASE shop OWNER alone;");
    let taken = dump(inspect(&source).await.as_ref(), "shop").await;
    let server = inspect(&target).await;
    let all = taken.target("shop");
    let error = refused(server.as_ref(), &taken, &all).await;
    assert!(error.to_string().contains("`alone`"), "{error}");
    let bare = RestoreTarget { owners: Ownership::Skip, ..all };
    restore(server.as_ref(), &taken, &bare).await.unwrap();
}

#[tokio::test]
async fn an_extension_that_only_a_superuser_creates_is_named_beforehand() {
    let Some(postgres) = Postgres::start(15) else { return };
    postgres.psql("postgres", "CREATE ROLE plain LOGIN CREATEDB; CREATE DATABASE shop OWNER plain;");
    postgres.psql("shop", "CREATE EXTENSION pageinspect; CREATE EXTENSION hstore;");
    let taken = dump(inspect(&postgres).await.as_ref(), "shop").await;
    let plain = as_role(&postgres, "plain").await;
    let error = refused(plain.as_ref(), &taken, &taken.target("copy")).await;
    assert!(
        matches!(&error, EngineError::Prerequisite { problem, help }
            if problem.contains("only a superuser may create `pageinspect`") && help.contains("superuser")),
        "{error:?}"
    );
    assert!(!error.to_string().contains("hstore"), "{error}");
    assert_eq!(postgres.databases(), ["postgres", "shop"]);
}
