//! A private Redis or Valkey server for one test, and a client that asks one thing at a time.

use super::presence::{Need, server_from};
use jagad::engine::redis::Redis;
use jagad::engine::{ServerSettings, TlsSettings};
use jagad::model::{EngineKind, Secret};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The servers that tests run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Redis7,
    Redis8,
    Valkey9,
}

/// Every one of them.
pub const KINDS: [Kind; 3] = [Kind::Redis7, Kind::Redis8, Kind::Valkey9];

impl Kind {
    /// The server's program, or, loudly, nothing.
    pub fn program(self) -> Option<PathBuf> {
        let (variable, name) = match self {
            Self::Redis7 => ("JAGAD_TEST_REDIS7", "redis-server"),
            Self::Redis8 => ("JAGAD_TEST_REDIS8", "redis-server"),
            Self::Valkey9 => ("JAGAD_TEST_REDIS8", "valkey-server"),
        };
        Some(Path::new(&server_from(variable, Need::Required)?).join("usr/bin").join(name))
    }
}

/// An answer of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Text(Vec<u8>),
    Error(String),
    Number(i64),
    Nil,
    List(Vec<Answer>),
}

impl Answer {
    /// As text, whatever it is.
    pub fn text(&self) -> String {
        match self {
            Self::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Self::Error(said) => format!("-{said}"),
            Self::Number(number) => number.to_string(),
            Self::Nil => "nil".to_owned(),
            Self::List(list) => {
                let texts: Vec<String> = list.iter().map(Answer::text).collect();
                format!("[{}]", texts.join(", "))
            }
        }
    }
}

/// A connection over the server's socket.
pub struct Client(BufReader<UnixStream>);

impl Client {
    pub fn connect(socket: &Path) -> std::io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Asks; an error of the server is an answer.
    pub fn ask(&mut self, words: &[&[u8]]) -> Answer {
        let mut out = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            out.extend_from_slice(word);
            out.extend_from_slice(b"\r\n");
        }
        self.0.get_mut().write_all(&out).unwrap();
        self.answer().unwrap()
    }

    /// Asks in words that hold no space.
    pub fn say(&mut self, line: &str) -> Answer {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        self.ask(&words)
    }

    /// As [`Client::say`]; an error of the server fails the test.
    #[track_caller]
    pub fn ok(&mut self, line: &str) -> Answer {
        let answer = self.say(line);
        assert!(!matches!(answer, Answer::Error(_)), "{line}: {answer:?}");
        answer
    }

    fn answer(&mut self) -> std::io::Result<Answer> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let (sign, rest) = line.trim_end().split_at(1);
        let number = || rest.parse::<i64>().unwrap();
        Ok(match sign {
            "+" => Answer::Text(rest.as_bytes().to_vec()),
            "-" => Answer::Error(rest.to_owned()),
            ":" => Answer::Number(number()),
            "$" | "*" if rest == "-1" => Answer::Nil,
            "$" => {
                let mut bytes = vec![0; usize::try_from(number()).unwrap() + 2];
                self.0.read_exact(&mut bytes)?;
                bytes.truncate(bytes.len() - 2);
                Answer::Text(bytes)
            }
            "*" => {
                let list: Result<Vec<_>, _> = (0..number()).map(|_| self.answer()).collect();
                Answer::List(list?)
            }
            other => panic!("{other}{rest}"),
        })
    }
}

/// A running server: its own folder, its own socket, no port unless told. Dropping it ends it.
pub struct Server {
    pub kind: Kind,
    folder: TempDir,
    child: Child,
    args: Vec<String>,
}

impl Server {
    /// An empty server without a port.
    pub fn start(kind: Kind) -> Option<Self> {
        Self::start_with(kind, &[])
    }

