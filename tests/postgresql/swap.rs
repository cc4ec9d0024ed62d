//! A restore over a database that is in use, and one that fails on the way.

use super::support::plans::{Dump, dump, restore, run};
use super::support::postgres::Postgres;
use jagad::engine::{Engine as _, LoadPlan, Naming, RestoreTarget, Server, Step, TargetEffect};
use jagad::model::ByteReader;
use jagad::process::SystemRunner;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::AsyncReadExt as _;

const OLD: &str = "CREATE TABLE public.state AS SELECT 'old'::text AS word FROM generate_series(1, 10);";

async fn inspect(postgres: &Postgres) -> Box<dyn Server> {
    postgres.engine().inspect(&SystemRunner).await.unwrap()
}

/// A server with the database `shop` that holds a dump's state "old", and that dump; then its state is "new".
async fn shop(major: u32) -> Option<(Arc<Postgres>, Dump)> {
    let postgres = Arc::new(Postgres::start(major)?);
    postgres.psql("postgres", "CREATE DATABASE shop;");
    postgres.psql("shop", OLD);
    postgres.psql(
        "shop",
        "CREATE TABLE public.bulk AS SELECT g, repeat('x', 500) FROM generate_series(1, 4000) g;",
    );
    let taken = dump(inspect(&postgres).await.as_ref(), "shop").await;
    postgres.psql("shop", "UPDATE public.state SET word = 'new'; CREATE TABLE public.later ();");
    Some((postgres, taken))
}

/// Asks for the state over and over, each time with a new connection; what it was told, without repetitions.
fn ask_forever(postgres: &Arc<Postgres>, stop: &Arc<AtomicBool>) -> std::thread::JoinHandle<Vec<String>> {
    let (postgres, stop) = (Arc::clone(postgres), Arc::clone(stop));
    std::thread::spawn(move || {
        let mut answers: Vec<String> = Vec::new();
        let mut done = false;
        while !done {
            // Once more after the end, to see the end.
            done = stop.load(Ordering::Relaxed);
            let answer = postgres.try_psql("postgres", "shop", "SELECT DISTINCT word FROM public.state");
            let answer = answer.unwrap_or_else(|said| format!("error: {said}"));
            if answers.last() != Some(&answer) {
                answers.push(answer);
            }
        }
        answers
    })
}

async fn check_swap_under_load(major: u32) {
    let Some((postgres, taken)) = shop(major).await else { return };
    let mut holder = postgres.client("postgres", "shop").spawn().unwrap();
    let mut input = holder.stdin.take().unwrap();
    input.write_all(b"BEGIN; LOCK public.state; INSERT INTO public.later SELECT;\n\\echo in\n").unwrap();
    let mut held = holder.stdout.take().unwrap();
    std::io::Read::read_exact(&mut held, &mut [0; 3]).unwrap();
    // The lock of the open transaction would hold up the askers too.
    input.write_all(b"ROLLBACK; BEGIN; SELECT count(*) FROM public.state;\n").unwrap();
    std::io::Read::read_exact(&mut held, &mut [0; 3]).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..3).map(|_| ask_forever(&postgres, &stop)).collect();

    let server = inspect(&postgres).await;
    let done = restore(server.as_ref(), &taken, &taken.target("shop")).await;
    stop.store(true, Ordering::Relaxed);
    let answers: Vec<Vec<String>> = clients.into_iter().map(|client| client.join().unwrap()).collect();

    let (plan, counted) = done.unwrap();
    assert!(matches!(plan.effect, TargetEffect::Replaces { sessions, .. } if sessions >= 1));
    assert_eq!(counted.unwrap().tables, taken.contents.unwrap().tables);
    for told in answers {
        assert_eq!(told.last().map(String::as_str), Some("old"), "{told:?}");
        let words: Vec<&String> = told.iter().filter(|told| !told.starts_with("error")).collect();
        assert!(words.windows(2).all(|pair| pair[1] == "old" || pair[0] == pair[1]), "{told:?}");
        // Somebody who came in between is sent away; nobody finds no database or no table.
        let lost = |told: &&String| {
            told.contains("does not exist") && !told.contains("just been dropped or renamed")
        };
        assert_eq!(told.iter().find(lost), None);
    }
    let _ = input.write_all(b"COMMIT;\n");
    drop(input);
    assert!(!holder.wait().unwrap().success(), "the open transaction outlived the swap");
    assert_eq!(postgres.databases(), ["postgres", "shop"]);
}

