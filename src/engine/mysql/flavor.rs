//! What differs between the two families, as a table.

use super::tls::{mariadb_tls, mysql_tls};
use super::version::ToolVersion;
use crate::engine::{TlsSettings, Tolerance};
use crate::model::EngineKind;

/// The right to read procedures and functions.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RoutinesRight {
    /// A right of its own, on everything.
    Everywhere(&'static str),
    /// `SELECT` on this table of the system's database.
    Table(&'static str),
}

/// How a family makes the files of a new server.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Making {
    /// The server does it when it is told to by this option.
    Option(&'static str),
    /// The server runs a script that comes with it.
    Script,
}

/// Names of what a replica tells of itself, in one family's words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StatusWords {
    /// Whether it receives.
    pub(super) receives: &'static str,
    /// Whether it applies.
    pub(super) applies: &'static str,
    /// Seconds that it is behind.
    pub(super) behind: &'static str,
    /// What tells whose data it has, in order.
    pub(super) origin: &'static [&'static str],
    /// The right to ask.
    pub(super) right: &'static str,
}

/// The copy tool of a family.
#[derive(Debug)]
pub(super) struct CopyTool {
    /// Its names, the preferred first.
    pub(super) names: &'static [&'static str],
    /// Names of the program that unpacks its streams.
    pub(super) unpackers: &'static [&'static str],
    /// Where both come from.
    pub(super) package: CopyPackage,
    /// Rights that it needs.
    pub(super) rights: &'static [&'static str],
    /// Tables of `performance_schema` that it reads.
    pub(super) tables: &'static [&'static str],
    /// Whether it must be told where the server's files are.
    pub(super) folder: DataFolder,
    /// Keeps files that are prepared ready for one more incremental; `None` where they always are.
    pub(super) apply_log_only: Option<&'static str>,
    /// Whether the unpacker has written every file.
    pub(super) unpacked: Tolerance,
}

