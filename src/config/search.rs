//! Finds the configuration. The only file, besides secrets, that reads the environment.

use super::ConfigError;
use std::path::{Path, PathBuf};

/// The value of an environment variable that is set and not empty.
pub(super) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The folder of this host's own state: the one that systemd gives a service, or the usual one of root or of another
/// user.
pub(super) fn state_dir() -> PathBuf {
    if let Some(given) = environment("STATE_DIRECTORY") {
        // Several are separated by colons; any of them will do, so take the first.
        return PathBuf::from(given.split(':').next().unwrap_or_default());
    }
    if nix::unistd::geteuid().is_root() {
        return PathBuf::from("/var/lib/jagad");
    }
    let home = environment("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| environment("HOME").map(|home| Path::new(&home).join(".local/state")));
    home.unwrap_or_else(std::env::temp_dir).join("jagad")
}

/// The file named on the command line or in `$JAGAD_CONFIG`, else the first that exists of `./jagad.toml`,
/// `$XDG_CONFIG_HOME/jagad/jagad.toml` and `/etc/jagad/jagad.toml`.
pub(super) fn find(named: Option<&Path>) -> Result<PathBuf, ConfigError> {
    if let Some(path) = named {
        return Ok(path.to_owned());
    }
    if let Some(path) = environment("JAGAD_CONFIG") {
        return Ok(PathBuf::from(path));
    }
    let home = environment("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| environment("HOME").map(|home| Path::new(&home).join(".config")));
    let places: Vec<PathBuf> =
        [Some(PathBuf::from("jagad.toml")), home.map(|home| home.join("jagad/jagad.toml"))]
            .into_iter()
            .flatten()
            .chain([PathBuf::from("/etc/jagad/jagad.toml")])
            .collect();
    places.iter().find(|path| path.is_file()).cloned().ok_or_else(|| {
        let places: Vec<String> = places.iter().map(|path| path.display().to_string()).collect();
        ConfigError::NoFile { places: places.join(", ") }
    })
}
