//! Packages in the portal's folder, in the caller's name.

use async_trait::async_trait;
use myrelay_app::contract::{
    ChoosePackage, GalleryView, PackageCard, PluginGalleryContract, PortalError,
};
use myrelay_domain::ids::UploadId;

use super::Api;
use crate::plugins;

#[async_trait]
impl PluginGalleryContract for Api {
    async fn plugin_gallery(&self) -> Result<GalleryView, PortalError> {
        self.answer(plugins::gallery(&self.context, self.caller).await)
    }

    async fn gallery_package(&self, digest: &str) -> Result<PackageCard, PortalError> {
        self.answer(plugins::gallery_package(&self.context, self.caller, digest).await)
    }

    async fn gallery_icon(&self, digest: &str) -> Result<Vec<u8>, PortalError> {
        self.answer(plugins::gallery_icon(&self.context, self.caller, digest).await)
    }

    async fn choose_package(&self, input: ChoosePackage) -> Result<UploadId, PortalError> {
        self.answer(plugins::choose_package(&self.context, self.caller, input).await)
    }
}
