//! Attaching, detaching, pausing and resuming.

use crate::policy_bench::PolicyBench;
use crate::support::redis::{Kind, Server};

const DAILY: &str = "[policies.prod]\nfull = { every = \"daily\", at = \"02:00\" }\nretention = { full = 3 }\n\
                     [policies.other]\nfull = { every = \"weekly\" }\n";

#[test]
fn an_attached_database_has_its_first_full_at_once_and_exactly_one_policy() {
    let Some(bench) = PolicyBench::new(&["cache"], DAILY) else { return };
    let attached = bench.run(&["policy", "attach", "prod", "cache", "--json"]).ok().json();
    let id = attached["attached"][0]["backup"].as_str().unwrap();
    assert_eq!(bench.backups("cache", "success"), [id]);
    let listed = bench.run(&["list", "--json"]).ok().json();
    assert_eq!(listed["backups"][0]["verification"], "passed", "the policy asks for it: {listed}");

    bench
        .run(&["policy", "attach", "other", "cache"])
        .expect(6)
        .says("Database is already attached to another backup policy")
        .says("detach it first");
    let again = bench.run(&["policy", "attach", "prod", "cache", "--json"]).ok().json();
    assert_eq!(again["attached"][0]["status"], "already_attached");
    assert_eq!(bench.backups("cache", "success").len(), 1, "what is attached needs no first full");

    let shown = bench.run(&["policy", "show", "prod"]).ok().stdout;
    for words in ["status       active", "0 2 * * * (UTC)", "3 newest fulls", "cache     redis", "verified 2"]
    {
        assert!(shown.contains(words), "no `{words}` in {shown}");
    }
    bench.run(&["policy", "detach", "cache"]).ok();
    assert_eq!(bench.backups("cache", "success"), [id], "its backups stay");
    bench.run(&["policy", "detach", "cache"]).expect(5).says("attached to no policy");
    bench.run(&["policy", "detach", "cahce"]).expect(5).says("no database is named `cahce`");
    bench.run(&["policy", "attach", "prod", "cache"]).ok();
    let entry = bench.entry("cache", "policy = \"prod\"");
    bench.change(&entry, "");
    bench.run(&["policy", "detach", "cache"]).ok();
    bench.change("[policies.prod]", &format!("{entry}[policies.prod]"));
    bench.run(&["policy", "attach", "other", "cache"]).ok();
    let listed = bench.run(&["policy", "list", "--json"]).ok().json();
    assert_eq!(listed["policies"][0]["policy"], "other");
    assert_eq!(listed["policies"][0]["attached"], 1);
}

#[test]
fn what_cannot_be_protected_is_refused_before_it_is_attached() {
    let Some(bench) = PolicyBench::new(&["cache"], DAILY) else { return };
    let Some(replica) = Server::start(Kind::Redis7) else { return };
    // Nobody answers there, and a replica it is all the same.
    replica.client().ok("REPLICAOF 127.0.0.1 1");
    let config = std::fs::read_to_string(bench.path("jagad.toml")).unwrap();
    let missing = "[databases.gone]\nengine = \"redis\"\nsocket = \"nothing\"\n";
    let second =
        format!("[databases.second]\nengine = \"redis\"\nsocket = \"{}\"\n", replica.socket().display());
    bench.write(&format!("{config}{}{missing}{second}", bench.entry("asleep", "active = false")));
    bench.run(&["policy", "attach", "prod", "asleep"]).expect(6).says("`asleep` is not active").helps();
    bench.run(&["policy", "attach", "prod", "gone"]).expect(1).says("cannot connect").helps();
    bench.run(&["policy", "attach", "prod", "second"]).expect(6).says("is a replica").helps();
    bench.run(&["policy", "attach", "pord", "cache"]).expect(5).says("Did you mean `prod`?");
    bench.run(&["policy", "attach", "prod", "cahce"]).expect(5).helps();
    let listed = bench.run(&["policy", "list", "--json"]).ok().json();
    assert_eq!(listed["policies"][1]["attached"], 0, "{listed}");
}

