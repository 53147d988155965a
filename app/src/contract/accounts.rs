//! Customers: signing up, signing in, and what an operator sees of them.

use async_trait::async_trait;
use myrelay_domain::ids::AccountId;
use serde::{Deserialize, Serialize};

use super::{Millis, Page, PortalError};

/// What the sign-up form sends.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignUp {
    pub email: String,
    pub password: String,
}

/// What the sign-in form sends.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    pub email: String,
    pub password: String,
}

/// Who is to be signed in; the door starts the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedInAccount {
    pub account: AccountId,
}

/// The account that asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountView {
    pub id: AccountId,
    pub email: String,
    pub plan: String,
}

/// Whether an account may use the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccountState {
    Active,
    Suspended,
}

/// One line of the operator's list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRow {
    pub id: AccountId,
    pub email: String,
    pub plan: String,
    pub state: AccountState,
    pub pods: u32,
    pub created_at: Millis,
}

/// What may be asked about accounts.
#[async_trait]
pub trait AccountContract: Send + Sync {
    /// Makes an account with the default plan. A known address is an error of the field `email`
    /// only when the password is not that account's: else it is a sign-in.
    async fn sign_up(&self, input: SignUp) -> Result<SignedInAccount, PortalError>;

    /// Finds the account of an address and a password; unknown and wrong look and cost the same.
    async fn sign_in(&self, input: SignIn) -> Result<SignedInAccount, PortalError>;

    /// The account that asks.
    async fn account(&self) -> Result<AccountView, PortalError>;

    /// For operators: accounts by age, newest first, whose address contains `search`.
    async fn list_accounts(
        &self,
        search: &str,
        after: Option<&str>,
    ) -> Result<Page<AccountRow>, PortalError>;

    /// For operators: one account.
    async fn get_account(&self, account: &str) -> Result<AccountRow, PortalError>;

    /// For operators: ends the account's sessions and takes its devices off the nodes. Twice is fine.
    async fn suspend_account(&self, account: &str) -> Result<(), PortalError>;

    /// For operators: lets it in again and puts its devices back with the same keys and addresses.
    async fn resume_account(&self, account: &str) -> Result<(), PortalError>;
}
