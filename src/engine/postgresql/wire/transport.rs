//! The way to one server: over a socket of the machine or the network, plain or secured.

use super::end_point;
use super::failure::Failure;
use crate::engine::{ServerSettings, TlsMode, tls};
use crate::process::{connect_as, user_exists};
use bytes::BytesMut;
use postgres_protocol::message::frontend;
use rustix::net::sockopt;
use rustls::pki_types::ServerName;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

/// A server that vanished from the network without a word is noticed after about a minute.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_COUNT: u32 = 3;

/// Both directions of a connection, whatever it goes over.
pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Wire for T {}

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Socket(PathBuf),
    Network { host: String, port: u16 },
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protection {
    Plain,
    /// By TLS, unless the server has none.
    Offered,
    /// By TLS.
    Demanded,
}

/// A connection that nobody has logged in on.
pub(super) struct Transport {
    pub(super) stream: Box<dyn Wire>,
    pub(super) security: Security,
}

/// What is known of the security of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Security {
    Plain,
    /// TLS, with what a login can be bound to, where the certificate says how.
    Secured(Option<Vec<u8>>),
}

/// The places of `settings`, in the order in which they are tried: libpq takes a list of hosts, and a host that is a folder
/// for a socket's.
pub(super) fn places(settings: &ServerSettings) -> Vec<Place> {
    let port = settings.port;
    let in_folder = |folder: PathBuf| Place::Socket(folder.join(format!(".s.PGSQL.{port}")));
    if let Some(folder) = &settings.socket {
        return vec![in_folder(folder.clone())];
    }
    let hosts = settings.host.as_deref().unwrap_or("localhost").split(',').map(str::trim);
    hosts
        .map(|host| match host {
            "" => Place::Network { host: "localhost".to_owned(), port },
            folder if folder.starts_with('/') => in_folder(PathBuf::from(folder)),
            host => Place::Network { host: host.to_owned(), port },
        })
        .collect()
}

/// How connections to `place` are protected, in the order in which that is tried. A socket of the machine needs no TLS, and
/// libpq uses none there whatever is demanded.
pub(super) fn protections(place: &Place, mode: TlsMode) -> &'static [Protection] {
    match (place, mode) {
        (Place::Socket(_), _) | (_, TlsMode::Disable) => &[Protection::Plain],
        (_, TlsMode::Prefer) => &[Protection::Offered, Protection::Plain],
        (_, TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull) => &[Protection::Demanded],
    }
}

/// Connects to `place`.
pub(super) async fn open(
    settings: &ServerSettings,
    place: &Place,
    protection: Protection,
) -> Result<Transport, Failure> {
    let unreached = |error: std::io::Error| Failure::Unreached(error.to_string());
    match place {
        Place::Socket(path) => {
            // A local server's usual `peer` login asks who the client process is: the same as every tool gets.
            let wish =
                (settings.password.is_none() && user_exists(&settings.user)).then(|| settings.user.clone());
            let path = path.clone();
            let connecting = tokio::task::spawn_blocking(move || {
                let stream = connect_as(wish.as_deref(), &path)?;
                stream.set_nonblocking(true)?;
                Ok(stream)
            });
            let stream = connecting.await.map_err(std::io::Error::other).and_then(|made| made);
            let stream = stream.and_then(UnixStream::from_std).map_err(unreached)?;
            Ok(Transport { stream: Box::new(stream), security: Security::Plain })
        }
        Place::Network { host, port } => {
            let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(unreached)?;
            stream.set_nodelay(true).and_then(|()| keep_alive(&stream)).map_err(unreached)?;
            secured(settings, host, stream, protection).await
        }
    }
}

fn keep_alive(stream: &TcpStream) -> std::io::Result<()> {
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, KEEPALIVE_IDLE)?;
    sockopt::set_tcp_keepintvl(stream, KEEPALIVE_INTERVAL)?;
    sockopt::set_tcp_keepcnt(stream, KEEPALIVE_COUNT)?;
    Ok(())
}

/// Asks the server for TLS. Exactly one byte of its answer is read: whatever else was sent before the handshake goes into the
/// handshake, which fails then, and never into what is believed to be secured (CVE-2021-23222).
async fn secured(
    settings: &ServerSettings,
    host: &str,
    mut stream: TcpStream,
    protection: Protection,
) -> Result<Transport, Failure> {
    if protection == Protection::Plain {
        return Ok(Transport { stream: Box::new(stream), security: Security::Plain });
    }
    let broken = |error: std::io::Error| Failure::Broken(error.to_string());
    let mut request = BytesMut::new();
    frontend::ssl_request(&mut request);
    stream.write_all(&request).await.map_err(broken)?;
    match stream.read_u8().await.map_err(broken)? {
        b'S' => {}
        b'N' if protection == Protection::Offered => {
            return Ok(Transport { stream: Box::new(stream), security: Security::Plain });
        }
        b'N' => {
            let problem = "the server does not offer TLS, which `tls.mode` demands".to_owned();
            return Err(Failure::Broken(problem));
        }
        // What it says more is not shown: anybody in between could have said it (CVE-2024-10977).
        _ => return Err(Failure::Broken("the server does not answer the request for TLS".to_owned())),
    }
    let name = ServerName::try_from(host.to_owned()).map_err(|error| Failure::Broken(error.to_string()))?;
    let connector = tls::connector(&settings.tls).map_err(Failure::Setup)?;
    let stream = connector.connect(name, stream).await.map_err(broken)?;
    let certificates = stream.get_ref().1.peer_certificates();
    let bound = certificates.and_then(|chain| chain.first()).and_then(end_point::of);
    Ok(Transport { stream: Box::new(stream), security: Security::Secured(bound) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EngineKind;

    #[test]
    fn hosts_are_tried_in_their_order_and_folders_are_sockets() {
        let mut settings = ServerSettings::tools_only(EngineKind::PostgreSql, None);
        settings.port = 5433;
        settings.host = Some("a, /run/pg,::1".to_owned());
        let network = |host: &str| Place::Network { host: host.to_owned(), port: 5433 };
        let socket = Place::Socket(PathBuf::from("/run/pg/.s.PGSQL.5433"));
        assert_eq!(places(&settings), [network("a"), socket.clone(), network("::1")]);
        settings.socket = Some(PathBuf::from("/run/pg"));
        assert_eq!(places(&settings), [socket]);
    }
}
