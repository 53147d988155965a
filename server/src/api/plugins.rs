//! Plugins, in the caller's name.

use async_trait::async_trait;
use myrelay_app::contract::{
    CallsWanted, PluginCallsView, PluginContract, PluginRow, PluginTrialView, PluginView,
    PortalError,
};

use super::Api;
use crate::{Result, jobs, messages, plugins};

#[async_trait]
impl PluginContract for Api {
    async fn list_plugins(&self) -> Result<Vec<PluginRow>, PortalError> {
        self.answer(messages::list_plugins(&self.context, self.caller).await)
    }

    async fn get_plugin(&self, plugin: &str) -> Result<PluginView, PortalError> {
        self.answer(messages::get_plugin(&self.context, self.caller, plugin).await)
    }

    async fn plugin_calls(
        &self,
        plugin: &str,
        wanted: CallsWanted,
        after: Option<&str>,
    ) -> Result<PluginCallsView, PortalError> {
        let calls = plugins::plugin_calls(&self.context, self.caller, plugin, wanted, after).await;
        self.answer(calls)
    }

    async fn enable_plugin(&self, plugin: &str) -> Result<(), PortalError> {
        self.answer(messages::enable_plugin(&self.context, self.caller, plugin).await)
    }

    async fn ask_plugin(&self, plugin: &str) -> Result<(), PortalError> {
        self.answer(plugins::ask_how_it_is(&self.context, self.caller, plugin).await)
    }

    async fn disable_plugin(&self, plugin: &str) -> Result<(), PortalError> {
        self.answer(plugins::disable(&self.context, self.caller, plugin).await)
    }

    async fn rollback_plugin(&self, plugin: &str, number: i64) -> Result<(), PortalError> {
        self.answer(plugins::rollback(&self.context, self.caller, plugin, number).await)
    }

    async fn try_call(&self, plugin: &str, call: &str) -> Result<PluginTrialView, PortalError> {
        self.answer(plugins::try_call(&self.context, self.caller, plugin, call).await)
    }

    async fn plugin_memory(&self, plugin: &str) -> Result<String, PortalError> {
        self.answer(plugins::memory_of(&self.context, self.caller, plugin).await)
    }

    async fn remove_plugin(&self, plugin: &str, leave: bool) -> Result<(), PortalError> {
        self.answer(plugins::remove(&self.context, self.caller, plugin, leave).await)
    }

    async fn run_plugin_job(&self, plugin: &str, job: &str) -> Result<(), PortalError> {
        self.answer(jobs::run_now(&self.context, self.caller, plugin, job).await)
    }

    async fn replay_deliveries(
        &self,
        plugin: &str,
        delivery: Option<&str>,
    ) -> Result<(), PortalError> {
        self.answer(messages::replay(&self.context, self.caller, plugin, delivery).await)
    }

    async fn replay_deliveries_from(
        &self,
        plugin: &str,
        delivery: &str,
    ) -> Result<(), PortalError> {
        self.answer(messages::replay_from(&self.context, self.caller, plugin, delivery).await)
    }
}
