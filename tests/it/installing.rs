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

#[test]
fn secrets_from_the_environment_are_named_and_handed_over_or_refused() {
    let folder = Folder::new("t", "cache");
    let text = "version = 1\n[keys.main]\npassphrase_credential = \"phrase\"\n\
         [stores.main]\ntype = \"s3\"\nendpoint = \"https://s3.invalid\"\nbucket = \"b\"\naccess_key_env = \"OUR_ACCESS\"\n\
         secret_key_env = \"OUR_SECRET\"\n[databases.cache]\nengine = \"redis\"\nhost = \"h\"\npassword_env = \"OUR_PASSWORD\"\n";
    folder.write(text);
    let made = folder.run(&["schedule", "install", "--json"]).ok().json();
    let unit = made["files"][0]["contents"].as_str().unwrap();
    let file = folder.path("jagad.env");
    assert!(unit.contains(&format!("EnvironmentFile={}\n", file.display())), "{unit}");
    assert!(unit.contains("LoadCredential=phrase:/etc/credstore/phrase\n"), "{unit}");
    let next = made["next"].to_string();
    for name in ["OUR_ACCESS", "OUR_SECRET", "OUR_PASSWORD", "phrase"] {
        assert!(unit.contains(name) && next.contains(name), "{name}: {unit} {next}");
    }
    let refused = folder.run(&["schedule", "install", "crontab"]).expect(6);
    refused.says("$OUR_ACCESS, $OUR_PASSWORD, $OUR_SECRET, phrase").helps();
    folder.write("version = 1\n[keys.main]\nkey_file = \"main.key\"\n[stores.main]\ntype = \"local\"\npath = \"store\"\n");
    folder.run(&["schedule", "install", "crontab"]).ok();
    assert!(!folder.run(&["schedule", "install"]).ok().stdout.contains("EnvironmentFile"));
}