    /// With more arguments.
    pub fn start_with(kind: Kind, args: &[&str]) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("jagad-redis").tempdir_in("/tmp").unwrap();
        Self::start_in(kind, folder, args)
    }

    /// On the files of this folder.
    pub fn start_in(kind: Kind, folder: TempDir, args: &[&str]) -> Option<Self> {
        let program = kind.program()?;
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let child = launch(&program, folder.path(), &args);
        let server = Self { kind, folder, child, args };
        server.wait_ready();
        Some(server)
    }

    fn wait_ready(&self) {
        let start = Instant::now();
        loop {
            if let Ok(mut client) = Client::connect(&self.socket())
                && !client.say("PING").text().starts_with("-LOADING")
            {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(30), "{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends it at once, as a crash would.
    pub fn crash(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again.
    pub fn start_again(&mut self) {
        let program = self.kind.program().unwrap();
        let _ = std::fs::remove_file(self.socket());
        self.child = launch(&program, self.folder.path(), &self.args);
        self.wait_ready();
    }

    pub fn pid(&self) -> nix::unistd::Pid {
        nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("s")
    }

    /// What the server said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    pub fn client(&self) -> Client {
        Client::connect(&self.socket()).unwrap()
    }

    /// How to reach it as the default user.
    pub fn settings(&self) -> ServerSettings {
        let bin_dir = self.kind.program().unwrap().parent().map(Path::to_owned);
        ServerSettings {
            socket: Some(self.socket()),
            ..ServerSettings::tools_only(EngineKind::Redis, bin_dir)
        }
    }

    /// How to reach it as another user.
    pub fn as_user(&self, user: &str, password: &str) -> Redis {
        let password = Some(Secret::new(password.to_owned()));
        Redis::new(ServerSettings { user: user.to_owned(), password, ..self.settings() })
    }

    /// How to reach it by TCP.
    pub fn by_port(&self, port: u16, tls: TlsSettings) -> Redis {
        let host = Some("127.0.0.1".to_owned());
        Redis::new(ServerSettings { socket: None, host, port, tls, ..self.settings() })
    }

    pub fn engine(&self) -> Redis {
        Redis::new(self.settings())
    }

    /// Equal for servers that hold the same keys and values.
    pub fn digest(&self) -> String {
        self.client().ok("DEBUG DIGEST").text()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.crash();
    }
}

const SLOTS: u32 = 16384;

/// Primaries that share the slots evenly.
pub struct Cluster {
    pub nodes: Vec<Server>,
    pub ports: Vec<u16>,
}

impl Cluster {
    pub fn start(kind: Kind, size: u32) -> Option<Self> {
        let mut cluster = Self { nodes: Vec::new(), ports: Vec::new() };
        for index in 0..size {
            let port = free_port();
            let args = ["--port", &port.to_string(), "--cluster-enabled", "yes", "--bind", "127.0.0.1"];
            let node = Server::start_with(kind, &args)?;
            let (from, to) = (SLOTS * index / size, SLOTS * (index + 1) / size - 1);
            node.client().ok(&format!("CLUSTER ADDSLOTSRANGE {from} {to}"));
            node.client().ok(&format!("CLUSTER SET-CONFIG-EPOCH {}", index + 1));
            cluster.nodes.push(node);
            cluster.ports.push(port);
        }
        for port in &cluster.ports[1..] {
            cluster.nodes[0].client().ok(&format!("CLUSTER MEET 127.0.0.1 {port}"));
        }
        let began = Instant::now();
        let is_ready = |node: &Server| {
            let info = node.client().ok("CLUSTER INFO").text();
            let ranges = |answer: Answer| if let Answer::List(list) = answer { list.len() } else { 0 };
            info.contains("cluster_state:ok") && ranges(node.client().ok("CLUSTER SLOTS")) == size as usize
        };
        while !cluster.nodes.iter().all(is_ready) {
            assert!(began.elapsed() < Duration::from_secs(60), "{}", cluster.nodes[0].log());
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(cluster)
    }

    /// Asked at its last node.
    pub fn engine(&self) -> Redis {
        self.nodes.last().unwrap().by_port(*self.ports.last().unwrap(), TlsSettings::default())
    }

    /// Keys of three types, a third of them with a time to live, on every node those that are its own.
    pub fn fill(&self) {
        for node in &self.nodes {
            let mut c = node.client();
            c.ask(&[
                b"FUNCTION",
                b"LOAD",
                b"#!lua name=one\nredis.register_function('f', function() return 1 end)",
            ]);
            for n in 0..600 {
                // Each takes those that are its own.
                c.say(&format!("SET key:{n} {n}"));
                c.say(&format!("RPUSH list:{{tag{n}}}x a b {n}"));
                c.say(&format!("HSET hash:{n} f {n}"));
                c.say(&format!("PEXPIREAT hash:{n} 4102444800000"));
            }
        }
    }
}

fn launch(program: &Path, folder: &Path, args: &[String]) -> Child {
    let log = std::fs::File::options().create(true).append(true).open(folder.join("log")).unwrap();
    let mut command = Command::new(program);
    command.args(["--unixsocket", "s", "--repl-diskless-sync-delay", "0"]).current_dir(folder);
    command.args(["--enable-debug-command", "yes"]);
    if !args.iter().any(|arg| arg == "--port" || arg == "--tls-port") {
        command.args(["--port", "0"]);
    }
    if !args.iter().any(|arg| arg == "--save") {
        command.args(["--save", ""]);
    }
    command.args(args).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    command.process_group(0).spawn().unwrap()
}

/// A port that nobody listens on now, below the ports that clients are given and with room for a cluster's bus.
pub fn free_port() -> u16 {
    loop {
        let port = 20000 + rand::random::<u16>() % 2700;
        let free = |port| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
        if free(port) && free(port + 10000) {
            return port;
        }
    }
}
