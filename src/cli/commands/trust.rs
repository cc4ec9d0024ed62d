//! Which backups a command accepts.

use super::Command;
use crate::catalog::UnprovenManifests;
use clap::Args;

/// Whether backups that no key authenticates are accepted.
#[derive(Debug, Clone, Copy, Args)]
pub struct TrustArgs {
    /// Also take a backup that no key of the configuration proves to be ours
    #[arg(long)]
    pub allow_unauthenticated: bool,
}

impl Command {
    /// What the command demands of manifests.
    pub fn unproven(&self) -> UnprovenManifests {
        let trust = match self {
            Self::Restore(args) => args.trust,
            Self::Verify(args) => args.trust,
            Self::Show(named) | Self::Logs(named) => named.trust,
            Self::Unpin(one) => one.trust,
            Self::Download(args) => args.one.trust,
            Self::Pin(args) => args.one.trust,
            Self::Delete(args) => args.trust,
            _ => return UnprovenManifests::Refused,
        };
        if trust.allow_unauthenticated { UnprovenManifests::Accepted } else { UnprovenManifests::Refused }
    }
}
