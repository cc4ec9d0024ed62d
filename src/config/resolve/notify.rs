//! Resolves `[notify.NAME]` and checks each key against the notifier's type.

use super::EntryPlace;
use crate::config::error::{ConfigError, nearest};
use crate::config::file::{NotifierFile, NotifierType};
use crate::config::inventory::Inventory;
use crate::config::notifier::{ChannelEntry, HttpEntry, NotifierEntry};
use crate::config::secret::Forms;
use crate::model::NotifierName;
use crate::notify::email::SubjectTemplate;
use crate::notify::{EventKind, WebhookFormat};
use std::collections::BTreeSet;
use std::time::Duration;

/// The default events: problems only, because a mail for every good backup would be noise.
const TROUBLE: [EventKind; 8] = [
    EventKind::BackupFailed,
    EventKind::PolicyPaused,
    EventKind::PitrGap,
    EventKind::SourceChanged,
    EventKind::VerifyFailed,
    EventKind::RestoreFailed,
    EventKind::PruneFailed,
    EventKind::Overdue,
];

/// The default events of a dead man's switch: every backup, and what makes one worthless.
const RUNS: [EventKind; 5] = [
    EventKind::BackupStarted,
    EventKind::BackupSucceeded,
    EventKind::BackupFailed,
    EventKind::VerifyFailed,
    EventKind::Overdue,
];

/// A key that is not for every type: its name, whether it is set, and the types that use it.
type Suited = (&'static str, fn(&NotifierFile) -> bool, &'static [NotifierType]);

const EMAIL: &[NotifierType] = &[NotifierType::Email];
const WEBHOOK: &[NotifierType] = &[NotifierType::Webhook];
const WEB: &[NotifierType] = &[NotifierType::Webhook, NotifierType::Healthchecks];
const NETWORK: &[NotifierType] = &[NotifierType::Email, NotifierType::Webhook, NotifierType::Healthchecks];
const EXEC: &[NotifierType] = &[NotifierType::Exec];

const SUITED: [Suited; 24] = [
    ("smtp", |written| written.smtp.is_some(), EMAIL),
    ("smtp_user", |written| written.smtp_user.is_some(), EMAIL),
    ("password", |written| written.password.is_some(), EMAIL),
    ("password_file", |written| written.password_file.is_some(), EMAIL),
    ("password_env", |written| written.password_env.is_some(), EMAIL),
    ("password_command", |written| written.password_command.is_some(), EMAIL),
    ("password_credential", |written| written.password_credential.is_some(), EMAIL),
    ("from", |written| written.from.is_some(), EMAIL),
    ("to", |written| !written.to.is_empty(), EMAIL),
    ("subject", |written| written.subject.is_some(), EMAIL),
    ("url", |written| written.url.is_some(), WEB),
    ("url_file", |written| written.url_file.is_some(), WEB),
    ("url_env", |written| written.url_env.is_some(), WEB),
    ("url_command", |written| written.url_command.is_some(), WEB),
    ("url_credential", |written| written.url_credential.is_some(), WEB),
    ("format", |written| written.format.is_some(), WEBHOOK),
    ("token", |written| written.token.is_some(), WEBHOOK),
    ("token_file", |written| written.token_file.is_some(), WEBHOOK),
    ("token_env", |written| written.token_env.is_some(), WEBHOOK),
    ("token_command", |written| written.token_command.is_some(), WEBHOOK),
    ("token_credential", |written| written.token_credential.is_some(), WEBHOOK),
    ("tls_ca", |written| written.tls_ca.is_some(), NETWORK),
    ("allow_plain", |written| written.allow_plain, NETWORK),
    ("command", |written| written.command.is_some(), EXEC),
];

fn refuse_strange_keys(place: &EntryPlace<'_>, written: &NotifierFile) -> Result<(), ConfigError> {
    let strange = SUITED.iter().find(|(_, given, types)| given(written) && !types.contains(&written.kind));
    let Some((key, _, types)) = strange else { return Ok(()) };
    let types: Vec<&str> = types.iter().map(|kind| kind.as_str()).collect();
    let problem =
        format!("`{key}` is for type {}, and this notifier is {}", types.join(", "), written.kind.as_str());
    Err(place.wrong_with(key, problem, Some("Leave it out.".to_owned())))
}

