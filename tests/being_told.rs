//! Notifiers and hooks as they are declared: what is wrong with them is told with file, line and what was meant.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

use jagad::config::{ConfigRequest, Inventory};
use jagad::notify::EventKind;
use std::os::unix::fs::PermissionsExt as _;

const GOOD: &str = r#"version = 1
[stores.main]
type = "local"
path = "store"
[databases.shop]
engine = "postgresql"
host = "db1"
user = "jagad"
dbnames = ["shop"]
encryption = { enabled = false }
policy = "prod"
[policies.prod]
notify = ["ops"]
[notify.ops]
type = "email"
smtp = "smtps://mail.example.com"
from = "jagad@example.com"
to = ["ops@example.com"]
"#;

/// Loads `text` as jagad.toml in a folder of its own; the folder's name is cut from messages.
fn load(text: &str) -> Result<Inventory, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jagad.toml");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let request = ConfigRequest { path: Some(path), set: Vec::new() };
    let loaded = Inventory::load(&request);
    let told = loaded.map_err(|error| format!("{error} | {}", error.help().unwrap_or_default()));
    told.map_err(|error| error.replace(&format!("{}/", folder.path().display()), ""))
}

#[test]
fn what_is_wrong_with_a_notifier_or_a_hook_is_told_with_file_line_and_what_was_meant() {
    let with = |line: &str| format!("{GOOD}{line}\n");
    let table = [
        (
            GOOD.replace("notify = [\"ops\"]", "notify = [\"opps\"]"),
            "jagad.toml:13: [policies.prod]: no notifier is named `opps` | Did you mean `ops`?",
        ),
        (
            with("url = \"https://x\""),
            "jagad.toml:19: [notify.ops]: `url` is for type webhook, healthchecks, and this notifier is email | Leave it out.",
        ),
        (
            with("urll = \"https://x\""),
            "jagad.toml:19: unknown key `urll` in [notify.ops] | Did you mean `url`?",
        ),
        (
            with("subject = \"{evnt}\""),
            "jagad.toml:19: [notify.ops]: `subject`: there is no placeholder {evnt}; known are {event}, {database}, \
             {policy}, {host}, {backup} | ",
        ),
        (with("timeout = \"10m\""), "jagad.toml:19: [notify.ops]: `timeout` is 10m; it must be 1s to 5m | "),
        (with("smtp_user = \"u\""), "jagad.toml:19: [notify.ops]: `smtp_user` without a password | "),
        (
            GOOD.replace("smtps://", "smtp://"),
            "jagad.toml:16: [notify.ops]: `smtp` is not encrypted | Use smtps:// or smtp+starttls://, or set \
             allow_plain = true if you mean it.",
        ),
        (
            GOOD.replace("to = [", "# to = ["),
            "jagad.toml:14: [notify.ops]: `to` is needed with type = \"email\" | ",
        ),
        (
            with("[notify.hook]\ntype = \"webhook\""),
            "jagad.toml:19: [notify.hook]: one form of `url` is needed with type = \"webhook\" | ",
        ),
        (
            with("[notify.hook]\ntype = \"exec\"\ncommand = []"),
            "jagad.toml:21: [notify.hook]: `command` names no program | ",
        ),
        (
            with("[hooks]\ntimeout = \"2d\""),
            "jagad.toml:20: [hooks]: `timeout` is 2d; it must be 1s to 1d | ",
        ),
        (with("[hooks]\nbefore_backup = \"a 'b\""), "jagad.toml:20: [hooks]: a quote is not closed | "),
        (
            with("[hooks]\nbefor_backup = []"),
            "jagad.toml:20: unknown key `befor_backup` in [hooks] | Did you mean `before_backup`?",
        ),
    ];
    for (text, message) in table {
        match load(&text) {
            Ok(_) => panic!("accepted:\n{text}"),
            Err(error) => assert_eq!(error, message, "for:\n{text}"),
        }
    }
    let error = load(&with("on = [\"backup_faild\"]")).err().unwrap();
    assert!(error.starts_with("jagad.toml:19: `notify.ops.on"), "{error}");
    assert!(error.contains("unknown variant `backup_faild`, expected one of `backup_started`"), "{error}");
}

#[test]
fn a_notifier_hears_of_trouble_and_a_dead_mans_switch_of_runs_unless_they_say_otherwise() {
    let text = format!("{GOOD}[notify.switch]\ntype = \"healthchecks\"\nurl_env = \"X\"\n");
    let inventory = load(&text).unwrap();
    let on = |name: &str| inventory.notifiers[&name.parse().unwrap()].on.clone();
    assert!(on("ops").contains(&EventKind::BackupFailed) && !on("ops").contains(&EventKind::BackupSucceeded));
    let runs = [
        EventKind::BackupStarted,
        EventKind::BackupSucceeded,
        EventKind::BackupFailed,
        EventKind::VerifyFailed,
        EventKind::Overdue,
    ];
    assert_eq!(on("switch").into_iter().collect::<Vec<_>>(), runs);
    let said = load(&text.replace("url_env", "on = [\"overdue\"]\nurl_env")).unwrap();
    assert_eq!(said.notifiers[&"switch".parse().unwrap()].on.len(), 1);
}

#[test]
fn a_secret_address_in_a_file_that_others_can_read_is_worth_a_warning_and_is_never_shown() {
    let text = format!(
        "{GOOD}[notify.hook]\ntype = \"webhook\"\nurl = \"https://x/hunter2\"\ntoken = \"hunter2\"\n"
    );
    let inventory = load(&text).unwrap();
    assert!(inventory.warnings[0].contains("may hold secrets"), "{:?}", inventory.warnings);
    let shown = inventory.shown().to_string() + &format!("{inventory:?}");
    assert!(!inventory.shown().to_string().contains("hunter2"), "{shown}");
    assert_eq!(inventory.shown()["notify"]["hook"]["url"], "***");
    assert!(load(GOOD).unwrap().warnings.is_empty());
}

#[test]
fn an_entrys_hooks_replace_the_global_ones_one_by_one_and_an_empty_one_is_none() {
    let text = format!(
        "{GOOD}[hooks]\nbefore_backup = \"a 'b c'\"\nafter_backup = [\"d\"]\nfinally = [\"e\"]\ntimeout = \"1m\"\n\
         [databases.shop.hooks]\nafter_backup = []\nfinally = [\"f\"]\n"
    );
    let hooks = load(&text).unwrap().databases[&"shop".parse().unwrap()].hooks.clone();
    assert_eq!(hooks.before_backup, ["a", "b c"]);
    assert_eq!(
        (hooks.after_backup.len(), hooks.last, hooks.timeout.as_secs()),
        (0, vec!["f".to_owned()], 60)
    );
}
