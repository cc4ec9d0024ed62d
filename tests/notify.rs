//! Notifiers against a real mail server, a real web service and real programs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

#[path = "support/mod.rs"]
mod support;

use jagad::model::Secret;
use jagad::notify::{
    ChannelSettings, EmailSettings, Event, EventKind, ExecSettings, HealthchecksSettings, HttpSettings,
    Notifier, NotifierSettings, WebhookFormat, WebhookSettings,
};
use jagad::process::SystemRunner;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::post::{PASSWORD, Post};

const TIMEOUT: Duration = Duration::from_secs(10);

fn event(kind: EventKind) -> Event {
    let at = "2026-11-20T02:00:00Z".parse().unwrap();
    Event::new(kind, at, "db1\r\nBcc: victim@example.com", "pg_dump failed\r\n.\r\nQUIT: naïve")
        .database(&"shop".parse().unwrap())
        .backup(Some(&"20261120T020000Z-full-k3v9x2".parse().unwrap()))
        .failures_in_a_row(3)
        .log("one\ntwo\n")
}

fn email(post: &Post, scheme: &str, change: impl FnOnce(&mut EmailSettings)) -> ChannelSettings {
    let mut settings = EmailSettings {
        server: format!("{scheme}://localhost:{}", post.port).parse().unwrap(),
        login: None,
        tls_ca: Some(post.authority()),
        from: "jagad <jagad@example.com>".parse().unwrap(),
        to: vec!["ops@example.com".parse().unwrap(), "boss@example.com".parse().unwrap()],
        subject: "[jagad] {host} {event} {database} {backup} {policy}".parse().unwrap(),
    };
    change(&mut settings);
    ChannelSettings::Email(settings)
}

fn login(settings: &mut EmailSettings, password: &str) {
    settings.login = Some(("jagad".to_owned(), Secret::new(password.to_owned())));
}

fn http(url: &str, tls_ca: Option<PathBuf>) -> HttpSettings {
    HttpSettings { url: Secret::new(url.to_owned()), tls_ca, allow_plain: url.starts_with("http:") }
}

fn webhook(url: &str) -> ChannelSettings {
    let token = Some(Secret::new(PASSWORD.to_owned()));
    ChannelSettings::Webhook(WebhookSettings { http: http(url, None), format: WebhookFormat::Json, token })
}

fn notifier(channel: ChannelSettings, timeout: Duration) -> Notifier {
    Notifier::open(NotifierSettings { timeout, channel }, Arc::new(SystemRunner), "db1.example.com").unwrap()
}

async fn send(channel: ChannelSettings) -> Result<(), (String, String)> {
    let sent = notifier(channel, TIMEOUT).send(&event(EventKind::BackupFailed)).await;
    sent.map_err(|error| (error.to_string(), error.hint().unwrap_or_default().to_owned()))
}

/// What must be in the one mail that a server took.
#[track_caller]
fn took_the_mail(post: &Post) {
    let mails = post.mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    let (head, body) = mails[0].split_once("\r\n\r\n").unwrap();
    let head = head.replace("\r\n ", " ");
    for line in [
        "X-Envelope: jagad@example.com -> ops@example.com,boss@example.com",
        "X-Hello: db1.example.com",
        "From: jagad <jagad@example.com>",
        "To: ops@example.com, boss@example.com",
        "Subject: [jagad] db1 Bcc: victim@example.com Backup Failed (3rd failure in a row) shop 20261120T020000Z-full-k3v9x2",
        "Date: Fri, 20 Nov 2026 02:00:00 +0000",
        "Auto-Submitted: auto-generated",
    ] {
        assert!(head.lines().any(|other| other == line), "no `{line}` in\n{head}");
    }
    assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
    assert!(body.contains("3rd failure in a row") && body.contains("two"), "{body}");
}

#[tokio::test]
async fn mail_goes_through_tls_and_starttls_and_plainly_where_that_is_wanted() {
    for (mode, scheme) in [("smtps", "smtps"), ("starttls", "smtp+starttls"), ("plain", "smtp")] {
        let Some(post) = Post::mail(mode, None) else { return };
        send(email(&post, scheme, |_| ())).await.unwrap();
        took_the_mail(&post);
    }
}

