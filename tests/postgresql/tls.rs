//! Servers on the network, with TLS and without.

use super::support::plans::{dump_all, scope};
use super::support::postgres::{Certificate, Postgres};
use jagad::engine::postgresql::PostgreSql;
use jagad::engine::{
    DatabaseChoice, Engine as _, EngineError, Scope, Server, ServerSettings, TlsMode, TlsSettings,
};
use jagad::model::Secret;
use jagad::process::SystemRunner;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::path::{Path, PathBuf};

/// Signs that mean something to URIs, connection strings, password files, shells or SQL.
const PASSWORD: &str = "b#k\\p\"w 'x:@%";
const ONLY_TLS: &str = "local all postgres trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";

/// A server named `localhost`, the authority that says so, and one that says nothing of it.
struct Secure {
    postgres: Postgres,
    folder: tempfile::TempDir,
}

/// An authority, as PEM, and a certificate of it for `localhost`.
pub(crate) fn issued(authority: &str) -> (String, Certificate) {
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // With one name for both the server's certificate would look as if it had signed itself.
    ca.distinguished_name.push(DnType::CommonName, authority);
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
    (ca.pem(), Certificate { chain: leaf.pem(), key: key.serialize_pem() })
}

fn create_role(postgres: &Postgres) {
    let password = PASSWORD.replace('\\', "\\\\").replace('\'', "''");
    postgres.psql(
        "postgres",
        &format!("CREATE ROLE bk LOGIN PASSWORD E'{password}'; CREATE TABLE t AS SELECT 7 AS a; GRANT SELECT ON t TO bk;"),
    );
}

impl Secure {
    fn start(major: u32) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let (right, certificate) = issued("authority");
        let postgres = Postgres::start_tcp(major, ONLY_TLS, Some(&certificate))?;
        std::fs::write(folder.path().join("right.pem"), right).unwrap();
        std::fs::write(folder.path().join("wrong.pem"), issued("stranger").0).unwrap();
        std::fs::write(folder.path().join("posing.pem"), issued("authority").0).unwrap();
        create_role(&postgres);
        Some(Self { postgres, folder })
    }

    fn authority(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn settings(&self, host: &str, mode: TlsMode, ca: Option<&Path>) -> ServerSettings {
        reached(
            &self.postgres,
            host,
            TlsSettings { mode, ca: ca.map(Path::to_owned), ..TlsSettings::default() },
        )
    }

    async fn asked(
        &self,
        host: &str,
        mode: TlsMode,
        ca: Option<&Path>,
    ) -> Result<Box<dyn Server>, EngineError> {
        PostgreSql::new(self.settings(host, mode, ca)).inspect(&SystemRunner).await
    }

    #[track_caller]
    fn refused(asked: Result<Box<dyn Server>, EngineError>, words: &str) {
        let error = asked.err().expect("a refusal");
        assert!(!format!("{error} {error:?}").contains("b#k"), "{error:?}");
        let (EngineError::Unreachable { problem, .. } | EngineError::Login { problem, .. }) = &error else {
            panic!("{error:?}")
        };
        assert!(problem.contains(words), "{error:?}");
    }
}

fn reached(postgres: &Postgres, host: &str, tls: TlsSettings) -> ServerSettings {
    ServerSettings {
        host: Some(host.to_owned()),
        socket: None,
        user: "bk".to_owned(),
        password: Some(Secret::new(PASSWORD.to_owned())),
        tls,
        role_passwords: false,
        ..postgres.settings()
    }
}

/// The rows that a dump of everything carries.
async fn dumped(server: &dyn Server) -> Result<u64, EngineError> {
    let parts = dump_all(server, &scope(&["postgres"])).await?;
    Ok(parts.iter().filter_map(|part| part.contents.as_ref()).map(jagad::model::Contents::rows).sum())
}

