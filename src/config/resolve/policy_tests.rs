use crate::config::{ConfigRequest, Inventory};
use crate::model::Timestamp;

/// The inventory of a policy with these lines, or what is wrong with it.
fn policy(lines: &str) -> Result<Inventory, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jagad.toml");
    let text = format!(
        "version = 1\n[settings]\ntimezone = \"Europe/Berlin\"\n[stores.main]\ntype = \"local\"\npath = \"store\"\n\
         [policies.prod]\n{lines}\n"
    );
    std::fs::write(&path, text).unwrap();
    Inventory::load(&ConfigRequest { path: Some(path), set: Vec::new() }).map_err(|error| error.to_string())
}

/// The first two times of a schedule after Friday, 2026-11-20 12:00 UTC.
fn times(full: &str) -> Vec<String> {
    let inventory = policy(&format!("full = {full}")).unwrap_or_else(|error| panic!("{full}: {error}"));
    let cadence = inventory.policies.values().next().unwrap().full.clone().unwrap();
    let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
    let times = std::iter::successors(cadence.next(now), |time| cadence.next(*time));
    times.take(2).map(|time| cadence.local(time)).collect()
}

#[test]
fn presets_mean_what_they_say_on_the_clocks_of_their_zone() {
    for (full, expected) in [
        ("{ every = \"hourly\" }", ["2026-11-20 14:00 CET", "2026-11-20 15:00 CET"]),
        ("{ every = \"hourly\", at = \"00:15\" }", ["2026-11-20 13:15 CET", "2026-11-20 14:15 CET"]),
        ("{ every = \"daily\", at = \"02:00\" }", ["2026-11-21 02:00 CET", "2026-11-22 02:00 CET"]),
        ("{ every = \"weekly\" }", ["2026-11-22 00:00 CET", "2026-11-29 00:00 CET"]),
        (
            "{ every = \"weekly\", day = \"sat\", at = \"23:59\" }",
            ["2026-11-21 23:59 CET", "2026-11-28 23:59 CET"],
        ),
        (
            "{ every = \"weekly\", days = [\"monday\", \"thursday\"], at = \"02:00\" }",
            ["2026-11-23 02:00 CET", "2026-11-26 02:00 CET"],
        ),
        ("{ every = \"monthly\" }", ["2026-12-01 00:00 CET", "2027-01-01 00:00 CET"]),
        (
            "{ every = \"monthly\", day = 15, at = \"03:30\" }",
            ["2026-12-15 03:30 CET", "2027-01-15 03:30 CET"],
        ),
        ("{ cron = \"0 2 * * 1-5\" }", ["2026-11-23 02:00 CET", "2026-11-24 02:00 CET"]),
        (
            "{ cron = \"0 2 * * *\", timezone = \"America/New_York\" }",
            ["2026-11-21 02:00 EST", "2026-11-22 02:00 EST"],
        ),
    ] {
        assert_eq!(times(full), expected, "{full}");
    }
}

#[test]
fn a_schedule_that_means_nothing_is_refused_with_its_place() {
    for (lines, words) in [
        ("full = { cron = \"0 2 * *\" }", "it has 4 fields, five are needed"),
        ("full = { cron = \"0 0 30 2 *\" }", "names a day that never comes"),
        ("full = { cron = \"@daily\", every = \"daily\" }", "`every` and `cron` are given together"),
        ("full = { cron = \"@daily\", at = \"02:00\" }", "`at` goes with `every`"),
        ("full = {}", "`full` does not say when"),
        ("full = { every = \"fortnightly\" }", "unknown variant `fortnightly`"),
        ("full = { every = \"daily\", at = \"2:00\" }", "`2:00` is not a time of day"),
        (
            "full = { every = \"hourly\", at = \"03:15\" }",
            "with every = \"hourly\" only the minute of `at` counts",
        ),
        ("full = { every = \"daily\", at = \"24:00\" }", "`24:00` is not a time of day"),
        (
            "full = { every = \"daily\", day = \"sunday\" }",
            "`day` goes with every = \"weekly\" or \"monthly\"",
        ),
        ("full = { every = \"daily\", days = [\"sunday\"] }", "`days` goes with every = \"weekly\""),
        ("full = { every = \"weekly\", day = 3 }", "`day` is a name such as \"sunday\""),
        (
            "full = { every = \"weekly\", day = \"sunday\", days = [\"monday\"] }",
            "`day` and `days` are given together",
        ),
        ("full = { every = \"monthly\", day = \"sunday\" }", "`day` is a number from 1 to 28"),
        ("full = { every = \"monthly\", day = 31 }", "`full.day` is 31; it must be 1 to 28"),
        ("full = { every = \"weekly\", day = \"someday\" }", "a day of the week such as \"sunday\""),
        ("full = { every = \"daily\", timezone = \"Europe/Berln\" }", "no time zone is named `Europe/Berln`"),
        ("incremental = \"3h\"", "unknown variant `3h`"),
        ("expected_min_ratio = 1.5", "it must be 0 to 1"),
        ("verify = \"deep\"", "unknown variant `deep`"),
        ("compression_level = 30", "for zstd it must be 1 to 19"),
        ("store = \"mian\"", "no store is named `mian`"),
        ("retention = { min_keep = 0 }", "it must be 1 to"),
    ] {
        let error = policy(lines).err().unwrap_or_else(|| panic!("{lines} was accepted"));
        assert!(error.contains(words), "{lines}: {error}");
        assert!(error.contains("jagad.toml:"), "{lines}: no place in {error}");
    }
}

#[test]
fn an_entry_overrides_its_policy_and_a_level_belongs_to_its_codec() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jagad.toml");
    let entry = |name: &str, more: &str| {
        format!("[databases.{name}]\nengine = \"redis\"\nhost = \"h\"\npolicy = \"prod\"\n{more}\n")
    };
    let text = format!(
        "version = 1\n[policies.prod]\ncompression = \"gzip\"\ncompression_level = 9\nencryption = {{ enabled = false }}\n{}{}{}",
        entry("plain", ""),
        entry("own", "compression = \"zstd\"\nencryption = { enabled = true }"),
        entry("level", "compression_level = 2"),
    );
    std::fs::write(&path, text).unwrap();
    let request = ConfigRequest { path: Some(path.clone()), set: Vec::new() };
    let inventory = Inventory::load(&request).unwrap();
    let under = |name: &str| {
        let entry = inventory.database(&name.parse().unwrap()).unwrap();
        let entry = entry.under(inventory.policy_of(entry).unwrap());
        (entry.codec().to_string(), entry.level(None), entry.packing.encrypts())
    };
    assert_eq!(under("plain"), ("gzip".to_owned(), 9, false));
    assert_eq!(under("own"), ("zstd".to_owned(), 3, true));
    assert_eq!(under("level"), ("gzip".to_owned(), 2, false));
    let text =
        std::fs::read_to_string(&path).unwrap().replace("compression_level = 2", "compression_level = 15");
    std::fs::write(&path, text).unwrap();
    let error = Inventory::load(&request).unwrap_err().to_string();
    assert!(error.contains("for gzip it must be 1 to 9"), "{error}");
}