/// Where a copy tool comes from.
#[derive(Debug)]
pub(super) enum CopyPackage {
    /// A package of Debian's.
    Debian(&'static str),
    /// Percona's package of the server's series, which begins so.
    Percona(&'static str),
}

/// How a copy tool knows where the server's files are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DataFolder {
    /// It asks the server.
    Asked,
    /// It must be told.
    Told,
}

/// One family of servers and tools.
#[derive(Debug)]
pub(super) struct Flavor {
    pub(super) kind: EngineKind,
    /// Text.
    pub(super) name: &'static str,
    /// Names of the dump tool, the preferred first.
    pub(super) dump: &'static [&'static str],
    /// Names of the client.
    pub(super) client: &'static [&'static str],
    /// Names of the server.
    pub(super) server: &'static [&'static str],
    /// Debian's package of the client programs.
    pub(super) client_package: &'static str,
    /// Debian's package of the server.
    pub(super) server_package: &'static str,
    /// The oldest server that is served.
    pub(super) oldest: ToolVersion,
    /// Options of every dump beside the common ones.
    pub(super) dump_options: &'static [&'static str],
    /// Asks for the place in the binary log, as a comment.
    pub(super) coordinates: &'static str,
    /// What tools whose version begins so call that option.
    pub(super) old_coordinates: Option<(&'static str, &'static str)>,
    /// Whether everybody may ask for that place.
    pub(super) coordinates_are_open: bool,
    /// Writes the numbers of transactions as a comment, and not at all: MySQL's tool writes them as statements otherwise.
    pub(super) transaction_options: Option<(&'static str, &'static str)>,
    /// The right to read procedures and functions.
    pub(super) routines: RoutinesRight,
    /// What the dump tool alone reads of the options file.
    pub(super) dump_section: &'static str,
    /// Transport security in the words of its clients: neither family knows the other's.
    pub(super) tls: fn(&TlsSettings) -> Vec<(&'static str, String)>,
    /// Options of every client that loads or asks.
    pub(super) client_options: &'static [&'static str],
    /// Whether the dump tool can leave out the rows of a table and keep the table.
    pub(super) leaves_out_rows: bool,
    /// Rows that say it follows another server.
    pub(super) replica_status: &'static str,
    /// What those rows are called.
    pub(super) status: StatusWords,
    /// Whether a replica tells the identity of its primary.
    pub(super) tells_origin: bool,
    /// What the dump tool must say to a server first so that it reads definitions as text of UTF-8 while it converts nothing;
    /// `None` where it need not.
    pub(super) unconverted: Option<&'static str>,
    /// How many bytes shorter than `max_allowed_packet` a statement must be.
    pub(super) packet_overhead: u64,
    /// Lists the accounts: user, host, whether it is a role, the role that is active after login. Whoever has a role by
    /// default comes after it.
    pub(super) accounts: &'static str,
    /// Tells of accounts that were made with certificates or have two passwords: user, host, subject, issuer, cipher, and whether
    /// there is a second password. Older servers do not understand it. `None` where accounts are written whole.
    pub(super) account_details: Option<&'static str>,
    /// Lists the accounts that nobody can use: user and host.
    pub(super) locked_accounts: &'static str,
    /// Said before accounts are written.
    pub(super) before_accounts: &'static str,
    /// How a new server is made.
    pub(super) making: Making,
    /// Options of a throw-away server beside the common ones.
    pub(super) drill_options: &'static [&'static str],
    /// Options of a throw-away server on the files of another beside the common ones.
    pub(super) files_drill_options: &'static [&'static str],
    /// Folders of messages below `share`.
    pub(super) message_folders: &'static [&'static str],
    /// Names the variable that makes this server's data this server's.
    pub(super) identity: &'static str,
    /// Lists the databases with what only this family knows of them: name, comment, whether it is read-only, whether its
    /// tables are encrypted, whether InnoDB is not strict.
    pub(super) database_options: &'static str,
    /// The right to make views, routines, triggers and events for other accounts, under its names in this family's
    /// versions: any of them does.
    pub(super) definer_rights: &'static [&'static str],
    /// Rights to change protected settings of the own session; empty where everybody may.
    pub(super) session_rights: &'static [&'static str],
    /// Counts what gives the server keys for encrypted tables.
    pub(super) keyrings: &'static str,
    /// How a server gets keys for encrypted tables.
    pub(super) keyring_help: &'static str,
    /// The right to ask for them, where it takes one.
    pub(super) keyring_right: &'static str,
    /// Accounts that belong to the server itself.
    pub(super) own_accounts: &'static [&'static str],
    /// Whether its servers can write a clone of their files, where there is no copy tool.
    pub(super) clones: bool,
    /// What copies the files of a running server, where that is served.
    pub(super) copy_tool: Option<CopyTool>,
}