async fn check_modes(major: u32) {
    let Some(secure) = Secure::start(major) else { return };
    let (right, wrong) = (secure.authority("right.pem"), secure.authority("wrong.pem"));
    for (host, mode, ca) in [
        ("localhost", TlsMode::Prefer, None),
        ("localhost", TlsMode::Require, None),
        ("localhost", TlsMode::VerifyCa, Some(&right)),
        ("localhost", TlsMode::VerifyFull, Some(&right)),
        ("127.0.0.1", TlsMode::VerifyCa, Some(&right)),
    ] {
        let server = secure.asked(host, mode, ca.map(PathBuf::as_path)).await;
        let server = server.unwrap_or_else(|error| panic!("{mode:?} to {host}: {error:?}"));
        assert_eq!(dumped(server.as_ref()).await.unwrap(), 1, "{mode:?} to {host}");
        let globals = Scope { databases: DatabaseChoice::Named(Vec::new()), globals: true };
        dump_all(server.as_ref(), &globals).await.unwrap();
    }
    let verified = "certificate verify failed";
    for mode in [TlsMode::VerifyCa, TlsMode::VerifyFull] {
        Secure::refused(secure.asked("localhost", mode, Some(&wrong)).await, verified);
        let posing = secure.authority("posing.pem");
        Secure::refused(secure.asked("localhost", mode, Some(&posing)).await, "SSL error");
    }
    Secure::refused(
        secure.asked("127.0.0.1", TlsMode::VerifyFull, Some(&right)).await,
        "does not match host name",
    );
    Secure::refused(secure.asked("localhost", TlsMode::Disable, None).await, "no encryption");
    // Nobody on this machine vouches for the server.
    assert!(secure.asked("localhost", TlsMode::VerifyFull, None).await.is_err());
}

on_each!(async check_modes as as_much_security_as_is_demanded_is_there_or_nothing_is_said: 15, 18);

#[tokio::test]
async fn a_dump_looks_at_the_certificate_anew() {
    let Some(secure) = Secure::start(15) else { return };
    let ca = secure.authority("ca.pem");
    for mode in [TlsMode::VerifyCa, TlsMode::VerifyFull] {
        std::fs::copy(secure.authority("right.pem"), &ca).unwrap();
        let server = secure.asked("localhost", mode, Some(&ca)).await.unwrap();
        assert_eq!(dumped(server.as_ref()).await.unwrap(), 1);
        std::fs::copy(secure.authority("wrong.pem"), &ca).unwrap();
        let error = dumped(server.as_ref()).await.unwrap_err();
        assert!(format!("{error:?}").contains("certificate verify failed"), "{error:?}");
    }
}

#[tokio::test]
async fn a_dump_without_security_is_refused_by_a_server_that_demands_it() {
    let Some(secure) = Secure::start(15) else { return };
    secure.postgres.set_hba("local all postgres trust\nhost all all 127.0.0.1/32 scram-sha-256\n");
    let server = secure.asked("localhost", TlsMode::Disable, None).await.unwrap();
    assert_eq!(dumped(server.as_ref()).await.unwrap(), 1);
    secure.postgres.set_hba(ONLY_TLS);
    // A reload is no step that can be waited for: the old rules hold until the server gets to it.
    let began = std::time::Instant::now();
    let error = loop {
        match dumped(server.as_ref()).await {
            Err(error) => break error,
            Ok(_) => assert!(began.elapsed().as_secs() < 20, "the old rules still hold"),
        }
    };
    assert!(format!("{error:?}").contains("no encryption"), "{error:?}");
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_it_is_demanded() {
    let hba = "local all postgres trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
    let Some(postgres) = Postgres::start_tcp(15, hba, None) else { return };
    create_role(&postgres);
    for (mode, works) in [(TlsMode::Disable, true), (TlsMode::Prefer, true), (TlsMode::Require, false)] {
        let settings = reached(&postgres, "127.0.0.1", TlsSettings { mode, ..TlsSettings::default() });
        let server = PostgreSql::new(settings).inspect(&SystemRunner).await;
        if works {
            assert_eq!(dumped(server.unwrap().as_ref()).await.unwrap(), 1, "{mode:?}");
        } else {
            Secure::refused(server, "server does not support SSL");
        }
    }
}
