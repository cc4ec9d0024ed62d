//! An object that is being uploaded, and what was sent of it.

use super::client::Client;
use super::headers::Keeping;
use crate::store::{ObjectKey, ObjectRole};
use s3::serde_types::Part;
use std::sync::Arc;

/// The shape of multipart uploads.
#[derive(Debug, Clone, Copy)]
pub(super) struct PartPlan {
    /// Every part but the last has exactly this size: R2 refuses unequal ones.
    pub(super) part_bytes: usize,
    pub(super) max_parts: u32,
    /// Parts in memory at once.
    pub(super) in_flight: usize,
}

impl PartPlan {
    pub(super) fn object_limit(self) -> u64 {
        self.part_bytes as u64 * u64::from(self.max_parts)
    }
}

/// One object that is being uploaded.
pub(super) struct Upload<'a> {
    pub(super) client: &'a Arc<Client>,
    pub(super) keeping: &'a Keeping,
    pub(super) plan: PartPlan,
    pub(super) key: &'a ObjectKey,
    pub(super) role: ObjectRole,
}

/// All parts that were sent.
pub(super) struct Sent {
    pub(super) bytes: u64,
    /// In the order of their numbers.
    pub(super) parts: Vec<Part>,
}
