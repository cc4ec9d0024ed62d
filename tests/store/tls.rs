//! An S3 server whose certificate a private CA has signed.

use super::body::{bytes, expected, fetched, reader};
use crate::support::faulty::{BUCKET, service, settings};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use jagad::store::{ObjectRole, S3Settings, S3Store, Store as _, StoreError};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, crypto::ring};

struct Secure {
    settings: S3Settings,
    directory: tempfile::TempDir,
}

/// The CA's certificate in PEM, and what a server named `localhost` needs.
fn issued() -> (String, Arc<ServerConfig>) {
    let mut ca = CertificateParams::new(Vec::new()).expect("parameters");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().expect("a key")).expect("a CA");
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    let leaf = leaf.signed_by(&key, &ca).expect("a certificate");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).expect("a key"),
        )
        .expect("a configuration");
    (ca.pem(), Arc::new(config))
}

impl Secure {
    async fn start() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        std::fs::create_dir(directory.path().join(BUCKET)).expect("a bucket");
        let (pem, config) = issued();
        std::fs::write(directory.path().join("ca.pem"), pem).expect("a file");
        let service = service(s3s_fs::FileSystem::new(directory.path()).expect("a file system"));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let acceptor = TlsAcceptor::from(config);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, service) = (acceptor.clone(), service.clone());
                tokio::spawn(async move {
                    // A client that refuses the certificate hangs up here.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let server = Builder::new(TokioExecutor::new());
                        let _ = server.serve_connection(TokioIo::new(stream), service).await;
                    }
                });
            }
        });
        let mut settings = settings(&format!("https://localhost:{port}"), BUCKET);
        settings.allow_http = false;
        Self { settings, directory }
    }
}

async fn round_trip(settings: &S3Settings) -> Result<(), StoreError> {
    let store = S3Store::open(settings)?;
    // Above one part: the upload's begin, parts, completion and look all go over TLS.
    let body = bytes((5 << 20) + 1);
    store.put(&"k".parse().unwrap(), reader(body.clone()), ObjectRole::Mutable).await?;
    assert_eq!(fetched(&store, "k").await?, expected(&body));
    store.clock().await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_ca_is_trusted_when_it_is_named_and_refused_when_not() {
    let server = Secure::start().await;
    let named =
        S3Settings { tls_ca: Some(server.directory.path().join("ca.pem")), ..server.settings.clone() };
    round_trip(&named).await.expect("a trusted server");
    let begin = std::time::Instant::now();
    let unnamed = S3Settings { retry_base: std::time::Duration::from_secs(20), ..server.settings.clone() };
    let error = round_trip(&unnamed).await.expect_err("nobody vouches for this server");
    assert!(matches!(error, StoreError::Tls { .. }), "{error}");
    assert!(error.to_string().contains("certificate"), "{error}");
    assert!(begin.elapsed().as_secs() < 10, "a refused certificate is refused at every try");
    let insecure = S3Settings { insecure_tls: true, ..server.settings.clone() };
    round_trip(&insecure).await.expect("a server that nobody looks at");
}
