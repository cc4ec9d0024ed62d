//! Names the places between two steps, so that a test can kill the process exactly there. Compiled away unless the
//! `crash-points` feature is on, which no release has.

/// Kills this process with SIGKILL when the environment names this point: `JAGAD_CRASH_AT=point`.
#[cfg(feature = "crash-points")]
pub(super) fn point(name: &str) {
    if std::env::var("JAGAD_CRASH_AT").is_ok_and(|wanted| wanted == name) {
        let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::Signal::SIGKILL);
        loop {
            std::thread::park();
        }
    }
}

/// Does nothing.
#[cfg(not(feature = "crash-points"))]
pub(super) const fn point(_name: &str) {}
