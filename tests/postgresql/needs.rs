//! What a target cannot give to a database: found before anything is touched, and left out or refused.

use super::support::plans::{Dump, dump, restore};
use super::support::postgres::Postgres;
use jagad::engine::postgresql::PostgreSql;
use jagad::engine::{Engine as _, FindingLevel, Ownership, RestoreTarget, Server, ServerSettings};
use jagad::process::SystemRunner;
use serde_json::json;

async fn as_role(postgres: &Postgres, role: &str) -> Box<dyn Server> {
    let settings = ServerSettings { user: role.to_owned(), ..postgres.settings() };
    PostgreSql::new(settings).inspect(&SystemRunner).await.unwrap()
}

const SETTINGS: &str = "SELECT coalesce(r.rolname, '') || ': ' || array_to_string(s.setconfig, ' ')
  FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole
  WHERE d.datname = 'copy' ORDER BY 1";

/// A server with a database of the role `plain`, that has all kinds of settings, and a dump of it.
async fn with_settings(major: u32) -> Option<(Postgres, Dump)> {
    let postgres = Postgres::start(major)?;
    postgres.psql("postgres", "CREATE ROLE plain LOGIN CREATEDB; CREATE ROLE other;");
    postgres.psql("postgres", "CREATE DATABASE t3 OWNER plain;");
    for setting in [
        "ALTER DATABASE t3 SET work_mem = '8MB';",
        "ALTER DATABASE t3 SET log_statement = 'none';",
        "ALTER DATABASE t3 SET shop.mode = 'it''s \\';",
        "ALTER ROLE plain IN DATABASE t3 SET log_min_messages = 'error';",
        "ALTER ROLE other IN DATABASE t3 SET work_mem = '9MB';",
    ] {
        postgres.psql("postgres", setting);
    }
    postgres.psql("t3", "CREATE TABLE public.t AS SELECT 1 AS a; ALTER TABLE public.t OWNER TO plain;");
    let taken = dump(postgres.engine().inspect(&SystemRunner).await.unwrap().as_ref(), "t3").await;
    Some((postgres, taken))
}

async fn check_superuser_settings(major: u32) {
    let Some((postgres, taken)) = with_settings(major).await else { return };
    let server = as_role(&postgres, "plain").await;

    let (plan, counted) = restore(server.as_ref(), &taken, &taken.target("copy")).await.unwrap();

    assert_eq!(counted.unwrap().tables, taken.contents.as_ref().unwrap().tables);
    assert_eq!(postgres.psql("postgres", SETTINGS), ": work_mem=8MB");
    let told: Vec<&str> = plan.findings.iter().map(|finding| finding.problem.as_str()).collect();
    for name in ["log_statement=none", "shop.mode=it's", "log_min_messages=error", "of role `other`"] {
        assert_eq!(told.iter().filter(|told| told.contains(name)).count(), 1, "{name}: {told:?}");
    }
    assert!(plan.findings.iter().all(|finding| finding.level == FindingLevel::Warning));

    // What is printed helps.
    postgres.psql("postgres", "DROP DATABASE copy;");
    let helps = plan.findings.iter().map(jagad::engine::Finding::hint);
    let grants: Vec<&str> = helps.filter(|help| help.starts_with("GRANT")).collect();
    assert_eq!(grants.len(), 3, "{:?}", plan.findings);
    postgres.psql("postgres", &grants.join("\n"));
    let (plan, _) = restore(server.as_ref(), &taken, &taken.target("copy")).await.unwrap();
    assert_eq!(plan.findings.len(), 1, "only another role's are left: {:?}", plan.findings);
    let expected = ": work_mem=8MB log_statement=none shop.mode=it's \\\nplain: log_min_messages=error";
    assert_eq!(postgres.psql("postgres", SETTINGS), expected);

    // A superuser restores all of them.
    postgres.psql("postgres", "DROP DATABASE copy;");
    let server = postgres.engine().inspect(&SystemRunner).await.unwrap();
    let (plan, _) = restore(server.as_ref(), &taken, &taken.target("copy")).await.unwrap();
    assert_eq!((plan.findings.len(), postgres.psql("postgres", SETTINGS).lines().count()), (0, 3));
}

on_each!(async check_superuser_settings as settings_that_a_role_may_not_make_are_left_out_and_told: 15, 18);