#[tokio::test]
async fn mail_is_sent_after_a_login_and_a_wrong_password_is_told_without_showing_it() {
    for (mode, scheme) in [("smtps", "smtps"), ("starttls", "smtp+starttls")] {
        let Some(post) = Post::mail(mode, Some("jagad")) else { return };
        let wrong = email(&post, scheme, |settings| login(settings, "wrong-secret"));
        let (problem, help) = send(wrong.clone()).await.unwrap_err();
        assert!(problem.contains("535") && !problem.contains("wrong-secret"), "{problem}");
        assert_eq!(help, "Correct `smtp_user` and the password of the notifier.");
        assert!(notifier(wrong, TIMEOUT).probe().await.is_err());
        let right = email(&post, scheme, |settings| login(settings, PASSWORD));
        notifier(right.clone(), TIMEOUT).probe().await.unwrap();
        assert_eq!(post.mails().len(), 0, "a probe tells nobody anything");
        send(right).await.unwrap();
        took_the_mail(&post);
    }
}

#[tokio::test]
async fn mail_is_not_handed_to_a_server_whose_certificate_nobody_vouches_for() {
    for (mode, scheme) in [("smtps", "smtps"), ("starttls", "smtp+starttls")] {
        let Some(post) = Post::mail(mode, None) else { return };
        let stranger = tempfile::tempdir().unwrap();
        support::post::certificate(stranger.path());
        for authority in [None, Some(stranger.path().join("ca.pem"))] {
            let (problem, help) = send(email(&post, scheme, |s| s.tls_ca = authority)).await.unwrap_err();
            assert!(problem.contains("certificate") && help.contains("tls_ca"), "{problem} | {help}");
        }
        let host = email(&post, scheme, |s| {
            s.server = format!("{scheme}://127.0.0.1:{}", post.port).parse().unwrap();
        });
        assert!(send(host).await.is_err(), "the certificate is for localhost");
        assert_eq!(post.mails().len(), 0);
    }
}

#[tokio::test]
async fn mail_is_not_sent_plainly_to_a_server_that_offers_no_starttls() {
    let Some(post) = Post::mail("plain", None) else { return };
    let (problem, help) = send(email(&post, "smtp+starttls", |_| ())).await.unwrap_err();
    assert!(help.contains("STARTTLS"), "{problem} | {help}");
    assert_eq!(post.mails().len(), 0);
}

#[tokio::test]
async fn a_server_that_never_says_a_word_is_given_up_in_time() {
    let Some(mail) = Post::mail("deaf", None) else { return };
    let Some(web) = Post::web("deaf,deaf,deaf") else { return };
    let url = format!("http://127.0.0.1:{}/{PASSWORD}", web.port);
    for channel in [email(&mail, "smtps", |_| ()), email(&mail, "smtp", |_| ()), webhook(&url)] {
        let began = Instant::now();
        let error =
            notifier(channel, Duration::from_secs(1)).send(&event(EventKind::Test)).await.unwrap_err();
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        let told = format!("{error} {error:?}");
        assert!(!told.contains(PASSWORD), "{told}");
    }
}

#[tokio::test]
async fn a_web_service_gets_the_event_as_json_with_the_token() {
    let Some(post) = Post::web("") else { return };
    send(webhook(&format!("http://127.0.0.1:{}/hook?key=1", post.port))).await.unwrap();
    let requests = post.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!((&requests[0]["method"], &requests[0]["path"]), (&"POST".into(), &"/hook?key=1".into()));
    assert_eq!(requests[0]["headers"]["authorization"], format!("Bearer {PASSWORD}"));
    let sent: serde_json::Value = serde_json::from_str(requests[0]["body"].as_str().unwrap()).unwrap();
    assert_eq!((&sent["event"], &sent["database"]), (&"backup_failed".into(), &"shop".into()));
    assert_eq!((&sent["failures_in_a_row"], &sent["log_tail"]), (&3.into(), &"one\ntwo\n".into()));
}

#[tokio::test]
async fn a_web_service_that_stumbles_is_asked_once_more_and_one_that_refuses_is_not() {
    for (answers, count, ok) in
        [("500", 2, true), ("drop", 2, true), ("500,503", 2, false), ("404,200", 1, false), ("401", 1, false)]
    {
        let Some(post) = Post::web(answers) else { return };
        let result = send(webhook(&format!("http://127.0.0.1:{}/{PASSWORD}", post.port))).await;
        assert_eq!((result.is_ok(), post.requests().len()), (ok, count), "{answers}: {result:?}");
        let told = format!("{result:?}");
        assert!(!told.contains(PASSWORD), "{told}");
    }
}

