//! Logging in.

use super::failure::Failure;
use super::line::{Line, unexpected};
use super::message::{Message, number, tag, text};
use super::report::Report;
use super::transport::Security;
use crate::engine::ServerSettings;
use bytes::{Bytes, BytesMut};
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{
    ChannelBinding, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramSha256,
};
use postgres_protocol::message::frontend;
use std::collections::BTreeMap;
use std::io;

/// What the server may say of its settings; it says some fifteen.
const PARAMETERS_LIMIT: usize = 200;

const OK: u32 = 0;
const CLEAR_TEXT: u32 = 3;
const MD5: u32 = 5;
const SASL: u32 = 10;
const SASL_CONTINUE: u32 = 11;
const SASL_FINAL: u32 = 12;

/// One login.
pub(super) struct Login<'a> {
    pub(super) settings: &'a ServerSettings,
    pub(super) security: &'a Security,
    /// What the session is begun with, beside the user.
    pub(super) parameters: &'a [(&'a str, &'a str)],
}

/// How far a login has come that proves both sides.
enum Proof {
    None,
    Running(Box<ScramSha256>),
    Done,
}

impl Login<'_> {
    /// Logs in on `line`; what the server says of its settings comes back.
    pub(super) async fn run(&self, line: &mut Line) -> Result<BTreeMap<String, String>, Failure> {
        let user = [("user", self.settings.user.as_str())];
        let parameters = user.into_iter().chain(self.parameters.iter().copied());
        send(line, |out| frontend::startup_message(parameters, out)).await?;
        let mut proof = Proof::None;
        let mut known = BTreeMap::new();
        loop {
            let Message { tag, body } = line.message().await?;
            match tag {
                tag::AUTHENTICATION => self.answer(line, body, &mut proof).await?,
                tag::ERROR => return Err(Failure::Said(Report::parse(body).map_err(Failure::Broken)?)),
                tag::PARAMETER => note(&mut known, body).map_err(Failure::Broken)?,
                tag::READY => return Ok(known),
                tag::NOTICE | tag::KEY | tag::VERSION => {}
                other => return Err(unexpected(other)),
            }
        }
    }

    async fn answer(&self, line: &mut Line, mut body: Bytes, proof: &mut Proof) -> Result<(), Failure> {
        let kind = number(&mut body).map_err(Failure::Broken)?;
        match (kind, &mut *proof) {
            // A server that began to prove that it knows the password must end that.
            (OK, Proof::None | Proof::Done) => Ok(()),
            // As libpq does: who trusts the way to the server may ask for it in this form.
            (CLEAR_TEXT, Proof::None) => {
                let password = self.password()?;
                send(line, |out| frontend::password_message(password, out)).await
            }
            (MD5, Proof::None) => {
                let salt = <[u8; 4]>::try_from(body.as_ref());
                let salt = salt.map_err(|_| Failure::Broken("a login without its salt".to_owned()))?;
                let hash = md5_hash(self.settings.user.as_bytes(), self.password()?, salt);
                send(line, |out| frontend::password_message(hash.as_bytes(), out)).await
            }
            (SASL, Proof::None) => {
                let (mechanism, binding) = self.choose(&mechanisms(body).map_err(Failure::Broken)?)?;
                let scram = ScramSha256::new(self.password()?, binding);
                send(line, |out| frontend::sasl_initial_response(mechanism, scram.message(), out)).await?;
                *proof = Proof::Running(Box::new(scram));
                Ok(())
            }
            (SASL_CONTINUE, Proof::Running(scram)) => {
                scram.update(&body).map_err(|error| unproven(&error))?;
                send(line, |out| frontend::sasl_response(scram.message(), out)).await
            }
            (SASL_FINAL, Proof::Running(scram)) => {
                scram.finish(&body).map_err(|error| unproven(&error))?;
                *proof = Proof::Done;
                Ok(())
            }
            (7..=9, _) => Err(Failure::Login("the server asks for a Kerberos or SSPI login".to_owned())),
            _ => Err(Failure::Broken(format!("an unexpected request {kind} while logging in"))),
        }
    }

    fn password(&self) -> Result<&[u8], Failure> {
        let password = self.settings.password.as_ref().map(|password| password.expose().as_bytes());
        password.ok_or_else(|| Failure::Login("no password supplied".to_owned()))
    }

    /// The mechanism to log in with, bound to the certificate of the connection where both sides can.
    fn choose(&self, offered: &[String]) -> Result<(&'static str, ChannelBinding), Failure> {
        let offers = |name: &str| offered.iter().any(|mechanism| mechanism == name);
        match self.security {
            Security::Secured(Some(bound)) if offers(SCRAM_SHA_256_PLUS) => {
                Ok((SCRAM_SHA_256_PLUS, ChannelBinding::tls_server_end_point(bound.clone())))
            }
            // It is told that it could have been: a server that did offer it notices then that somebody took that away.
            Security::Secured(Some(_)) if offers(SCRAM_SHA_256) => {
                Ok((SCRAM_SHA_256, ChannelBinding::unrequested()))
            }
            _ if offers(SCRAM_SHA_256) => Ok((SCRAM_SHA_256, ChannelBinding::unsupported())),
            _ => Err(Failure::Login(format!("the server offers only {}", offered.join(", ")))),
        }
    }
}

fn unproven(error: &io::Error) -> Failure {
    Failure::Login(format!("the password cannot be proven: {error}"))
}

fn mechanisms(mut body: Bytes) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    while body.first().is_some_and(|byte| *byte != 0) {
        found.push(text(&mut body)?);
    }
    Ok(found)
}

fn note(known: &mut BTreeMap<String, String>, mut body: Bytes) -> Result<(), String> {
    let (name, value) = (text(&mut body)?, text(&mut body)?);
    if known.len() < PARAMETERS_LIMIT || known.contains_key(&name) {
        known.insert(name, value);
    }
    Ok(())
}

async fn send(line: &mut Line, write: impl FnOnce(&mut BytesMut) -> io::Result<()>) -> Result<(), Failure> {
    let mut out = BytesMut::new();
    write(&mut out).map_err(|error| Failure::Broken(error.to_string()))?;
    line.send(&out).await
}
