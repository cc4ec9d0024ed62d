//! The configuration as users meet it: good files load, bad ones are told with file, line and what was meant.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

use jagad::config::{ConfigRequest, Inventory, schema};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn load(path: &Path, set: &[&str]) -> Result<Inventory, String> {
    let request = ConfigRequest {
        path: Some(path.to_owned()),
        set: set.iter().map(|assignment| (*assignment).to_owned()).collect(),
    };
    Inventory::load(&request).map_err(|error| format!("{error} | {}", error.help().unwrap_or_default()))
}

/// Loads `text` as jagad.toml in a folder of its own; the folder's name is cut from messages.
fn load_text(text: &str, set: &[&str]) -> Result<Inventory, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jagad.toml");
    std::fs::write(&path, text).unwrap();
    load(&path, set).map_err(|error| error.replace(&format!("{}/", folder.path().display()), ""))
}

const GOOD: &str = r#"version = 1
[keys.main]
key_file = "main.key"
[stores.main]
type = "local"
path = "store"
[databases.shop]
engine = "postgresql"
host = "db1"
user = "jagad"
dbnames = ["shop"]
"#;

#[test]
fn the_example_loads_and_names_every_key_of_the_schema() {
    let path = root().join("jagad.example.toml");
    let inventory = load(&path, &[]).expect("the example");
    assert_eq!((inventory.databases.len(), inventory.stores.len(), inventory.keys.len()), (5, 2, 2));
    let text = std::fs::read_to_string(path).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&schema::json()).unwrap();
    let tables = schema["$defs"].as_object().unwrap().values().chain([&schema]);
    let keys: Vec<&String> =
        tables.filter_map(|table| table["properties"].as_object()).flat_map(|p| p.keys()).collect();
    assert!(keys.len() > 60, "the schema lost its keys: {keys:?}");
    for key in keys {
        let secret = ["_file", "_env", "_command", "_credential", ""].iter().any(|form| {
            let stem = key.strip_suffix(form).unwrap_or(key);
            ["password", "passphrase", "access_key", "secret_key", "session_token", "url", "token"]
                .contains(&stem)
        });
        assert!(secret || text.contains(key.as_str()), "`{key}` is not in jagad.example.toml");
    }
}

#[test]
fn replicas_have_a_place_and_what_they_do_not_say_is_as_in_their_entry() {
    use jagad::model::SourceChoice;
    let replica = "[[databases.shop.replicas]]\nhost = \"db2\"\n";
    let inventory = load_text(&format!("{GOOD}{replica}port = 6000\nmax_lag = \"5m\"\n"), &[]).unwrap();
    let entry = inventory.databases.values().next().unwrap();
    assert_eq!((entry.source, entry.replicas.len()), (SourceChoice::Auto, 1));
    assert_eq!(entry.replicas[0].max_lag.as_secs(), 300);
    let load = |rest: &str| load_text(&format!("{GOOD}{rest}"), &[]).unwrap_err();
    assert!(load("source = \"replica\"\n").contains("no replica is declared"));
    assert!(load("source = \"nearest\"\n").contains("nearest"));
    assert!(load("[[databases.shop.replicas]]\nport = 1\n").contains("a replica has no host"));
    assert!(load(&format!("{replica}socket = \"/s\"\n")).contains("given together"));
    assert!(load(&format!("{replica}{replica}")).contains("replica 2 is a server that is declared already"));
    assert!(load("[[databases.shop.replicas]]\nhost = \"db1\"\n").contains("declared already"));
    assert!(load(&format!("{replica}lag = 1\n")).contains("lag"));
    assert!(load(&format!("{replica}password = \"x\"\npassword_env = \"Y\"\n")).contains("choose one"));
    assert!(load(&replica.repeat(17)).contains("at most 16"));
}

