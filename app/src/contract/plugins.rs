//! Plugins: what operators installed, how it does, and what is on its way to it.

use async_trait::async_trait;
use myrelay_domain::ids::{CallId, DeliveryId, InstallationId};
use serde::{Deserialize, Serialize};

use super::{Millis, Page, PluginHealthView, PortalError, SetLimit};

/// How a plugin stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PluginState {
    /// It gets what it listens to.
    Enabled,
    /// It gets what it listens to, and failed the last time.
    Failing,
    /// It fails, and is left in peace for a while.
    Resting,
    /// The portal stopped it; what is on its way waits.
    Stopped,
    /// The portal cannot load it; what is on its way waits.
    Unloaded,
    /// An operator disabled it: nothing goes to it.
    Disabled,
}

/// A plugin at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginRow {
    pub id: InstallationId,
    /// What its publisher calls it: `dev.example.mail`.
    pub plugin: String,
    pub name: String,
    pub version: String,
    pub state: PluginState,
    /// Events on their way to it.
    pub waiting: u32,
    /// Events that were given up.
    pub dead: u32,
}

/// Something that a plugin may do, and why its author asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapabilityRow {
    pub what: String,
    pub reason: String,
}

/// A line of a plugin's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginLogLine {
    pub level: String,
    pub message: String,
}

/// A request that a plugin made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginRequestRow {
    /// Its method and its address, without the query.
    pub what: String,
    /// The status, or why there is none.
    pub result: String,
    /// Milliseconds after the call began.
    #[serde(default)]
    pub began_ms: u64,
    pub took_ms: u64,
}

/// What a call might have used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginLimits {
    /// Microseconds.
    pub cpu_us: u64,
    /// Microseconds by the clock.
    pub wall_us: u64,
    /// Bytes.
    pub memory: u64,
    pub requests: u32,
}

/// A call that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginCallRow {
    pub id: CallId,
    /// The function.
    pub call: String,
    /// The event it was about.
    pub about: Option<String>,
    pub attempt: u32,
    /// The same of every try; none where that was not noted.
    pub delivery: Option<String>,
    /// The version that ran; none where that was not noted.
    pub version: Option<String>,
    /// None: it went well.
    pub failure: Option<String>,
    /// Microseconds.
    pub cpu_us: u64,
    /// Microseconds by the clock.
    pub wall_us: u64,
    /// Bytes.
    pub memory: u64,
    /// Requests that left the portal.
    pub requests: u32,
    /// What it might have used; none where that was not noted.
    pub limits: Option<PluginLimits>,
    /// What it was asked, as JSON without what names people; none where it is not kept.
    pub input: Option<String>,
    /// What it answered, in the same form; none where it failed, or it is not kept.
    pub answer: Option<String>,
    /// Where it broke, line by line, as far as its names are known; none where it did not break, or
    /// that was not noted.
    pub backtrace: Option<String>,
    pub log: Vec<PluginLogLine>,
    /// Lines that were too many, beside those.
    pub logs_dropped: u64,
    pub http: Vec<PluginRequestRow>,
    pub at: Millis,
}

/// Which calls of a plugin are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallsWanted {
    /// Those that failed alone.
    pub failed: bool,
    /// The tries of this delivery alone.
    pub delivery: Option<String>,
}

/// A page of a plugin's calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginCallsView {
    pub plugin: PluginRow,
    pub wanted: CallsWanted,
    /// Newest first.
    pub calls: Page<PluginCallRow>,
}

/// Something that a plugin does at set times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginJobRow {
    pub name: String,
    /// Five fields as cron reads them, in UTC.
    pub cron: String,
    /// When it runs next, or is tried again; none while the plugin stands still.
    pub next_at: Option<Millis>,
    /// When its last run ended.
    pub ended_at: Option<Millis>,
    /// Why its last run, or the last try of the one that goes on, did not end well.
    pub failure: Option<String>,
}

/// A call that was made once more, without anything coming of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginTrialView {
    pub plugin: PluginRow,
    pub before: PluginCallRow,
    pub again: PluginCallRow,
    /// What it would have remembered and forgotten, in lines.
    pub would: Vec<String>,
    /// It sent requests to which no answer is kept.
    pub unrecorded: bool,
}

/// A version that another took the place of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginVersionRow {
    /// Which of the plugin's versions.
    pub number: i64,
    pub version: String,
    /// The id of the key that it was signed by; none: nobody signed it.
    pub key_id: Option<String>,
    /// When another took its place.
    pub at: Millis,
    /// Why it may not run any more; none: it may.
    pub barred: Option<String>,
}

/// An event that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadDeliveryRow {
    pub id: DeliveryId,
    /// The event's name.
    pub event: String,
    pub attempts: u32,
    /// What the last attempt said.
    pub failure: String,
    pub at: Millis,
}

