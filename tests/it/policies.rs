//! Attaching, detaching, pausing and resuming.

use crate::support::redis::{Kind, Server};
use crate::ward::Wards;

const DAILY: &str = "[policies.prod]\nfull = { every = \"daily\", at = \"02:00\" }\nretention = { full = 3 }\n\
                     [policies.other]\nfull = { every = \"weekly\" }\n";

#[test]
fn an_attached_database_has_its_first_full_at_once_and_exactly_one_policy() {
    let Some(wards) = Wards::new(&["cache"], DAILY) else { return };
    let attached = wards.run(&["policy", "attach", "prod", "cache", "--json"]).ok().json();
    let id = attached["attached"][0]["backup"].as_str().unwrap();
    assert_eq!(wards.backups("cache", "success"), [id]);
    let listed = wards.run(&["list", "--json"]).ok().json();
    assert_eq!(listed["backups"][0]["verification"], "passed", "the policy asks for it: {listed}");

    wards
        .run(&["policy", "attach", "other", "cache"])
        .expect(6)
        .says("Database is already attached to another backup policy")
        .says("detach it first");
    let again = wards.run(&["policy", "attach", "prod", "cache", "--json"]).ok().json();
    assert_eq!(again["attached"][0]["status"], "already_attached");
    assert_eq!(wards.backups("cache", "success").len(), 1, "what is attached needs no first full");

    let shown = wards.run(&["policy", "show", "prod"]).ok().stdout;
    for words in ["status       active", "0 2 * * * (UTC)", "3 newest fulls", "cache     redis", "verified 2"]
    {
        assert!(shown.contains(words), "no `{words}` in {shown}");
    }
    wards.run(&["policy", "detach", "cache"]).ok();
    assert_eq!(wards.backups("cache", "success"), [id], "its backups stay");
    wards.run(&["policy", "detach", "cache"]).expect(5).says("attached to no policy");
    wards.run(&["policy", "detach", "cahce"]).expect(5).says("no database is named `cahce`");
    wards.run(&["policy", "attach", "prod", "cache"]).ok();
    let entry = wards.entry("cache", "policy = \"prod\"");
    wards.change(&entry, "");
    wards.run(&["policy", "detach", "cache"]).ok();
    wards.change("[policies.prod]", &format!("{entry}[policies.prod]"));
    wards.run(&["policy", "attach", "other", "cache"]).ok();
    let listed = wards.run(&["policy", "list", "--json"]).ok().json();
    assert_eq!(listed["policies"][0]["policy"], "other");
    assert_eq!(listed["policies"][0]["attached"], 1);
}

#[test]
fn what_cannot_be_protected_is_refused_before_it_is_attached() {
    let Some(wards) = Wards::new(&["cache"], DAILY) else { return };
    let Some(replica) = Server::start(Kind::Redis7) else { return };
    // Nobody answers there, and a replica it is all the same.
    replica.client().ok("REPLICAOF 127.0.0.1 1");
    let config = std::fs::read_to_string(wards.path("jagad.toml")).unwrap();
    let missing = "[databases.gone]\nengine = \"redis\"\nsocket = \"nothing\"\n";
    let second =
        format!("[databases.second]\nengine = \"redis\"\nsocket = \"{}\"\n", replica.socket().display());
    wards.write(&format!("{config}{}{missing}{second}", wards.entry("asleep", "active = false")));
    wards.run(&["policy", "attach", "prod", "asleep"]).expect(6).says("`asleep` is not active").helps();
    wards.run(&["policy", "attach", "prod", "gone"]).expect(1).says("cannot connect").helps();
    wards.run(&["policy", "attach", "prod", "second"]).expect(6).says("is a replica").helps();
    wards.run(&["policy", "attach", "pord", "cache"]).expect(5).says("Did you mean `prod`?");
    wards.run(&["policy", "attach", "prod", "cahce"]).expect(5).helps();
    let listed = wards.run(&["policy", "list", "--json"]).ok().json();
    assert_eq!(listed["policies"][1]["attached"], 0, "{listed}");
}