#[test]
fn the_committed_schema_is_that_of_the_code() {
    let path = root().join("schema/jagad.schema.json");
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    if committed != schema::json() && std::env::var_os("JAGAD_BLESS").is_some() {
        std::fs::write(&path, schema::json()).unwrap();
        return;
    }
    assert!(
        committed == schema::json(),
        "schema/jagad.schema.json is stale: run the tests once with JAGAD_BLESS=1"
    );
}

#[test]
fn what_is_wrong_is_told_with_file_line_and_what_was_meant() {
    let with = |line: &str| format!("{GOOD}{line}\n");
    let table = [
        (
            with("passwrd = \"x\""),
            "jagad.toml:12: unknown key `passwrd` in [databases.shop] | Did you mean `password`?",
        ),
        (
            with("[setings]"),
            "jagad.toml:12: unknown key `setings` in the top level | Did you mean `settings`?",
        ),
        (
            with("port = \"5432\""),
            "jagad.toml:12: `databases.shop.port`: invalid type: string \"5432\", expected u16 | ",
        ),
        (
            with("store = \"man\""),
            "jagad.toml:12: [databases.shop]: no store is named `man` | Did you mean `main`?",
        ),
        (
            with("encryption = { key = \"mian\" }"),
            "jagad.toml:12: [databases.shop]: no key is named `mian` | Did you mean `main`?",
        ),
        (
            with("all_databases = true"),
            "jagad.toml:11: [databases.shop]: `dbnames` and `all_databases` are given together; choose one | ",
        ),
        (
            with("socket = \"/run\""),
            "jagad.toml:7: [databases.shop]: `host` and `socket` are given together | \
            Give `host`, or `socket`.",
        ),
        (
            with("compression_level = 22"),
            "jagad.toml:12: [databases.shop]: `compression_level` is 22; for zstd it must be 1 to 19 | ",
        ),
        (
            with("password = \"a\"\npassword_env = \"B\""),
            "jagad.toml:7: [databases.shop]: `databases.shop.password`, \
            `databases.shop.password_env` are given together; choose one | ",
        ),
        (
            with(
                "[databases.\"a b\"]\nengine = \"postgresql\"\nhost = \"h\"\nuser = \"u\"\ndbnames = [\"x\"]",
            ),
            "jagad.toml:12: [databases.a b]: the name `a b` is not usable: 1 to 63 characters of a-z, A-Z, 0-9, `-`, \
            `_` and `.`, the first a letter or digit | ",
        ),
        (
            with("x = "),
            "jagad.toml:12: not valid TOML: string values must be quoted, expected literal string | ",
        ),
        (
            GOOD.replace("version = 1", "version = 2"),
            "jagad.toml:1: version 2 is not known; this jagad reads version 1 | ",
        ),
        (
            GOOD.replace("postgresql", "oracle"),
            "jagad.toml:8: `databases.shop.engine`: unknown variant `oracle`, expected one of `postgresql`, `mysql`, `mariadb`, `redis` | ",
        ),
        (
            GOOD.replace("postgresql", "redis"),
            "jagad.toml:11: [databases.shop]: `dbnames` is for postgresql, mysql, mariadb, and this entry is redis | Leave it out.",
        ),
        (
            GOOD.replace("postgresql", "mysql") + "dump = { schemas = [\"s\"] }\n",
            "jagad.toml:12: [databases.shop]: `dump.schemas` is for postgresql, and this entry is mysql | Leave it out.",
        ),
        (
            with("method = \"pgbackrest\""),
            "jagad.toml:11: [databases.shop]: `dbnames` is for logical backups, and `method` is \"pgbackrest\": it takes the \
            whole server | Leave it out; or back up the dumps under a second entry, without `method`.",
        ),
        (
            GOOD.replace("dbnames = [\"shop\"]", "method = \"pgbackrest\"\ncompression = \"zstd\""),
            "jagad.toml:12: [databases.shop]: `compression` has no effect with method = \"pgbackrest\": pgBackRest's \
            configuration says it | Leave it out; in the configuration of pgBackRest it is `compress-type`.",
        ),
        (
            GOOD.replace(
                "dbnames = [\"shop\"]",
                "method = \"pgbackrest\"\npgbackrest = { stanza = \"--x\" }",
            ),
            "jagad.toml:12: [databases.shop]: `--x` is no name: it has 1 to 63 letters, digits, `_`, `-` and `.` | ",
        ),
        (
            with("pgbackrest = { stanza = \"main\" }"),
            "jagad.toml:12: [databases.shop]: `pgbackrest` is for method = \"pgbackrest\", and `method` is \"logical\" | \
            Leave it out, or set method = \"pgbackrest\".",
        ),
        (
            GOOD.replace("postgresql", "mysql").replace("dbnames = [\"shop\"]", "method = \"pgbackrest\""),
            "jagad.toml:11: [databases.shop]: `method` is \"pgbackrest\", and backups of mysql are logical or physical | Leave it out.",
        ),
        (
            GOOD.replace("user = \"jagad\"\n", ""),
            "jagad.toml:7: [databases.shop]: missing field `user` | Set user = \"jagad\".",
        ),
        (
            GOOD.replace("path = \"store\"", "bucket = \"b\""),
            "jagad.toml:4: [stores.main]: `path` is needed with type = \"local\" | ",
        ),
        (
            GOOD.replace("path = \"store\"", "path = \"store\"\nbucket = \"b\""),
            "jagad.toml:7: [stores.main]: `bucket` goes with type = \"s3\" | ",
        ),
        (
            GOOD.replace("key_file = \"main.key\"", ""),
            "jagad.toml:2: [keys.main]: key_file or one form of passphrase is \
            needed | ",
        ),
    ];
    for (text, message) in table {
        match load_text(&text, &[]) {
            Ok(_) => panic!("accepted:\n{text}"),
            Err(error) => assert_eq!(error, message, "for:\n{text}"),
        }
    }
}

