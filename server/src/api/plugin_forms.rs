//! Plugins' settings and secrets, in the caller's name.

use async_trait::async_trait;
use myrelay_app::contract::{
    InstallOutcome, InstallView, LimitsChange, PluginFormContract, PluginLimitsView,
    PluginSettingsView, PortalError, SettingsChange, TypedFields, UploadPlugin,
};
use myrelay_domain::ids::UploadId;

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

    async fn plugin_limits(&self, plugin: &str) -> Result<PluginLimitsView, PortalError> {
        self.answer(plugins::limits_view(&self.context, self.caller, plugin).await)
    }

    async fn change_plugin_limits(
        &self,
        plugin: &str,
        typed: TypedFields,
    ) -> Result<LimitsChange, PortalError> {
        let changed = plugins::change_limits(&self.context, self.caller, plugin, typed).await;
        self.answer(changed)
    }

    async fn takes_unsigned_plugins(&self) -> Result<bool, PortalError> {
        self.answer(plugins::takes_unsigned(&self.context, self.caller))
    }

    async fn upload_plugin(&self, input: UploadPlugin) -> Result<UploadId, PortalError> {
        self.answer(plugins::upload(&self.context, self.caller, input).await)
    }

    async fn plugin_upload(&self, session: &str, upload: &str) -> Result<InstallView, PortalError> {
        self.answer(plugins::upload_view(&self.context, self.caller, (session, upload)).await)
    }

    async fn install_upload(
        &self,
        session: &str,
        upload: &str,
        typed: TypedFields,
    ) -> Result<InstallOutcome, PortalError> {
        let which = (session, upload);
        self.answer(plugins::install_upload(&self.context, self.caller, which, typed).await)
    }

    async fn discard_upload(&self, session: &str, upload: &str) -> Result<(), PortalError> {
        self.answer(plugins::discard_upload(&self.context, self.caller, (session, upload)).await)
    }
}
