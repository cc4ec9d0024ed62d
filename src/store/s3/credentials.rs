//! Where the keys that sign requests come from, and how they are renewed.

use super::failure::Failure;
use super::instant::now;
use crate::store::settings::S3Credentials;
use s3::creds::Credentials;
use time::OffsetDateTime;
use tokio::sync::Mutex;

/// Temporary credentials are renewed this long before they expire, so that none expires while a request is under way.
const RENEW_BEFORE: time::Duration = time::Duration::minutes(5);

/// Credentials that are loaded once and renewed shortly before they expire.
pub(super) struct CredentialSource {
    origin: S3Credentials,
    /// Locked during a load, so that concurrent requests cause only one.
    held: Mutex<Option<Credentials>>,
}

impl CredentialSource {
    pub(super) fn new(origin: S3Credentials) -> Self {
        Self { origin, held: Mutex::new(None) }
    }

    /// Credentials that are valid now.
    ///
    /// When a renewal fails while the old ones are still valid, those are used and the failure is logged.
    pub(super) async fn current(&self) -> Result<Credentials, Failure> {
        let mut held = self.held.lock().await;
        if let Some(credentials) = held.as_ref()
            && !expires_before(credentials, now() + RENEW_BEFORE)
        {
            return Ok(credentials.clone());
        }
        match self.load().await {
            Ok(fresh) => Ok(held.insert(fresh).clone()),
            Err(failure) => match held.as_ref() {
                Some(old) if !expires_before(old, now()) => {
                    tracing::warn!("cannot renew the store's credentials; the old ones are still valid");
                    Ok(old.clone())
                }
                _ => Err(failure),
            },
        }
    }

    /// Drops the current credentials because the server says that they have expired. `false` when the next ones would
    /// be the same.
    pub(super) async fn renew(&self) -> bool {
        *self.held.lock().await = None;
        !matches!(self.origin, S3Credentials::Static { .. })
    }

    /// Reads files and asks metadata services with blocking calls, so on a thread of its own.
    async fn load(&self) -> Result<Credentials, Failure> {
        let origin = self.origin.clone();
        let load = move || match origin {
            S3Credentials::Static { access_key, secret_key, session_token } => Credentials::new(
                Some(&access_key),
                Some(secret_key.expose()),
                None,
                session_token.as_ref().map(crate::model::Secret::expose),
                None,
            )
            .map_err(|error| Failure::credentials(error.to_string())),
            S3Credentials::Profile(name) => Credentials::from_profile(Some(&name))
                .map_err(|error| Failure::credentials(format!("profile `{name}`: {error}"))),
            // The error has no more information, and its text could contain a token.
            S3Credentials::Chain => Credentials::default().map_err(|_| {
                Failure::credentials(
                    "none found in the environment, the shared file, web identity, container or instance",
                )
            }),
        };
        tokio::task::spawn_blocking(load)
            .await
            .map_err(|_| Failure::credentials("looking for credentials was interrupted"))?
    }
}

fn expires_before(credentials: &Credentials, limit: OffsetDateTime) -> bool {
    credentials.expiration.is_some_and(|end| end.0 <= limit)
}

impl std::fmt::Debug for CredentialSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CredentialSource(***)")
    }
}
