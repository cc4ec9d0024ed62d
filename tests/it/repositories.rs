//! A store that is empty where a repository should be is not taken for a new one, and what this host remembers of one
//! repository is not told of another.

use crate::bench::Bench;
use crate::place::Place;
use serde_json::json;

/// The directory of the store, empty, as where a disk is not mounted.
fn unmount(bench: &Bench) {
    std::fs::rename(bench.path("store"), bench.path("mounted")).unwrap();
    std::fs::create_dir(bench.path("store")).unwrap();
}

fn mount(bench: &Bench) {
    std::fs::remove_dir_all(bench.path("store")).unwrap();
    std::fs::rename(bench.path("mounted"), bench.path("store")).unwrap();
}

#[test]
fn a_directory_that_is_not_mounted_does_not_become_a_new_repository() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    bench.back_up(&[]);
    unmount(&bench);
    for args in [&["backup", "shop"][..], &["list"], &["restore", "shop@latest", "--yes"]] {
        bench.run(args).expect(10).says("is not at directory").says("jagad repository init").helps();
    }
    assert!(!bench.path("store/jagad.json").exists());
    mount(&bench);
    bench.back_up(&[]);
    assert_eq!(bench.statuses(), ["success", "failed", "success"]);
    std::fs::rename(bench.path("store"), bench.path("away")).unwrap();
    bench.run(&["backup", "shop"]).expect(10).says("does not exist").helps();
    assert!(!bench.path("store").exists());
}

#[test]
fn a_mistyped_path_does_not_become_a_new_repository_unless_somebody_says_so() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    bench.back_up(&[]);
    let text = std::fs::read_to_string(bench.path("jagad.toml")).unwrap();
    bench.write(&text.replace("path = \"store\"", "path = \"far\""));
    bench.run(&["backup", "shop"]).expect(10).says("is not at directory");
    let made = bench.run(&["repository", "init", "--json"]).ok().json();
    assert_eq!(made["created"], true);
    let again = bench.run(&["repository", "init", "--json"]).ok().json();
    assert_eq!((&again["created"], &again["repository"]), (&json!(false), &made["repository"]));
    bench.back_up(&[]);
    // The failure belongs to the repository that was meant, and is not told of this one.
    assert_eq!(bench.statuses(), ["success"]);
}

#[test]
fn a_host_that_has_forgotten_everything_begins_where_nothing_is() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    bench.back_up(&[]);
    unmount(&bench);
    std::fs::remove_dir_all(bench.path("state")).unwrap();
    bench.back_up(&[]);
}

#[test]
fn a_repository_is_begun_by_hand_with_its_directory() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    std::fs::remove_dir(bench.path("store")).unwrap();
    bench.run(&["backup", "shop"]).expect(10).says("does not exist");
    assert!(bench.run(&["repository", "init"]).ok().stdout.contains("was made in `main`"));
    bench.back_up(&[]);
}

#[test]
fn a_failure_of_one_configuration_is_not_recorded_in_another_with_the_same_entry() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let text = std::fs::read_to_string(bench.path("jagad.toml")).unwrap();
    std::fs::write(bench.path("staging.toml"), text.replace("path = \"store\"", "path = \"far\"")).unwrap();
    let staging = |args: &[&str]| bench.run(&[&["-c", "staging.toml"][..], args].concat());
    for first in [true, false] {
        // Also where neither repository was ever seen.
        if !first {
            bench.back_up(&[]);
        }
        std::fs::rename(bench.path("store"), bench.path("away")).unwrap();
        bench.run(&["backup", "shop"]).expect(10);
        staging(&["backup", "shop"]).ok();
        let listed = staging(&["list", "--json"]).ok().json();
        let rows = listed["backups"].as_array().unwrap();
        assert!(rows.iter().all(|row| row["status"] == "success"), "{rows:?}");
        std::fs::rename(bench.path("away"), bench.path("store")).unwrap();
    }
    bench.back_up(&[]);
    let failed = bench.statuses().iter().filter(|status| *status == "failed").count();
    assert_eq!(failed, 2);
}

#[test]
fn a_repository_that_the_configuration_names_is_the_only_one_that_is_taken() {
    let Some(bench) = Bench::small(Place::Local) else { return };
    let made = bench.run(&["repository", "init", "--json"]).ok().json();
    let id = made["repository"].as_str().unwrap();
    let text = std::fs::read_to_string(bench.path("jagad.toml")).unwrap();
    let named =
        |id: &str| text.replace("path = \"store\"", &format!("path = \"store\"\nrepository = \"{id}\""));
    bench.write(&named(id));
    bench.back_up(&[]);
    bench.write(&named(&"0".repeat(32)));
    bench.run(&["backup", "shop"]).expect(10).says("is not at directory");
    bench.run(&["repository", "init"]).expect(6).says("is there already").helps();
    bench.write(&named("0123"));
    bench.run(&["config", "check"]).expect(2).says("not a repository id");
    // A host that has forgotten everything is told by its configuration.
    bench.write(&named(id));
    unmount(&bench);
    std::fs::remove_dir_all(bench.path("state")).unwrap();
    bench.run(&["backup", "shop"]).expect(10).says("is not at directory");
}