#[test]
fn a_first_full_that_fails_leaves_the_database_attached_with_one_failure() {
    let Some(wards) = Wards::new(&["cache"], DAILY) else { return };
    std::fs::rename(wards.path("main.key"), wards.path("away.key")).unwrap();
    let failed = wards.run(&["policy", "attach", "prod", "cache", "--json"]).expect(12).json();
    assert_eq!(failed["attached"][0]["status"], "attached");
    let message = failed["failures"][0]["error"]["message"].as_str().unwrap();
    assert!(message.contains("which stays attached"), "{message}");
    assert_eq!(wards.state("cache")["failures"], 1);
    let shown = wards.run(&["policy", "show", "prod"]).ok().stdout;
    assert!(shown.starts_with("! cache: 1 failure in a row; last "), "{shown}");

    std::fs::rename(wards.path("away.key"), wards.path("main.key")).unwrap();
    wards.run(&["backup", "cache"]).ok();
    assert_eq!(wards.state("cache")["failures"], 0, "a success by hand counts");
    assert!(wards.state("cache")["last_error"].is_null());
}

#[test]
fn attachments_are_made_what_the_configuration_says() {
    let Some(wards) = Wards::new(&["a", "b"], DAILY) else { return };
    let planned = wards.run(&["policy", "apply", "--dry-run", "--json"]).ok().json();
    assert_eq!(planned["changes"].as_array().unwrap().len(), 2);
    assert!(!wards.path("store/databases").exists(), "a plan touches nothing");
    wards.run(&["policy", "apply"]).ok();
    assert!(wards.run(&["policy", "apply"]).ok().stdout.contains("as the configuration says"));

    let moved = wards.entry("a", "policy = \"prod\"");
    wards.change(&moved, &wards.entry("a", "policy = \"other\""));
    wards.change(&wards.entry("b", "policy = \"prod\""), &wards.entry("b", ""));
    // What is protected no longer is asked about first; there is nobody to ask.
    wards.run(&["policy", "apply"]).expect(6).says("not confirmed");
    let plan = wards.run(&["policy", "apply", "--plan"]).ok().stdout;
    assert_eq!(
        plan,
        "a would be moved from prod to other\nb would be detached from prod; its backups stay\n"
    );
    wards.run(&["policy", "apply", "--yes"]).ok();
    let listed = wards.run(&["policy", "list", "--json"]).ok().json();
    assert_eq!(listed["policies"][0]["attached"], 1, "{listed}");
    assert_eq!(listed["policies"][1]["attached"], 0, "{listed}");
    assert_eq!(wards.backups("b", "success").len(), 1);
}

#[test]
fn what_is_paused_by_hand_is_resumed_by_hand_alone() {
    let Some(wards) = Wards::new(&["a", "b"], DAILY) else { return };
    wards.run(&["policy", "apply"]).ok();
    wards.run(&["policy", "pause", "--policy", "prod", "--note", "the server moves"]).ok();
    let ticked = wards.run(&["schedule", "run", "--policy", "prod", "--json"]).expect(13);
    let ticked = ticked.says("`a` is paused: the server moves; nothing runs until").json();
    assert_eq!(ticked["databases"][0]["reason"], "paused: the server moves");
    // A timer that calls for everything is not to fail every minute.
    wards.run(&["schedule", "run"]).ok();
    wards.run(&["backup", "a"]).ok();
    assert!(!wards.state("a")["paused"].is_null(), "a success does not end what somebody wanted");
    wards.run(&["status", "--check"]).expect(20);
    wards.run(&["policy", "resume", "a", "b"]).ok();
    assert!(wards.state("a")["paused"].is_null());
    wards.run(&["status", "--check"]).ok();
}

