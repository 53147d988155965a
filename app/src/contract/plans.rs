//! Plans: what operators offer, and what an account has of it.

use async_trait::async_trait;
use myrelay_domain::{ids::PlanId, limits::TrafficLimits, money::Price};
use serde::{Deserialize, Serialize};

use super::PortalError;

/// What the "add a plan" form sends: numbers as they were typed, empty where there is no limit.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddPlan {
    pub name: String,
    pub pods: String,
    pub devices_per_pod: String,
    /// Mbit/s towards the devices.
    #[serde(default)]
    pub speed_down: String,
    /// Mbit/s from the devices.
    #[serde(default)]
    pub speed_up: String,
    /// GB in a location and a month.
    #[serde(default)]
    pub quota: String,
    /// `stop` or `throttle`; counts only with a quota.
    #[serde(default)]
    pub then: String,
    /// Mbit/s, each way, once the quota is used up.
    #[serde(default)]
    pub throttle: String,
    /// What an interval costs: `9.99`; empty where it is free.
    #[serde(default)]
    pub price: String,
    /// `EUR`; counts only with a price.
    #[serde(default)]
    pub currency: String,
    /// `month` or `year`; counts only with a price.
    #[serde(default)]
    pub interval: String,
}

/// One plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRow {
    pub id: PlanId,
    pub name: String,
    pub pods: u32,
    pub devices_per_pod: u32,
    pub traffic: TrafficLimits,
    /// None: it is free.
    pub price: Option<Price>,
    /// It is offered to nobody any more.
    pub is_withdrawn: bool,
    /// How many accounts have it.
    pub accounts: u32,
    /// New accounts get it.
    pub is_default: bool,
}

/// What operators may ask about plans. What was sold does not change: a plan cannot be edited.
#[async_trait]
pub trait PlanContract: Send + Sync {
    /// All plans, oldest first.
    async fn list_plans(&self) -> Result<Vec<PlanRow>, PortalError>;

    async fn add_plan(&self, input: AddPlan) -> Result<(), PortalError>;

    /// New accounts get this plan from now on.
    async fn make_default_plan(&self, plan: &str) -> Result<(), PortalError>;

    /// Removes a plan that no account has, and that new accounts do not get.
    async fn remove_plan(&self, plan: &str) -> Result<(), PortalError>;

    /// Gives an account another plan. What it has beyond the new limits stays, and nothing is
    /// added to it; speed and quota count at once.
    async fn change_plan(&self, account: &str, plan: &str) -> Result<(), PortalError>;
}
