//! Money, in the caller's name.

use async_trait::async_trait;
use myrelay_app::contract::{
    AccountBillingView, BillingContract, BillingView, CheckoutStep, InvoiceView, MarkPaid, Page,
    PaymentRow, PortalError, RefundPayment,
};
use myrelay_domain::ids::InvoiceId;

use super::Api;
use crate::{payments, plans, subscriptions};

#[async_trait]
impl BillingContract for Api {
    async fn billing(&self) -> Result<BillingView, PortalError> {
        self.answer(payments::billing(&self.context, self.caller).await)
    }

    async fn choose_plan(&self, plan: &str) -> Result<InvoiceId, PortalError> {
        self.answer(subscriptions::choose(&self.context, self.caller, plan).await)
    }

    async fn renew_subscription(&self) -> Result<InvoiceId, PortalError> {
        self.answer(subscriptions::renew(&self.context, self.caller).await)
    }

    async fn cancel_subscription(&self) -> Result<(), PortalError> {
        self.answer(payments::cancel_subscription(&self.context, self.caller).await)
    }

    async fn provider_page(&self) -> Result<String, PortalError> {
        self.answer(payments::provider_page(&self.context, self.caller).await)
    }

    async fn get_invoice(&self, invoice: &str) -> Result<InvoiceView, PortalError> {
        self.answer(payments::get_invoice(&self.context, self.caller, invoice).await)
    }

    async fn begin_checkout(
        &self,
        invoice: &str,
        method: &str,
    ) -> Result<CheckoutStep, PortalError> {
        self.answer(payments::begin_checkout(&self.context, self.caller, invoice, method).await)
    }

    async fn check_payment(&self, invoice: &str) -> Result<(), PortalError> {
        self.answer(payments::check_payment(&self.context, self.caller, invoice).await)
    }

    async fn account_billing(&self, account: &str) -> Result<AccountBillingView, PortalError> {
        self.answer(payments::account_billing(&self.context, self.caller, account).await)
    }

    async fn list_payments(&self, after: Option<&str>) -> Result<Page<PaymentRow>, PortalError> {
        self.answer(payments::list_payments(&self.context, self.caller, after).await)
    }

    async fn list_awaited(&self) -> Result<Vec<InvoiceView>, PortalError> {
        self.answer(payments::list_awaited(&self.context, self.caller).await)
    }

    async fn get_payment(&self, payment: &str) -> Result<PaymentRow, PortalError> {
        self.answer(payments::get_payment(&self.context, self.caller, payment).await)
    }

    async fn mark_paid(&self, invoice: &str, input: MarkPaid) -> Result<(), PortalError> {
        self.answer(payments::mark_paid(&self.context, self.caller, invoice, input).await)
    }

    async fn refund_payment(&self, payment: &str, input: RefundPayment) -> Result<(), PortalError> {
        self.answer(payments::refund(&self.context, self.caller, payment, input).await)
    }

    async fn end_subscription(&self, account: &str) -> Result<(), PortalError> {
        self.answer(payments::end_subscription(&self.context, self.caller, account).await)
    }

    async fn withdraw_plan(&self, plan: &str) -> Result<(), PortalError> {
        self.answer(plans::withdraw(&self.context, self.caller, plan).await)
    }
}