/// What a provider goes on doing for customers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectingView {
    /// The subscriptions that it collects for.
    pub subscriptions: u32,
    /// Those that ended or are to end, and that it was not told of yet.
    pub untold: u32,
}

impl CollectingView {
    /// In a part of a sentence; none where nothing goes on.
    #[must_use]
    pub fn words(self) -> Option<String> {
        let subscriptions = |number| match number {
            1 => "1 subscription".to_owned(),
            number => format!("{number} subscriptions"),
        };
        let collects = format!("its provider collects for {}", subscriptions(self.subscriptions));
        let ends = if self.untold == 1 { "ends" } else { "end" };
        let untold = format!("was not told yet that {} {ends}", subscriptions(self.untold));
        match (self.subscriptions, self.untold) {
            (0, 0) => None,
            (_, 0) => Some(collects),
            (0, _) => Some(format!("its provider {untold}")),
            _ => Some(format!("{collects} and {untold}")),
        }
    }
}

/// A plugin with all that operators see of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginView {
    pub row: PluginRow,
    /// Why it rests or is stopped.
    pub why: Option<String>,
    /// An operator revoked it: it does not run until that is taken back.
    pub revoked: bool,
    /// It carries messages to customers.
    pub carries_messages: bool,
    /// What goes on at its provider.
    pub collecting: CollectingView,
    /// The key that signed it; none where nobody did.
    pub publisher: Option<String>,
    /// Those that it may go back to, newest first.
    pub versions: Vec<PluginVersionRow>,
    pub installed_at: Millis,
    pub health: PluginHealthView,
    pub capabilities: Vec<CapabilityRow>,
    /// The limits that an operator set.
    pub limits: Vec<SetLimit>,
    /// The events it listens to.
    pub events: Vec<String>,
    /// Where its provider is to report; none where it takes no reports.
    pub hook_url: Option<String>,
    /// Its settings, as JSON.
    pub settings: String,
    /// Its secrets, and whether each is there.
    pub secrets: Vec<(String, bool)>,
    /// What those are called that nobody gave and no provider makes.
    pub missing: Vec<String>,
    /// What it does at set times, by name.
    pub jobs: Vec<PluginJobRow>,
    /// The last calls, newest first.
    pub calls: Vec<PluginCallRow>,
    /// The first of those given up, in the order in which they were put on their way.
    pub dead: Vec<DeadDeliveryRow>,
}

/// What operators may ask about plugins.
#[async_trait]
pub trait PluginContract: Send + Sync {
    /// All plugins, by name.
    async fn list_plugins(&self) -> Result<Vec<PluginRow>, PortalError>;

    async fn get_plugin(&self, plugin: &str) -> Result<PluginView, PortalError>;

    /// Its calls that are kept, those that came before the call `after`.
    async fn plugin_calls(
        &self,
        plugin: &str,
        wanted: CallsWanted,
        after: Option<&str>,
    ) -> Result<PluginCallsView, PortalError>;

    /// Lets a plugin have what it listens to, from now on. Twice is fine.
    async fn enable_plugin(&self, plugin: &str) -> Result<(), PortalError>;

    /// Asks a plugin how it is; what it says stands on its page.
    async fn ask_plugin(&self, plugin: &str) -> Result<(), PortalError>;

    /// Nothing goes to a plugin any more, nor what is on its way. Twice is fine.
    async fn disable_plugin(&self, plugin: &str) -> Result<(), PortalError>;

    /// Puts an earlier version in the place of the one that is installed.
    async fn rollback_plugin(&self, plugin: &str, number: i64) -> Result<(), PortalError>;

    /// Makes a call once more as it was made before; nothing comes of it.
    async fn try_call(&self, plugin: &str, call: &str) -> Result<PluginTrialView, PortalError>;

    /// All that a plugin remembers, as JSON; docs/operator-guide.md has its shape.
    async fn plugin_memory(&self, plugin: &str) -> Result<String, PortalError>;

    /// Takes a plugin away, with its secrets and all that it remembers. `leave`: although its provider
    /// goes on collecting.
    async fn remove_plugin(&self, plugin: &str, leave: bool) -> Result<(), PortalError>;

    /// Has a job run as soon as it can. Twice is fine.
    async fn run_plugin_job(&self, plugin: &str, job: &str) -> Result<(), PortalError>;

    /// Puts events that were given up on their way again: one of them, or all.
    async fn replay_deliveries(
        &self,
        plugin: &str,
        delivery: Option<&str>,
    ) -> Result<(), PortalError>;

    /// The same of one of them and all that were put on their way after it and given up.
    async fn replay_deliveries_from(&self, plugin: &str, delivery: &str)
    -> Result<(), PortalError>;
}