#[test]
fn a_backup_by_hand_prunes_only_when_it_is_told_to() {
    let Some(wards) = Wards::new(&["cache"], DAILY) else { return };
    wards.add(&wards.entry("alone", ""));
    for _ in 0..5 {
        wards.run(&["backup", "cache"]).ok();
    }
    assert_eq!(wards.backups("cache", "success").len(), 5);
    wards.run(&["backup", "cache", "--retain"]).ok();
    assert_eq!(wards.backups("cache", "success").len(), 3);
    wards.run(&["backup", "alone", "--retain"]).expect(2).says("under no policy").helps();
    assert!(wards.backups("alone", "success").is_empty(), "it is said before the work");
}

#[test]
fn what_is_attached_without_being_declared_is_found_in_the_store_of_its_policy() {
    let elsewhere = "[stores.far]\ntype = \"local\"\npath = \"far\"\n[policies.prod]\nstore = \"far\"\n";
    let Some(wards) = Wards::new(&[], elsewhere) else { return };
    wards.add(&wards.entry("cache", ""));
    wards.change("[settings]\n", "[settings]\ndefault_store = \"main\"\n");
    wards.run(&["policy", "attach", "prod", "cache"]).ok();
    assert!(wards.path("far/databases/cache").exists() && !wards.path("store/databases/cache").exists());
    wards.run(&["backup", "cache"]).ok();
    wards.run(&["verify", "--db", "cache"]).ok();
    wards.run(&["show", "cache@latest"]).ok();
    wards.run(&["restore", "--db", "cache", "--plan"]).expect(6).says("is not empty");
    let status = wards.run(&["status", "--json"]).ok().json();
    assert_eq!(status["databases"][0]["good_backups"], 2);
}

#[cfg(feature = "crash-points")]
#[test]
fn a_policy_that_moves_to_another_store_leaves_what_is_attached_where_it_is_counted() {
    let policies = format!(
        "{DAILY}[stores.far]\ntype = \"local\"\npath = \"far\"\n[policies.third]\nstore = \"main\"\n"
    );
    let Some(wards) = Wards::new(&["cache"], &policies) else { return };
    wards.change("[settings]\n", "[settings]\ndefault_store = \"main\"\n");
    wards.at("2027-03-01T12:00:00Z", &["policy", "apply"]).ok();
    wards.change("[policies.prod]\n", "[policies.prod]\nstore = \"far\"\n");
    let ticked = wards.at("2027-03-02T02:00:00Z", &["schedule", "run", "--json"]).ok();
    assert_eq!(crate::ward::actions(&ticked.json()), ["backed_up"]);
    ticked.says("is attached in another store than its policy names now (`far`)");
    assert_eq!(wards.tick("2027-03-02T02:01:00Z"), ["waiting"]);
    wards.run(&["policy", "detach", "cache"]).ok();
    wards.at("2027-03-02T12:00:00Z", &["policy", "apply"]).ok();
    assert_eq!(wards.tick("2027-03-03T02:00:00Z"), ["backed_up"]);
    assert!(wards.path("far/databases/cache/attachment.json").exists());
}

#[test]
fn a_database_that_no_policy_protects_is_told_unless_it_says_so() {
    let Some(wards) = Wards::new(&[], "") else { return };
    wards.add(&wards.entry("cache", ""));
    wards.change("[databases.cache]\n", "[databases.cache]\npolicy = \"none\"\n");
    wards.run(&["status", "--check"]).ok();
    wards.change("policy = \"none\"\n", "");
    let status = wards.run(&["status", "--check", "--json"]).expect(20).json();
    assert_eq!(status["databases"][0]["problems"][0]["kind"], "unprotected", "{status}");
    wards.change("[databases.cache]\n", "[databases.cache]\nactive = false\n");
    wards.run(&["status", "--check"]).ok();
    wards.add("[policies.none]\nfull = { every = \"daily\" }\n");
    wards.run(&["config", "check"]).expect(2).says("no policy shall protect");
}
