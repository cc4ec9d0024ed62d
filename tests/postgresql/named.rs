//! Restores under a database's own name, and extensions that live in one database of a server.

use super::support::plans::{dump, restore, run};
use super::support::postgres::Postgres;
use super::support::presence::EXTENDED;
use jagad::engine::postgresql::PostgreSql;
use jagad::engine::{Engine as _, FindingLevel, Naming, RestoreTarget, Server, ServerSettings, TargetEffect};
use jagad::model::ByteReader;
use jagad::process::SystemRunner;

async fn inspect(postgres: &Postgres) -> Box<dyn Server> {
    postgres.engine().inspect(&SystemRunner).await.unwrap()
}

const STATE: &str = "SELECT word FROM public.state";
const ABOUT: &str = "SELECT datconnlimit || ' ' || coalesce(shobj_description(oid, 'pg_database'), '-')
  FROM pg_database WHERE datname = 'shop'";

#[tokio::test]
async fn what_was_put_aside_comes_back_whatever_fails() {
    let Some(postgres) = Postgres::start(15) else { return };
    postgres.psql("postgres", "CREATE DATABASE shop CONNECTION LIMIT 7; COMMENT ON DATABASE shop IS 'mine';");
    postgres.psql("shop", "CREATE TABLE public.state AS SELECT 'old'::text AS word;");
    let server = inspect(&postgres).await;
    let taken = dump(server.as_ref(), "shop").await;
    postgres.psql("shop", "UPDATE public.state SET word = 'new';");
    let own = RestoreTarget { naming: Naming::Own, ..taken.target("shop") };
    let plan = server.logical().load(&SystemRunner, &own, &taken).await.unwrap();
    assert!(matches!(plan.effect, TargetEffect::PutsAside { .. }));
    let as_before = || {
        assert_eq!(postgres.databases(), ["postgres", "shop"]);
        assert_eq!(
            (postgres.psql("shop", STATE), postgres.psql("postgres", ABOUT)),
            ("new".into(), "7 mine".into())
        );
    };

    // Undone after any number of steps, and twice.
    for steps in 0..=plan.before.len() {
        for step in &plan.before[..steps] {
            step.run(&SystemRunner).await.unwrap();
        }
        for step in plan.undo.iter().chain(&plan.undo) {
            step.run(&SystemRunner).await.unwrap();
        }
        as_before();
    }
    // A stream that ends early.
    let short: ByteReader<'_> = Box::pin(&taken.bytes[..taken.bytes.len() - 9]);
    run(server.as_ref(), &plan, short).await.unwrap_err();
    as_before();
    // While it is filled nobody else is in.
    for step in &plan.before {
        step.run(&SystemRunner).await.unwrap();
    }
    postgres.psql("postgres", "CREATE ROLE guest LOGIN;");
    assert!(postgres.try_psql("guest", "shop", "SELECT 1").unwrap_err().contains("too many connections"));
    // A session that is in it all the same does not hold up the undoing.
    let mut session = postgres.client("postgres", "shop").spawn().unwrap();
    std::io::Write::write_all(session.stdin.as_mut().unwrap(), b"\\echo in\n").unwrap();
    std::io::Read::read_exact(session.stdout.as_mut().unwrap(), &mut [0; 3]).unwrap();
    for step in &plan.undo {
        step.run(&SystemRunner).await.unwrap();
    }
    let _ = session.wait();
    as_before();
    // Once the new database is finished, undoing leaves both, and a note has said how the old one comes back.
    for step in plan.before.iter().chain(&plan.after).chain(&plan.undo) {
        step.run(&SystemRunner).await.unwrap();
    }
    assert_eq!(postgres.databases(), ["postgres", "shop", "shop__aside_t0k3n0"]);
    let (_, back) = plan.notes.iter().find_map(|note| note.split_once("`shop__aside_t0k3n0`: ")).unwrap();
    postgres.psql("postgres", "DROP DATABASE shop;");
    postgres.psql("postgres", back);
    as_before();

    restore(server.as_ref(), &taken, &own).await.unwrap();

    assert_eq!(postgres.databases(), ["postgres", "shop"]);
    assert_eq!(
        (postgres.psql("shop", STATE), postgres.psql("postgres", ABOUT)),
        ("old".into(), "7 mine".into())
    );
    // And where nothing is in the way.
    postgres.psql("postgres", "DROP DATABASE shop;");
    let (plan, _) = restore(server.as_ref(), &taken, &own).await.unwrap();
    assert_eq!((plan.effect, postgres.psql("shop", STATE)), (TargetEffect::Creates, "old".to_owned()));
}

