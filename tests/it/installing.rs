//! `schedule install`: what is made works where it is put.

use crate::folder::Folder;
use crate::support::presence;
use std::process::Command;

#[test]
fn a_unit_may_write_whatever_the_configuration_says_is_written() {
    let folder = Folder::new("t", "cache");
    folder.write(
        "version = 1\n[settings]\nstate_dir = \"/srv/state of it\"\ntmp_dir = \"/srv/t\"\n[keys.main]\nkey_file = \"main.key\"\n\
         [stores.main]\ntype = \"local\"\npath = \"/srv/my backups/50%\"\n",
    );
    std::fs::create_dir(folder.path("units")).unwrap();
    folder.run(&["schedule", "install", "--output", "units"]).ok();
    let unit = folder.path("units/jagad.service");
    let text = std::fs::read_to_string(&unit).unwrap();
    for path in ["/srv/my backups/50%%", "/srv/state of it", "/srv/t"] {
        assert!(text.contains(&format!("ReadWritePaths=\"-{path}\"\n")), "no `{path}` in {text}");
    }
    let Ok(verified) = Command::new("systemd-analyze").arg("verify").arg(&unit).output() else {
        return presence::skipped("no systemd-analyze");
    };
    let said = String::from_utf8_lossy(&verified.stderr);
    assert!(!said.contains("ReadWritePaths"), "{said}");
}
