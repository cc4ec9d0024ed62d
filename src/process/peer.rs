//! Connections to servers that ask the operating system who the client is.

use super::account::account_for;
use rustix::thread::{Uid, set_thread_res_uid};
use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Connects to the Unix socket at `path`. When this process is root, the server sees the user `user_when_root` as its
/// peer, as if a program ran as that user: one thread switches to that user while it connects.
pub fn connect_as(user_when_root: Option<&str>, path: &Path) -> io::Result<UnixStream> {
    let Some(account) = account_for(user_when_root)? else { return UnixStream::connect(path) };
    let user = Uid::from_raw(account.uid.as_raw());
    std::thread::scope(|scope| {
        let connecting = scope.spawn(|| {
            set_thread_res_uid(None::<Uid>, Some(user), None::<Uid>)?;
            UnixStream::connect(path)
        });
        connecting.join().unwrap_or_else(|_| Err(io::Error::other("the thread that connects ended early")))
    })
}
