//! How every tool is told where to connect: by an options file of its own that only it may read, so that nothing shows
//! in a process list and no file of the calling user leaks in. The password stands nowhere else: `MYSQL_PWD` would apply
//! to every login and switches the verification of certificates off in MariaDB's newer clients. An inherited memory file
//! would do as well; it takes `unsafe` code, and a private file of mode 0600 is read as often as a tool likes.

use super::flavor::Flavor;
use super::tools::Program;
use crate::engine::{ServerSettings, TlsMode};
use crate::model::EngineKind;
use crate::process::{Argument, ToolSpec, user_exists};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

/// Seconds until a server that does not answer is given up.
const CONNECT_SECONDS: u32 = 10;

/// Where the system keeps the authorities that it trusts.
const SYSTEM_AUTHORITIES: &str = "/etc/ssl/certs";

/// One server and user, ready to be given to tools.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    pub(super) settings: Arc<ServerSettings>,
    pub(super) flavor: &'static Flavor,
}

impl Connection {
    pub(super) fn new(settings: ServerSettings) -> Self {
        let flavor = Flavor::of(settings.kind);
        Self { settings: Arc::new(settings), flavor }
    }

    /// For people: `host:port`, or the socket.
    pub(super) fn address(&self) -> String {
        let ServerSettings { host, socket, port, .. } = self.settings.as_ref();
        match (socket, host) {
            (Some(socket), _) => socket.display().to_string(),
            (None, Some(host)) => format!("{host}:{port}"),
            (None, None) => format!("localhost:{port}"),
        }
    }

    /// `program`, connected, never asking for a password.
    pub(super) fn tool(&self, program: &Program) -> ToolSpec {
        let settings = self.settings.as_ref();
        let contents = self.options_file().into_bytes().into();
        // Only as the very first argument is it taken for what it is.
        let options = Argument::File { name: "connection", prefix: "--defaults-file=", contents };
        let mut tool = ToolSpec::new(&program.path).arg(options);
        // Messages are matched for their meaning.
        tool.env.push(("LC_ALL".to_owned(), "C".to_owned()));
        // The usual login of a local server asks who the client process is.
        if settings.socket.is_some() && settings.password.is_none() && user_exists(&settings.user) {
            tool.user_when_root = Some(settings.user.clone());
        }
        tool
    }

    fn options_file(&self) -> String {
        let settings = self.settings.as_ref();
        let mut text = "[client]\n".to_owned();
        let mut set = |name: &str, value: &str| {
            let _ = writeln!(text, "{name}={}", quoted(value));
        };
        if let Some(socket) = &settings.socket {
            set("protocol", "SOCKET");
            set("socket", &socket.display().to_string());
        } else {
            // The tools would take `localhost` for a socket.
            set("protocol", "TCP");
            set("host", settings.host.as_deref().unwrap_or("localhost"));
            set("port", &settings.port.to_string());
        }
        set("user", &settings.user);
        // An empty one keeps the tool from asking.
        set("password", settings.password.as_ref().map_or("", |password| password.expose()));
        set("default-character-set", "utf8mb4");
        for (name, value) in self.tls() {
            set(name, &value);
        }
        let _ = writeln!(text, "[mysql]\nconnect-timeout={CONNECT_SECONDS}\nmax-allowed-packet=1G");
        if self.flavor.kind == EngineKind::MySql {
            // A bound on every statement of a server, or on a reader that waits for an upload, would end a long dump.
            // MariaDB's tool lifts the first by itself and takes no such option.
            text.push_str(
                "[mysqldump]\nloose-init-command=\"SET SESSION max_execution_time=0, net_write_timeout=86400\"\n",
            );
        }
        text
    }

    /// Options for transport security: neither family knows the other's.
    fn tls(&self) -> Vec<(&'static str, String)> {
        let tls = &self.settings.tls;
        let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let mut options: Vec<(&str, String)> = Vec::new();
        let verified = matches!(tls.mode, TlsMode::VerifyCa | TlsMode::VerifyFull);
        if self.flavor.kind == EngineKind::MySql {
            options.push(("ssl-mode", mysql_mode(tls.mode).to_owned()));
            if tls.mode == TlsMode::Disable || tls.mode == TlsMode::Prefer {
                // Without it nobody who is new to the server gets in where the connection is not encrypted.
                options.push(("loose-get-server-public-key", "1".to_owned()));
            }
            if verified && tls.ca.is_none() && Path::new(SYSTEM_AUTHORITIES).is_dir() {
                options.push(("ssl-capath", SYSTEM_AUTHORITIES.to_owned()));
            }
        } else {
            // Clients of 11.4 and newer verify unless they are told not to, so all is said.
            let on = |on: bool| if on { "1" } else { "0" }.to_owned();
            options.push(("ssl", on(tls.mode != TlsMode::Disable)));
            options.push(("ssl-verify-server-cert", on(verified)));
        }
        if tls.mode != TlsMode::Disable {
            options.extend(path(&tls.ca).filter(|_| verified).map(|path| ("ssl-ca", path)));
            options.extend(path(&tls.cert).map(|path| ("ssl-cert", path)));
            options.extend(path(&tls.key).map(|path| ("ssl-key", path)));
        }
        options
    }
}

fn mysql_mode(mode: TlsMode) -> &'static str {
    match mode {
        TlsMode::Disable => "DISABLED",
        TlsMode::Prefer => "PREFERRED",
        TlsMode::Require => "REQUIRED",
        TlsMode::VerifyCa => "VERIFY_CA",
        TlsMode::VerifyFull => "VERIFY_IDENTITY",
    }
}

/// A value of an options file: in quotes, with the escapes that both families read.
fn quoted(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    text.push('"');
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            _ => text.push(c),
        }
    }
    text.push('"');
    text
}
