//! How jagad gets into a throw-away server on the files of a backup: nobody knows the passwords of the source. Its program makes a
//! superuser while it opens the files, before anybody can connect.

use super::flavor::Flavor;
use super::reserved::DRILL_USER;
use crate::model::{EngineKind, Secret};
use crate::process::ToolSpec;

/// With grants, the plugins of the source are loaded too, and some are storage engines.
const MARIADB: &str = "REPLACE INTO mysql.global_priv (Host, User, Priv) VALUES ('localhost', 'jagad_drill', \
'{\"access\":18446744073709551615,\"plugin\":\"mysql_native_password\",\"authentication_string\":\"\"}');\n";

/// The password of MySQL's: an empty one may be refused by the policy of the source, which does not look at a digest. Nobody else
/// gets to the socket.
const PASSWORD: &str = "throw away";
/// What the server makes of it.
const DIGEST: &str = "0x24412430304124205046037174207D2B6749416A3C213F473F76342F454E4B36657641636C5158627939684770495451704B6F6B41656335356F586B646F5350377A6C306337";

/// The way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// The server reads statements from its standard input, and ends.
    Bootstrap,
    /// The server runs a file of statements when it has opened its files, of which the last ends it.
    InitFile,
}

impl Entry {
    pub(super) fn of(flavor: &Flavor) -> Self {
        if flavor.kind == EngineKind::MariaDb { Self::Bootstrap } else { Self::InitFile }
    }

    /// What has to be there before the server opens its files.
    pub(super) fn before(self, place: &str) -> Option<ToolSpec> {
        if self == Self::Bootstrap {
            return None;
        }
        let mut write = ToolSpec::new("sh").arg("-c").args(["exec cat >\"$1\"", "sh"]).arg(file(place));
        let user = format!("{DRILL_USER}@localhost");
        let identified = format!("IDENTIFIED WITH caching_sha2_password AS {DIGEST}");
        write.stdin = format!(
            "CREATE USER IF NOT EXISTS {user} {identified};\n\
             ALTER USER {user} {identified} ACCOUNT UNLOCK PASSWORD EXPIRE NEVER;\n\
             GRANT ALL ON *.* TO {user} WITH GRANT OPTION;\nSHUTDOWN;\n"
        )
        .into_bytes();
        Some(write)
    }

    /// `server`, which makes the superuser and ends.
    pub(super) fn open(self, server: ToolSpec, place: &str) -> ToolSpec {
        match self {
            Self::Bootstrap => {
                let mut server = server.arg("--bootstrap");
                server.stdin = MARIADB.as_bytes().to_vec();
                server
            }
            Self::InitFile => server
                .args(["--skip-networking", "--event-scheduler=OFF", "--persisted-globals-load=OFF"])
                .args(["--mysqlx=OFF", "--skip-replica-start", "--secure-file-priv="])
                .arg(format!("--init-file={}", file(place))),
        }
    }

    /// The superuser's.
    pub(super) fn password(self) -> Option<Secret> {
        (self == Self::InitFile).then(|| Secret::new(PASSWORD.to_owned()))
    }
}

fn file(place: &str) -> String {
    format!("{place}/superuser.sql")
}