#[test]
fn the_command_line_overrides_and_its_mistakes_are_its_own() {
    let inventory = load_text(GOOD, &["settings.max_concurrent=7", "databases.shop.host=db2"]).unwrap();
    assert_eq!(inventory.settings.max_concurrent, 7);
    let shown = inventory.shown();
    assert_eq!(shown["databases"]["shop"]["host"], "db2");
    let refused = |set: &str| load_text(GOOD, &[set]).unwrap_err();
    assert_eq!(
        refused("settings.max_concurent=7"),
        "--set settings.max_concurent: unknown key `max_concurent` in \
        [settings] | Did you mean `max_concurrent`?"
    );
    assert_eq!(
        refused("settings.max_concurrent=0"),
        "--set settings.max_concurrent: [settings]: `max_concurrent` is 0; it must be 1 to 64 | "
    );
    assert_eq!(refused("nothing"), "--set nothing: write KEY=VALUE | ");
    assert_eq!(refused("version.x=1"), "--set version.x=1: `version` is not a table | ");
}

#[test]
fn a_folder_of_files_merges_and_a_name_declared_twice_names_both_places() {
    let folder = tempfile::tempdir().unwrap();
    let main = folder.path().join("jagad.toml");
    std::fs::write(&main, GOOD).unwrap();
    std::fs::create_dir(folder.path().join("conf.d")).unwrap();
    let second = GOOD.split("[databases.shop]").nth(1).unwrap();
    let extra = folder.path().join("conf.d/wiki.toml");
    std::fs::write(&extra, format!("[databases.wiki]{second}")).unwrap();
    assert_eq!(load(&main, &[]).unwrap().databases.len(), 2);
    std::fs::write(&extra, format!("\n[databases.shop]{second}")).unwrap();
    let message = load(&main, &[]).unwrap_err();
    let expected =
        format!("{}:2: `databases.shop` is declared already, at {}:7 | ", extra.display(), main.display());
    assert_eq!(message, expected);
}

