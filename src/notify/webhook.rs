//! A request to a web service: the event as JSON, or a message for chats.

use super::http::{Http, Post};
use super::{Channel, Event, NotifyError, WebhookFormat, WebhookSettings};
use async_trait::async_trait;

/// A web service that is posted to.
pub(super) struct Webhook {
    http: Http,
    format: WebhookFormat,
}

impl Webhook {
    /// Checks the settings; no byte is sent.
    pub(super) fn open(settings: &WebhookSettings) -> Result<Self, NotifyError> {
        Ok(Self { http: Http::open(&settings.http, settings.token.as_ref())?, format: settings.format })
    }
}

/// Slack's own rule for text: these three characters, and no others, are written as entities.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn body(event: &Event, format: WebhookFormat) -> Vec<u8> {
    match format {
        WebhookFormat::Json => event.json(),
        WebhookFormat::Slack => {
            serde_json::to_vec(&serde_json::json!({ "text": escaped(&event.summary()) })).unwrap_or_default()
        }
    }
}

#[async_trait]
impl Channel for Webhook {
    async fn send(&self, event: &Event) -> Result<(), NotifyError> {
        let body = body(event, self.format);
        self.http.post(Post { url: self.http.url(), content_type: "application/json", body }).await
    }

    async fn probe(&self) -> Result<(), NotifyError> {
        self.http.probe().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::EventKind;

    #[test]
    fn a_chat_gets_text_that_cannot_become_a_link_or_a_mention() {
        let at = "2026-11-20T02:00:00Z".parse().unwrap();
        let event = Event::new(EventKind::Test, at, "db1", "<!channel> & <https://x|y>");
        let sent = String::from_utf8(body(&event, WebhookFormat::Slack)).unwrap();
        assert!(sent.contains("&lt;!channel&gt; &amp; &lt;https://x|y&gt;"), "{sent}");
    }
}