#[tokio::test]
async fn a_database_filled_under_its_own_name_is_open_afterwards_and_has_no_comment_of_ours() {
    let Some(postgres) = Postgres::start(15) else { return };
    postgres.psql("postgres", "CREATE ROLE plain LOGIN CREATEDB; CREATE DATABASE shop OWNER plain;");
    postgres.try_psql("plain", "shop", "CREATE TABLE public.state AS SELECT 'old'::text AS word;").unwrap();
    for user in ["postgres", "plain"] {
        let settings = ServerSettings { user: user.to_owned(), ..postgres.settings() };
        let server = PostgreSql::new(settings).inspect(&SystemRunner).await.unwrap();
        let taken = dump(server.as_ref(), "shop").await;
        let own = RestoreTarget { naming: Naming::Own, ..taken.target("shop") };
        restore(server.as_ref(), &taken, &own).await.unwrap();
        assert_eq!(postgres.psql("postgres", ABOUT), "-1 -", "{user}");
        assert_eq!(postgres.try_psql("plain", "shop", STATE).unwrap(), "old", "{user}");
    }
}

/// A server with `pg_cron` in the database `name`; its jobs do not run by themselves.
fn with_cron(name: &str) -> Option<Postgres> {
    let mut postgres = Postgres::start(EXTENDED)?;
    for setting in [
        "ALTER SYSTEM SET shared_preload_libraries = 'pg_cron';".to_owned(),
        format!("ALTER SYSTEM SET \"cron.database_name\" = '{name}';"),
        "ALTER SYSTEM SET \"cron.launch_active_jobs\" = off;".to_owned(),
    ] {
        // The server does not know the settings of a library that it has not loaded, so they are written as they are.
        let file = postgres.socket().join("data/postgresql.auto.conf");
        let mut text = std::fs::read_to_string(&file).unwrap();
        let assignment =
            setting.trim_start_matches("ALTER SYSTEM SET ").trim_end_matches(';').replace('"', "");
        text.push_str(&format!("{assignment}\n"));
        std::fs::write(&file, text).unwrap();
    }
    postgres.crash();
    postgres.start_again();
    Some(postgres)
}

#[tokio::test]
async fn jobs_of_pg_cron_come_back_into_the_database_they_live_in() {
    let (Some(postgres), Some(elsewhere), Some(without)) =
        (with_cron("shop"), with_cron("other"), Postgres::start(EXTENDED))
    else {
        return;
    };
    postgres.psql("postgres", "CREATE DATABASE shop;");
    postgres
        .psql("shop", "CREATE EXTENSION pg_cron; SELECT cron.schedule('nightly', '0 3 * * *', 'SELECT 1');");
    let server = inspect(&postgres).await;
    let taken = dump(server.as_ref(), "shop").await;
    assert_eq!(taken.contents.as_ref().unwrap().needs.preloaded, ["pg_cron"]);
    postgres.psql("shop", "SELECT cron.unschedule('nightly');");

    let (plan, counted) = restore(server.as_ref(), &taken, &taken.target("shop")).await.unwrap();

    assert!(matches!(plan.effect, TargetEffect::PutsAside { .. }), "its own name was not chosen");
    assert_eq!(counted.unwrap().tables, taken.contents.as_ref().unwrap().tables);
    assert_eq!(postgres.psql("shop", "SELECT jobname, active FROM cron.job"), "nightly|t");
    assert_eq!(postgres.databases(), ["postgres", "shop"]);

    // Where it cannot be, that is known before, with the statement that changes it.
    for (target, into, words) in [
        (&postgres, "copy", "this server has it in `shop`"),
        (&elsewhere, "shop", "cron.database_name = 'shop'"),
        (&without, "shop", "shared_preload_libraries"),
    ] {
        let plan =
            inspect(target).await.logical().load(&SystemRunner, &taken.target(into), &taken).await.unwrap();
        let errors: Vec<_> =
            plan.findings.iter().filter(|finding| finding.level == FindingLevel::Error).collect();
        assert_eq!(errors.len(), 1, "{:?}", plan.findings);
        assert!(format!("{:?}", errors[0]).contains(words), "{errors:?}");
    }
}

#[tokio::test]
async fn what_pg_partman_knows_of_partitions_comes_back() {
    let Some(postgres) = Postgres::start(EXTENDED) else { return };
    postgres.psql("postgres", "CREATE DATABASE shop;");
    postgres.psql(
        "shop",
        "CREATE SCHEMA partman; CREATE EXTENSION pg_partman SCHEMA partman;
         CREATE TABLE public.event (at timestamptz NOT NULL, what text) PARTITION BY RANGE (at);
         SELECT partman.create_parent('public.event', 'at', '1 day');
         INSERT INTO public.event SELECT now(), 'x' FROM generate_series(1, 50);",
    );
    let server = inspect(&postgres).await;
    let taken = dump(server.as_ref(), "shop").await;

    let (_, counted) = restore(server.as_ref(), &taken, &taken.target("copy")).await.unwrap();

    assert_eq!(counted.unwrap().tables, taken.contents.as_ref().unwrap().tables);
    assert_eq!(postgres.psql("copy", "SELECT count(*) FROM public.event"), "50");
    let config = "SELECT parent_table, partition_interval FROM partman.part_config";
    assert_eq!(postgres.psql("copy", config), postgres.psql("shop", config));
}
