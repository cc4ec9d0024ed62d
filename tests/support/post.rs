//! A mail server and a web service, each a process of its own that keeps what it was sent.

use super::presence::{Need, server_from};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// The password and the token that nobody may ever read.
pub(crate) const PASSWORD: &str = "hunter2-mail";

/// A server on a port of 127.0.0.1. Dropping it ends it.
pub(crate) struct Post {
    child: Child,
    folder: TempDir,
    pub(crate) port: u16,
}

/// A certificate for `localhost` in `folder`: `ca.pem`, `cert.pem`, `key.pem`.
pub(crate) fn certificate(folder: &Path) {
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
    for (name, text) in [("ca.pem", ca.pem()), ("cert.pem", leaf.pem()), ("key.pem", key.serialize_pem())] {
        std::fs::write(folder.join(name), text).unwrap();
    }
}

impl Post {
    fn start(script: &str, args: impl FnOnce(&Path) -> Vec<String>) -> Option<Self> {
        let python = server_from("JAGAD_TEST_PYTHON", Need::Required)?;
        let folder = tempfile::Builder::new().prefix("jagad-post-").tempdir_in("/tmp").unwrap();
        certificate(folder.path());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support").join(script);
        let mut child = Command::new(python)
            .arg(script)
            .arg(folder.path())
            .args(args(folder.path()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("the server's port");
        Some(Self { child, folder, port })
    }

    /// A mail server: `plain`, `smtps`, `starttls` or `deaf`.
    pub(crate) fn mail(mode: &str, login: Option<&str>) -> Option<Self> {
        Self::start("mailbox.py", |folder| {
            let mut args = vec![mode.to_owned()];
            args.extend(["cert.pem", "key.pem"].map(|name| folder.join(name).display().to_string()));
            if let Some(user) = login {
                args.extend(["--login", user, PASSWORD].map(str::to_owned));
            }
            args
        })
    }

    /// A web service with these first answers.
    pub(crate) fn web(answers: &str) -> Option<Self> {
        Self::start("web.py", |_| {
            if answers.is_empty() { Vec::new() } else { vec!["--answers".to_owned(), answers.to_owned()] }
        })
    }

    /// The same with TLS.
    pub(crate) fn secure_web() -> Option<Self> {
        Self::start("web.py", |folder| {
            let file = |name: &str| folder.join(name).display().to_string();
            vec!["--tls".to_owned(), file("cert.pem"), file("key.pem")]
        })
    }

    /// The authority behind its certificate.
    pub(crate) fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn kept(&self, ending: &str) -> Vec<String> {
        let paths = (1..).map(|number| self.folder.path().join(format!("{number}.{ending}")));
        paths.map_while(|path| std::fs::read_to_string(path).ok()).collect()
    }

    /// The mails it took, in order.
    pub(crate) fn mails(&self) -> Vec<String> {
        self.kept("eml")
    }

    /// The requests it took, in order: method, path, headers, body.
    pub(crate) fn requests(&self) -> Vec<Value> {
        self.kept("json").iter().map(|text| serde_json::from_str(text).unwrap()).collect()
    }
}

impl Drop for Post {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
