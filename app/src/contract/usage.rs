//! Usage: what pods moved, and how an account stands with its quota.

use async_trait::async_trait;
use myrelay_domain::{
    ids::PodId,
    limits::{QuotaEnd, TrafficLimits},
};
use serde::{Deserialize, Serialize};

use super::{Millis, PortalError};

/// The hours that are shown.
pub const USAGE_HOURS: usize = 48;
/// The days that are shown.
pub const USAGE_DAYS: usize = 62;

/// Bytes of one hour or one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsagePoint {
    /// When it began.
    pub at: Millis,
    /// Towards the devices.
    pub down: u64,
    /// From the devices.
    pub up: u64,
}

/// How an account stands in one location this month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageSummaryView {
    /// Bytes, both directions together.
    pub used: u64,
    /// What the plan allows.
    pub limits: TrafficLimits,
    /// When the next month begins.
    pub resets_at: Millis,
}

impl UsageSummaryView {
    /// What becomes of the pod because its quota is used up; none while something is left.
    pub fn used_up(&self) -> Option<QuotaEnd> {
        self.limits.quota.filter(|quota| quota.bytes <= self.used).map(|quota| quota.then)
    }
}

/// One location's usage in detail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageView {
    pub summary: UsageSummaryView,
    /// The last [`USAGE_HOURS`], oldest first, the one that runs last.
    pub hours: Vec<UsagePoint>,
    /// The last [`USAGE_DAYS`], as the hours.
    pub days: Vec<UsagePoint>,
}

/// A pod's usage in detail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodUsageView {
    pub pod: PodId,
    pub location: String,
    pub usage: UsageView,
}

/// An account's usage in one location, for operators: days, and no hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationUsageView {
    pub location: String,
    pub summary: UsageSummaryView,
    /// The last [`USAGE_DAYS`], oldest first.
    pub days: Vec<UsagePoint>,
}

/// What all pods of a node moved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeUsageView {
    /// The last [`USAGE_HOURS`], oldest first, the one that runs last.
    pub hours: Vec<UsagePoint>,
    /// What was not taken from the node at last, and when.
    pub refusal: Option<UsageRefusal>,
}

/// A report of a node that was not taken whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageRefusal {
    pub reason: String,
    pub at: Millis,
}

/// What may be asked about usage.
#[async_trait]
pub trait UsageContract: Send + Sync {
    /// The usage of a pod of the asking account, with that of pods that it had there before.
    async fn get_usage(&self, pod: &str) -> Result<PodUsageView, PortalError>;

    /// For operators: an account's usage in every location where it has a pod, or had one lately.
    async fn account_usage(&self, account: &str) -> Result<Vec<LocationUsageView>, PortalError>;
}
