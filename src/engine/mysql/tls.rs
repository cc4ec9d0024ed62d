//! Transport security in the words of each family's clients.

use crate::engine::{TlsMode, TlsSettings};
use std::path::Path;

/// Where the system keeps the authorities that it trusts.
const SYSTEM_AUTHORITIES: &str = "/etc/ssl/certs";

/// Transport security for MySQL's clients.
pub(super) fn mysql_tls(tls: &TlsSettings) -> Vec<(&'static str, String)> {
    let mut options = vec![("ssl-mode", mysql_mode(tls.mode).to_owned())];
    if tls.mode == TlsMode::Disable || tls.mode == TlsMode::Prefer {
        // Without it nobody who is new to the server gets in where the connection is not encrypted.
        options.push(("loose-get-server-public-key", "1".to_owned()));
    }
    if is_verified(tls) && tls.ca.is_none() && Path::new(SYSTEM_AUTHORITIES).is_dir() {
        options.push(("ssl-capath", SYSTEM_AUTHORITIES.to_owned()));
    }
    options.extend(files(tls));
    options
}

/// And for MariaDB's, which of 11.4 and newer verify unless they are told not to, so all is said.
pub(super) fn mariadb_tls(tls: &TlsSettings) -> Vec<(&'static str, String)> {
    let on = |on: bool| if on { "1" } else { "0" }.to_owned();
    let mut options =
        vec![("ssl", on(tls.mode != TlsMode::Disable)), ("ssl-verify-server-cert", on(is_verified(tls)))];
    options.extend(files(tls));
    options
}

fn is_verified(tls: &TlsSettings) -> bool {
    matches!(tls.mode, TlsMode::VerifyCa | TlsMode::VerifyFull)
}

fn files(tls: &TlsSettings) -> Vec<(&'static str, String)> {
    if tls.mode == TlsMode::Disable {
        return Vec::new();
    }
    let files = [
        ("ssl-ca", tls.ca.as_ref().filter(|_| is_verified(tls))),
        ("ssl-cert", tls.cert.as_ref()),
        ("ssl-key", tls.key.as_ref()),
    ];
    let given = files.into_iter().filter_map(|(name, path)| Some((name, path?.display().to_string())));
    given.collect()
}

fn mysql_mode(mode: TlsMode) -> &'static str {
    match mode {
        TlsMode::Disable => "DISABLED",
        TlsMode::Prefer => "PREFERRED",
        TlsMode::Require => "REQUIRED",
        TlsMode::VerifyCa => "VERIFY_CA",
        TlsMode::VerifyFull => "VERIFY_IDENTITY",
    }
}
