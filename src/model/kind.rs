//! The closed sets that run through the whole program.

macro_rules! word_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// Every word of the set, in order.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word used in configuration, keys and JSON.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(format!("`{text}` is not one of {}", [$($word),+].join(", "))),
                }
            }
        }
    };
}

pub(crate) use word_enum;

word_enum! {
    /// The kind of database server.
    EngineKind {
        /// PostgreSQL 13 or newer.
        PostgreSql = "postgresql",
        /// MySQL and Percona Server, 8.0 or newer.
        MySql = "mysql",
        /// MariaDB 10.5 or newer.
        MariaDb = "mariadb",
        /// Redis 6.2 or newer, and Valkey.
        Redis = "redis",
    }
}

impl EngineKind {
    /// The port its servers listen on by default.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::PostgreSql => 5432,
            Self::MySql | Self::MariaDb => 3306,
            Self::Redis => 6379,
        }
    }

    /// Whether a server holds logical databases by name, users with names, and objects that belong to no database; one
    /// that does not is backed up as a whole.
    pub const fn has_databases(self) -> bool {
        match self {
            Self::PostgreSql | Self::MySql | Self::MariaDb => true,
            Self::Redis => false,
        }
    }

    /// How its data can be taken, the default first.
    pub const fn methods(self) -> &'static [Method] {
        match self {
            Self::PostgreSql => &[Method::Logical, Method::Physical, Method::PgBackRest],
            Self::MySql | Self::MariaDb => &[Method::Logical, Method::Physical],
            Self::Redis => &[Method::Logical],
        }
    }

    /// Whether incremental backups can be taken with this method. Policies plan for them either way.
    pub const fn takes_incrementals(self, method: Method) -> bool {
        match (self, method) {
            // Of files, and ranges of the binary log.
            (Self::PostgreSql | Self::MySql | Self::MariaDb, Method::Physical)
            | (Self::MySql | Self::MariaDb, Method::Logical)
            | (Self::PostgreSql, Method::PgBackRest) => true,
            (_, Method::Physical | Method::PgBackRest | Method::Logical) => false,
        }
    }

    /// Whether a restore fills a database beside the one that it replaces, which stays whole until the new one is.
    pub const fn restores_beside(self) -> bool {
        match self {
            Self::PostgreSql => true,
            Self::MySql | Self::MariaDb | Self::Redis => false,
        }
    }

    /// What its backups count, for people: one of them.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::PostgreSql | Self::MySql | Self::MariaDb => "row",
            Self::Redis => "key",
        }
    }
}
word_enum! {
    /// Whether a backup stands alone.
    #[derive(Default)]
    BackupKind {
        /// Everything; needs no other backup.
        #[default]
        Full = "full",
        /// Changes since its parent.
        Incremental = "incremental",
    }
}
word_enum! {
    /// How the data is taken.
    Method {
        /// Statements and rows, by the engine's dump tool.
        Logical = "logical",
        /// Files, by the engine's copy tool.
        Physical = "physical",
        /// Files, by pgBackRest, which keeps them in a repository of its own.
        PgBackRest = "pgbackrest",
    }
}

impl Method {
    /// Whether a backup is of the whole server: no logical database can be chosen when it is taken.
    pub const fn takes_whole_server(self) -> bool {
        match self {
            Self::Logical => false,
            Self::Physical | Self::PgBackRest => true,
        }
    }

    /// Who keeps the data, and answers for it.
    pub const fn integrity(self) -> Integrity {
        match self {
            Self::Logical | Self::Physical => Integrity::Own,
            Self::PgBackRest => Integrity::Delegated,
        }
    }
}

word_enum! {
    /// Who answers for the data of a backup.
    #[derive(Default)]
    Integrity {
        /// jagad stored every byte, and knows the digest of each.
        #[default]
        Own = "own",
        /// Another tool keeps the data in a repository of its own; jagad knows the backup by its name there.
        Delegated = "delegated",
    }
}

impl Integrity {
    /// Whether jagad answers for it.
    pub fn is_own(&self) -> bool {
        *self == Self::Own
    }
}
word_enum! {
    /// What an incremental backup builds on.
    #[derive(Default)]
    IncrementalBase {
        /// The last backup: each incremental is small, and a restore reads all of them.
        #[default]
        Last = "last",
        /// The last full: each incremental is larger, and a restore reads two backups.
        Full = "full",
    }
}
/// What kind of backup is wanted, and how its data is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// Whether it stands alone.
    pub kind: BackupKind,
    /// How the data is taken.
    pub method: Method,
}

