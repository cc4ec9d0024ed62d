//! The `jagad` program: parses the command line, starts logging, runs the command and exits.

use jagad::catalog::Subject;
use jagad::cli::commands::protection::{self, StatusFormat};
use jagad::cli::commands::{Command, Config, Key, Listed, Policy, Repository, Schedule, Status};
use jagad::cli::{Cli, Global, manual};
use jagad::commands::notify::Notifications;
use jagad::commands::{
    App, Cancel, Class, Failure, Mode, Trust, backup, check, configuration, delete, download, initialise,
    keys, list, pin, policy, prune, repository, restore, restores, schedule, status, unlock, verify,
};
use jagad::config::{ConfigRequest, Inventory};
use jagad::process::{FolderUse, SystemRunner};
use jagad::ui::{self, Draw as _, Options, Terminal};
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    let Cli { global, command } = manual::parse();
    match start(&global, command) {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(class)) => ExitCode::from(class.exit_code()),
        Err(failure) => ExitCode::from(failure.class.exit_code()),
    }
}

type Verdict = Result<Option<Class>, Failure>;

/// Commands that need no configuration run at once; all others read it first.
fn start(global: &Global, command: Command) -> Verdict {
    match command {
        Command::Completions(args) => return ui::write(&manual::completions(args.shell)).map(|()| None),
        Command::Man(args) => {
            return talk(global, |_| ui::write(&manual::page(args.command.as_deref())?).map(|()| None));
        }
        Command::Config(Config::Example) => {
            return talk(global, |_| ui::write(initialise::EXAMPLE.as_bytes()).map(|()| None));
        }
        Command::Config(Config::Init(args)) => {
            return talk(global, |ui| ui.show(&initialise::run(&args.request(global))?));
        }
        Command::Key(Key::Generate { name, output }) => {
            // A key can be made before the configuration exists or is valid.
            let request = ConfigRequest { path: global.config.clone(), set: overrides(global) };
            let inventory = Inventory::load(&request).ok();
            return talk(global, |ui| {
                ui.show(&keys::generate(&name, output.as_deref(), inventory.as_ref())?)
            });
        }
        _ => {}
    }
    let bare = matches!(&command, Command::Decrypt(args) if args.key_file.is_some());
    let request = ConfigRequest { path: global.config.clone(), set: overrides(global) };
    let inventory = if bare { Ok(Inventory::empty()) } else { Inventory::load(&request) };
    let options = Options::new(global, inventory.as_ref().ok().map(|inventory| &inventory.log));
    let ui = Arc::new(Terminal::start(options).inspect_err(ui::print_failure)?);
    let ended = inventory.map_err(Failure::from).and_then(|inventory| run(global, command, inventory, &ui));
    ended.inspect_err(|failure| ui.fail(failure))
}

/// `-j` overrides `settings.max_concurrent`.
fn overrides(global: &Global) -> Vec<String> {
    let jobs = global.jobs.map(|jobs| format!("settings.max_concurrent={jobs}"));
    global.set.iter().cloned().chain(jobs).collect()
}

fn talk(global: &Global, act: impl FnOnce(&Terminal) -> Verdict) -> Verdict {
    let ui = Terminal::start(Options::new(global, None)).inspect_err(ui::print_failure)?;
    act(&ui).inspect_err(|failure| ui.fail(failure))
}

