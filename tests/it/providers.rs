//! Whole runs in front of services that refuse in ways of their own.

use crate::bench::Bench;
use crate::place::Place;
use crate::support::providers::Provider;

#[test]
fn every_service_is_checked_backed_up_to_restored_from_and_deleted_from() {
    for provider in Provider::ALL {
        let Some(bench) = Bench::small(Place::server()) else { return };
        bench.fill(6);
        bench.server().fail(move |asked| provider.usual(asked));
        bench.run(&["check", "main"]).ok();
        let doomed = bench.back_up(&[]);
        let before = bench.fingerprint();
        let kept = bench.back_up(&[]);
        bench.run(&["delete", &doomed, "--yes"]).ok();
        bench.postgres.psql("shop", "DROP TABLE sale;");
        bench.run(&["restore", &kept, "--yes"]).ok();
        assert_eq!(bench.fingerprint(), before, "{provider:?}");
        let left: Vec<_> = bench.objects().into_keys().filter(|key| key.contains(&doomed)).collect();
        assert_eq!(left, [""; 0], "{provider:?}");
    }
}

#[test]
fn a_service_without_room_fails_the_run_in_its_own_words_and_takes_the_next_when_it_has_room() {
    for provider in Provider::ALL {
        let Some(bench) = Bench::small(Place::server()) else { return };
        let kept = bench.back_up(&[]);
        bench.server().fail(move |asked| provider.when_full(asked));
        let failed = bench.run(&["backup", "shop"]).expect(14).helps();
        assert!(failed.stderr.contains("the store is full"), "{provider:?}: {}", failed.stderr);
        bench.run(&["verify", &kept, "--level", "read"]).ok();
        bench.server().fail(move |asked| provider.usual(asked));
        bench.run(&["backup", "shop"]).ok().says("which no store would take then");
        assert_eq!(bench.statuses(), ["success", "failed", "success"], "{provider:?}");
    }
}
