//! Examples of every command, for `--help` and the manual pages.

/// What a line does, and the line.
pub type Example = (&'static str, &'static str);

/// The examples of a command, named as on the command line: "key list". A command that is only a folder of others has none.
pub fn of(command: &str) -> &'static [Example] {
    let found = EXAMPLES.iter().find(|(name, _)| *name == command);
    found.map_or(&[], |(_, examples)| *examples)
}

const EXAMPLES: &[(&str, &[Example])] = &[
    (
        "jagad",
        &[
            ("Write a configuration, make a key, and test both", "jagad config init"),
            ("", "jagad key generate main"),
            ("", "jagad check"),
            ("Back up one database, and see it", "jagad backup shop"),
            ("", "jagad list shop"),
            ("See what a restore would do, then do it", "jagad restore shop@latest --plan"),
            ("", "jagad restore shop@latest"),
        ],
    ),
    (
        "backup",
        &[
            ("Back up one database entry", "jagad backup shop"),
            ("Back up all entries, two at once", "jagad backup --all --jobs 2"),
            ("Back up and prove at once that it can be restored", "jagad backup shop --verify restore"),
            ("Keep a backup whatever the policy says", "jagad backup shop --pin --note 'before the upgrade'"),
        ],
    ),
    (
        "restore",
        &[
            ("See what would be done", "jagad restore shop@latest --plan"),
            ("Restore the newest good backup", "jagad restore shop@latest"),
            (
                "Restore into a database of another name",
                "jagad restore shop@latest --dbname shop --into shop_copy",
            ),
            (
                "Restore into another server of the configuration",
                "jagad restore shop@latest --target staging",
            ),
            (
                "Restore one table into the existing database",
                "jagad restore shop@latest --dbname shop --table orders",
            ),
            (
                "Restore one database of a physical backup into the running server",
                "jagad restore main@latest --dbname shop --scratch /srv/scratch",
            ),
        ],
    ),
    (
        "verify",
        &[
            ("Restore the newest backup into a throw-away server", "jagad verify shop@latest"),
            ("Compare the checksums of the last backup of every entry", "jagad verify --all"),
            ("The same of every stored backup", "jagad verify --all --every"),
        ],
    ),
    (
        "list",
        &[
            ("List the backups of one entry", "jagad list shop"),
            ("List restores as JSON", "jagad list --restores --json"),
        ],
    ),
    ("show", &[("Show the newest good backup", "jagad show shop@latest")]),
    ("logs", &[("Show why a backup failed", "jagad logs 20260102T030405Z")]),
    (
        "download",
        &[(
            "Download the dump of one logical database",
            "jagad download shop@latest --dbname shop --output shop.dump",
        )],
    ),
    (
        "decrypt",
        &[(
            "Decrypt a file that was downloaded by other means",
            "jagad decrypt shop.dump.zst.enc --key-file main.key --output shop.dump.zst",
        )],
    ),
    ("delete", &[("Delete one backup", "jagad delete 20260102T030405Z-full-abcdef")]),
    (
        "prune",
        &[("See what the policies would remove", "jagad prune --dry-run"), ("Remove it", "jagad prune")],
    ),
    ("policy attach", &[("Protect two databases by a policy", "jagad policy attach prod shop users")]),
    ("policy detach", &[("End the protection of a database", "jagad policy detach shop")]),
    ("policy list", &[("List the policies", "jagad policy list")]),
    ("policy show", &[("Show how the databases of a policy are doing", "jagad policy show prod")]),
    ("policy pause", &[("Pause backups during maintenance", "jagad policy pause shop")]),
    ("policy resume", &[("Resume them", "jagad policy resume shop")]),
    (
        "policy apply",
        &[
            ("See what would change, then change it", "jagad policy apply --dry-run"),
            ("", "jagad policy apply"),
        ],
    ),
    (
        "schedule run",
        &[
            ("What cron or a timer calls every minute", "jagad schedule run"),
            ("See what is due", "jagad schedule run --dry-run"),
        ],
    ),
    ("schedule list", &[("List the next runs", "jagad schedule list")]),
    ("schedule install", &[("Print the systemd units", "jagad schedule install systemd")]),
    (
        "status",
        &[
            ("See whether every database is safe", "jagad status"),
            ("The same for a monitor: exit code 20 if not", "jagad status --check --json"),
        ],
    ),
    ("pin", &[("Protect a backup from deletion", "jagad pin shop@latest --note 'audit 2026'")]),
    ("unpin", &[("Remove the protection", "jagad unpin 20260102T030405Z-full-abcdef")]),
    ("unlock", &[("Remove the lease of a dead run", "jagad unlock shop")]),
    ("repository init", &[("Create the repository in the default store", "jagad repository init")]),
    ("check", &[("Test everything that the configuration names", "jagad check")]),
    ("config init", &[("Write a first configuration", "jagad config init")]),
    ("config check", &[("Check the configuration and nothing else", "jagad config check")]),
    ("config show", &[("Show what is configured, without secrets", "jagad config show")]),
    ("config example", &[("Print an example with every key", "jagad config example")]),
    ("key generate", &[("Make the key `main` of the configuration", "jagad key generate main")]),
    ("key list", &[("List the keys", "jagad key list")]),
    ("key rotate", &[("Make a new key and keep the old one for old backups", "jagad key rotate main")]),
    ("key export", &[("Print a key, to keep it in a safe", "jagad key export main")]),
    ("completions", &[("Completions of bash", "jagad completions bash")]),
    ("man", &[("Read a page", "jagad man backup | man -l -")]),
];