fn run(global: &Global, command: Command, inventory: Inventory, ui: &Arc<Terminal>) -> Verdict {
    // First the leftover files with passwords. Those of servers are removed where servers are started.
    jagad::process::sweep_folders(&std::env::temp_dir(), &[FolderUse::PrivateFiles, FolderUse::CopyNotes]);
    // A compressor may block a thread for a while; uploads and lease renewals must go on meanwhile.
    let threads = std::thread::available_parallelism().map_or(4, |cores| cores.get().max(4));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::from(error).doing("start the runtime"))?;
    let app = App {
        inventory: Arc::new(inventory),
        clock: jagad::commands::clock(),
        runner: Arc::new(SystemRunner),
        watch: Arc::clone(ui) as _,
        cancel: Cancel::default(),
        notifications: if global.no_notify { Notifications::Off } else { Notifications::On },
        trust: Trust::new(command.unproven()),
    };
    for warning in &app.inventory.warnings {
        app.watch.say(jagad::commands::Tone::Warning, warning);
    }
    let ended = runtime.block_on(async {
        stop_on_signals(&app.cancel)?;
        Box::pin(execute(&app, global, command, ui)).await
    });
    // Only a blocking read of a terminal or a resolver can still run then; do not wait for it.
    runtime.shutdown_background();
    jagad::process::wait_for_all();
    ended
}

/// The first signal stops the run in good order; a second one ends the process at once.
#[expect(clippy::disallowed_methods, reason = "a second signal means now, whatever is left undone")]
fn stop_on_signals(cancel: &Cancel) -> Result<(), Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    // SIGHUP of a closed terminal, unless this process ignores it (nohup).
    let hangup = (!jagad::process::hangup_is_ignored()).then_some((SignalKind::hangup(), 1));
    let stops = [(SignalKind::interrupt(), 2), (SignalKind::terminate(), 15)];
    for (kind, number) in stops.into_iter().chain(hangup) {
        let mut signals = signal(kind).map_err(|error| Failure::from(error).doing("listen for signals"))?;
        let cancel = cancel.clone();
        tokio::spawn(async move {
            signals.recv().await;
            cancel.stop(number);
            signals.recv().await;
            std::process::exit(i32::from(128 + number));
        });
    }
    Ok(())
}

/// One line per command.
async fn execute(app: &App, global: &Global, command: Command, ui: &Terminal) -> Verdict {
    let settings = &app.inventory.settings;
    match command {
        Command::Backup(args) => {
            let request = args.request(global, settings);
            if request.mode == Mode::Plan {
                return ui.show(&backup::plan(app, &request).await?);
            }
            let outcome = backup::run(app, &request).await?;
            match <[_; 1]>::try_from(outcome.results) {
                Ok([(_, Err(failure))]) => Err(failure),
                Ok([(name, Ok(report))]) => ui.show(&backup::Outcome { results: vec![(name, Ok(report))] }),
                Err(results) => ui.show(&backup::Outcome { results }),
            }
        }
        Command::Restore(args) => match args.request(global, settings) {
            Some(request) => ui.show(&Box::pin(restore::run(app, &request)).await?),
            None => Err(Failure::new(Class::Usage, "name a backup, or a database with --db")),
        },
        Command::Verify(args) => ui.show(&verify::run(app, &args.request()).await?),
        Command::List(args) => match args.request(&app.inventory) {
            Listed::Backups(request) => ui.show(&list::run(app, &request).await?),
            Listed::Restores(request) => ui.show(&restores::list(app, &request).await?),
        },
        Command::Show(named) => match &named.subject {
            Subject::Backup(backup) => ui.show(&list::show(app, backup, named.store.as_ref()).await?),
            Subject::Restore(id) => ui.show(&restores::show(app, id, named.store.as_ref()).await?),
        },
        Command::Logs(named) => {
            let log = match &named.subject {
                Subject::Backup(backup) => list::logs(app, backup, named.store.as_ref()).await?,
                Subject::Restore(id) => restores::logs(app, id, named.store.as_ref()).await?,
            };
            ui::print(&log).map(|()| None)
        }
        Command::Download(args) => ui.show(&download::download(app, &args.request()).await?),
        Command::Decrypt(args) => {
            let keyring = keys::keyring(app, args.key_file.as_deref()).await?;
            ui.show(&download::decrypt(app, keyring, &args.request()).await?)
        }
        Command::Delete(args) => ui.show(&delete::run(app, &args.request(global, settings)).await?),
        Command::Prune(args) => ui.show(&prune::run(app, &args.request(global, settings)).await?),
        Command::Policy(command) => protect(app, global, command, ui).await,
        Command::Schedule(Schedule::Run(args)) => {
            let report = schedule::run(app, &args.request(global, settings)).await?;
            if !global.json {
                report.failures().for_each(|failure| ui.fail(failure));
            }
            ui.show(&report)
        }
        Command::Schedule(Schedule::List(args)) => ui.show(&schedule::list(app, &args.request()).await?),
        Command::Schedule(Schedule::Install(args)) => {
            ui.show(&schedule::install(app, &args.request(&app.inventory)?)?)
        }
        Command::Status(args) => answer(app, &args, ui).await,
        Command::Pin(args) => {
            ui.show(&pin::pin(app, &args.one.backup, args.one.store.as_ref(), args.note).await?)
        }
        Command::Unpin(one) => ui.show(&pin::unpin(app, &one.backup, one.store.as_ref()).await?),
        Command::Repository(Repository::Init { store }) => {
            ui.show(&repository::init(app, store.as_ref()).await?)
        }
        Command::Unlock(args) => ui.show(&unlock::run(app, &args.database, args.store.as_ref()).await?),
        Command::Check(args) => ui.show(&check::run(app, &args.request()).await?),
        Command::Config(Config::Check) => ui.show(&configuration::check(app)),
        Command::Config(Config::Show) => ui.show(&configuration::show(app)),
        Command::Key(Key::List) => ui.show(&keys::list(app).await),
        Command::Key(Key::Rotate { name }) => ui.show(&keys::rotate(app, &name)?),
        Command::Key(Key::Export { name, output }) => {
            ui.show(&keys::export(app, &name, output.as_deref()).await?)
        }
        Command::Completions(_)
        | Command::Man(_)
        | Command::Config(Config::Init(_) | Config::Example)
        | Command::Key(Key::Generate { .. }) => Ok(None),
    }
}

