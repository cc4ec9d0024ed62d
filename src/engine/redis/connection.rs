//! One connection to one server: opened, secured, logged in, and asked.

use super::resp::{self, Reply, RespError};
use super::rights;
use crate::engine::{EngineError, ServerSettings, TlsMode, tls};
use crate::model::help;
use rustls::pki_types::ServerName;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpStream, UnixStream};

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Questions are answered at once; a server that is busy with something long may take its time.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);
const READ_BUFFER_BYTES: usize = 64 << 10;

/// Both directions of a connection, whatever it goes over.
pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Wire for T {}

/// How to reach one server.
#[derive(Debug, Clone)]
pub(super) struct Address {
    pub(super) settings: Arc<ServerSettings>,
}

/// A connection that is logged in.
pub(super) struct Connection {
    pub(super) stream: BufReader<Box<dyn Wire>>,
    address: String,
    user: String,
    limit: Duration,
}

impl Address {
    pub(super) fn new(settings: ServerSettings) -> Self {
        Self { settings: Arc::new(settings) }
    }

    /// Another node of the same cluster: reached with the same user and the same security.
    pub(super) fn node(&self, host: &str, port: u16) -> Self {
        let settings = ServerSettings {
            host: Some(host.to_owned()),
            port,
            socket: None,
            ..self.settings.as_ref().clone()
        };
        Self::new(settings)
    }

    /// The address as it is shown to a user: `host:port`, or the socket.
    pub(super) fn shown(&self) -> String {
        let ServerSettings { host, socket, port, .. } = self.settings.as_ref();
        match (socket, host) {
            (Some(socket), _) => socket.display().to_string(),
            (None, Some(host)) if host.contains(':') => format!("[{host}]:{port}"),
            (None, host) => format!("{}:{port}", host.as_deref().unwrap_or("localhost")),
        }
    }

    /// Connects and logs in.
    pub(super) async fn connect(&self) -> Result<Connection, EngineError> {
        let opened = self.within(CONNECT_LIMIT, self.open()).await?;
        let mut connection = Connection {
            stream: BufReader::with_capacity(READ_BUFFER_BYTES, opened),
            address: self.shown(),
            user: self.settings.user.clone(),
            limit: ANSWER_LIMIT,
        };
        if let Some(password) = &self.settings.password {
            let (user, password) = (self.settings.user.as_bytes(), password.expose().as_bytes());
            let words: &[&[u8]] =
                if user.is_empty() { &[b"AUTH", password] } else { &[b"AUTH", user, password] };
            match connection.reply_to(words).await? {
                Reply::Error(said) => return Err(self.not_let_in(&said)),
                _ => return Ok(connection),
            }
        }
        if !self.settings.user.is_empty() {
            let words: &[&[u8]] = &[b"AUTH", self.settings.user.as_bytes(), b""];
            if let Reply::Error(said) = connection.reply_to(words).await? {
                return Err(self.not_let_in(&said));
            }
        }
        Ok(connection)
    }

    fn not_let_in(&self, said: &str) -> EngineError {
        let user = rights::shown(&self.settings.user).to_owned();
        // A server that accepts no more clients reports that before it checks the password.
        if said.starts_with("WRONGPASS") || said.starts_with("ERR") || said.starts_with("NOAUTH") {
            return EngineError::Login { address: self.shown(), user, problem: said.to_owned() };
        }
        rights::refusal("AUTH", said, &self.shown(), &user)
    }

    async fn open(&self) -> Result<Box<dyn Wire>, EngineError> {
        let settings = self.settings.as_ref();
        let secured = matches!(settings.tls.mode, TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull);
        if let Some(socket) = &settings.socket {
            if secured {
                return Err(EngineError::Prerequisite {
                    problem: "TLS does not work over a Unix socket".to_owned(),
                    help: help!("Leave out `tls.mode`, or give `host` in place of `socket`."),
                });
            }
            return Ok(Box::new(
                UnixStream::connect(socket).await.map_err(|error| self.unreachable(&error))?,
            ));
        }
        let host = settings.host.as_deref().unwrap_or("localhost");
        let stream =
            TcpStream::connect((host, settings.port)).await.map_err(|error| self.unreachable(&error))?;
        stream.set_nodelay(true).map_err(|error| self.unreachable(&error))?;
        if !secured {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(host.to_owned()).map_err(|error| self.unreachable(&error))?;
        let secure = tls::connector(&settings.tls)?.connect(name, stream).await;
        Ok(Box::new(secure.map_err(|error| self.unreachable(&error))?))
    }

    async fn within<T>(
        &self,
        limit: Duration,
        doing: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<T, EngineError> {
        tokio::time::timeout(limit, doing)
            .await
            .unwrap_or_else(|_| Err(self.unreachable(&format!("no answer within {} s", limit.as_secs()))))
    }

    fn unreachable(&self, problem: &dyn std::fmt::Display) -> EngineError {
        EngineError::Unreachable { address: self.shown(), problem: problem.to_string() }
    }
}

impl Connection {
    /// Asks a question; an error reply is an error.
    pub(super) async fn ask(&mut self, words: &[&str]) -> Result<Reply, EngineError> {
        let bytes: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        match self.reply_to(&bytes).await? {
            Reply::Error(said) => Err(self.refusal(words[0], &said)),
            reply => Ok(reply),
        }
    }

    /// Asks several questions at once; an error reply is a reply.
    pub(super) async fn ask_all(&mut self, commands: &[u8], count: usize) -> Result<Vec<Reply>, EngineError> {
        self.send(commands).await?;
        let mut replies = Vec::with_capacity(count);
        for _ in 0..count {
            replies.push(self.receive().await?);
        }
        Ok(replies)
    }

    /// Asks a question; an error reply is a reply.
    pub(super) async fn reply_to(&mut self, words: &[&[u8]]) -> Result<Reply, EngineError> {
        let mut out = Vec::new();
        resp::command(&mut out, words);
        self.send(&out).await?;
        self.receive().await
    }

    /// With another limit for answers.
    pub(super) fn patient(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), EngineError> {
        let limit = self.limit;
        let stream = self.stream.get_mut();
        let sent = tokio::time::timeout(limit, async {
            stream.write_all(bytes).await?;
            stream.flush().await
        });
        match sent.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.lost(&error.into())),
            Err(_) => Err(self.silent()),
        }
    }

    async fn receive(&mut self) -> Result<Reply, EngineError> {
        match tokio::time::timeout(self.limit, resp::reply(&mut self.stream)).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(error)) => Err(self.lost(&error)),
            Err(_) => Err(self.silent()),
        }
    }

    /// What an error reply means.
    pub(super) fn refusal(&self, question: &str, said: &str) -> EngineError {
        rights::refusal(question, said, &self.address, &self.user)
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    pub(super) fn user(&self) -> &str {
        &self.user
    }

    fn lost(&self, error: &RespError) -> EngineError {
        EngineError::Unreachable { address: self.address.clone(), problem: error.to_string() }
    }

    fn silent(&self) -> EngineError {
        let problem = format!("no answer within {} s", self.limit.as_secs());
        EngineError::Unreachable { address: self.address.clone(), problem }
    }
}
