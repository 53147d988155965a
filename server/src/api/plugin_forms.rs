//! Plugins' settings and secrets, in the caller's name.

use async_trait::async_trait;
use myrelay_app::contract::{
    PluginFormContract, PluginSettingsView, PortalError, SettingsChange, TypedFields,
};

use super::Api;
use crate::plugins;

#[async_trait]
impl PluginFormContract for Api {
    async fn plugin_settings(&self, plugin: &str) -> Result<PluginSettingsView, PortalError> {
        self.answer(plugins::settings_view(&self.context, self.caller, plugin).await)
    }

    async fn change_plugin_settings(
        &self,
        plugin: &str,
        typed: TypedFields,
    ) -> Result<SettingsChange, PortalError> {
        let changed = plugins::change_settings(&self.context, self.caller, plugin, typed).await;
        self.answer(changed)
    }
}
