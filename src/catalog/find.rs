//! From a reference to the one backup it means.

use super::error::CatalogError;
use super::layout;
use super::repository::{Catalog, Entry, Items};
use super::{BackupReference, Manifest};
use crate::model::{BackupId, BackupStatus, DatabaseName};
use futures_util::StreamExt as _;
use std::collections::BTreeMap;

impl Catalog {
    /// The one backup that `reference` means.
    pub async fn find(&self, reference: &BackupReference) -> Result<Entry, CatalogError> {
        match reference {
            BackupReference::Id(id) => self.find_by_text(&id.to_string()).await,
            BackupReference::Prefix(prefix) => self.find_by_text(prefix).await,
            BackupReference::Latest(database) => {
                self.last_success(database, |_| true, &format!("{database}@latest")).await
            }
            BackupReference::At(database, time) => {
                let text = format!("{database}@{time}");
                self.last_success(database, |manifest| manifest.started_at <= *time, &text).await
            }
        }
    }

    async fn last_success(
        &self,
        database: &DatabaseName,
        wanted: impl Fn(&Manifest) -> bool,
        text: &str,
    ) -> Result<Entry, CatalogError> {
        let listing = self.list(Some(database)).await?;
        let fits = |entry: &Entry| entry.manifest.status == BackupStatus::Success && wanted(&entry.manifest);
        listing
            .entries
            .into_iter()
            .rev()
            .find(fits)
            .ok_or_else(|| CatalogError::NotFound { reference: text.to_owned() })
    }

    async fn find_by_text(&self, text: &str) -> Result<Entry, CatalogError> {
        let prefix = layout::databases();
        let mut found: BTreeMap<(DatabaseName, BackupId), Items> = BTreeMap::new();
        let mut objects = self.store().list(&prefix);
        while let Some(object) = objects.next().await {
            let object = object.map_err(CatalogError::store(format!("list `{prefix}`")))?;
            if let Some((database, id, item)) = layout::backup_item(&object.key)
                && id.to_string().starts_with(text)
            {
                found.entry((database, id)).or_default().note(item, &object.key);
            }
        }
        drop(objects);
        found.retain(|_, items| items.manifest);
        let (count, examples) = (found.len(), found.keys().map(|(_, id)| id.to_string()));
        if count > 1 {
            let examples = examples.take(3).collect::<Vec<_>>().join(", ");
            return Err(CatalogError::Ambiguous { prefix: text.to_owned(), count, examples });
        }
        let not_found = || CatalogError::NotFound { reference: text.to_owned() };
        let ((database, id), items) = found.into_iter().next().ok_or_else(not_found)?;
        self.entry(database, id, items).await?.ok_or_else(not_found)
    }
}
