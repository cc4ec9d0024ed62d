//! At most so many pipelines at once on one host, across processes: a slot is a locked file, which the kernel frees
//! however its holder ends.

use super::{App, Class, Failure};
use std::fs::File;
use std::time::{Duration, Instant};

/// How often a wanted slot is asked for again.
const POLL: Duration = Duration::from_millis(200);

/// A taken slot; dropping it frees it.
#[derive(Debug)]
pub(super) struct Slot {
    _file: File,
}

/// Takes one of `settings.max_concurrent` slots, waiting up to `wait` for one.
pub(super) async fn take(app: &App, wait: Duration) -> Result<Slot, Failure> {
    let count = app.inventory.settings.max_concurrent;
    // Slots are per user: another user's files could not be locked anyway.
    let user = nix::unistd::Uid::effective();
    let folder = app.inventory.settings.tmp_dir.join(format!("jagad-slots-{user}"));
    let failed =
        |source: std::io::Error| Failure::from(source).doing(format!("lock a slot in {}", folder.display()));
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let began = Instant::now();
    loop {
        for number in 0..count {
            let file = File::create(folder.join(format!("slot-{number}"))).map_err(failed)?;
            match file.try_lock() {
                Ok(()) => return Ok(Slot { _file: file }),
                Err(std::fs::TryLockError::WouldBlock) => {}
                Err(std::fs::TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
        app.cancel.check()?;
        if began.elapsed() >= wait {
            let message = format!("all {count} slots of this host are taken (settings.max_concurrent)");
            return Err(Failure::new(Class::Busy, message)
                .help("Wait for one with `--wait 10m`, or raise max_concurrent."));
        }
        tokio::time::sleep(POLL).await;
    }
}