word_enum! {
    /// The state of a recorded backup. `running` is never stored: it is read off a live lease.
    BackupStatus {
        /// A run holds the lease and has not committed.
        Running = "running",
        /// Committed and restorable.
        Success = "success",
        /// Ended without a restorable result.
        Failed = "failed",
    }
}
word_enum! {
    /// Why a backup was taken.
    BackupPurpose {
        /// A policy planned it.
        Scheduled = "scheduled",
        /// Somebody asked for it.
        Manual = "manual",
        /// It keeps what a restore was about to replace.
        Safety = "safety",
    }
}
word_enum! {
    /// How a restore stands. `died` is never stored: it is read off a beginning that has neither an end nor a live lease.
    RestoreStatus {
        /// It has begun and not ended.
        Running = "running",
        /// Everything is in place.
        Success = "success",
        /// It ended, with errors that were ignored because that was asked for.
        Partial = "partial",
        /// It failed.
        Failed = "failed",
        /// It was killed, or its host went down.
        Died = "died",
    }
}
word_enum! {
    /// How the packed stream is compressed.
    Codec {
        /// Zstandard, on several cores.
        Zstd = "zstd",
        /// Gzip, on one core.
        Gzip = "gzip",
        /// Not compressed.
        None = "none",
    }
}
word_enum! {
    /// How a stored object is encrypted.
    CipherKind {
        /// AES-256-GCM.
        Aes256Gcm = "aes-256-gcm",
        /// ChaCha20-Poly1305.
        ChaCha20Poly1305 = "chacha20-poly1305",
    }
}
word_enum! {
    /// How deep a verification looks.
    VerifyLevel {
        /// Every object is there with its recorded size.
        Exists = "exists",
        /// Every stored byte has the recorded SHA-256; with the key at hand, every packed byte too.
        Checksum = "checksum",
        /// Decrypted, decompressed and parsed to its end by the engine's own tool, without a server.
        Read = "read",
        /// Restored into a throw-away server and counted.
        Restore = "restore",
    }
}
word_enum! {
    /// How a verification ended.
    VerificationStatus {
        /// The backup is as it was made, as deep as was looked.
        Passed = "passed",
        /// It is not.
        Failed = "failed",
        /// Something else failed, so nothing is known: the throw-away server died, or a disk was full.
        Inconclusive = "inconclusive",
    }
}
word_enum! {
    /// What the verifications of a backup say of it together.
    VerificationState {
        /// None has ended.
        Pending = "pending",
        /// One is under way.
        Verifying = "verifying",
        /// The last one passed.
        Passed = "passed",
        /// It was found bad, and no look as deep has said otherwise since.
        Failed = "failed",
        /// The last one proved nothing.
        Inconclusive = "inconclusive",
        /// The record of the last one cannot be read.
        Unknown = "unknown",
        /// There is nothing to verify any more: the tool that kept the data does not have it.
        Gone = "gone",
    }
}
word_enum! {
    /// What one part of a backup holds.
    PartKind {
        /// One logical database.
        Database = "database",
        /// Objects of the server that belong to no database: roles, tablespaces, users.
        Globals = "globals",
        /// The list of tables and row counts that the dump held, as JSON.
        Contents = "contents",
        /// Files of the server, as an archive.
        Files = "files",
        /// What the server or its copy tool says of the files; an incremental backup on top of this one needs it.
        FileManifest = "file-manifest",
        /// Configuration of the server that is not among its files.
        Settings = "settings",
        /// A range of the server's own log of changes.
        Log = "log",
    }
}
word_enum! {
    /// Which of an entry's servers a backup is taken from.
    SourceChoice {
        /// The first replica that fits, else the primary.
        Auto = "auto",
        /// The server of the entry itself.
        Primary = "primary",
        /// The first replica that fits, and nothing else.
        Replica = "replica",
    }
}
word_enum! {
    /// The role of a server in replication.
    ServerRole {
        /// Takes writes.
        Primary = "primary",
        /// Follows a primary.
        Replica = "replica",
    }
}
