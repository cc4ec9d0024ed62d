//! Connections to servers that ask the operating system who the client is.

use super::account::account_for;
use rustix::thread::{Uid, set_thread_res_uid};
use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Connects to the Unix socket at `path`. Where this process is root, the server sees the user `wish` of the machine
/// instead, as it would if a program ran as that user: what counts is who connects, and only one thread becomes that user,
/// for as long as that takes.
pub fn connect_as(wish: Option<&str>, path: &Path) -> io::Result<UnixStream> {
    let Some(account) = account_for(wish)? else { return UnixStream::connect(path) };
    let user = Uid::from_raw(account.uid.as_raw());
    std::thread::scope(|scope| {
        let connecting = scope.spawn(|| {
            set_thread_res_uid(None::<Uid>, Some(user), None::<Uid>)?;
            UnixStream::connect(path)
        });
        connecting.join().unwrap_or_else(|_| Err(io::Error::other("the thread that connects ended early")))
    })
}
