//! Checks notifiers: their secrets, the connection, and on request a test message.

use super::{Findings, Section, SectionKind};
use crate::commands::{App, Class, Failure, notify};
use crate::config::NotifierEntry;
use crate::notify::EventKind;

/// Whether a test message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotifierTest {
    /// Everything but a message.
    Silent,
    /// A message of the kind `test`.
    Message,
}

/// Checks one notifier. A requested test message is sent whatever events `on` names.
pub(super) async fn check(app: &App, entry: &NotifierEntry, trial: NotifierTest) -> (Section, Option<Class>) {
    let mut findings = Findings::new();
    let mut place = String::new();
    if let Some(notifier) = findings.result("settings and secrets", notify::open(app, entry).await) {
        notifier.place().clone_into(&mut place);
        let reached = notifier.probe().await.map_err(Failure::from);
        if findings.result("reach it", reached).is_some() && trial == NotifierTest::Message {
            let event = notify::event(app, EventKind::Test, None, "this is a test message of jagad");
            let sent = notifier.send(&event).await.map_err(Failure::from);
            findings.result("send a test", sent);
        }
    }
    findings.section(SectionKind::Notifier, entry.name.to_string(), place)
}