/// MySQL and Percona Server.
pub(super) static MYSQL: Flavor = Flavor {
    kind: EngineKind::MySql,
    name: "MySQL",
    dump: &["mysqldump"],
    client: &["mysql"],
    server: &["mysqld"],
    client_package: "mysql-client",
    server_package: "mysql-server-core",
    oldest: ToolVersion { major: 8, minor: 0 },
    // Tablespaces need PROCESS and belong to the server. 9.7 complains of a table that an ordinary user may not read.
    dump_options: &["--no-tablespaces", "--loose-skip-masking-policies"],
    coordinates: "--source-data=2",
    old_coordinates: Some(("8.0.", "--master-data=2")),
    coordinates_are_open: false,
    // In a comment they change nothing on the server that is restored into.
    transaction_options: Some(("--set-gtid-purged=COMMENTED", "--set-gtid-purged=OFF")),
    routines: RoutinesRight::Everywhere("SHOW_ROUTINE"),
    // A bound on every statement of a server, or on a reader that waits for an upload, would end a long dump. MariaDB's
    // tool lifts the first by itself and takes no such option.
    dump_section: "[mysqldump]\nloose-init-command=\"SET SESSION max_execution_time=0, net_write_timeout=86400\"\n",
    tls: mysql_tls,
    client_options: &[],
    leaves_out_rows: false,
    replica_status: "SHOW REPLICA STATUS",
    status: StatusWords {
        receives: "Replica_IO_Running",
        applies: "Replica_SQL_Running",
        behind: "Seconds_Behind_Source",
        origin: &["Source_UUID"],
        right: "REPLICATION CLIENT",
    },
    tells_origin: true,
    // MySQL reads the partitions of a table in the character set of whoever opens it first, and keeps what it has read. A
    // tool that is told of the change escapes bytes by it. The rest is what `dump_section` says, which this replaces.
    unconverted: Some(
        "SET SESSION max_execution_time=0, net_write_timeout=86400, session_track_system_variables='', \
         character_set_client=utf8mb4, character_set_connection=utf8mb4",
    ),
    packet_overhead: 4,
    accounts: "SELECT u.User, u.Host, 'N', '' FROM mysql.user u ORDER BY
  EXISTS (SELECT 1 FROM mysql.default_roles d WHERE d.USER = u.User AND d.HOST = u.Host), u.User, u.Host;",
    account_details: Some(
        "SELECT User, Host, CONVERT(x509_subject USING utf8mb4), CONVERT(x509_issuer USING utf8mb4),
  CONVERT(ssl_cipher USING utf8mb4), User_attributes->>'$.additional_password' IS NOT NULL
FROM mysql.user WHERE ssl_type = 'SPECIFIED' OR User_attributes->>'$.additional_password' IS NOT NULL;",
    ),
    locked_accounts: "SELECT User, Host FROM mysql.user WHERE account_locked = 'Y';",
    // Salts hold every byte there is.
    before_accounts: "SET SESSION print_identified_with_as_hex = 1;\n",
    making: Making::Option("--initialize-insecure"),
    drill_options: &["--mysqlx=OFF", "--performance-schema=OFF", "--skip-innodb-doublewrite"],
    // What somebody has made last there is of the source.
    files_drill_options: &[
        "--mysqlx=OFF",
        "--performance-schema=OFF",
        "--skip-innodb-doublewrite",
        "--persisted-globals-load=OFF",
        "--skip-replica-start",
    ],
    message_folders: &["mysql"],
    identity: "server_uuid",
    database_options: "SELECT s.SCHEMA_NAME, '', COALESCE(e.OPTIONS LIKE '%READ ONLY=1%', 0), s.DEFAULT_ENCRYPTION = 'YES',
  @@GLOBAL.innodb_strict_mode = 0 FROM information_schema.SCHEMATA s JOIN information_schema.SCHEMATA_EXTENSIONS e ON e.SCHEMA_NAME = s.SCHEMA_NAME;",
    definer_rights: &["SET_ANY_DEFINER", "SET_USER_ID", "SUPER"],
    session_rights: &["SESSION_VARIABLES_ADMIN", "SYSTEM_VARIABLES_ADMIN", "SUPER"],
    keyrings: "SELECT (SELECT COUNT(*) FROM performance_schema.keyring_component_status
    WHERE STATUS_KEY = 'Component_status' AND STATUS_VALUE = 'Active')
  + (SELECT COUNT(*) FROM information_schema.PLUGINS WHERE PLUGIN_NAME LIKE 'keyring\\_%' AND PLUGIN_NAME <> 'keyring_udf'
    AND PLUGIN_STATUS = 'ACTIVE');",
    keyring_help: "Name a keyring component in the server's `mysqld.my`, such as `file://component_keyring_file`, and restart it.",
    keyring_right: "SELECT ON performance_schema.keyring_component_status",
    own_accounts: &["mysql.sys", "mysql.session", "mysql.infoschema"],
    clones: true,
    // Nothing of it could be tried here: this is what its documentation and its source say.
    copy_tool: Some(CopyTool {
        names: &["xtrabackup"],
        unpackers: &["xbstream"],
        package: CopyPackage::Percona("percona-xtrabackup-"),
        rights: &["BACKUP_ADMIN", "PROCESS", "RELOAD", "LOCK TABLES", "REPLICATION CLIENT"],
        tables: &["log_status", "keyring_component_status", "replication_group_members"],
        folder: DataFolder::Told,
        apply_log_only: Some("--apply-log-only"),
        unpacked: |run| {
            let said = run.stderr.to_lowercase();
            let complains = ["error", "failed", "can't"].iter().any(|word| said.contains(word));
            (run.status == 0 && !complains).then(Vec::new)
        },
    }),
};

