//! Billing: what a customer holds and owes, and what operators see of the money.

use async_trait::async_trait;
use myrelay_domain::{
    ids::{AccountId, InstallationId, InvoiceId, PaymentId, PlanId},
    limits::TrafficLimits,
    money::{Money, Price},
};
use serde::{Deserialize, Serialize};

use super::{Millis, Page, PortalError};

/// How a subscription stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SubscriptionState {
    /// Chosen, and not paid for yet.
    Pending,
    /// Paid until the end of its period.
    Active,
    /// The period is over, and the next one is not paid: it ends in a few days.
    PastDue,
    /// Over: its locations rest until it is paid again.
    Ended,
}

/// An account's holding of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionView {
    pub plan: String,
    pub price: Price,
    pub state: SubscriptionState,
    /// Until when it is paid; none before the first payment.
    pub paid_until: Option<Millis>,
    /// When its locations stop unless it is paid; none where it is not active.
    pub stops_at: Option<Millis>,
    /// Who collects each period by themselves, by the plugin's name.
    pub renews_by: Option<String>,
    /// Nobody collects any more: it ends with what is paid.
    pub ends: bool,
    /// Whether the next period can be paid now.
    pub can_renew: bool,
}

/// A plan that a customer can choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferRow {
    pub id: PlanId,
    pub name: String,
    pub pods: u32,
    pub devices_per_pod: u32,
    pub traffic: TrafficLimits,
    pub price: Price,
    /// It is the plan of the subscription.
    pub is_current: bool,
}

/// How an invoice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InvoiceState {
    Open,
    /// Money is on its way.
    Pending,
    Paid,
    /// Nobody wants it any more.
    Void,
}

/// What an account owes, or owed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceRow {
    pub id: InvoiceId,
    /// The plan that it is for.
    pub plan: String,
    pub total: Money,
    pub state: InvoiceState,
    pub created_at: Millis,
    pub paid_at: Option<Millis>,
}

/// A page of a provider's, where its customers change how they pay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderPage {
    /// Whose it is.
    pub name: String,
    /// Where it may be, as the operator granted it: `billing.example.org`, `*.example.org`.
    pub hosts: Vec<String>,
}

/// A customer's plan, and what it costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingView {
    /// The plan that the account has now.
    pub plan: String,
    /// The account's locations rest until something is paid.
    pub unpaid: bool,
    pub subscription: Option<SubscriptionView>,
    pub offers: Vec<OfferRow>,
    /// Newest first, at most a page of them.
    pub invoices: Vec<InvoiceRow>,
    /// What the account paid and was not used for anything, by currency.
    pub credit: Vec<Money>,
    /// Where they change how the subscription is paid, if its provider has a page for that.
    pub provider_page: Option<ProviderPage>,
}

/// A way to pay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentMethodRow {
    pub id: InstallationId,
    pub name: String,
    /// It collects the following periods too.
    pub renews: bool,
}

/// What a customer does to pay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CheckoutStep {
    /// Goes to this page: `https`, at a host that the operator granted.
    Redirect(String),
    /// Pays by oneself, such as by bank transfer.
    Instructions {
        /// Names and values.
        fields: Vec<(String, String)>,
        /// What has to stand in the transfer.
        reference: String,
    },
    /// Sends coins.
    Coins {
        address: String,
        /// As wallets show it, with the coin's ticker: `0.00123 BTC`.
        amount: String,
        /// What a QR code holds: `bitcoin:…`.
        uri: String,
    },
    /// Nothing: a saved method was charged.
    Done,
}

impl CheckoutStep {
    /// Whether nobody but an operator sees that it was done.
    #[must_use]
    pub fn is_by_hand(&self) -> bool {
        matches!(self, Self::Instructions { .. })
    }
}

/// A checkout that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckoutView {
    /// The name of the way to pay.
    pub method: String,
    pub step: CheckoutStep,
    pub expires_at: Millis,
    /// What was seen on its way, in the provider's words; none: nothing yet.
    pub pending: Option<String>,
}

/// Why what takes payments does nothing now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PayerAway {
    /// It does not answer, or rests: that is over in minutes.
    Silent,
    /// The portal stopped it: an operator has to look at it.
    Stopped,
    /// An operator disabled it.
    Disabled,
}

