//! Programs that misbehave, in the way of the real one.

use crate::bench::Bench;
use std::os::unix::fs::PermissionsExt as _;

/// In front of what a script does only for a real dump: questions for the version go to the real program.
fn script(real: &str, body: &str) -> String {
    format!(
        "#!/bin/sh\nreal={real}\ncase \"$*\" in *--version*|*--schema-only*) exec $real \"$@\" ;; esac\n{body}\n"
    )
}

impl Bench {
    /// A folder with the server's programs in which `pg_dump` is a script; `$real` is the real one. For `--set`.
    pub(crate) fn with_dump(&self, body: &str) -> String {
        self.with_tool("pg_dump", body)
    }

    /// The same for another program.
    pub(crate) fn with_tool(&self, name: &str, body: &str) -> String {
        let folder = self.path("bin");
        for entry in std::fs::read_dir(self.postgres.bin()).unwrap() {
            let entry = entry.unwrap();
            let link = folder.join(entry.file_name());
            if entry.file_name() != name && !link.exists() {
                std::os::unix::fs::symlink(entry.path(), link).unwrap();
            }
        }
        let real = self.postgres.bin().join(name);
        // Written beside and moved there: another process may be about to run it.
        let path = folder.join(format!("{name}.new"));
        std::fs::write(&path, script(real.to_str().unwrap(), body)).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::rename(&path, folder.join(name)).unwrap();
        format!("databases.shop.tools.bin_dir={}", folder.display())
    }
}
