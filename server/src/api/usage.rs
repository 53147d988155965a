//! Usage, in the caller's name.

use async_trait::async_trait;
use myrelay_app::contract::{LocationUsageView, PodUsageView, PortalError, UsageContract};

use super::Api;
use crate::{pods, usage};

#[async_trait]
impl UsageContract for Api {
    async fn get_usage(&self, pod: &str) -> Result<PodUsageView, PortalError> {
        let pod = self.answer(pods::get_row(&self.context, self.caller, pod).await)?;
        let usage = usage::of_location(&self.context, self.caller, pod.location_id).await;
        let usage = self.answer(usage)?;
        Ok(PodUsageView { pod: pod.id, location: pod.location, usage })
    }

    async fn account_usage(&self, account: &str) -> Result<Vec<LocationUsageView>, PortalError> {
        self.answer(usage::of_account(&self.context, self.caller, account).await)
    }
}
