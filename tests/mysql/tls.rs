//! Transport security with real certificates, and logins.

use super::support::mysql::{Release, Sql};
use super::support::plans::scope;
use jagad::engine::mysql::MySql;
use jagad::engine::{Engine as _, EngineError, Finding, ServerSettings, TlsMode, TlsSettings};
use jagad::model::Secret;
use jagad::process::SystemRunner;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// An authority, a certificate for `localhost` that it signed, and another authority that signed nothing.
struct Certificates {
    folder: TempDir,
}

impl Certificates {
    fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("jgt").tempdir_in("/tmp").unwrap();
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open).unwrap();
        let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
        let authority = |name: &str| {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            let key = KeyPair::generate().unwrap();
            let certificate = params.self_signed(&key).unwrap();
            (certificate.pem(), Issuer::new(params, key))
        };
        let (pem, issuer) = authority("good");
        write("ca.pem", pem);
        write("other.pem", authority("other").0);
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        write("cert.pem", params.signed_by(&key, &issuer).unwrap().pem());
        write("key.pem", key.serialize_pem());
        Self { folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

struct Remote {
    sql: Sql,
    port: u16,
}

impl Remote {
    fn start(release: Release, options: &[String]) -> Option<Self> {
        let port = free_port();
        let listen = [format!("--port={port}"), "--bind-address=127.0.0.1,127.0.0.2".to_owned()];
        let options: Vec<&str> = options.iter().chain(&listen).map(String::as_str).collect();
        let sql = Sql::start_with(release, &options)?;
        sql.run("", "CREATE USER j@'%' IDENTIFIED BY 'p#w\"\\'\\\\ x'; GRANT SELECT ON *.* TO j@'%';");
        Some(Self { sql, port })
    }

    async fn connect(&self, host: &str, mode: TlsMode, ca: Option<&Path>) -> Result<(), EngineError> {
        MySql::new(self.settings(host, mode, ca)).inspect(&SystemRunner).await.map(|_| ())
    }

    /// What jagad's own connection finds.
    async fn log_findings(&self, user: &str, mode: TlsMode, ca: Option<&Path>) -> Vec<Finding> {
        let settings = ServerSettings { user: user.to_owned(), ..self.settings("localhost", mode, ca) };
        let server = MySql::new(settings).inspect(&SystemRunner).await.unwrap();
        server.log().unwrap().check_log(&SystemRunner, &scope(&["shop"])).await.unwrap()
    }

    fn settings(&self, host: &str, mode: TlsMode, ca: Option<&Path>) -> ServerSettings {
        let tls = TlsSettings { mode, ca: ca.map(Path::to_owned), ..TlsSettings::default() };
        ServerSettings {
            host: Some(host.to_owned()),
            socket: None,
            port: self.port,
            user: "j".to_owned(),
            password: Some(Secret::new("p#w\"'\\ x".to_owned())),
            tls,
            ..self.sql.settings()
        }
    }
}

async fn every_mode_demands_what_it_says(release: Release) {
    let certificates = Certificates::new();
    let option = |name: &str, file: &str| format!("--{name}={}", certificates.file(file).display());
    let options = [option("ssl-ca", "ca.pem"), option("ssl-cert", "cert.pem"), option("ssl-key", "key.pem")];
    let Some(server) = Remote::start(release, &options) else { return };
    let (ca, other) = (certificates.file("ca.pem"), certificates.file("other.pem"));
    for (host, mode, ca, good) in [
        ("localhost", TlsMode::Disable, None, true),
        ("localhost", TlsMode::Prefer, None, true),
        ("localhost", TlsMode::Require, None, true),
        ("localhost", TlsMode::VerifyCa, Some(&ca), true),
        ("localhost", TlsMode::VerifyFull, Some(&ca), true),
        ("localhost", TlsMode::VerifyCa, Some(&other), false),
        ("localhost", TlsMode::VerifyFull, Some(&other), false),
        ("127.0.0.2", TlsMode::Require, None, true),
        ("127.0.0.2", TlsMode::VerifyFull, Some(&ca), false),
    ] {
        let connected = server.connect(host, mode, ca.map(PathBuf::as_path)).await;
        assert_eq!(connected.is_ok(), good, "{host} {mode:?}: {connected:?}");
    }
    // Only who is encrypted gets in.
    server.sql.run("", "ALTER USER j@'%' REQUIRE SSL;");
    for (mode, good) in [(TlsMode::Disable, false), (TlsMode::Prefer, true), (TlsMode::Require, true)] {
        let connected = server.connect("localhost", mode, None).await;
        assert_eq!(connected.is_ok(), good, "{mode:?}: {connected:?}");
    }
}

on_each!(
    async every_mode_demands_what_it_says as every_mode_demands_what_it_says:
    MySql97, MariaDb1011, MariaDb118
);

async fn a_server_without_tls(release: Release) {
    let off = if release == Release::MySql97 { "--tls-version=" } else { "--skip-ssl" };
    let Some(server) = Remote::start(release, &[off.to_owned()]) else { return };
    server.connect("localhost", TlsMode::Disable, None).await.unwrap();
    server.connect("localhost", TlsMode::Prefer, None).await.unwrap();
    for mode in [TlsMode::Require, TlsMode::VerifyFull] {
        let refused = server.connect("localhost", mode, None).await;
        assert!(matches!(refused, Err(EngineError::Unreachable { .. })), "{mode:?}: {refused:?}");
    }
}

on_each!(
    async a_server_without_tls as a_server_without_tls_is_used_only_where_that_is_allowed:
    MySql97, MariaDb1011, MariaDb118
);

#[tokio::test]
async fn logins_and_connections_that_fail_are_told_apart() {
    for release in Release::ALL {
        let Some(sql) = Sql::start(release) else { return };
        sql.run("", "CREATE USER j@localhost IDENTIFIED BY 'right';");
        let wrong = MySql::new(sql.settings_of("j", "wrong")).inspect(&SystemRunner).await.err().unwrap();
        assert!(matches!(wrong, EngineError::Login { .. }), "{wrong:?}");
        assert!(!format!("{wrong:?}").contains("wrong\""), "{wrong:?}");
        let nobody = ServerSettings { socket: Some("/nonexistent".into()), ..sql.settings() };
        let gone = MySql::new(nobody).inspect(&SystemRunner).await.err().unwrap();
        assert!(matches!(gone, EngineError::Unreachable { .. }), "{gone:?}");
    }
}

/// jagad speaks the protocol itself where it reads the binary log: with every login that the server's own programs have here.
async fn the_log_is_read_with_every_login(release: Release) {
    let certificates = Certificates::new();
    let option = |name: &str, file: &str| format!("--{name}={}", certificates.file(file).display());
    let log = ["--log-bin=binlog", "--server-id=1", "--binlog-format=ROW"].map(str::to_owned);
    let tls = [option("ssl-ca", "ca.pem"), option("ssl-cert", "cert.pem"), option("ssl-key", "key.pem")];
    let Some(server) = Remote::start(release, &[&log[..], &tls[..]].concat()) else { return };
    server.sql.run("", "CREATE DATABASE shop;");
    let mysql = release == Release::MySql97;
    let status = if mysql { "RELOAD, REPLICATION CLIENT" } else { "BINLOG MONITOR" };
    let mut users = vec!["j"];
    if !mysql {
        let password = "p#w\"\\'\\\\ x";
        server.sql.run("", &format!(
            "INSTALL SONAME 'auth_ed25519'; CREATE USER e@'%' IDENTIFIED VIA ed25519 USING PASSWORD('{password}');
             GRANT SELECT ON *.* TO e@'%';"
        ));
        users.push("e");
    }
    let ca = certificates.file("ca.pem");
    for user in users {
        let found = server.log_findings(user, TlsMode::Disable, None).await;
        let lacks = found.iter().find(|finding| finding.is_no_incrementals()).expect("rights are missing");
        assert!(lacks.hint().starts_with("GRANT REPLICATION SLAVE, "), "{lacks:?}");
        server
            .sql
            .run("", &format!("GRANT REPLICATION SLAVE, {status} ON *.* TO {user}@'%'; FLUSH PRIVILEGES;"));
        for (mode, ca) in
            [(TlsMode::Disable, None), (TlsMode::Prefer, None), (TlsMode::VerifyFull, Some(ca.as_path()))]
        {
            let found = server.log_findings(user, mode, ca).await;
            assert!(found.iter().all(|finding| !finding.is_no_incrementals()), "{user} {mode:?}: {found:?}");
            if mysql {
                // Asks for the password again, and not for what the server keeps of it.
                server.sql.run("", "FLUSH PRIVILEGES;");
            }
        }
    }
}

on_each!(
    async the_log_is_read_with_every_login as the_log_is_read_with_every_login:
    MySql97, MariaDb1011
);
