//! How every tool is told where to connect: by an options file of its own that only it may read, so that nothing shows
//! in a process list and no file of the calling user leaks in. The password stands nowhere else: `MYSQL_PWD` would apply
//! to every login and switches the verification of certificates off in MariaDB's newer clients. An inherited memory file
//! would do as well; it takes `unsafe` code, and a private file of mode 0600 is read as often as a tool likes.

use super::flavor::Flavor;
use super::tools::Program;
use crate::engine::{ServerSettings, TlsMode, TlsSettings};
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
        for (name, value) in (self.flavor.tls)(&settings.tls) {
            set(name, &value);
        }
        let _ = writeln!(text, "[mysql]\nconnect-timeout={CONNECT_SECONDS}\nmax-allowed-packet=1G");
        // Neither a dump nor a server reads files of this machine: MariaDB's client would let them.
        let _ = writeln!(text, "local-infile=0");
        text.push_str(self.flavor.dump_section);
        text
    }
}

/// Transport security for MySQL's clients.
pub(super) fn mysql_tls(tls: &TlsSettings) -> Vec<(&'static str, String)> {
    let mut options = vec![("ssl-mode", mysql_mode(tls.mode).to_owned())];
    if tls.mode == TlsMode::Disable || tls.mode == TlsMode::Prefer {
        // Without it nobody who is new to the server gets in where the connection is not encrypted.
        options.push(("loose-get-server-public-key", "1".to_owned()));
    }
    if is_verified(tls) && tls.ca.is_none() && Path::new(SYSTEM_AUTHORITIES).is_dir() {
        options.push(("ssl-capath", SYSTEM_AUTHORITIES.to_owned()));
    }
    options.extend(files(tls));
    options
}

/// And for MariaDB's, which of 11.4 and newer verify unless they are told not to, so all is said.
pub(super) fn mariadb_tls(tls: &TlsSettings) -> Vec<(&'static str, String)> {
    let on = |on: bool| if on { "1" } else { "0" }.to_owned();
    let mut options =
        vec![("ssl", on(tls.mode != TlsMode::Disable)), ("ssl-verify-server-cert", on(is_verified(tls)))];
    options.extend(files(tls));
    options
}

fn is_verified(tls: &TlsSettings) -> bool {
    matches!(tls.mode, TlsMode::VerifyCa | TlsMode::VerifyFull)
}

fn files(tls: &TlsSettings) -> Vec<(&'static str, String)> {
    if tls.mode == TlsMode::Disable {
        return Vec::new();
    }
    let files = [
        ("ssl-ca", tls.ca.as_ref().filter(|_| is_verified(tls))),
        ("ssl-cert", tls.cert.as_ref()),
        ("ssl-key", tls.key.as_ref()),
    ];
    let given = files.into_iter().filter_map(|(name, path)| Some((name, path?.display().to_string())));
    given.collect()
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