#[test]
fn a_first_full_that_fails_leaves_the_database_attached_with_one_failure() {
    let Some(bench) = PolicyBench::new(&["cache"], DAILY) else { return };
    std::fs::rename(bench.path("main.key"), bench.path("away.key")).unwrap();
    let failed = bench.run(&["policy", "attach", "prod", "cache", "--json"]).expect(12).json();
    assert_eq!(failed["attached"][0]["status"], "attached");
    let message = failed["failures"][0]["error"]["message"].as_str().unwrap();
    assert!(message.contains("which stays attached"), "{message}");
    assert_eq!(bench.state("cache")["failures"], 1);
    let shown = bench.run(&["policy", "show", "prod"]).ok().stdout;
    assert!(shown.starts_with("! cache: 1 failure in a row; last "), "{shown}");

    std::fs::rename(bench.path("away.key"), bench.path("main.key")).unwrap();
    bench.run(&["backup", "cache"]).ok();
    assert_eq!(bench.state("cache")["failures"], 0, "a success by hand counts");
    assert!(bench.state("cache")["last_error"].is_null());
}

#[test]
fn attachments_are_made_what_the_configuration_says() {
    let Some(bench) = PolicyBench::new(&["a", "b"], DAILY) else { return };
    let planned = bench.run(&["policy", "apply", "--dry-run", "--json"]).ok().json();
    assert_eq!(planned["changes"].as_array().unwrap().len(), 2);
    assert!(!bench.path("store/databases").exists(), "a plan touches nothing");
    bench.run(&["policy", "apply"]).ok();
    assert!(bench.run(&["policy", "apply"]).ok().stdout.contains("as configured"));

    let moved = bench.entry("a", "policy = \"prod\"");
    bench.change(&moved, &bench.entry("a", "policy = \"other\""));
    bench.change(&bench.entry("b", "policy = \"prod\""), &bench.entry("b", ""));
    // What is protected no longer is asked about first; there is nobody to ask.
    bench.run(&["policy", "apply"]).expect(6).says("not confirmed");
    let plan = bench.run(&["policy", "apply", "--plan"]).ok().stdout;
    assert_eq!(
        plan,
        "a would be moved from prod to other\nb would be detached from prod; its backups stay\n"
    );
    bench.run(&["policy", "apply", "--yes"]).ok();
    let listed = bench.run(&["policy", "list", "--json"]).ok().json();
    assert_eq!(listed["policies"][0]["attached"], 1, "{listed}");
    assert_eq!(listed["policies"][1]["attached"], 0, "{listed}");
    assert_eq!(bench.backups("b", "success").len(), 1);
}

#[test]
fn what_is_paused_by_hand_is_resumed_by_hand_alone() {
    let Some(bench) = PolicyBench::new(&["a", "b"], DAILY) else { return };
    bench.run(&["policy", "apply"]).ok();
    bench.run(&["policy", "pause", "--policy", "prod", "--note", "the server moves"]).ok();
    let ticked = bench.run(&["schedule", "run", "--policy", "prod", "--json"]).expect(13);
    let ticked = ticked.says("`a` is paused: the server moves; nothing runs until").json();
    assert_eq!(ticked["databases"][0]["reason"], "paused: the server moves");
    // A timer that calls for everything is not to fail every minute.
    bench.run(&["schedule", "run"]).ok();
    bench.run(&["backup", "a"]).ok();
    assert!(!bench.state("a")["paused"].is_null(), "a success does not end what somebody wanted");
    bench.run(&["status", "--check"]).expect(20);
    bench.run(&["policy", "resume", "a", "b"]).ok();
    assert!(bench.state("a")["paused"].is_null());
    bench.run(&["status", "--check"]).ok();
}