/// The commands of `policy`.
async fn protect(app: &App, global: &Global, command: Policy, ui: &Terminal) -> Verdict {
    let settings = &app.inventory.settings;
    match command {
        Policy::Attach { policy, databases } => {
            let request = protection::attach(policy, databases, global, settings);
            ui.show(&policy::attach(app, &request).await?)
        }
        Policy::Detach { databases } => {
            let wait = global.wait.unwrap_or(settings.lock_wait);
            ui.show(&policy::detach(app, &databases, wait).await?)
        }
        Policy::List => ui.show(&policy::list(app).await?),
        Policy::Show { policy } => ui.show(&policy::show(app, &policy).await?),
        Policy::Pause(args) => ui.show(&policy::pause(app, &args.request(global, settings)).await?),
        Policy::Resume(args) => ui.show(&policy::resume(app, &args.request(global, settings)).await?),
        Policy::Apply { dry_run } => {
            ui.show(&policy::apply(app, &protection::apply(dry_run, global, settings)).await?)
        }
    }
}

/// `status` in the requested format; with `--check` the problems decide the exit code.
async fn answer(app: &App, args: &Status, ui: &Terminal) -> Verdict {
    let report = status::run(app, &args.request()).await?;
    if let Some(path) = &args.textfile {
        status::write_textfile(path, &status::prometheus(&report))?;
    }
    let text = match args.format {
        StatusFormat::Table => None,
        StatusFormat::Json => Some(report.json()),
        StatusFormat::Csv => Some(ui::status_csv(&report)),
        StatusFormat::Prometheus => Some(status::prometheus(&report)),
    };
    match text {
        Some(text) if args.format == StatusFormat::Json => ui::print_json(&text)?,
        Some(text) => ui::print(&text)?,
        None => {
            ui.show(&report)?;
        }
    }
    Ok((args.check && !report.safe).then_some(Class::Unsafe))
}