#[tokio::test]
async fn settings_that_the_target_does_not_know_are_left_out_and_told() {
    let Some(postgres) = Postgres::start(18) else { return };
    postgres.psql("postgres", "CREATE DATABASE shop;");
    let server = postgres.engine().inspect(&SystemRunner).await.unwrap();
    let mut taken = dump(server.as_ref(), "shop").await;
    let setting = |text: &str| json!({"role": null, "setting": text});
    taken.properties["settings"] = json!([
        setting("work_mem=8MB"),
        setting("gone_in_this_version=on"),
        setting("work_mem=much"),
        setting("session_preload_libraries=auto_explain, not_installed_here"),
        setting("plpgsql.no_such_thing=1"),
    ]);

    let (plan, _) = restore(server.as_ref(), &taken, &taken.target("copy")).await.unwrap();

    assert_eq!(postgres.psql("postgres", SETTINGS), ": work_mem=8MB");
    let told: Vec<&str> = plan.findings.iter().map(|finding| finding.problem.as_str()).collect();
    let expected =
        ["gone_in_this_version=on", "work_mem=much", "not_installed_here", "plpgsql.no_such_thing"];
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.contains(expected) && told.contains("is left out"), "{told}");
    }
    assert_eq!(postgres.psql("copy", "SELECT 1"), "1", "nobody is kept from connecting");
}

#[tokio::test]
async fn a_tablespace_that_is_not_there_is_found_beforehand_and_can_be_left_out() {
    let (Some(source), Some(target)) = (Postgres::start(15), Postgres::start(15)) else { return };
    let create = |postgres: &Postgres| {
        let space = postgres.new_folder("space");
        let place = format!("CREATE TABLESPACE \"Fast 1\" LOCATION '{}';", space.display());
        postgres.psql("postgres", &place);
    };
    create(&source);
    source.psql("postgres", "CREATE DATABASE shop;");
    source.psql(
        "shop",
        "CREATE TABLE public.t (a int PRIMARY KEY USING INDEX TABLESPACE \"Fast 1\");
        INSERT INTO public.t VALUES (1); CREATE TABLE public.u (a int) TABLESPACE \"Fast 1\";",
    );
    target.psql("postgres", "CREATE ROLE plain LOGIN CREATEDB;");
    let taken = dump(source.engine().inspect(&SystemRunner).await.unwrap().as_ref(), "shop").await;
    let server = target.engine().inspect(&SystemRunner).await.unwrap();
    let wish = |tablespaces| RestoreTarget { owners: Ownership::Skip, tablespaces, ..taken.target("shop") };

    let refused = restore(server.as_ref(), &taken, &wish(Ownership::Keep)).await.unwrap_err();
    for part in
        ["level: Error", "`Fast 1`", "public.", "CREATE TABLESPACE \\\"Fast 1\\\"", "--no-tablespaces"]
    {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    assert_eq!(target.databases(), ["postgres"]);
    // One that will be there by then is as good.
    let coming = RestoreTarget { coming_tablespaces: vec!["Fast 1".to_owned()], ..wish(Ownership::Keep) };
    assert_eq!(server.logical().load(&SystemRunner, &coming, &taken).await.unwrap().findings, []);

    let (_, counted) = restore(server.as_ref(), &taken, &wish(Ownership::Skip)).await.unwrap();
    assert_eq!(counted.unwrap().tables, taken.contents.as_ref().unwrap().tables);

    // It is there, and not for everybody.
    create(&target);
    let plain = as_role(&target, "plain").await;
    let mine = |tablespaces| RestoreTarget { database: "mine".to_owned(), ..wish(tablespaces) };
    let refused = restore(plain.as_ref(), &taken, &mine(Ownership::Keep)).await.unwrap_err();
    assert!(refused.contains("GRANT CREATE ON TABLESPACE \\\"Fast 1\\\" TO \\\"plain\\\";"), "{refused}");
    target.psql("postgres", "GRANT CREATE ON TABLESPACE \"Fast 1\" TO plain;");
    restore(plain.as_ref(), &taken, &mine(Ownership::Keep)).await.unwrap();
    let spaces = "SELECT count(*) FROM pg_class c JOIN pg_tablespace s ON s.oid = c.reltablespace WHERE spcname = 'Fast 1'";
    assert_eq!((target.psql("shop", spaces), target.psql("mine", spaces)), ("0".to_owned(), "2".to_owned()));
}
