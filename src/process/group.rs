//! The process group of one tool. A thread of its own watches it to its end, so that a busy or ending async runtime
//! leaves neither a tool nor a zombie behind.

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use std::os::fd::OwnedFd;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How long a tool has between SIGTERM and SIGKILL.
pub(super) const GRACE: Duration = Duration::from_secs(5);

/// Tools that are not reaped yet.
static LIVING: Mutex<usize> = Mutex::new(0);
static REAPED: Condvar = Condvar::new();

fn living() -> MutexGuard<'static, usize> {
    LIVING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until every tool that this process started is dead, at most two seconds longer than a stopped one may take.
///
/// Called last: a process that ends earlier never sends the SIGKILL that follows an ignored SIGTERM.
pub fn wait_for_all() {
    let patience = GRACE + Duration::from_secs(2);
    let _ = REAPED.wait_timeout_while(living(), patience, |living| *living > 0);
}

/// The state of a tool. The leader stays a zombie until it is released, so that its group number cannot pass to another
/// process while signals may still be sent to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Running,
    Exited(i32),
    Reaped(i32),
}

#[derive(Default)]
struct GroupState {
    exited: bool,
    released: bool,
    reaped: bool,
    held: Vec<OwnedFd>,
}

struct Shared {
    pgid: Pid,
    timed_out: AtomicBool,
    state: Mutex<GroupState>,
    changed: Condvar,
    life: watch::Sender<Life>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, GroupState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signal(&self, signal: Signal) {
        if !self.lock().reaped {
            // ESRCH only says that the group is gone already.
            let _ = killpg(self.pgid, signal);
        }
    }

    fn release(&self) {
        self.lock().released = true;
        self.changed.notify_all();
    }

    /// Waits at most `patience`; whether the leader has ended by then.
    fn ends_within(&self, patience: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), patience, |state| !state.exited);
        waited.unwrap_or_else(PoisonError::into_inner).0.exited
    }

    fn terminate(&self) {
        self.signal(Signal::SIGTERM);
        if !self.ends_within(GRACE) {
            self.signal(Signal::SIGKILL);
        }
    }

    /// The watching thread: waits for the leader's end without reaping it, then until nobody needs the group any more,
    /// kills what is left of it and reaps the leader. `belongings` are dropped last: files that the tool may still
    /// read.
    fn watch<T>(&self, mut child: Child, belongings: T) {
        let status = wait_for_exit(self.pgid);
        let mut state = self.lock();
        state.exited = true;
        state.held.clear();
        self.changed.notify_all();
        self.life.send_replace(Life::Exited(status));
        while !state.released {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let _ = killpg(self.pgid, Signal::SIGKILL);
        let _ = child.wait();
        state.reaped = true;
        drop(state);
        drop(belongings);
        self.life.send_replace(Life::Reaped(status));
    }
}

/// Exit status of the process, 128 + signal number when a signal ended it; 255 when the system does not report one.
fn wait_for_exit(pid: Pid) -> i32 {
    loop {
        return match waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) {
            Ok(WaitStatus::Exited(_, status)) => status,
            Ok(WaitStatus::Signaled(_, signal, _)) => 128 + signal as i32,
            Err(Errno::EINTR) => continue,
            Ok(_) | Err(_) => 255,
        };
    }
}

/// A tool's process group. Dropping it stops the tool: SIGTERM, [`GRACE`], SIGKILL.
pub(super) struct Group {
    shared: Arc<Shared>,
    life: watch::Receiver<Life>,
}

impl Group {
    /// Watches `child`, the leader of its own group, for at most `timeout`. `belongings` are dropped after its end.
    pub(super) fn watch<T: Send + 'static>(
        child: Child,
        belongings: T,
        timeout: Option<Duration>,
    ) -> std::io::Result<Self> {
        let pid = i32::try_from(child.id()).map_err(std::io::Error::other)?;
        let (sender, life) = watch::channel(Life::Running);
        let shared = Arc::new(Shared {
            pgid: Pid::from_raw(pid),
            timed_out: AtomicBool::new(false),
            state: Mutex::default(),
            changed: Condvar::new(),
            life: sender,
        });
        let group = Self { shared: Arc::clone(&shared), life };
        let watcher = Arc::clone(&shared);
        *living() += 1;
        std::thread::Builder::new()
            .name("tool".to_owned())
            .spawn(move || {
                watcher.watch(child, belongings);
                *living() -= 1;
                REAPED.notify_all();
            })
            .inspect_err(|_| {
                *living() -= 1;
                shared.signal(Signal::SIGKILL);
            })?;
        if let Some(timeout) = timeout {
            std::thread::Builder::new()
                .name("tool deadline".to_owned())
                .spawn(move || {
                    if !shared.ends_within(timeout) {
                        shared.timed_out.store(true, Ordering::SeqCst);
                        shared.terminate();
                    }
                })
                .inspect_err(|_| group.kill())?;
        }
        Ok(group)
    }

    /// Resolves to the leader's exit status. Independent of this handle, and cheap to drop.
    pub(super) fn exit(&self) -> impl Future<Output = i32> + Send + use<> {
        let mut life = self.life.clone();
        async move {
            let seen = life.wait_for(|life| *life != Life::Running).await;
            match seen.as_deref() {
                Ok(Life::Exited(status) | Life::Reaped(status)) => *status,
                Ok(Life::Running) | Err(_) => 255,
            }
        }
    }

    /// Kills the processes that the leader left in its group, reaps it, and waits until its private files are gone.
    pub(super) async fn reap(&self) {
        self.exit().await;
        self.shared.release();
        self.gone().await;
    }

    /// Resolves when the whole group is dead, the leader is reaped and its private files are gone. Independent of this
    /// handle.
    pub(super) fn gone(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut life = self.life.clone();
        async move {
            let _ = life.wait_for(|life| matches!(life, Life::Reaped(_))).await;
        }
    }

    /// Sends SIGKILL to the whole group at once.
    pub(super) fn kill(&self) {
        self.shared.signal(Signal::SIGKILL);
    }

    /// Keeps `file` open until the leader is dead.
    pub(super) fn hold(&self, file: OwnedFd) {
        let mut state = self.shared.lock();
        if !state.exited {
            state.held.push(file);
        }
    }

    /// Whether the deadline ended it.
    pub(super) fn timed_out(&self) -> bool {
        self.shared.timed_out.load(Ordering::SeqCst)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.shared.release();
        if self.shared.lock().exited {
            return;
        }
        self.shared.signal(Signal::SIGTERM);
        let shared = Arc::clone(&self.shared);
        let patience = std::thread::Builder::new().name("tool grace".to_owned()).spawn(move || {
            if !shared.ends_within(GRACE) {
                shared.signal(Signal::SIGKILL);
            }
        });
        if patience.is_err() {
            self.shared.signal(Signal::SIGKILL);
        }
    }
}

/// Whether this process ignores SIGHUP, as under nohup: a handler of ours would undo that.
pub fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // SIGHUP is 1, the lowest bit.
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}
