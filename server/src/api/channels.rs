//! Channels and messages, in the caller's name.

use async_trait::async_trait;
use myrelay_app::contract::{
    AddChannel, ChannelContract, ChannelView, MessageKind, NotificationsView, OutgoingContract,
    OutgoingView, OutgoingWanted, PortalError, SetQuiet, UnsubscribeView,
};
use myrelay_domain::ids::ChannelId;

use super::Api;
use crate::{channels, messages};

#[async_trait]
impl ChannelContract for Api {
    async fn notifications(&self) -> Result<NotificationsView, PortalError> {
        self.answer(messages::view(&self.context, self.caller).await)
    }

    async fn add_channel(&self, input: AddChannel) -> Result<ChannelId, PortalError> {
        self.answer(channels::add(&self.context, self.caller, input).await)
    }

    async fn get_channel(&self, channel: &str) -> Result<ChannelView, PortalError> {
        self.answer(channels::get(&self.context, self.caller, channel).await)
    }

    async fn send_code(&self, channel: &str) -> Result<(), PortalError> {
        self.answer(channels::send(&self.context, self.caller, channel).await)
    }

    async fn verify_channel(&self, channel: &str, code: &str) -> Result<(), PortalError> {
        self.answer(channels::verify(&self.context, self.caller, channel, code).await)
    }

    async fn set_kinds(&self, channel: &str, kinds: Vec<MessageKind>) -> Result<(), PortalError> {
        self.answer(channels::set_kinds(&self.context, self.caller, channel, &kinds).await)
    }

    async fn remove_channel(&self, channel: &str) -> Result<(), PortalError> {
        self.answer(channels::remove(&self.context, self.caller, channel).await)
    }

    async fn set_quiet(&self, input: SetQuiet) -> Result<(), PortalError> {
        self.answer(channels::set_quiet(&self.context, self.caller, input).await)
    }

    async fn get_unsubscribe(&self, link: &str) -> Result<UnsubscribeView, PortalError> {
        self.answer(channels::get_unsubscribe(&self.context, link).await)
    }

    async fn unsubscribe(&self, link: &str) -> Result<(), PortalError> {
        self.answer(channels::unsubscribe(&self.context, link).await)
    }
}

#[async_trait]
impl OutgoingContract for Api {
    async fn outgoing(
        &self,
        wanted: OutgoingWanted,
        after: Option<&str>,
    ) -> Result<OutgoingView, PortalError> {
        self.answer(messages::outgoing(&self.context, self.caller, wanted, after).await)
    }

    async fn send_all_again(&self, plugin: Option<&str>) -> Result<(), PortalError> {
        self.answer(messages::send_all_again(&self.context, self.caller, plugin).await)
    }

    async fn send_again(&self, message: &str) -> Result<(), PortalError> {
        self.answer(messages::send_again(&self.context, self.caller, message).await)
    }
}
