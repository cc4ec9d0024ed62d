//! The login: the server's greeting, TLS, and a password that answers its challenge.

use super::error::SessionError;
use super::packet::{Fields, LONGEST_GREETING, Packets, invalid};
use super::transport::{SecureError, connect, demands_tls, secure};
use crate::engine::ServerSettings;
use mysql_common::auth::plugins::{AuthProc, ChallengeResponsePlugin as _, Context, Response};
use mysql_common::packets::AuthPlugin;
use std::io;

/// What this client says that it can do.
const LONG_PASSWORD: u32 = 1;
const LONG_FLAG: u32 = 4;
const PROTOCOL_41: u32 = 0x200;
const SSL: u32 = 0x800;
const TRANSACTIONS: u32 = 0x2000;
const SECURE_CONNECTION: u32 = 0x8000;
const PLUGIN_AUTH: u32 = 0x8_0000;
const ABLE: u32 = LONG_PASSWORD | LONG_FLAG | PROTOCOL_41 | TRANSACTIONS | SECURE_CONNECTION | PLUGIN_AUTH;

/// `utf8mb4_general_ci`, which every version has.
const CHARACTER_SET: u8 = 45;

const PACKET_LIMIT: u32 = 1 << 30;

/// The challenge of a server has so many bytes, and a zero behind them.
const CHALLENGE_BYTES: usize = 20;

/// How often a server may ask for more.
const MOST_ROUNDS: usize = 8;

const OK: u8 = 0;
const MORE: u8 = 1;
const SWITCH: u8 = 0xfe;
const ERROR: u8 = 0xff;

/// What a server says first.
struct Greeting {
    able: u32,
    challenge: Vec<u8>,
    plugin: Vec<u8>,
}

/// A password and the way that it goes.
struct Secrets<'a> {
    password: &'a [u8],
    local: bool,
    secured: bool,
    challenge: &'a [u8],
}

impl Context for &Secrets<'_> {
    fn pass(&self) -> &[u8] {
        self.password
    }

    fn is_ipc_transport(&self) -> bool {
        self.local
    }

    fn is_tls_transport(&self) -> bool {
        self.secured
    }

    fn scramble(&self) -> &[u8] {
        self.challenge
    }

    fn server_key_pem(&self) -> Option<&[u8]> {
        None
    }
}

/// Connects and logs in.
pub(super) async fn log_in(settings: &ServerSettings) -> Result<Packets, SessionError> {
    let mut packets = Packets::new(connect(settings).await.map_err(SessionError::Unreachable)?);
    let greeting = greeting(&packets.receive(LONGEST_GREETING).await.map_err(SessionError::Unreachable)?)?;
    let secured = match demands_tls(settings) {
        Some(_) if greeting.able & SSL != 0 => {
            packets.send(&response_head(ABLE | SSL)).await?;
            packets = secure(settings, packets).await.map_err(|error| match error {
                SecureError::Setup(error) => SessionError::Engine(error),
                SecureError::Broken(error) => SessionError::Unreachable(error),
            })?;
            true
        }
        Some(true) => {
            let problem = "the server does not offer TLS, which `tls.mode` demands";
            return Err(SessionError::Unreachable(io::Error::other(problem)));
        }
        Some(false) | None => false,
    };
    let password = settings.password.as_ref().map_or("", |password| password.expose()).as_bytes();
    let local = settings.socket.is_some();
    let dialogue = Dialogue { packets, password, local, secured };
    dialogue.run(settings, &greeting, if secured { ABLE | SSL } else { ABLE }).await
}

/// A login under way.
struct Dialogue<'a> {
    packets: Packets,
    password: &'a [u8],
    local: bool,
    secured: bool,
}

