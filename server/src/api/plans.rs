//! Plans, in the caller's name.

use async_trait::async_trait;
use myrelay_app::contract::{AddPlan, PlanContract, PlanRow, PortalError};

use super::Api;
use crate::{plans, pods};

#[async_trait]
impl PlanContract for Api {
    async fn list_plans(&self) -> Result<Vec<PlanRow>, PortalError> {
        self.answer(plans::list(&self.context, self.caller).await)
    }

    async fn add_plan(&self, input: AddPlan) -> Result<(), PortalError> {
        self.answer(plans::add(&self.context, self.caller, input).await)
    }

    async fn make_default_plan(&self, plan: &str) -> Result<(), PortalError> {
        self.answer(plans::make_default(&self.context, self.caller, plan).await)
    }

    async fn remove_plan(&self, plan: &str) -> Result<(), PortalError> {
        self.answer(plans::remove(&self.context, self.caller, plan).await)
    }

    async fn change_plan(&self, account: &str, plan: &str) -> Result<(), PortalError> {
        self.answer(pods::change_plan(&self.context, self.caller, account, plan).await)
    }
}