on_each!(
    async check_swap_under_load as clients_see_the_old_database_or_the_new_one_and_nothing_else:
    15, 18
);

#[tokio::test]
async fn a_load_that_fails_in_the_middle_leaves_everything_as_it_was() {
    let Some((postgres, taken)) = shop(15).await else { return };
    let before = postgres.fingerprint("shop");
    let server = inspect(&postgres).await;
    let plan = server.logical().load(&SystemRunner, &taken.target("shop"), &taken).await.unwrap();
    let half = taken.bytes.len() / 2;

    // The stream ends early, as if all were well.
    let short: ByteReader<'_> = Box::pin(&taken.bytes[..half]);
    run(server.as_ref(), &plan, short).await.unwrap_err();
    assert_eq!((postgres.fingerprint("shop"), postgres.databases().len()), (before.clone(), 2));

    // The stream breaks: the tool is stopped and never sees an end.
    let broken = (&taken.bytes[..half]).chain(Broken);
    let said = run(server.as_ref(), &plan, Box::pin(broken)).await.unwrap_err();
    assert!(said.contains("the store is gone"), "{said}");
    assert_eq!((postgres.fingerprint("shop"), postgres.databases().len()), (before.clone(), 2));

    // The session that loads is ended by the server.
    let killed = (&taken.bytes[..half]).chain(Killer(Arc::clone(&postgres))).chain(&taken.bytes[half..]);
    run(server.as_ref(), &plan, Box::pin(killed)).await.unwrap_err();
    assert_eq!((postgres.fingerprint("shop"), postgres.databases().len()), (before, 2));

    // The plan is as good as before.
    run(server.as_ref(), &plan, Box::pin(&*taken.bytes)).await.unwrap();
    assert_eq!(postgres.psql("shop", "SELECT DISTINCT word FROM state"), "old");
}

struct Broken;

impl tokio::io::AsyncRead for Broken {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        _: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Err(std::io::Error::other("the store is gone")))
    }
}

/// Ends every session of the database that is being filled, then is at its end.
struct Killer(Arc<Postgres>);

impl tokio::io::AsyncRead for Killer {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        _: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        let sql =
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'shop__jagad_t0k3n0'";
        // What was sent so far may still be in the pipe, and nobody connected.
        let start = std::time::Instant::now();
        while self.0.psql("postgres", sql) != "t" {
            assert!(start.elapsed().as_secs() < 30, "no session to end");
        }
        std::task::Poll::Ready(Ok(()))
    }
}

async fn all(steps: &[Step]) {
    for step in steps {
        step.run(&SystemRunner).await.unwrap();
    }
}

async fn step(plan: &LoadPlan, number: usize, bytes: &[u8]) {
    match number.checked_sub(plan.before.len()) {
        None => all(&plan.before[number..=number]).await,
        Some(0) => {
            plan.feed(&SystemRunner, Box::pin(bytes)).await.unwrap();
        }
        Some(after) => all(&plan.after[after - 1..after]).await,
    }
}

#[tokio::test]
async fn undo_is_safe_between_any_two_steps_and_repeatable() {
    let Some((postgres, taken)) = shop(15).await else { return };
    postgres.psql("postgres", "COMMENT ON DATABASE shop IS 'asks for a step of its own'");
    let taken =
        Dump { properties: dump(inspect(&postgres).await.as_ref(), "shop").await.properties, ..taken };
    let before = postgres.fingerprint("shop");
    let server = inspect(&postgres).await;
    let plan = server.logical().load(&SystemRunner, &taken.target("shop"), &taken).await.unwrap();
    let steps = plan.before.len() + 1 + plan.after.len();
    assert_eq!(steps, 4);
    for done in 0..steps {
        for number in 0..done {
            step(&plan, number, &taken.bytes).await;
        }
        all(&plan.undo).await;
        all(&plan.undo).await;
        assert_eq!(postgres.databases(), ["postgres", "shop"], "after {done} steps");
        assert_eq!(postgres.fingerprint("shop"), before, "after {done} steps");
    }
    for number in 0..steps {
        step(&plan, number, &taken.bytes).await;
    }
    // Too late: what is visible stays.
    all(&plan.undo).await;
    assert_eq!(postgres.psql("shop", "SELECT DISTINCT word FROM state"), "old");
    assert_eq!(postgres.psql("shop__old_t0k3n0", "SELECT DISTINCT word FROM state"), "new");
    all(&plan.cleanup).await;
    all(&plan.cleanup).await;
    assert_eq!(postgres.databases(), ["postgres", "shop"]);
}

