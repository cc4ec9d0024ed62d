//! The replication protocol, version 3.0, as servers from PostgreSQL 13 on speak it: what no tool of PostgreSQL's gives to
//! another program, such as several tablespaces in one stream.
//!
//! A connection goes where the tools' connections go, with the same meaning of every setting: a list of hosts, sockets, the
//! modes of TLS, client certificates, the user of the machine. A password is proven by SCRAM (bound to the certificate where
//! the server offers that) or MD5; a server that asks for it in clear text gets it, as from libpq. Nothing of the server is
//! trusted before it is checked: every message, row, notice and wait has a limit.

mod end_point;
mod failure;
mod line;
mod login;
mod message;
mod report;
mod session;
mod transport;

pub(super) use message::text;
pub use report::{Notices, Report};
pub(super) use session::Event;
pub use session::{Row, Session};
