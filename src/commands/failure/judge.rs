//! Classifies each error: its class, its heading, and a help when the user can act.

use super::{Class, layers};
use crate::catalog::CatalogError;
use crate::config::ConfigError;
use crate::crypto::CryptoError;
use crate::engine::EngineError;
use crate::model::{Help, WitnessError, help};
use crate::pipeline::PipelineError;
use crate::process::ToolError;
use crate::store::StoreError;
use std::error::Error;

/// Class, heading and hint.
pub(super) type Verdict = (Class, Option<&'static str>, Option<Help>);

/// The verdict for one layer; `None` when it only wraps a deeper one.
pub(super) fn judge(layer: &(dyn Error + 'static)) -> Option<Verdict> {
    if let Some(error) = layer.downcast_ref::<StoreError>() {
        return judge_store(error);
    }
    if let Some(error) = layer.downcast_ref::<EngineError>() {
        return judge_engine(error);
    }
    if let Some(error) = layer.downcast_ref::<CatalogError>() {
        return judge_catalog(error);
    }
    if let Some(error) = layer.downcast_ref::<CryptoError>() {
        return Some(judge_crypto(error));
    }
    if let Some(error) = layer.downcast_ref::<ConfigError>() {
        return Some(judge_config(error));
    }
    if let Some(error) = layer.downcast_ref::<PipelineError>() {
        return judge_pipeline(error);
    }
    if layer.downcast_ref::<WitnessError>().is_some() {
        return Some((Class::Integrity, None, None));
    }
    match layer.downcast_ref::<ToolError>() {
        Some(ToolError::Start { .. }) => Some((Class::Prerequisite, None, None)),
        Some(ToolError::Failed { stderr, .. }) if means_full(stderr) => Some((
            Class::Full,
            None,
            Some(help!("The database server's disk is full: free some space on it.")),
        )),
        Some(ToolError::Failed { stderr, .. }) => Some((Class::Operation, None, hint_from_tool(stderr))),
        Some(_) => Some((Class::Operation, None, None)),
        None => judge_system(layer),
    }
}

fn judge_system(layer: &(dyn Error + 'static)) -> Option<Verdict> {
    let error = layer.downcast_ref::<std::io::Error>()?;
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            Some((Class::Full, None, Some(help!("Free some space on that disk and run it again."))))
        }
        _ if error.get_ref().is_none() => Some((Class::Operation, None, None)),
        _ => None,
    }
}

const STORE_HEADING: Option<&str> = Some("STORAGE PROVIDER ERROR");

fn judge_store(error: &StoreError) -> Option<Verdict> {
    let store = |help: Help| Some((Class::Store, STORE_HEADING, Some(help)));
    match error {
        // The source of the data failed, not the store: look deeper.
        StoreError::Body { .. } => None,
        // A full disk has a class of its own, and an error that another layer put inside is more precise.
        full if full.is_full() => Some((
            Class::Full,
            STORE_HEADING,
            Some(help!(
                "Make room in the store: remove old backups with `jagad delete` or `jagad prune`, or raise its quota or cap."
            )),
        )),
        // An error that another layer put inside is more precise.
        StoreError::Io { source, .. }
            if layers(source).into_iter().skip(1).any(|inner| judge(inner).is_some()) =>
        {
            None
        }
        StoreError::Io { source, .. } if source.kind() == std::io::ErrorKind::ReadOnlyFilesystem => {
            store(help!("Mount the disk of the store so that it can be written to."))
        }
        StoreError::Io { .. } => store(help!("Check the store's directory, and that its disk is mounted.")),
        StoreError::NotFound { .. } => Some((
            Class::Integrity,
            Some("DOWNLOAD ERROR"),
            Some(help!("The object was deleted from the store, by a user or a lifecycle rule.")),
        )),
        StoreError::Broken { .. } => Some((
            Class::Integrity,
            Some("DOWNLOAD ERROR"),
            Some(help!("The object is damaged or was cut: run `jagad verify`, and restore an older backup.")),
        )),
        StoreError::AlreadyExists { .. } | StoreError::TooLarge { .. } => {
            Some((Class::Integrity, None, None))
        }
        StoreError::PlaceMissing { .. } => {
            store(help!("Create the bucket or directory first, or correct `bucket` or `path` of the store."))
        }
        StoreError::Credentials { .. } => store(help!("Check access_key and secret_key of the store.")),
        StoreError::Expired { .. } => store(help!(
            "Get new temporary credentials, and give the store its new access_key, secret_key and session_token."
        )),
        StoreError::Tls { .. } => store(help!(
            "If a private authority has signed the server's certificate, name that authority's PEM file in `tls_ca` of the \
             store; else check the host and the scheme of `endpoint`."
        )),
        StoreError::Denied { .. } => store(help!(
            "The key needs the rights to get, put, delete and list below the prefix; `jagad check` tries each."
        )),
        StoreError::WrongRegion { .. } => store(help!("Set `region` of the store to the bucket's region.")),
        StoreError::ClockSkew { .. } => store(help!("Set this machine's clock (NTP).")),
        StoreError::Unreachable { .. } => {
            store(help!("Check `endpoint` and the network; `jagad check` shows each step."))
        }
        StoreError::Settings { .. } => Some((Class::Usage, None, None)),
        StoreError::Response { status: 500.., .. } => {
            store(help!("The store has an internal error. Try again later, or ask its operator."))
        }
        _ => store(help!("`jagad check` tries all that is needed of the store, one by one.")),
    }
}

fn judge_engine(error: &EngineError) -> Option<Verdict> {
    let given = |class, help: &Help| Some((class, None, Some(help.clone())));
    match error {
        EngineError::Unreachable { problem, .. } if means_tls(problem) => {
            Some((Class::Operation, None, Some(tls_help())))
        }
        EngineError::Unreachable { .. } => Some((
            Class::Operation,
            None,
            Some(help!("Check host, port and that the server runs; `jagad check` tries the connection.")),
        )),
        EngineError::Login { .. } => {
            Some((Class::Operation, None, Some(help!("Check user and password of the database entry."))))
        }
        EngineError::ToolMissing { help, .. }
        | EngineError::Version { help, .. }
        | EngineError::Privilege { help, .. }
        | EngineError::Prerequisite { help, .. } => given(Class::Prerequisite, help),
        EngineError::NotFound { help, .. } => given(Class::NotFound, help),
        EngineError::Refused { help, .. } => given(Class::Refused, help),
        EngineError::Damaged { help, .. } => given(Class::Integrity, help),
        EngineError::Archive { .. } => Some((Class::Integrity, None, None)),
        EngineError::Delegated { help, .. } => given(Class::Operation, help),
        EngineError::NoBase { .. } => {
            Some((Class::Operation, None, Some(help!("Take a full backup: leave out --type."))))
        }
        EngineError::Tool { .. } | EngineError::Read { .. } => None,
        EngineError::Answer { .. } => Some((Class::Operation, None, None)),
    }
}

fn judge_catalog(error: &CatalogError) -> Option<Verdict> {
    let of = |class, help: Help| Some((class, None, Some(help)));
    match error {
        CatalogError::NoRepository { .. } => of(
            Class::NotFound,
            help!(
                "The first `jagad backup` makes the repository; if there should be one, check `bucket`, `prefix` or `path`."
            ),
        ),
        CatalogError::RepositoryGone { store, .. } => Some((
            Class::Store,
            STORE_HEADING,
            Some(help!(
                "Mount the directory, or correct `path`, `bucket` or `prefix` of the store. If it is gone for good, begin a \
                 new one with `jagad repository init --store {store}`."
            )),
        )),
        CatalogError::NotFound { .. } => of(Class::NotFound, help!("See `jagad list`.")),
        CatalogError::NoneGood { candidates, .. } => {
            let id = candidates.first().map(|one| one.id.to_string()).unwrap_or_default();
            let help = help!(
                "Name one by its id to take it all the same: `{id}`. See what is known of it with `jagad show {id}`."
            );
            Some((Class::NotFound, None, Some(help)))
        }
        CatalogError::Unclear { best, source, .. } => {
            let class = judge_catalog(source).map_or(Class::Integrity, |(class, ..)| class);
            let best = best.as_ref().map(|best| format!(". The newest good one that can be read is {best}"));
            let help = help!("Name the backup that you mean by its id{}.", best.unwrap_or_default());
            Some((class, None, Some(help)))
        }
        CatalogError::Ambiguous { .. } => of(Class::Usage, help!("Give more characters of the id.")),
        CatalogError::Reference { .. } => Some((Class::Usage, None, None)),
        CatalogError::Busy { .. } => of(
            Class::Busy,
            help!("Wait for it (`--wait 10m`); if that run is certainly dead, `jagad unlock` its database."),
        ),
        CatalogError::Expired { .. } => {
            of(Class::Busy, help!("Run it again, or `jagad unlock` the database."))
        }
        CatalogError::LeaseLost { .. } => of(
            Class::Busy,
            help!("Nothing was committed; check the connection to the store and run it again."),
        ),
        CatalogError::UnknownFormat { .. } => of(Class::Prerequisite, help!("Use a newer jagad.")),
        CatalogError::Damaged { key, .. } if key.as_str().ends_with("/attachment.json") => of(
            Class::Integrity,
            help!("Run `jagad policy detach` for the database, then attach it anew; its backups stay."),
        ),
        CatalogError::Damaged { key, .. } if key.as_str() == "jagad.json" => of(
            Class::Integrity,
            help!(
                "Look at the object: if it is not a record of jagad, something else answers in place of the store; correct \
             `endpoint`, `bucket` or `prefix`."
            ),
        ),
        CatalogError::Damaged { .. } | CatalogError::Stranger { .. } => Some((Class::Integrity, None, None)),
        CatalogError::Unproven { doubt, .. } if doubt.key_is_missing => Some((
            Class::Key,
            Some("DECRYPT ERROR"),
            Some(help!(
                "Configure the key that made this backup as a [keys.NAME] entry (`retired = true` will do)."
            )),
        )),
        CatalogError::Unproven { .. } => of(
            Class::Integrity,
            help!(
                "If it is from before the key was configured, and you trust everybody who can write to the store, add \
             --allow-unauthenticated. Else somebody may have put it there or changed it: check the store."
            ),
        ),
        CatalogError::NotStored { .. } => Some((
            Class::Store,
            STORE_HEADING,
            Some(help!(
                "The store lost what it had accepted. Run `jagad check`, and ask the operator of the store."
            )),
        )),
        CatalogError::Store { .. } => None,
    }
}

fn judge_crypto(error: &CryptoError) -> Verdict {
    let heading = Some("DECRYPT ERROR");
    match error {
        CryptoError::KeyMissing { .. } | CryptoError::WrongKey { .. } => (
            Class::Key,
            heading,
            Some(help!(
                "Configure the key that made this backup as a [keys.NAME] entry (`retired = true` will do)."
            )),
        ),
        CryptoError::UnknownVersion { .. } => {
            (Class::Prerequisite, heading, Some(help!("Use a newer jagad.")))
        }
        CryptoError::KeyText { .. }
        | CryptoError::UnknownKey { .. }
        | CryptoError::RetiredKey { .. }
        | CryptoError::Derivation { .. }
        | CryptoError::Entropy { .. } => (Class::Key, None, None),
        CryptoError::NotSealed => (
            Class::Usage,
            heading,
            Some(help!("Give a file that ends in .enc, as `jagad download --raw` writes it.")),
        ),
        _ => (
            Class::Integrity,
            heading,
            Some(help!(
                "The object was damaged or tampered with: restore an older backup, and check the bucket."
            )),
        ),
    }
}

fn judge_config(error: &ConfigError) -> Verdict {
    let help = error.help().and_then(Help::new);
    match error {
        ConfigError::NoStore => (Class::Store, STORE_HEADING, help),
        ConfigError::Key { .. } | ConfigError::NoKey { .. } => (Class::Key, None, help),
        ConfigError::Unknown { .. } => (Class::NotFound, None, help),
        _ => (Class::Usage, None, help),
    }
}

fn judge_pipeline(error: &PipelineError) -> Option<Verdict> {
    match error {
        PipelineError::Mismatch { .. } => Some((
            Class::Integrity,
            Some("DOWNLOAD ERROR"),
            Some(help!(
                "What the store gives back is not what was written: it is damaged, or somebody has changed it. Run \
                 `jagad verify`, and restore another backup."
            )),
        )),
        PipelineError::Cancelled => Some((Class::Operation, None, None)),
        _ => None,
    }
}

/// Whether a tool reports that a disk is full.
fn means_full(stderr: &str) -> bool {
    ["No space left on device", "could not extend file", "Disk quota exceeded", "is full"]
        .iter()
        .any(|words| stderr.contains(words))
}

fn tls_help() -> Help {
    help!(
        "If a private authority has signed the server's certificate, name that authority's PEM file in `tls.ca` of the \
         database entry; else check `host` and `tls.mode`."
    )
}

/// Whether the problem is a server's certificate, or TLS as a whole.
fn means_tls(problem: &str) -> bool {
    let problem = problem.to_ascii_lowercase();
    ["certificate", "ssl error", "tls", "self-signed", "self signed", "hostname mismatch"]
        .iter()
        .any(|words| problem.contains(words))
}

type MakeHelp = fn() -> Help;

/// Help for known messages of the tools.
fn hint_from_tool(stderr: &str) -> Option<Help> {
    let table: [(&str, MakeHelp); 6] = [
        ("permission denied", || {
            help!("`jagad check` lists the missing privileges with the GRANT statements.")
        }),
        ("row-level security", || {
            help!("Give the role of the backup BYPASSRLS; `jagad check` prints the statement.")
        }),
        ("conflict with recovery", || {
            help!("Take the backup from the primary, or set hot_standby_feedback = on.")
        }),
        ("out of shared memory", || help!("Raise max_locks_per_transaction on the server.")),
        ("server version mismatch", || help!("Install the client programs of the server's major version.")),
        ("already exists", || {
            help!("An object of that name exists on the target: restore under another name with --into.")
        }),
    ];
    if stderr.contains("certificate verify failed") || stderr.contains("self-signed certificate") {
        return Some(tls_help());
    }
    table.iter().find(|(words, _)| stderr.contains(words)).map(|(_, help)| help())
}