#[test]
fn a_backup_by_hand_prunes_only_when_it_is_told_to() {
    let Some(bench) = PolicyBench::new(&["cache"], DAILY) else { return };
    bench.add(&bench.entry("alone", ""));
    for _ in 0..5 {
        bench.run(&["backup", "cache"]).ok();
    }
    assert_eq!(bench.backups("cache", "success").len(), 5);
    bench.run(&["backup", "cache", "--retain"]).ok();
    assert_eq!(bench.backups("cache", "success").len(), 3);
    bench.run(&["backup", "alone", "--retain"]).expect(2).says("under no policy").helps();
    assert!(bench.backups("alone", "success").is_empty(), "it is said before the work");
}

#[test]
fn what_is_attached_without_being_declared_is_found_in_the_store_of_its_policy() {
    let elsewhere = "[stores.far]\ntype = \"local\"\npath = \"far\"\n[policies.prod]\nstore = \"far\"\n";
    let Some(bench) = PolicyBench::new(&[], elsewhere) else { return };
    bench.add(&bench.entry("cache", ""));
    bench.change("[settings]\n", "[settings]\ndefault_store = \"main\"\n");
    bench.run(&["policy", "attach", "prod", "cache"]).ok();
    assert!(bench.path("far/databases/cache").exists() && !bench.path("store/databases/cache").exists());
    bench.run(&["backup", "cache"]).ok();
    bench.run(&["verify", "--db", "cache"]).ok();
    bench.run(&["show", "cache@latest"]).ok();
    bench.run(&["restore", "--db", "cache", "--plan"]).expect(6).says("is not empty");
    let status = bench.run(&["status", "--json"]).ok().json();
    assert_eq!(status["databases"][0]["good_backups"], 2);
}

#[cfg(feature = "crash-points")]
#[test]
fn a_policy_that_moves_to_another_store_leaves_what_is_attached_where_it_is_counted() {
    let policies = format!(
        "{DAILY}[stores.far]\ntype = \"local\"\npath = \"far\"\n[policies.third]\nstore = \"main\"\n"
    );
    let Some(bench) = PolicyBench::new(&["cache"], &policies) else { return };
    bench.change("[settings]\n", "[settings]\ndefault_store = \"main\"\n");
    bench.at("2027-03-01T12:00:00Z", &["policy", "apply"]).ok();
    bench.change("[policies.prod]\n", "[policies.prod]\nstore = \"far\"\n");
    let ticked = bench.at("2027-03-02T02:00:00Z", &["schedule", "run", "--json"]).ok();
    assert_eq!(crate::policy_bench::actions(&ticked.json()), ["backed_up"]);
    ticked.says("is attached in another store than its policy names now (`far`)");
    assert_eq!(bench.tick("2027-03-02T02:01:00Z"), ["waiting"]);
    bench.run(&["policy", "detach", "cache"]).ok();
    bench.at("2027-03-02T12:00:00Z", &["policy", "apply"]).ok();
    assert_eq!(bench.tick("2027-03-03T02:00:00Z"), ["backed_up"]);
    assert!(bench.path("far/databases/cache/attachment.json").exists());
}

#[test]
fn a_database_that_no_policy_protects_is_told_unless_it_says_so() {
    let Some(bench) = PolicyBench::new(&[], "") else { return };
    bench.add(&bench.entry("cache", ""));
    bench.change("[databases.cache]\n", "[databases.cache]\npolicy = \"none\"\n");
    bench.run(&["status", "--check"]).ok();
    bench.change("policy = \"none\"\n", "");
    let status = bench.run(&["status", "--check", "--json"]).expect(20).json();
    assert_eq!(status["databases"][0]["problems"][0]["kind"], "unprotected", "{status}");
    bench.change("[databases.cache]\n", "[databases.cache]\nactive = false\n");
    bench.run(&["status", "--check"]).ok();
    bench.add("[policies.none]\nfull = { every = \"daily\" }\n");
    bench.run(&["config", "check"]).expect(2).says("marks entries without a policy");
}
