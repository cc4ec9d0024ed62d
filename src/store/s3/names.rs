//! Looks up a server's name within a time limit: the system's resolver alone may take half a minute to fail.

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::SocketAddr;
use std::time::Duration;

/// How long one lookup may take.
const PATIENCE: Duration = Duration::from_secs(4);

/// A name that has no address, or whose lookup took too long.
#[derive(Debug, thiserror::Error)]
#[error("the name `{name}` cannot be looked up: {problem}")]
pub(super) struct UnknownName {
    name: String,
    problem: String,
}

/// The system's resolver.
#[derive(Debug)]
pub(super) struct SystemNames;

async fn addresses(name: &str) -> Result<Vec<SocketAddr>, String> {
    match tokio::time::timeout(PATIENCE, tokio::net::lookup_host((name, 0))).await {
        Ok(Ok(found)) => Ok(found.collect()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no name server answered within {} s", PATIENCE.as_secs())),
    }
}

impl Resolve for SystemNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            match addresses(name.as_str()).await {
                Ok(found) => Ok(Box::new(found.into_iter()) as Addrs),
                Err(problem) => Err(UnknownName { name: name.as_str().to_owned(), problem }.into()),
            }
        })
    }
}
