//! What differs between the two families, as a table.

use super::replication::StatusWords;
use super::tools::Version;
use crate::model::EngineKind;

/// One family of servers and tools.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Flavor {
    pub(super) kind: EngineKind,
    /// For people.
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
    pub(super) oldest: Version,
    /// Options of every dump beside the common ones.
    pub(super) dump_options: &'static [&'static str],
    /// Asks for the place in the binary log, as a comment.
    pub(super) coordinates: &'static str,
    /// Options of every client that loads or asks.
    pub(super) client_options: &'static [&'static str],
    /// Whether the dump tool can leave out the rows of a table and keep the table.
    pub(super) leaves_out_rows: bool,
    /// Rows that say it follows another server.
    pub(super) replica_status: &'static str,
    /// What those rows are called.
    pub(super) status: StatusWords,
    /// Names the variable that makes this server's data this server's.
    pub(super) identity: &'static str,
    /// Accounts that belong to the server itself.
    pub(super) own_accounts: &'static [&'static str],
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
    oldest: Version { major: 8, minor: 0 },
    // Tablespaces need PROCESS and belong to the server. 9.7 complains of a table that an ordinary user may not read.
    dump_options: &["--no-tablespaces", "--loose-skip-masking-policies"],
    coordinates: "--source-data=2",
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
    identity: "server_uuid",
    own_accounts: &["mysql.sys", "mysql.session", "mysql.infoschema"],
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
    oldest: Version { major: 10, minor: 5 },
    dump_options: &[],
    coordinates: "--master-data=2",
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
    identity: "server_uid",
    own_accounts: &["mariadb.sys"],
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
