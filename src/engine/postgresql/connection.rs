//! How every tool is told where to connect: by its environment alone, so that nothing shows in a process list and no
//! file of the calling user leaks in.

use super::tools::ToolSet;
use crate::engine::{ServerSettings, TlsMode};
use crate::process::{ToolSpec, user_exists};
use std::sync::Arc;

/// No such file: libpq then uses none, where an empty value would mean its default in the home directory.
pub(super) const NO_FILE: &str = "/nonexistent/jagad";

/// One server and role, ready to be given to tools.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    pub(super) settings: Arc<ServerSettings>,
    /// Settings of the sessions, `-c name=value`.
    options: Vec<&'static str>,
    /// Whether sessions take settings at all: a connection pooler in between may refuse them.
    sessions: Sessions,
}

/// Whether settings can be given to a session when it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sessions {
    TakeSettings,
    TakeNone,
}

impl Connection {
    pub(super) fn new(settings: ServerSettings) -> Self {
        Self { settings: Arc::new(settings), options: Vec::new(), sessions: Sessions::TakeSettings }
    }

    /// With one more setting of its sessions, where they take any.
    pub(super) fn with_option(&self, option: &'static str) -> Self {
        let mut with = self.clone();
        if self.sessions == Sessions::TakeSettings {
            with.options.push(option);
        }
        with
    }

    /// For a pooler that refuses settings: no session of this connection has any, now or later.
    pub(super) fn without_options(&self) -> Self {
        Self { options: Vec::new(), sessions: Sessions::TakeNone, ..self.clone() }
    }

    /// The address as it is shown to a user: `host:port`, or the socket's directory and port.
    pub(super) fn address(&self) -> String {
        format!("{}:{}", self.host(), self.settings.port)
    }

    fn host(&self) -> String {
        let ServerSettings { host, socket, .. } = self.settings.as_ref();
        let socket = socket.as_ref().map(|folder| folder.display().to_string());
        socket.or_else(|| host.clone()).unwrap_or_else(|| "localhost".to_owned())
    }

    /// `program` of `set`, connected to `database`, never asking for a password.
    pub(super) fn tool(&self, set: &ToolSet, program: &str, database: &str) -> ToolSpec {
        let settings = self.settings.as_ref();
        let mut tool = ToolSpec::new(set.program(program)).arg("-w");
        let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let mut env = vec![
            ("PGHOST", self.host()),
            ("PGPORT", settings.port.to_string()),
            ("PGUSER", settings.user.clone()),
            ("PGDATABASE", database.to_owned()),
            ("PGAPPNAME", "jagad".to_owned()),
            ("PGCONNECT_TIMEOUT", "10".to_owned()),
            ("PGPASSFILE", NO_FILE.to_owned()),
            ("PGSERVICEFILE", NO_FILE.to_owned()),
            ("PGSSLMODE", mode_word(settings.tls.mode).to_owned()),
            ("PGSSLCERT", path(&settings.tls.cert).unwrap_or_else(|| NO_FILE.to_owned())),
            ("PGSSLKEY", path(&settings.tls.key).unwrap_or_else(|| NO_FILE.to_owned())),
            // Messages are matched for their meaning.
            ("LC_ALL", "C".to_owned()),
        ];
        match (path(&settings.tls.ca), settings.tls.mode) {
            (Some(ca), _) => env.push(("PGSSLROOTCERT", ca)),
            // The authorities that the system trusts, for tools of 16 and newer; older ones refuse to connect.
            (None, TlsMode::VerifyFull | TlsMode::VerifyCa) => {
                env.push(("PGSSLROOTCERT", "system".to_owned()));
            }
            (None, _) => env.push(("PGSSLROOTCERT", NO_FILE.to_owned())),
        }
        if !self.options.is_empty() {
            env.push(("PGOPTIONS", format!("-c {}", self.options.join(" -c "))));
        }
        tool.env = env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        tool.secret_env =
            settings.password.iter().map(|password| ("PGPASSWORD".to_owned(), password.clone())).collect();
        // A local server's usual `peer` login asks who the client process is.
        if settings.socket.is_some() && settings.password.is_none() && user_exists(&settings.user) {
            tool.user_when_root = Some(settings.user.clone());
        }
        tool
    }
}

fn mode_word(mode: TlsMode) -> &'static str {
    match mode {
        TlsMode::Disable => "disable",
        TlsMode::Prefer => "prefer",
        TlsMode::Require => "require",
        TlsMode::VerifyCa => "verify-ca",
        TlsMode::VerifyFull => "verify-full",
    }
}
