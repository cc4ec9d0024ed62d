//! The protocol between a client and a server of MySQL and MariaDB, as far as the binary log needs it: a login, questions, statements
//! as bytes, and the stream of the log. The tools speak it too, but none gives the log as the bytes that it is, and their client
//! takes apart what it is fed.

mod error;
mod login;
mod packet;
mod session;
mod transport;

pub(super) use error::SessionError;
pub(super) use session::{LogRequest, LogStream, Session};
