//! Where a throw-away server has its Unix socket.

use super::EngineError;
use crate::model::help;
use std::path::Path;

/// The longest path of a Unix socket, in bytes.
const PATH_LIMIT: usize = 107;

/// `folder` as text, if a socket called `name` fits into it and none of `unfit` is in its path.
pub(super) fn folder_for(folder: &Path, name: &str, unfit: &[char]) -> Result<String, EngineError> {
    let fits = |place: &&str| place.len() + 1 + name.len() <= PATH_LIMIT && !place.contains(unfit);
    folder.to_str().filter(fits).map(ToOwned::to_owned).ok_or_else(|| EngineError::Prerequisite {
        problem: format!("a server cannot have its socket in `{}`", folder.display()),
        help: help!("Set `settings.tmp_dir` or TMPDIR to a short path of plain characters."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_fits_up_to_the_last_byte() {
        let fits =
            |length: usize, name: &str| folder_for(Path::new(&"x".repeat(length)), name, &[',']).is_ok();
        assert!(fits(105, "s") && !fits(106, "s"));
        assert!(fits(100, "socket") && !fits(101, "socket"));
        assert!(folder_for(Path::new("/tmp/a,b"), "s", &[',']).is_err());
    }
}