impl Dialogue<'_> {
    async fn run(
        mut self,
        settings: &ServerSettings,
        greeting: &Greeting,
        able: u32,
    ) -> Result<Packets, SessionError> {
        let mut challenge = greeting.challenge.clone();
        let mut plugin = procedure(&greeting.plugin);
        let first = match &mut plugin {
            Some(plugin) => self.answer(plugin, &challenge, &challenge)?.unwrap_or_default(),
            // The server says which one the account has, whatever it greets with.
            None => Vec::new(),
        };
        let mut response = response_head(able);
        response.extend_from_slice(settings.user.as_bytes());
        response.push(0);
        response
            .push(u8::try_from(first.len()).map_err(|_| invalid("the answer to a challenge is too long"))?);
        response.extend_from_slice(&first);
        response.extend_from_slice(if plugin.is_some() {
            &greeting.plugin
        } else {
            b"mysql_native_password"
        });
        response.push(0);
        self.packets.send(&response).await?;
        for _ in 0..MOST_ROUNDS {
            let said = self.packets.receive(LONGEST_GREETING).await?;
            let mut fields = Fields(&said);
            match fields.byte()? {
                OK => return Ok(self.packets),
                ERROR => return Err(SessionError::refused(&said)),
                SWITCH => {
                    let name = fields.text().to_vec();
                    challenge = fields.0.strip_suffix(&[0]).unwrap_or(fields.0).to_vec();
                    let answer = match procedure(&name) {
                        Some(mut next) => {
                            let answer = self.answer(&mut next, &challenge, &challenge)?;
                            plugin = Some(next);
                            answer
                        }
                        // Who connects tells the server who it is.
                        None if is_of_the_machine(&name) => Some(Vec::new()),
                        None => {
                            let name = String::from_utf8_lossy(&name).into_owned();
                            return Err(SessionError::UnknownLogin(name));
                        }
                    };
                    self.packets.send(&answer.unwrap_or_default()).await?;
                }
                MORE => {
                    let Some(plugin) = &mut plugin else {
                        return Err(invalid("the login makes no sense").into());
                    };
                    if let Some(answer) = self.answer(plugin, fields.0, &challenge)? {
                        self.packets.send(&answer).await?;
                    }
                }
                _ => return Err(invalid("the server answers a login with something else").into()),
            }
        }
        Err(invalid("the server asks for ever more at a login").into())
    }

    /// What the password says to `said`.
    fn answer(
        &self,
        plugin: &mut AuthProc,
        said: &[u8],
        challenge: &[u8],
    ) -> Result<Option<Vec<u8>>, SessionError> {
        let Self { password, local, secured, .. } = *self;
        if matches!(plugin, AuthProc::MysqlOldPassword(_)) {
            return Err(SessionError::UnknownLogin("mysql_old_password".to_owned()));
        }
        if matches!(plugin, AuthProc::MysqlClearPassword(_)) && !local && !secured {
            return Err(SessionError::UnknownLogin("mysql_clear_password, without TLS".to_owned()));
        }
        let answered = plugin.run(&Secrets { password, local, secured, challenge }, said);
        match answered.map_err(|error| invalid(&format!("the login failed: {error}")))? {
            Response::Next { packet } | Response::Last { packet } => Ok(packet),
        }
    }
}

/// How a password is proven, where that is known.
fn procedure(name: &[u8]) -> Option<AuthProc> {
    AuthProc::init(&AuthPlugin::from_bytes(name)).ok()
}

/// Logins that ask the operating system who is connected.
fn is_of_the_machine(name: &[u8]) -> bool {
    matches!(name, b"unix_socket" | b"auth_socket")
}

/// What an answer to the greeting begins with.
fn response_head(able: u32) -> Vec<u8> {
    let mut head = able.to_le_bytes().to_vec();
    head.extend_from_slice(&PACKET_LIMIT.to_le_bytes());
    head.push(CHARACTER_SET);
    head.extend_from_slice(&[0; 23]);
    head
}

fn greeting(packet: &[u8]) -> Result<Greeting, SessionError> {
    if packet.first() == Some(&ERROR) {
        return Err(SessionError::refused(packet));
    }
    let mut fields = Fields(packet);
    if fields.byte()? != 10 {
        return Err(invalid("the server speaks another protocol").into());
    }
    fields.text();
    fields.take(4)?;
    let mut challenge = fields.take(8)?.to_vec();
    fields.take(1)?;
    let low = fields.number(2)?;
    fields.take(3)?;
    let high = fields.number(2)?;
    let able = u32::try_from(high << 16 | low).unwrap_or_default();
    if able & PROTOCOL_41 == 0 {
        return Err(invalid("the server speaks an old protocol").into());
    }
    fields.take(11)?;
    challenge.extend_from_slice(fields.take(CHALLENGE_BYTES - 8)?);
    fields.take(1)?;
    Ok(Greeting { able, challenge, plugin: fields.text().to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_that_is_cut_or_strange_is_refused() {
        let mut whole = vec![10];
        whole.extend_from_slice(b"9.7.4\0\x01\0\0\0aaaabbbb\0");
        whole.extend_from_slice(&[0xff, 0xff, 45, 0, 0, 0xff, 0xdf, 21]);
        whole.extend_from_slice(&[0; 10]);
        whole.extend_from_slice(b"ccccddddeeee\0caching_sha2_password\0");
        let found = greeting(&whole).ok().unwrap();
        assert_eq!(found.challenge, b"aaaabbbbccccddddeeee");
        assert_eq!(found.plugin, b"caching_sha2_password");
        // The name of the plugin may be missing: the server says later which one the account has.
        for end in 0..51 {
            assert!(greeting(&whole[..end]).is_err(), "{end}");
        }
        whole[0] = 9;
        assert!(greeting(&whole).is_err());
    }
}
