//! A dump that waits for somebody's lock says so, and goes on when it may.

use crate::bench::Bench;
use crate::place::Place;
use crate::program::wait_until;
use std::io::Write as _;

#[test]
fn a_dump_that_waits_for_a_lock_says_for_which_and_for_whom() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    bench
        .postgres
        .psql("postgres", "CREATE ROLE \"slow one\" LOGIN; GRANT ALL ON DATABASE shop TO \"slow one\";");
    bench.postgres.psql(
        "shop",
        "ALTER TABLE item OWNER TO \"slow one\"; GRANT CREATE, USAGE ON SCHEMA public TO \"slow one\";",
    );
    let mut holder = bench.postgres.client("slow one", "shop").spawn().unwrap();
    let mut input = holder.stdin.take().unwrap();
    input.write_all(b"BEGIN; LOCK TABLE item;\n\\echo in\n").unwrap();
    std::io::Read::read_exact(&mut holder.stdout.take().unwrap(), &mut [0; 3]).unwrap();

    let run = bench.program(&["backup", "shop"]);

    wait_until("it says what it waits for", || run.stderr().contains("waits for a lock on `public.item`"));
    assert!(run.stderr().contains("user `slow one`"), "{}", run.stderr());
    input.write_all(b"COMMIT;\n").unwrap();
    drop(input);
    holder.wait().unwrap();
    run.wait().ok();
}

#[test]
fn a_dump_that_waits_for_a_prepared_transaction_says_so() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    bench.postgres.psql("shop", "BEGIN; LOCK TABLE item; PREPARE TRANSACTION 'held';");

    let run = bench.program(&["backup", "shop"]);

    let words = "a lock on `public.item`, which a prepared transaction holds";
    wait_until("it says what it waits for", || run.stderr().contains(words));
    bench.postgres.psql("shop", "COMMIT PREPARED 'held';");
    run.wait().ok();
}