/// Money that arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentRow {
    pub id: PaymentId,
    pub account: AccountId,
    pub email: String,
    /// The name of the way by which it came.
    pub method: String,
    /// The provider's id of it, or what the operator typed.
    pub reference: String,
    pub amount: Money,
    /// What went back of it; the same currency.
    pub refunded: Money,
    /// The provider can give it back.
    pub can_refund: bool,
    /// Nobody knows now whether it can: which plugin should say so, and why it does not.
    pub away: Option<(InstallationId, PayerAway)>,
    /// The customer disputes it.
    pub disputed: bool,
    pub at: Millis,
}

/// One invoice with what was done about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceView {
    pub row: InvoiceRow,
    pub account: AccountId,
    pub email: String,
    /// What is still to be paid of it, after what the account has.
    pub due: Money,
    /// The period that it pays for; none until it is paid.
    pub period: Option<(Millis, Millis)>,
    /// The ways to pay it.
    pub methods: Vec<PaymentMethodRow>,
    /// Why there is none where there should be; of several reasons the one that is over first. None:
    /// there is one, or nobody set one up.
    pub away: Option<PayerAway>,
    /// The last one that was begun and is not over.
    pub checkout: Option<CheckoutView>,
    /// Why the last try did not succeed.
    pub failure: Option<String>,
    /// An operator may say that it arrived: it was begun in a way that nobody else sees, whatever
    /// was begun after that.
    pub by_hand: bool,
}

/// What operators see of an account's money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountBillingView {
    pub subscription: Option<SubscriptionView>,
    pub unpaid: bool,
    pub invoices: Vec<InvoiceRow>,
    pub payments: Vec<PaymentRow>,
    pub credit: Vec<Money>,
}

/// What an operator says arrived.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarkPaid {
    /// In the invoice's currency: `9.99`.
    pub amount: String,
    /// What the bank calls it: no two payments have the same.
    pub reference: String,
}

/// What goes back.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundPayment {
    /// In the payment's currency: `9.99`.
    pub amount: String,
    #[serde(default)]
    pub reason: String,
}

/// What customers and operators may ask about money.
#[async_trait]
pub trait BillingContract: Send + Sync {
    /// The customer's plan, what is offered, and what was paid.
    async fn billing(&self) -> Result<BillingView, PortalError>;

    /// Chooses a plan that costs something; answers the invoice to pay. Twice it is the same one.
    async fn choose_plan(&self, plan: &str) -> Result<InvoiceId, PortalError>;

    /// Begins the next period early, or one that is over again; answers the invoice to pay.
    async fn renew_subscription(&self) -> Result<InvoiceId, PortalError>;

    /// The provider collects nothing more; what is paid stays until its end. Twice is fine.
    async fn cancel_subscription(&self) -> Result<(), PortalError>;

    /// The address of the provider's page where the customer changes how they pay. Whoever has it
    /// is let in there.
    async fn provider_page(&self) -> Result<String, PortalError>;

    /// One invoice of one's own; for operators any.
    async fn get_invoice(&self, invoice: &str) -> Result<InvoiceView, PortalError>;

    /// Begins to pay an invoice in one of its ways.
    async fn begin_checkout(
        &self,
        invoice: &str,
        method: &str,
    ) -> Result<CheckoutStep, PortalError>;

    /// Asks the provider now how an invoice's last checkout stands.
    async fn check_payment(&self, invoice: &str) -> Result<(), PortalError>;

    /// For operators: one account's money.
    async fn account_billing(&self, account: &str) -> Result<AccountBillingView, PortalError>;

    /// For operators: what arrived, newest first.
    async fn list_payments(&self, after: Option<&str>) -> Result<Page<PaymentRow>, PortalError>;

    /// For operators: invoices that wait for a transfer somebody has to look for, oldest first, at
    /// most a page of them.
    async fn list_awaited(&self) -> Result<Vec<InvoiceView>, PortalError>;

    /// For operators: one payment.
    async fn get_payment(&self, payment: &str) -> Result<PaymentRow, PortalError>;

    /// For operators: says that money for an invoice arrived.
    async fn mark_paid(&self, invoice: &str, input: MarkPaid) -> Result<(), PortalError>;

    /// For operators: gives back all of a payment or some of it, through its provider.
    async fn refund_payment(&self, payment: &str, input: RefundPayment) -> Result<(), PortalError>;

    /// For operators: ends an account's subscription now.
    async fn end_subscription(&self, account: &str) -> Result<(), PortalError>;

    /// For operators: a plan is offered to nobody from now on; who has it keeps it. Twice is fine.
    async fn withdraw_plan(&self, plan: &str) -> Result<(), PortalError>;
}
