//! Replication connections: every way to log in, and servers that do not behave as one.

use super::support::postgres::Postgres;
use jagad::engine::postgresql::wire::Session;
use jagad::engine::{EngineError, ServerSettings, TlsMode, TlsSettings};
use jagad::model::Secret;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Signs that mean something elsewhere.
const PASSWORD: &str = "b#k\\p\"w 'x:@%ä";

pub(crate) fn over_network(postgres: &Postgres, user: &str, password: &str, mode: TlsMode) -> ServerSettings {
    ServerSettings {
        host: Some("127.0.0.1".to_owned()),
        socket: None,
        user: user.to_owned(),
        password: Some(Secret::new(password.to_owned())),
        tls: TlsSettings { mode, ..TlsSettings::default() },
        ..postgres.settings()
    }
}

/// Logs in, and asks the server who it is.
pub(crate) async fn identified(settings: &ServerSettings) -> Result<String, EngineError> {
    let mut session = Session::connect(settings, "").await?;
    let rows = session.query("IDENTIFY_SYSTEM", "IDENTIFY_SYSTEM").await?;
    Ok(rows[0][0].clone().unwrap())
}

async fn check_logins(major: u32) {
    let hba = "local all all trust\nlocal replication all trust\n\
               host replication scram 127.0.0.1/32 scram-sha-256\nhost replication md5 127.0.0.1/32 md5\n\
               host replication clear 127.0.0.1/32 password\nhost replication postgres 127.0.0.1/32 trust\n";
    let Some(postgres) = Postgres::start_tcp(major, hba, None) else { return };
    for (role, encryption) in [("scram", "scram-sha-256"), ("md5", "md5"), ("clear", "scram-sha-256")] {
        let password = PASSWORD.replace('\\', "\\\\").replace('\'', "''");
        postgres.psql(
            "postgres",
            &format!("SET password_encryption = '{encryption}'; CREATE ROLE {role} LOGIN REPLICATION PASSWORD E'{password}';"),
        );
    }
    let system = postgres.psql("postgres", "SELECT system_identifier FROM pg_control_system()");
    assert_eq!(identified(&postgres.settings()).await.unwrap(), system, "over its socket");
    for role in ["scram", "md5", "clear", "postgres"] {
        for mode in [TlsMode::Disable, TlsMode::Prefer] {
            let settings = over_network(&postgres, role, PASSWORD, mode);
            assert_eq!(identified(&settings).await.unwrap(), system, "{role} {mode:?}");
        }
    }
    for role in ["scram", "md5", "clear"] {
        for password in ["wrong-secret", ""] {
            let error =
                identified(&over_network(&postgres, role, password, TlsMode::Prefer)).await.unwrap_err();
            assert!(matches!(&error, EngineError::Login { user, .. } if user == role), "{error:?}");
            assert!(!format!("{error:?} {error}").contains("wrong-secret"), "{error:?}");
        }
        let none = ServerSettings { password: None, ..over_network(&postgres, role, "", TlsMode::Prefer) };
        let error = identified(&none).await.unwrap_err();
        assert!(
            matches!(&error, EngineError::Login { problem, .. } if problem.contains("password")),
            "{error:?}"
        );
    }
    let error = identified(&over_network(&postgres, "scram", PASSWORD, TlsMode::Require)).await.unwrap_err();
    assert!(
        matches!(&error, EngineError::Unreachable { problem, .. } if problem.contains("TLS")),
        "{error:?}"
    );
    // Nobody listens at the first of them.
    let mut listed = over_network(&postgres, "scram", PASSWORD, TlsMode::Prefer);
    listed.host = Some("127.0.0.2,127.0.0.1".to_owned());
    assert_eq!(identified(&listed).await.unwrap(), system);
    listed.host = Some("127.0.0.2,127.0.0.3".to_owned());
    assert!(matches!(identified(&listed).await.unwrap_err(), EngineError::Unreachable { .. }));
}

on_each!(async check_logins as every_kind_of_login_works_over_the_replication_protocol: 15, 18);

#[tokio::test]
async fn a_peer_login_sees_the_user_of_the_role_when_root_asks() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let hba = "local all all trust\nlocal replication all peer\n";
    let Some(postgres) = Postgres::start_with(15, hba) else { return };
    identified(&postgres.settings()).await.unwrap();
    // Only that one connection was made as another user.
    assert!(nix::unistd::geteuid().is_root());
    postgres
        .psql("postgres", "CREATE ROLE nobody LOGIN REPLICATION; CREATE ROLE stranger LOGIN REPLICATION;");
    identified(&ServerSettings { user: "nobody".to_owned(), ..postgres.settings() }).await.unwrap();
    let stranger = ServerSettings { user: "stranger".to_owned(), ..postgres.settings() };
    assert!(matches!(identified(&stranger).await.unwrap_err(), EngineError::Login { .. }));
}

/// Something that answers each of a client's messages with the next of `answers`.
async fn impostor(answers: Vec<Vec<u8>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            for answer in &answers {
                let mut asked = [0; 4096];
                if !matches!(stream.read(&mut asked).await, Ok(1..))
                    || stream.write_all(answer).await.is_err()
                {
                    break;
                }
            }
            // Until the client goes.
            let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
        }
    });
    address
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[tag][..], &length.to_be_bytes(), body].concat()
}

#[tokio::test]
async fn what_does_not_behave_as_a_server_is_refused() {
    let asks_scram = message(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0");
    let lets_in = [message(b'R', &[0, 0, 0, 0]), message(b'Z', b"I")].concat();
    for (mode, answers, words) in [
        // Words in front of the handshake, which would count as secured if they were kept (CVE-2021-23222).
        (TlsMode::Require, vec![[b"S".to_vec(), lets_in.clone()].concat()], "corrupt"),
        // An error that anybody could have sent is not shown (CVE-2024-10977).
        (
            TlsMode::Require,
            vec![message(b'E', b"Mcall this number\0\0")],
            "does not answer the request for TLS",
        ),
        (TlsMode::Require, vec![b"N".to_vec()], "does not offer TLS"),
        // The server must prove that it knows the password too.
        (TlsMode::Disable, vec![asks_scram.clone(), lets_in.clone()], "unexpected request 0"),
        (TlsMode::Disable, vec![message(b'R', b"\0\0\0\x0aOTHER\0\0")], "OTHER"),
        (TlsMode::Disable, vec![asks_scram, message(b'R', b"\0\0\0\x0br=short,s=AAAA,i=1")], "proven"),
        (TlsMode::Disable, vec![b"R\xff\xff\xff\xff".to_vec()], "4294967295 bytes"),
        (TlsMode::Disable, vec![message(b'W', b"\0\0\0")], "unexpected message"),
        (TlsMode::Disable, vec![message(b'R', b"\0")], "ends inside a number"),
    ] {
        let address = impostor(answers).await;
        let settings = ServerSettings {
            host: Some(address.ip().to_string()),
            port: address.port(),
            user: "bk".to_owned(),
            password: Some(Secret::new("secret-word".to_owned())),
            tls: TlsSettings { mode, ..TlsSettings::default() },
            ..ServerSettings::tools_only(jagad::model::EngineKind::PostgreSql, None)
        };
        let error = identified(&settings).await.unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(said.contains(words), "{words}: {said}");
        assert!(!said.contains("secret-word") && !said.contains("call this"), "{said}");
    }
}
