//! What a plugin remembers, as it was when a call began.

use async_trait::async_trait;
use myrelay_domain::ids::InstallationId;
use myrelay_plugin_host::{KvEntry, KvReader, KvUnavailable, KvUsage};

use super::store;
use crate::context::Context;

/// Reads what one installation remembers.
pub(super) struct Memory {
    pub(super) context: Context,
    pub(super) installation: InstallationId,
}

fn unavailable(error: &sqlx::Error) -> KvUnavailable {
    tracing::warn!(%error, "a plugin's store cannot be read");
    KvUnavailable("the database does not answer".to_owned())
}

#[async_trait]
impl KvReader for Memory {
    async fn get(&self, key: &str) -> Result<Option<KvEntry>, KvUnavailable> {
        let (pool, now) = (self.context.database.read(), self.context.now());
        store::kv::find(pool, self.installation, key, now).await.map_err(|it| unavailable(&it))
    }

    async fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<KvEntry>, KvUnavailable> {
        let (pool, now) = (self.context.database.read(), self.context.now());
        let page = store::kv::Page { prefix, after, limit };
        store::kv::scan(pool, self.installation, &page, now).await.map_err(|it| unavailable(&it))
    }

    async fn usage(&self) -> Result<KvUsage, KvUnavailable> {
        let pool = self.context.database.read();
        store::kv::usage(pool, self.installation).await.map_err(|it| unavailable(&it))
    }
}