#[test]
fn inline_secrets_are_never_shown_and_warn_in_a_file_that_others_can_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jagad.toml");
    std::fs::write(&path, format!("{GOOD}password = \"hunter2\"\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let inventory = load(&path, &[]).unwrap();
    assert!(inventory.warnings[0].contains("chmod 600"), "{:?}", inventory.warnings);
    assert!(!format!("{inventory:?}").contains("hunter2"), "Debug shows a secret");
    assert_eq!(inventory.shown()["databases"]["shop"]["password"], "***");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(load(&path, &[]).unwrap().warnings.is_empty());
}

#[tokio::test]
async fn every_form_of_a_secret_gives_it_and_failures_name_the_key_only() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pw"), "from file\n").unwrap();
    let path = folder.path().join("jagad.toml");
    let resolved = async |line: &str| {
        std::fs::write(&path, format!("{GOOD}{line}\n")).unwrap();
        let inventory = load(&path, &[]).unwrap();
        let settings = inventory.engine_settings(&inventory.databases[&"shop".parse().unwrap()]).await;
        let settings = settings.map_err(|error| error.to_string())?;
        Ok::<_, String>(settings.password.unwrap().expose().to_owned())
    };
    assert_eq!(resolved("password = \"in$line\"").await.unwrap(), "in$line");
    assert_eq!(resolved("password_file = \"pw\"").await.unwrap(), "from file");
    assert_eq!(resolved("password_command = [\"printf\", \"a b\\n\"]").await.unwrap(), "a b");
    assert_eq!(resolved("password_command = \"printf 'x $HOME'\"").await.unwrap(), "x $HOME");
    assert!(resolved("password_env = \"PATH\"").await.is_ok());
    let failed = resolved("password_env = \"JAGAD_NO_SUCH\"").await.unwrap_err();
    assert_eq!(failed, "databases.shop.password_env: $JAGAD_NO_SUCH is not set");
    let failed =
        resolved("password_command = [\"sh\", \"-c\", \"echo sesame >&2; exit 3\"]").await.unwrap_err();
    assert_eq!(failed, "databases.shop.password_command: `sh` gave no secret: exit status 3");
    assert!(resolved("password_credential = \"x\"").await.unwrap_err().contains("CREDENTIALS_DIRECTORY"));
    assert!(resolved("password_file = \"nope\"").await.unwrap_err().contains("cannot read"));
}

#[tokio::test]
async fn a_key_file_that_others_can_read_or_of_the_wrong_length_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jagad.toml");
    std::fs::write(&path, GOOD).unwrap();
    let key = folder.path().join("main.key");
    let read = async |text: &str, mode: u32| {
        std::fs::write(&key, text).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        let error = load(&path, &[]).unwrap().key(&"main".parse().unwrap()).await.err()?;
        Some(format!("{error} | {}", error.help().unwrap_or_default()))
    };
    let good = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
    assert_eq!(read(good, 0o600).await, None);
    let loose = read(good, 0o640).await.unwrap();
    assert!(loose.contains("mode 0640") && loose.contains("chmod 600"), "{loose}");
    assert!(read("AAEC\n", 0o600).await.is_some(), "a key of three bytes");
    assert!(read("not base64 at all", 0o600).await.is_some(), "garbage");
}

proptest! {
    #[test]
    fn bent_configurations_load_or_are_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), "[\\[\\]{}=.,\"'#\n 0-9a-z-]|999999999999|true|\"\"|ö"), 1..5),
        set in "[a-z.]{0,20}=?[\\[{\"0-9a-z]{0,5}",
    ) {
        let text = std::fs::read_to_string(root().join("jagad.example.toml")).unwrap();
        let mut chars: Vec<String> = text.chars().map(String::from).collect();
        for (at, put) in changes {
            let at = at.index(chars.len());
            chars[at] = put;
        }
        for set in [&[][..], &[set.as_str()]] {
            if let Err(said) = load_text(&chars.concat(), set) {
                prop_assert!(said.len() > 3, "{said}");
            }
        }
    }
}