#[tokio::test]
async fn a_token_never_follows_a_redirect() {
    let Some(other) = Post::web("") else { return };
    let Some(post) = Post::web(&format!("302=http://localhost:{}/stolen", other.port)) else { return };
    let (problem, help) =
        send(webhook(&format!("http://127.0.0.1:{}/{PASSWORD}", post.port))).await.unwrap_err();
    assert!(problem.contains("302") && help.contains("Redirects are not followed"), "{problem} | {help}");
    assert_eq!(other.requests().len(), 0);
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_it_is_named_and_a_plain_address_refused() {
    let Some(post) = Post::secure_web() else { return };
    let url = format!("https://localhost:{}/u", post.port);
    let check = |ca| ChannelSettings::Healthchecks(HealthchecksSettings { http: http(&url, ca) });
    let (problem, help) = send(check(None)).await.unwrap_err();
    assert!(problem.contains("certificate") && help.contains("tls_ca"), "{problem} | {help}");
    let good = check(Some(post.authority()));
    notifier(good.clone(), TIMEOUT).probe().await.unwrap();
    assert_eq!(post.requests()[0]["path"], "/", "a probe is no ping");
    send(good).await.unwrap();
    let last = post.requests().pop().unwrap();
    assert!(last["path"].as_str().unwrap().starts_with("/u/fail?rid="), "{last}");
    assert!(last["body"].as_str().unwrap().ends_with("one\ntwo\n"), "{last}");
    let plain = HttpSettings { allow_plain: false, ..http("http://localhost:1/hunter2", None) };
    let settings = NotifierSettings {
        timeout: TIMEOUT,
        channel: ChannelSettings::Healthchecks(HealthchecksSettings { http: plain }),
    };
    let error = Notifier::open(settings, Arc::new(SystemRunner), "db1").err().unwrap();
    assert!(error.to_string().contains("not encrypted") && !error.to_string().contains("hunter2"), "{error}");
}

fn script(folder: &Path, body: &str) -> ChannelSettings {
    let path = folder.join("told");
    std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    ChannelSettings::Exec(ExecSettings {
        argv: vec![path.display().to_string(), folder.display().to_string(), "a b; $HOME".to_owned()],
    })
}

#[tokio::test]
async fn a_program_gets_the_event_on_its_input_and_in_its_environment_and_no_shell_sees_it() {
    let folder = tempfile::tempdir().unwrap();
    let body = "cat > $1/in; env | grep ^JAGAD_ | sort > $1/env; printf %s \"$2\" > $1/arg";
    send(script(folder.path(), body)).await.unwrap();
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let event: serde_json::Value = serde_json::from_str(&read("in")).unwrap();
    assert_eq!(event["backup"], "20261120T020000Z-full-k3v9x2");
    assert_eq!(read("arg"), "a b; $HOME");
    let environment = read("env");
    for line in
        ["JAGAD_EVENT=backup_failed", "JAGAD_DATABASE=shop", "JAGAD_BACKUP_ID=20261120T020000Z-full-k3v9x2"]
    {
        assert!(environment.lines().any(|other| other == line), "no {line} in {environment}");
    }
    assert!(environment.contains("JAGAD_MESSAGE=pg_dump failed\n"), "{environment}");
}

#[tokio::test]
async fn a_program_that_fails_hangs_or_is_not_there_is_told_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let (problem, _) = send(script(folder.path(), "echo no pager >&2; exit 3")).await.unwrap_err();
    assert!(problem.contains("exit status 3") && problem.contains("no pager"), "{problem}");
    let hangs = script(folder.path(), "sleep 600 & echo $! > $1/pid; wait");
    let began = Instant::now();
    let late = notifier(hangs, Duration::from_secs(1)).send(&event(EventKind::Test)).await;
    assert!(late.is_err() && began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let pid = std::fs::read_to_string(folder.path().join("pid")).unwrap();
    let alive = || Path::new("/proc").join(pid.trim()).exists();
    let deadline = Instant::now() + Duration::from_secs(10);
    while alive() {
        assert!(Instant::now() < deadline, "what it started lives on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let absent = ChannelSettings::Exec(ExecSettings { argv: vec!["jagad-no-such-program".to_owned()] });
    let error = notifier(absent, TIMEOUT).probe().await.unwrap_err();
    assert!(error.to_string().contains("jagad-no-such-program") && error.hint().is_some());
}
