//! Manual pages and completions, from the same tree that parses the command line.

use super::Cli;
use crate::commands::{Class, Failure};
use clap::CommandFactory as _;
use clap_complete::Shell;

/// The whole tree, with `--help` of every command built.
pub fn tree() -> clap::Command {
    let mut tree = Cli::command();
    tree.build();
    tree
}

/// The completion script for `shell`.
pub fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "jagad", &mut script);
    script
}

/// Every manual page: file name and text. `jagad.1`, `jagad-backup.1`, `jagad-key-list.1`.
pub fn pages() -> Vec<(String, Vec<u8>)> {
    let mut pages = Vec::new();
    collect(&tree(), "jagad", &mut pages);
    pages
}

fn collect(command: &clap::Command, name: &str, pages: &mut Vec<(String, Vec<u8>)>) {
    if command.get_name() == "help" {
        return;
    }
    let mut page = Vec::new();
    let named = command.clone().name(name.to_owned()).display_name(name.to_owned());
    // A date would make the page differ from build to build.
    let manual = clap_mangen::Man::new(named).date("").source(format!("jagad {}", env!("CARGO_PKG_VERSION")));
    if manual.render(&mut page).is_ok() {
        pages.push((format!("{name}.1"), page));
    }
    for inner in command.get_subcommands() {
        collect(inner, &format!("{name}-{}", inner.get_name()), pages);
    }
}

/// The page of one command, `None` for the main one: "backup", "key list".
pub fn page(command: Option<&str>) -> Result<Vec<u8>, Failure> {
    let wanted = match command {
        None => "jagad.1".to_owned(),
        Some(command) => format!("jagad-{}.1", command.replace(' ', "-")),
    };
    let found = pages().into_iter().find(|(name, _)| *name == wanted);
    found.map(|(_, page)| page).ok_or_else(|| {
        Failure::new(Class::NotFound, format!("there is no page `{wanted}`"))
            .help("See the commands in `jagad --help`.")
    })
}
