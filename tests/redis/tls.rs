//! Secured connections, and what each mode demands.

use crate::content::fill;
use crate::round_trip::ALL;
use crate::support::plans::{dump_all, restore};
use crate::support::redis::{KINDS, Kind, Server, free_port};
use jagad::engine::redis::Redis;
use jagad::engine::{Engine as _, ServerSettings, TlsMode, TlsSettings};
use jagad::process::SystemRunner;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder with two authorities, and certificates of the first for a server named `localhost` and for a client.
fn certificates() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let authority = |name: &str| {
        let mut ca = CertificateParams::new(Vec::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.distinguished_name.push(rcgen::DnType::CommonName, name);
        let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(folder.path().join(format!("{name}.pem")), ca.pem()).unwrap();
        ca
    };
    let (ca, _) = (authority("ca"), authority("other"));
    for name in ["localhost", "client"] {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
        std::fs::write(folder.path().join(format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(folder.path().join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
    folder
}

fn start(kind: Kind, folder: &Path, clients: &str) -> Option<(Server, u16)> {
    let path = |name: &str| folder.join(name).display().to_string();
    let port = free_port();
    let args = [
        ("--tls-port", port.to_string()),
        ("--port", "0".to_owned()),
        ("--tls-cert-file", path("localhost.pem")),
        ("--tls-key-file", path("localhost.key")),
        ("--tls-ca-cert-file", path("ca.pem")),
        ("--tls-auth-clients", clients.to_owned()),
    ];
    let args: Vec<&str> = args.iter().flat_map(|(name, value)| [*name, value.as_str()]).collect();
    Some((Server::start_with(kind, &args)?, port))
}

fn at(server: &Server, (host, port): (&str, u16), tls: TlsSettings) -> Redis {
    let host = Some(host.to_owned());
    Redis::new(ServerSettings { socket: None, host, port, tls, ..server.settings() })
}

fn tls(mode: TlsMode, ca: Option<PathBuf>) -> TlsSettings {
    TlsSettings { mode, ca, cert: None, key: None }
}

#[tokio::test]
async fn each_mode_demands_what_it_says() {
    let folder = certificates();
    let (ca, other) = (folder.path().join("ca.pem"), folder.path().join("other.pem"));
    let Some((server, port)) = start(Kind::Redis7, folder.path(), "no") else { return };
    let try_to = async |host: &str, mode, ca: Option<&PathBuf>| {
        at(&server, (host, port), tls(mode, ca.cloned()))
            .inspect(&SystemRunner)
            .await
            .map(|_| ())
            .map_err(|e| e.to_string())
    };
    for (host, mode, ca, good) in [
        ("localhost", TlsMode::VerifyFull, Some(&ca), true),
        ("127.0.0.1", TlsMode::VerifyFull, Some(&ca), false),
        ("localhost", TlsMode::VerifyFull, Some(&other), false),
        ("localhost", TlsMode::VerifyFull, None, false),
        ("127.0.0.1", TlsMode::VerifyCa, Some(&ca), true),
        ("127.0.0.1", TlsMode::VerifyCa, Some(&other), false),
        ("127.0.0.1", TlsMode::Require, None, true),
        ("localhost", TlsMode::Prefer, None, false),
        ("localhost", TlsMode::Disable, None, false),
    ] {
        let reached = try_to(host, mode, ca).await;
        assert_eq!(reached.is_ok(), good, "{host} {mode:?} {ca:?}: {reached:?}");
    }
    let plain = Redis::new(ServerSettings { tls: tls(TlsMode::Require, None), ..server.settings() });
    let refused = plain.inspect(&SystemRunner).await.err().unwrap();
    assert!(refused.to_string().contains("Unix socket"), "{refused}");
}

#[tokio::test]
async fn a_backup_and_a_restore_go_over_tls_with_a_client_certificate() {
    let folder = certificates();
    for kind in KINDS {
        let Some((source, port)) = start(kind, folder.path(), "yes") else { return };
        let (target, target_port) = start(kind, folder.path(), "yes").unwrap();
        fill(&source);
        let secure = TlsSettings {
            cert: Some(folder.path().join("client.pem")),
            key: Some(folder.path().join("client.key")),
            ..tls(TlsMode::VerifyFull, Some(folder.path().join("ca.pem")))
        };
        let reached = at(&source, ("localhost", port), secure.clone()).inspect(&SystemRunner).await.unwrap();
        let dump = dump_all(reached.as_ref(), &ALL).await.unwrap().remove(0);
        let reached =
            at(&target, ("localhost", target_port), secure.clone()).inspect(&SystemRunner).await.unwrap();
        restore(reached.as_ref(), &dump, &dump.target("keys")).await.unwrap();
        assert_eq!(target.digest(), source.digest());

        let stranger = TlsSettings { cert: None, key: None, ..secure };
        assert!(at(&source, ("localhost", port), stranger).inspect(&SystemRunner).await.is_err());
    }
}