#[tokio::test]
async fn names_of_any_kind_can_be_replaced() {
    let Some((postgres, taken)) = shop(15).await else { return };
    let long = format!("{}é\"' ", "ö".repeat(29));
    assert_eq!(long.len(), 63);
    for name in [long.as_str(), "postgres", "UPPER \\ \"x\" 'y' $1 :z %s", "postgresql://h/d", "☃"] {
        // Once to create it, once to replace it.
        for _ in 0..2 {
            let server = inspect(&postgres).await;
            restore(server.as_ref(), &taken, &taken.target(name)).await.unwrap();
        }
        assert_eq!(postgres.psql(name, "SELECT DISTINCT word FROM state"), "old");
    }
    assert_eq!(postgres.databases().len(), 6);
}

#[tokio::test]
async fn a_database_that_forbids_writes_or_connections_to_itself_comes_back() {
    let Some((postgres, _)) = shop(15).await else { return };
    postgres.psql(
        "postgres",
        "ALTER DATABASE shop SET default_transaction_read_only = on; ALTER DATABASE shop CONNECTION LIMIT 0;
         ALTER DATABASE shop SET statement_timeout = '1ms'; ALTER DATABASE shop SET search_path = nowhere;
         ALTER DATABASE shop SET row_security = off; ALTER DATABASE shop SET client_encoding = 'LATIN1';",
    );
    let again = dump(inspect(&postgres).await.as_ref(), "shop").await;
    assert_eq!(again.contents.as_ref().unwrap().tables.len(), 3);
    let server = inspect(&postgres).await;
    for _ in 0..2 {
        restore(server.as_ref(), &again, &again.target("shop")).await.unwrap();
    }
    let settings = "SELECT array_length(setconfig, 1), datconnlimit FROM pg_db_role_setting
      JOIN pg_database d ON d.oid = setdatabase WHERE datname = 'shop'";
    assert_eq!(postgres.psql("postgres", settings), "5|0");
}

#[tokio::test]
async fn undoing_drops_a_database_that_got_a_subscription() {
    let Some(postgres) = Postgres::start(15) else { return };
    let odd = "odd 'name\\ = :x";
    postgres.psql("postgres", &format!("CREATE DATABASE \"{odd}\";"));
    let feed = "CREATE SUBSCRIPTION feed CONNECTION 'dbname=none' PUBLICATION p WITH (connect = false, slot_name = NONE);";
    postgres.psql(odd, feed);
    let server = postgres.engine().inspect(&SystemRunner).await.unwrap();
    let taken = dump(server.as_ref(), odd).await;
    for naming in [Naming::Temporary, Naming::Own] {
        let target = RestoreTarget { naming, ..taken.target("odd 'copy\\ = :x") };
        let plan = server.logical().load(&SystemRunner, &target, &taken).await.unwrap();
        let undone = || async {
            for step in &plan.undo {
                step.run(&SystemRunner).await.unwrap();
            }
            assert_eq!(postgres.databases(), [odd, "postgres"], "{naming:?}");
        };
        undone().await;

        for step in &plan.before {
            step.run(&SystemRunner).await.unwrap();
        }
        plan.feed(&SystemRunner, Box::pin(&*taken.bytes)).await.unwrap();
        let subscribed = "SELECT count(*) FROM pg_subscription";
        assert_eq!(postgres.psql("postgres", subscribed), "2");

        undone().await;
        assert_eq!(postgres.psql("postgres", subscribed), "1");
    }
}
