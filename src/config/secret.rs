//! Where a secret comes from. It is fetched when it is used, and never before.

use super::ConfigError;
use super::file::Words;
use super::search::environment;
use crate::model::Secret;
use crate::process::{Runner as _, SystemRunner, ToolSpec};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The longest secret, in bytes.
const LIMIT: u64 = 64 << 10;
/// Time limit of a command that prints a secret.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);

/// One of the five forms of a secret.
#[derive(Debug, Clone)]
pub struct SecretSource {
    /// The configuration key, for messages: `databases.shop.password_file`.
    key: String,
    form: SecretForm,
}

#[derive(Debug, Clone)]
enum SecretForm {
    Inline(Secret),
    File(PathBuf),
    Environment(String),
    Command(Vec<String>),
    Credential(String),
}

/// The five keys of one secret in a file.
pub(super) struct Forms<'a> {
    pub(super) inline: Option<&'a Secret>,
    pub(super) file: Option<&'a PathBuf>,
    pub(super) environment: Option<&'a String>,
    pub(super) command: Option<&'a Words>,
    pub(super) credential: Option<&'a String>,
}

impl SecretSource {
    /// The one form that is given; `Ok(None)` when none is, an error text when several are.
    pub(super) fn choose(key: &str, forms: &Forms<'_>, folder: &Path) -> Result<Option<Self>, String> {
        let mut given = Vec::new();
        if let Some(secret) = forms.inline {
            given.push(("", SecretForm::Inline(secret.clone())));
        }
        if let Some(file) = forms.file {
            given.push(("_file", SecretForm::File(folder.join(file))));
        }
        if let Some(name) = forms.environment {
            given.push(("_env", SecretForm::Environment(name.clone())));
        }
        if let Some(words) = forms.command {
            given.push(("_command", SecretForm::Command(words.split()?)));
        }
        if let Some(name) = forms.credential {
            given.push(("_credential", SecretForm::Credential(name.clone())));
        }
        let names: Vec<String> = given.iter().map(|(suffix, _)| format!("{key}{suffix}")).collect();
        if given.len() > 1 {
            return Err(format!("`{}` are given together; choose one", names.join("`, `")));
        }
        Ok(given.pop().zip(names.into_iter().next()).map(|((_, form), key)| Self { key, form }))
    }

    /// Whether the configuration file itself contains the secret.
    pub fn is_inline(&self) -> bool {
        matches!(self.form, SecretForm::Inline(_))
    }

    /// For people: where it comes from, never what it is.
    pub fn describe(&self) -> String {
        match &self.form {
            SecretForm::Inline(_) => "the configuration file".to_owned(),
            SecretForm::File(path) => path.display().to_string(),
            SecretForm::Environment(name) => format!("${name}"),
            SecretForm::Command(words) => format!("command {}", words.first().map_or("", String::as_str)),
            SecretForm::Credential(name) => format!("systemd credential {name}"),
        }
    }

    /// Fetches the secret. One line feed at the end of a file or of a command's output is removed.
    pub async fn resolve(&self) -> Result<Secret, ConfigError> {
        let failed = |problem: String| ConfigError::Secret { key: self.key.clone(), problem };
        match &self.form {
            SecretForm::Inline(secret) => Ok(secret.clone()),
            SecretForm::File(path) => read(path).map_err(failed),
            SecretForm::Environment(name) => {
                environment(name).map(Secret::new).ok_or_else(|| failed(format!("${name} is not set")))
            }
            SecretForm::Credential(name) => {
                let folder = environment("CREDENTIALS_DIRECTORY").ok_or_else(|| {
                    failed("$CREDENTIALS_DIRECTORY is not set: systemd sets it with LoadCredential=".into())
                })?;
                read(&Path::new(&folder).join(name)).map_err(failed)
            }
            SecretForm::Command(words) => {
                let Some((program, args)) = words.split_first() else {
                    return Err(failed("the command is empty".into()));
                };
                let mut tool = ToolSpec::new(program).args(args.iter().map(String::as_str));
                tool.timeout = Some(COMMAND_TIMEOUT);
                // Its standard error may contain anything, so the error only has the exit status.
                let run = SystemRunner.output(&tool).await.map_err(|error| {
                    let status = match error {
                        crate::process::ToolError::Failed { status, .. } => format!("exit status {status}"),
                        other => other.to_string(),
                    };
                    failed(format!("`{program}` gave no secret: {status}"))
                })?;
                decode(run.stdout).map_err(failed)
            }
        }
    }
}

fn read(path: &Path) -> Result<Secret, String> {
    let cannot = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
    let bytes = std::fs::metadata(path).map_err(cannot)?.len();
    if bytes > LIMIT {
        return Err(format!("{} is larger than {LIMIT} bytes", path.display()));
    }
    decode(std::fs::read(path).map_err(cannot)?)
}

fn decode(bytes: Vec<u8>) -> Result<Secret, String> {
    if bytes.len() as u64 > LIMIT {
        return Err(format!("the secret is larger than {LIMIT} bytes"));
    }
    let mut text = String::from_utf8(bytes).map_err(|_| "the secret is not UTF-8 text".to_owned())?;
    if text.ends_with('\n') {
        text.pop();
    }
    if text.is_empty() { Err("the secret is empty".to_owned()) } else { Ok(Secret::new(text)) }
}
