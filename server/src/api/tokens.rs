//! Tokens, in the caller's name.

use async_trait::async_trait;
use myrelay_app::contract::{
    CreateToken, CreatedToken, PortalError, TokenContract, TokenView, TokensView,
};

use super::Api;
use crate::tokens;

#[async_trait]
impl TokenContract for Api {
    async fn list_tokens(&self, pod: &str) -> Result<TokensView, PortalError> {
        self.answer(tokens::list(&self.context, self.caller, pod).await)
    }

    async fn create_token(&self, input: CreateToken) -> Result<CreatedToken, PortalError> {
        self.answer(tokens::create(&self.context, self.caller, input).await)
    }

    async fn get_token(&self, pod: &str, token: &str) -> Result<TokenView, PortalError> {
        self.answer(tokens::get(&self.context, self.caller, pod, token).await)
    }

    async fn revoke_token(&self, pod: &str, token: &str) -> Result<(), PortalError> {
        self.answer(tokens::revoke(&self.context, self.caller, pod, token).await)
    }
}
