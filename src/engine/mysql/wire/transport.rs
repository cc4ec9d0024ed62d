//! The way to one server: over a socket of the machine or the network, plain or secured.

use super::packet::{Packets, Wire, invalid};
use crate::engine::{EngineError, ServerSettings, TlsMode, tls};
use crate::process::{connect_as, user_exists};
use rustix::net::sockopt;
use rustls::pki_types::ServerName;
use std::io;
use std::time::Duration;
use tokio::net::{TcpStream, UnixStream};

/// A server that vanished from the network without a word is noticed after about a minute.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_COUNT: u32 = 3;

/// Connects, over a socket as the user of the machine that the login is for.
pub(super) async fn connect(settings: &ServerSettings) -> io::Result<Box<dyn Wire>> {
    if let Some(path) = settings.socket.clone() {
        let wish =
            (settings.password.is_none() && user_exists(&settings.user)).then(|| settings.user.clone());
        let connecting = tokio::task::spawn_blocking(move || {
            let stream = connect_as(wish.as_deref(), &path)?;
            stream.set_nonblocking(true)?;
            Ok(stream)
        });
        let stream = connecting.await.map_err(io::Error::other).and_then(|made| made)?;
        return Ok(Box::new(UnixStream::from_std(stream)?));
    }
    let host = settings.host.as_deref().unwrap_or("localhost");
    let stream = TcpStream::connect((host, settings.port)).await?;
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(&stream, true)?;
    sockopt::set_tcp_keepidle(&stream, KEEPALIVE_IDLE)?;
    sockopt::set_tcp_keepintvl(&stream, KEEPALIVE_INTERVAL)?;
    sockopt::set_tcp_keepcnt(&stream, KEEPALIVE_COUNT)?;
    Ok(Box::new(stream))
}

/// Whether TLS is asked for where the server has it: `None` never, else whether the connection is given up without.
pub(super) fn demands_tls(settings: &ServerSettings) -> Option<bool> {
    match settings.tls.mode {
        _ if settings.socket.is_some() => None,
        TlsMode::Disable => None,
        TlsMode::Prefer => Some(false),
        TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => Some(true),
    }
}

/// Secures the connection, when both sides have said that they will.
pub(super) async fn secure(settings: &ServerSettings, plain: Packets) -> Result<Packets, SecureError> {
    let host = settings.host.as_deref().unwrap_or("localhost").to_owned();
    let name = ServerName::try_from(host).map_err(|error| invalid(&error.to_string()))?;
    let connector = tls::connector(&settings.tls).map_err(SecureError::Setup)?;
    let numbers = plain.over(Box::new(tokio::io::empty()));
    let stream = connector.connect(name, plain.into_stream()?).await?;
    Ok(numbers.over(Box::new(stream)))
}

/// Why a connection could not be secured.
pub(super) enum SecureError {
    Setup(EngineError),
    Broken(io::Error),
}

impl From<io::Error> for SecureError {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}
