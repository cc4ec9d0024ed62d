//! How every tool is told where to connect: by an options file of its own that only it may read, so that nothing shows
//! in a process list and no file of the calling user leaks in. The password stands nowhere else: `MYSQL_PWD` would apply
//! to every login and switches the verification of certificates off in MariaDB's newer clients. An inherited memory file
//! would do as well; it takes `unsafe` code, and a private file of mode 0600 is read as often as a tool likes.

use super::flavor::Flavor;
use super::tools::Program;
use crate::engine::ServerSettings;
use crate::process::{Argument, ToolSpec, user_exists};
use std::fmt::Write as _;
use std::sync::Arc;

/// Seconds until a server that does not answer is given up.
const CONNECT_SECONDS: u32 = 10;

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
