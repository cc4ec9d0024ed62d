//! Replication connections with TLS, and somebody in between.

use super::support::postgres::Postgres;
use super::tls::issued;
use super::wire::{identified, over_network};
use jagad::engine::{EngineError, ServerSettings, TlsMode};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const HBA: &str = "local all all trust\nhostssl replication bk 127.0.0.1/32 scram-sha-256\n\
                   hostnossl replication plain 127.0.0.1/32 trust\n";
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// A server with TLS, and the authority that vouches for it.
struct Secured {
    postgres: Postgres,
    folder: tempfile::TempDir,
    authority: String,
}

impl Secured {
    fn start(major: u32) -> Option<Self> {
        let (authority, certificate) = issued("authority");
        let postgres = Postgres::start_tcp(major, HBA, Some(&certificate))?;
        postgres.psql(
            "postgres",
            "CREATE ROLE bk LOGIN REPLICATION PASSWORD 'word'; CREATE ROLE plain LOGIN REPLICATION;",
        );
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("right.pem"), &authority).unwrap();
        std::fs::write(folder.path().join("wrong.pem"), issued("stranger").0).unwrap();
        Some(Self { postgres, folder, authority })
    }

    fn settings(&self, host: &str, mode: TlsMode, ca: Option<&str>) -> ServerSettings {
        let mut settings = over_network(&self.postgres, "bk", "word", mode);
        settings.host = Some(host.to_owned());
        settings.tls.ca = ca.map(|name| self.folder.path().join(name));
        settings
    }
}

async fn check_modes(major: u32) {
    let Some(secured) = Secured::start(major) else { return };
    for (host, mode, ca) in [
        ("localhost", TlsMode::Prefer, None),
        ("localhost", TlsMode::Require, None),
        ("127.0.0.1", TlsMode::VerifyCa, Some("right.pem")),
        ("localhost", TlsMode::VerifyFull, Some("right.pem")),
    ] {
        let said = identified(&secured.settings(host, mode, ca)).await;
        said.unwrap_or_else(|error| panic!("{host} {mode:?}: {error:?}"));
    }
    for (host, mode, ca) in [
        ("localhost", TlsMode::VerifyCa, Some("wrong.pem")),
        ("localhost", TlsMode::VerifyFull, Some("wrong.pem")),
        ("127.0.0.1", TlsMode::VerifyFull, Some("right.pem")),
        ("localhost", TlsMode::VerifyFull, None),
    ] {
        let error = identified(&secured.settings(host, mode, ca)).await.unwrap_err();
        let refused =
            matches!(&error, EngineError::Unreachable { problem, .. } if problem.contains("certificate"));
        assert!(refused || matches!(error, EngineError::Prerequisite { .. }), "{host} {mode:?}: {error:?}");
    }
    let error = identified(&secured.settings("localhost", TlsMode::Disable, None)).await.unwrap_err();
    assert!(
        matches!(&error, EngineError::Prerequisite { help, .. } if help.contains("pg_hba.conf")),
        "{error:?}"
    );
    // A wrong password is told as what it is, though the second attempt, without TLS, is refused for another reason.
    let wrong = ServerSettings {
        password: Some(jagad::model::Secret::new("other".to_owned())),
        ..secured.settings("localhost", TlsMode::Prefer, None)
    };
    let error = identified(&wrong).await.unwrap_err();
    assert!(
        matches!(&error, EngineError::Login { problem, .. } if problem.contains("password")),
        "{error:?}"
    );
    // `prefer` goes without TLS where the server takes this user only so.
    let plain =
        ServerSettings { user: "plain".to_owned(), ..secured.settings("localhost", TlsMode::Prefer, None) };
    identified(&plain).await.unwrap();
}

on_each!(async check_modes as replication_is_as_secure_as_is_demanded: 15, 18);

/// Ends the TLS of a client, with a certificate of its own, and begins a new one to the server at `port`.
async fn in_between(authority: &str, port: u16) -> SocketAddr {
    let (_, certificate) = issued("in between");
    let chain = CertificateDer::pem_slice_iter(certificate.chain.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(certificate.key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions();
    let server = server.unwrap().with_no_client_auth().with_single_cert(chain, key).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let client = client.unwrap().with_root_certificates(roots).with_no_client_auth();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(server));
    let connector = tokio_rustls::TlsConnector::from(Arc::new(client));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            near.read_exact(&mut [0; 8]).await.unwrap();
            near.write_all(b"S").await.unwrap();
            let mut far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            far.write_all(&SSL_REQUEST).await.unwrap();
            assert_eq!(far.read_u8().await.unwrap(), b'S');
            let mut near = acceptor.accept(near).await.unwrap();
            let name = ServerName::try_from("localhost").unwrap();
            let mut far = connector.connect(name, far).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
        }
    });
    address
}

#[tokio::test]
async fn a_login_is_bound_to_the_certificate_of_the_server() {
    for major in [15, 18] {
        let Some(secured) = Secured::start(major) else { return };
        let address = in_between(&secured.authority, secured.postgres.settings().port).await;
        let mut settings = secured.settings("127.0.0.1", TlsMode::Require, None);
        settings.port = address.port();
        let error = identified(&settings).await.unwrap_err();
        assert!(format!("{error}").contains("channel binding"), "{error:?}");
        // A login that needs no password is bound to nothing: the way itself works.
        secured.postgres.set_hba("local all all trust\nhostssl replication bk 127.0.0.1/32 trust\n");
        let began = std::time::Instant::now();
        while let Err(error) = identified(&settings).await {
            assert!(began.elapsed().as_secs() < 20, "{error:?}");
        }
    }
}