/// One `[notify.NAME]` table.
pub(super) fn resolve(
    place: &EntryPlace<'_>,
    name: &str,
    written: &NotifierFile,
) -> Result<NotifierEntry, ConfigError> {
    refuse_strange_keys(place, written)?;
    let timeout = written.timeout.map_or(Duration::from_secs(30), |timeout| timeout.0);
    place.period("timeout", timeout, Duration::from_secs(1)..=Duration::from_secs(300))?;
    let default: &[EventKind] = if written.kind == NotifierType::Healthchecks { &RUNS } else { &TROUBLE };
    let on: BTreeSet<EventKind> = written.on.as_deref().unwrap_or(default).iter().copied().collect();
    if on.is_empty() {
        let help = Some(format!("Known are {}.", EventKind::WORDS.join(", ")));
        return Err(place.wrong_with("on", "`on` names no event", help));
    }
    let channel = match written.kind {
        NotifierType::Email => email(place, written)?,
        NotifierType::Webhook => ChannelEntry::Webhook {
            http: http(place, written)?,
            format: written.format.unwrap_or(WebhookFormat::Json),
            token: place.secret("token", &token_forms(written))?,
        },
        NotifierType::Healthchecks => ChannelEntry::Healthchecks(http(place, written)?),
        NotifierType::Exec => {
            let command = written.command.as_ref().ok_or_else(|| missing(place, "command", "exec"))?;
            let argv = command.split().map_err(|problem| place.wrong("command", problem))?;
            if argv.first().is_none_or(String::is_empty) {
                return Err(place.wrong("command", "`command` names no program"));
            }
            ChannelEntry::Exec(argv)
        }
    };
    Ok(NotifierEntry { name: place.name("", name)?, on, timeout, channel })
}

fn missing(place: &EntryPlace<'_>, key: &str, kind: &str) -> ConfigError {
    place.wrong("", format!("`{key}` is needed with type = \"{kind}\""))
}

fn email(place: &EntryPlace<'_>, written: &NotifierFile) -> Result<ChannelEntry, ConfigError> {
    let about = |key: &'static str| move |problem: String| place.wrong(key, format!("`{key}`: {problem}"));
    let server: crate::notify::email::SmtpServer = written
        .smtp
        .as_deref()
        .ok_or_else(|| missing(place, "smtp", "email"))?
        .parse()
        .map_err(about("smtp"))?;
    if server.is_plain() && !written.allow_plain {
        let help = "Use smtps:// or smtp+starttls://, or set allow_plain = true if you mean it.";
        return Err(place.wrong_with("smtp", "`smtp` is not encrypted", Some(help.to_owned())));
    }
    let password = Forms {
        inline: written.password.as_ref(),
        file: written.password_file.as_ref(),
        environment: written.password_env.as_ref(),
        command: written.password_command.as_ref(),
        credential: written.password_credential.as_ref(),
    };
    let login = match (&written.smtp_user, place.secret("password", &password)?) {
        (Some(user), Some(password)) => Some((user.clone(), password)),
        (None, None) => None,
        (Some(_), None) => return Err(place.wrong("smtp_user", "`smtp_user` without a password")),
        (None, Some(_)) => return Err(place.wrong("", "a password without `smtp_user`")),
    };
    let from = written.from.as_deref().ok_or_else(|| missing(place, "from", "email"))?;
    if written.to.is_empty() {
        return Err(missing(place, "to", "email"));
    }
    Ok(ChannelEntry::Email {
        server,
        login,
        tls_ca: place.file(written.tls_ca.as_ref()),
        from: Box::new(from.parse().map_err(about("from"))?),
        to: written.to.iter().map(|to| to.parse().map_err(about("to"))).collect::<Result<_, _>>()?,
        subject: written
            .subject
            .as_deref()
            .unwrap_or(SubjectTemplate::DEFAULT)
            .parse()
            .map_err(about("subject"))?,
    })
}

fn http(place: &EntryPlace<'_>, written: &NotifierFile) -> Result<HttpEntry, ConfigError> {
    let url = Forms {
        inline: written.url.as_ref(),
        file: written.url_file.as_ref(),
        environment: written.url_env.as_ref(),
        command: written.url_command.as_ref(),
        credential: written.url_credential.as_ref(),
    };
    let url = place.secret("url", &url)?.ok_or_else(|| {
        place.wrong("", format!("one form of `url` is needed with type = \"{}\"", written.kind.as_str()))
    })?;
    Ok(HttpEntry { url, tls_ca: place.file(written.tls_ca.as_ref()), allow_plain: written.allow_plain })
}

fn token_forms(written: &NotifierFile) -> Forms<'_> {
    Forms {
        inline: written.token.as_ref(),
        file: written.token_file.as_ref(),
        environment: written.token_env.as_ref(),
        command: written.token_command.as_ref(),
        credential: written.token_credential.as_ref(),
    }
}

/// Every notifier that a policy names exists.
pub(super) fn references<'d>(
    inventory: &Inventory,
    place: impl Fn(&[&str]) -> EntryPlace<'d>,
) -> Result<(), ConfigError> {
    for policy in inventory.policies.values() {
        let unknown = policy.notify.iter().find(|name| !inventory.notifiers.contains_key(name));
        if let Some(name) = unknown {
            let help = nearest(name.as_str(), inventory.notifiers.keys().map(NotifierName::as_str));
            let at = place(&["policies", policy.name.as_str()]);
            return Err(at.wrong_with("notify", format!("no notifier is named `{name}`"), help));
        }
    }
    Ok(())
}