/// MariaDB.
pub(super) static MARIADB: Flavor = Flavor {
    kind: EngineKind::MariaDb,
    name: "MariaDB",
    dump: &["mariadb-dump", "mysqldump"],
    client: &["mariadb", "mysql"],
    server: &["mariadbd", "mysqld"],
    client_package: "mariadb-client",
    server_package: "mariadb-server",
    oldest: ToolVersion { major: 10, minor: 5 },
    dump_options: &[],
    coordinates: "--master-data=2",
    old_coordinates: None,
    // Its tool asks for the place of the snapshot.
    coordinates_are_open: true,
    transaction_options: None,
    routines: RoutinesRight::Table("proc"),
    dump_section: "",
    tls: mariadb_tls,
    // Its client prints a statement that failed: rows and password hashes have no place in a log.
    client_options: &["--loose-skip-print-query-on-error"],
    leaves_out_rows: true,
    replica_status: "SHOW ALL SLAVES STATUS",
    status: StatusWords {
        receives: "Slave_IO_Running",
        applies: "Slave_SQL_Running",
        behind: "Seconds_Behind_Master",
        origin: &[
            "Master_Server_Id",
            "Relay_Master_Log_File",
            "Exec_Master_Log_Pos",
            "Gtid_Slave_Pos",
            "Gtid_IO_Pos",
        ],
        right: "SLAVE MONITOR",
    },
    tells_origin: false,
    unconverted: None,
    packet_overhead: 2,
    accounts: "SELECT User, Host, is_role, COALESCE(default_role, '') FROM mysql.user ORDER BY is_role = 'N', User, Host;",
    account_details: None,
    locked_accounts: "SELECT User, Host FROM mysql.global_priv WHERE JSON_VALUE(Priv, '$.account_locked') = 1;",
    before_accounts: "",
    making: Making::Script,
    drill_options: &[],
    files_drill_options: &["--skip-slave-start"],
    message_folders: &["mariadb", "mysql"],
    identity: "server_uid",
    database_options: "SELECT SCHEMA_NAME, SCHEMA_COMMENT, 0, 0, @@GLOBAL.innodb_strict_mode = 0 FROM information_schema.SCHEMATA;",
    definer_rights: &["SET USER"],
    session_rights: &[],
    keyrings: "SELECT COUNT(*) FROM information_schema.PLUGINS WHERE PLUGIN_TYPE = 'ENCRYPTION' AND PLUGIN_STATUS = 'ACTIVE';",
    keyring_help: "Set `plugin_load_add = file_key_management` and `file_key_management_filename` in the server's configuration, and \
                   restart it.",
    keyring_right: "",
    own_accounts: &["mariadb.sys"],
    clones: false,
    copy_tool: Some(CopyTool {
        names: &["mariadb-backup", "mariabackup"],
        unpackers: &["mbstream"],
        package: CopyPackage::Debian("mariadb-backup"),
        rights: &["RELOAD", "PROCESS", "BINLOG MONITOR"],
        tables: &[],
        folder: DataFolder::Asked,
        apply_log_only: None,
        // It ends well when it could not write a file, and says so.
        unpacked: |run| (run.status == 0 && run.stderr.trim().is_empty()).then(Vec::new),
    }),
};

impl Flavor {
    /// The family of `kind`.
    pub(super) fn of(kind: EngineKind) -> &'static Self {
        if kind == EngineKind::MariaDb { &MARIADB } else { &MYSQL }
    }

    /// The family that a server's or tool's version text tells.
    pub(super) fn told_by(version: &str) -> &'static Self {
        if version.contains("MariaDB") { &MARIADB } else { &MYSQL }
    }
}
