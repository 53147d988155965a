//! Tokens: with one, a program manages the devices of one pod and nothing else.

use async_trait::async_trait;
use myrelay_domain::ids::{PodId, TokenId};
use serde::{Deserialize, Serialize};

use super::{Millis, PortalError};

/// What the form for a new token sends, with the pod of its path.
#[derive(Clone, Debug, Default)]
pub struct CreateToken {
    pub pod: String,
    pub name: String,
    /// `30-days`, `1-year` or `never`.
    pub expiry: String,
}

/// A token at a glance; its text is nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRow {
    pub id: TokenId,
    pub name: String,
    pub created_at: Millis,
    /// The start of the day, in UTC, on which it was used last.
    pub used_at: Option<Millis>,
    /// None: it has no end.
    pub expires_at: Option<Millis>,
}

/// The tokens of a pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokensView {
    pub pod: PodId,
    pub location: String,
    /// Newest first; those that are over too.
    pub tokens: Vec<TokenRow>,
    /// How many a pod may have.
    pub limit: u32,
}

/// One token of a pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenView {
    pub pod: PodId,
    pub location: String,
    pub token: TokenRow,
}

/// A new token: its text is told this once, for it is stored as a hash.
#[derive(Clone, PartialEq, Eq)]
pub struct CreatedToken {
    pub pod: PodId,
    pub location: String,
    pub name: String,
    pub token: String,
    pub expires_at: Option<Millis>,
}

/// What may be asked about tokens; all of them are for the asking account's own pods.
#[async_trait]
pub trait TokenContract: Send + Sync {
    async fn list_tokens(&self, pod: &str) -> Result<TokensView, PortalError>;

    /// Makes a token. Its name is its own in the pod.
    async fn create_token(&self, input: CreateToken) -> Result<CreatedToken, PortalError>;

    async fn get_token(&self, pod: &str, token: &str) -> Result<TokenView, PortalError>;

    /// From the next request on the token is worth nothing.
    async fn revoke_token(&self, pod: &str, token: &str) -> Result<(), PortalError>;
}
