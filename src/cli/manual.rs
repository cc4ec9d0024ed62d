//! Help, manual pages and completions, from the same tree that parses the command line.

use super::examples::{self, Example};
use super::{Cli, root};
use crate::commands::{Class, Failure};
use clap::{CommandFactory as _, FromArgMatches as _};
use clap_complete::Shell;

/// The parsed command line; help and mistakes end the process here.
pub fn parse() -> Cli {
    let matches = command().get_matches();
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// The command line, with the global options of a command in one line of its help: `jagad --help` describes them.
fn command() -> clap::Command {
    let main = Cli::command();
    let globals: Vec<clap::Arg> =
        main.get_arguments().filter(|arg| arg.is_global_set()).map(|arg| arg.clone().hide(true)).collect();
    let names: Vec<String> =
        globals.iter().filter_map(|arg| Some(format!("--{}", arg.get_long()?))).collect();
    let line = format!("Global options, see `jagad --help`: {}", names.join(", "));
    let main = main.after_long_help(format!("{}\n\n{}", with_examples("jagad", ""), exit_codes()));
    main.mut_subcommands(|inner| explained(inner, "", &globals, &line))
}

/// A command with its examples and the line of global options, and all below it.
fn explained(command: clap::Command, path: &str, globals: &[clap::Arg], line: &str) -> clap::Command {
    let path = format!("{path} {}", command.get_name()).trim_start().to_owned();
    let help = with_examples(&path, line);
    let command = command.args(globals).after_help(line.to_owned()).after_long_help(help);
    command.mut_subcommands(|inner| explained(inner, &path, globals, line))
}

fn with_examples(path: &str, behind: &str) -> String {
    let mut text = String::new();
    for (what, line) in examples::of(path) {
        text.push_str(if text.is_empty() { "Examples:\n" } else { "" });
        if !what.is_empty() {
            text.push_str(&format!("  {what}:\n"));
        }
        text.push_str(&format!("    {line}\n"));
    }
    format!("{text}{}{behind}", if text.is_empty() || behind.is_empty() { "" } else { "\n" })
}

/// The whole tree, with `--help` of every command built.
pub fn tree() -> clap::Command {
    let mut tree = command();
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
    if let Ok(page) = render(command, name) {
        pages.push((format!("{name}.1"), page));
    }
    for inner in command.get_subcommands() {
        collect(inner, &format!("{name}-{}", inner.get_name()), pages);
    }
}

fn render(command: &clap::Command, name: &str) -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let named = command.clone().name(name.to_owned()).display_name(name.to_owned());
    // A date would make the page differ from build to build.
    let manual = clap_mangen::Man::new(named).date("").source(format!("jagad {}", env!("CARGO_PKG_VERSION")));
    manual.render_title(&mut page)?;
    manual.render_name_section(&mut page)?;
    manual.render_synopsis_section(&mut page)?;
    manual.render_description_section(&mut page)?;
    manual.render_options_section(&mut page)?;
    if command.has_subcommands() {
        manual.render_subcommands_section(&mut page)?;
    }
    let path = name.strip_prefix("jagad-").map_or("jagad".to_owned(), |path| path.replace('-', " "));
    page.extend(examples_section(examples::of(&path)).bytes());
    page.extend(FILES.bytes());
    page.extend(ENVIRONMENT.bytes());
    page.extend(exit_status().bytes());
    if name != "jagad" {
        page.extend(".SH \"SEE ALSO\"\n\\fBjagad\\fR(1) describes the global options.\n".bytes());
    }
    Ok(page)
}

/// As text of a manual page: a hyphen that can be copied, and no line that begins with a command of it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('-', "\\-").replace('\'', "\\(aq")
}

fn examples_section(examples: &[Example]) -> String {
    let mut text = String::new();
    for (what, line) in examples {
        if text.is_empty() {
            text.push_str(".SH EXAMPLES\n");
        }
        if !what.is_empty() {
            text.push_str(&format!(".PP\n{}:\n", escaped(what)));
        }
        text.push_str(&format!(".PP\n.RS 4\n.nf\n{}\n.fi\n.RE\n", escaped(line)));
    }
    text
}

const FILES: &str = r".SH FILES
.TP
\fI./jagad.toml\fR, \fI~/.config/jagad/jagad.toml\fR, \fI/etc/jagad/jagad.toml\fR
The configuration: the first of them that exists, unless \fB\-\-config\fR or \fBJAGAD_CONFIG\fR names another.
.TP
\fI~/.local/state/jagad\fR, \fI/var/lib/jagad\fR
Failures that no store could take yet, and which repositories this host has seen (\fBsettings.state_dir\fR).
";

const ENVIRONMENT: &str = r".SH ENVIRONMENT
.TP
\fBJAGAD_CONFIG\fR
The configuration file.
.TP
\fBJAGAD_MAX_CONCURRENT\fR
The default of \fB\-\-jobs\fR.
.TP
\fBNO_COLOR\fR
No colours.
.TP
\fBPATH\fR, \fBTMPDIR\fR
Where tools are searched, and where throw\-away servers are made unless \fBsettings.tmp_dir\fR says otherwise.
.PP
Secrets can come from variables that the configuration names (\fB..._env\fR), and the credentials of S3 from those of AWS.
";

/// As `--help` shows them.
fn exit_codes() -> String {
    let lines = root::EXIT_STATUS.map(|(code, meaning)| format!("  {code:<13}  {meaning}\n"));
    format!("Exit codes:\n{}", lines.concat().trim_end())
}

fn exit_status() -> String {
    let mut text = ".SH \"EXIT STATUS\"\n".to_owned();
    for (code, meaning) in root::EXIT_STATUS {
        text.push_str(&format!(".TP\n\\fB{code}\\fR\n{}\n", escaped(meaning)));
    }
    text
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
