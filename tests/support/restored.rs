//! A PostgreSQL server on files that a restore has written.

use super::postgres::as_server_user;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// It runs until it is dropped; the files stay.
pub struct RestoredServer {
    bin: PathBuf,
    data: PathBuf,
    /// Its socket and its log.
    folder: TempDir,
}

impl RestoredServer {
    /// Starts the programs in `bin` on `data`, with its own configuration but for where it listens. What the server said
    /// comes back when it does not start.
    pub fn start(bin: &Path, data: &Path) -> Result<Self, String> {
        let folder = tempfile::Builder::new().prefix("jagad-re").tempdir_in("/tmp").unwrap();
        super::postgres::give(folder.path());
        let server = Self { bin: bin.to_owned(), data: data.to_owned(), folder };
        let log = server.folder.path().join("log");
        let place = server.folder.path().display();
        let options = format!("-c listen_addresses='' -c unix_socket_directories={place} -c fsync=off");
        let mut command = Command::new(bin.join("pg_ctl"));
        command
            .arg("-D")
            .arg(data)
            .arg("-l")
            .arg(&log)
            .args(["-w", "-t", "60", "-s", "-o", &options, "start"]);
        let started = as_server_user(&mut command).env_clear().output().unwrap();
        if started.status.success() && server.is_recovered() {
            return Ok(server);
        }
        let said = String::from_utf8_lossy(&started.stderr).into_owned();
        Err(said + &std::fs::read_to_string(log).unwrap_or_default())
    }

    /// Waits for the end of its recovery; false when the server ended instead.
    fn is_recovered(&self) -> bool {
        let began = Instant::now();
        while self.data.join("postmaster.pid").exists() {
            if self.try_psql("postgres", "SELECT pg_is_in_recovery()").is_ok_and(|said| said == "f") {
                return true;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "the recovery does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// Where its socket is.
    pub fn socket(&self) -> &Path {
        self.folder.path()
    }

    /// Runs `sql` as the superuser, who is also the user of the operating system.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        self.try_psql(database, sql).unwrap_or_else(|said| panic!("{sql}: {said}"))
    }

    fn try_psql(&self, database: &str, sql: &str) -> Result<String, String> {
        let mut command = Command::new(self.bin.join("psql"));
        command
            .args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database, "-c", sql])
            .env_clear();
        let output = as_server_user(&mut command).env("PGHOST", self.folder.path()).output().unwrap();
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(String::from_utf8(output.stdout).unwrap().trim_end().to_owned())
    }
}

impl Drop for RestoredServer {
    fn drop(&mut self) {
        let mut command = Command::new(self.bin.join("pg_ctl"));
        command.arg("-D").arg(&self.data).args(["-w", "-s", "-m", "immediate", "stop"]);
        let _ = as_server_user(&mut command).env_clear().output();
    }
}
