//! The paid path: a customer's plan and invoices, and what operators do about money.

use axum::{
    extract::{Path, Query, rejection::QueryRejection},
    response::{IntoResponse, Response},
};
use myrelay_app::{
    Billing, Content, FormState,
    contract::{BillingView, MarkPaid, PortalError, RefundPayment},
};
use serde::Deserialize;

use super::{Answer, Ask, again};
use crate::http::{
    answer::{Fault, Screen, screen_with, see_other},
    form::{Form, NoFields},
    headers::FormsLeadTo,
};

const PLAN: &str = "/plan";
const PAYMENTS: &str = "/operator/payments";
const PLANS: &str = "/operator/plans";

/// The plan that a customer chooses.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Chosen {
    plan: String,
}

/// The way in which a customer pays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Method {
    method: String,
}

/// What an invoice's address says beside its id. Providers append what they like to the address
/// they send people back to, so that unknown names are no error here.
#[derive(Default, Deserialize)]
pub(crate) struct Returned {
    /// `1`: they come back from where they pay.
    back: Option<String>,
}

/// Where a list goes on.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Turn {
    after: Option<String>,
}

fn shown(billing: Billing) -> Response {
    Screen(Content::Billing(billing)).into_response()
}

fn refused(error: &PortalError, billing: Billing) -> Response {
    screen_with(error, Content::Billing(billing))
}

fn page_of(invoice: &str) -> String {
    format!("{PLAN}/invoices/{invoice}")
}

/// `GET /plan`
pub(crate) async fn plan(ask: Ask) -> Answer {
    let view = ask.portal.billing().await?;
    let forms = forms_of(&view);
    Ok(leading(shown(Billing::Plan { view, form: FormState::default() }), forms))
}

/// One of the plan's forms ends on a page of the provider's.
fn forms_of(view: &BillingView) -> FormsLeadTo {
    FormsLeadTo(view.provider_page.as_ref().map(|it| it.hosts.clone()).unwrap_or_default())
}

fn leading(mut response: Response, forms: FormsLeadTo) -> Response {
    response.extensions_mut().insert(forms);
    response
}

/// `POST /plan/choose`
pub(crate) async fn choose(ask: Ask, Form(Chosen { plan }): Form<Chosen>) -> Answer {
    match ask.portal.choose_plan(&plan).await {
        Ok(invoice) => Ok(see_other(&page_of(&invoice.to_string()))),
        Err(error) => plan_again(&ask, &error).await,
    }
}

/// `POST /plan/renew`
pub(crate) async fn renew(ask: Ask, Form(NoFields {}): Form<NoFields>) -> Answer {
    match ask.portal.renew_subscription().await {
        Ok(invoice) => Ok(see_other(&page_of(&invoice.to_string()))),
        Err(error) => plan_again(&ask, &error).await,
    }
}

/// `GET /plan/cancel`
pub(crate) async fn cancel_page(ask: Ask) -> Answer {
    let subscription = ask.portal.billing().await?.subscription;
    match subscription {
        Some(it) if it.renews_by.is_some() && !it.ends => Ok(shown(Billing::CancelPlan(it))),
        // Nobody collects: there is nothing to stop.
        _ => Err(PortalError::NotFound { what: "renewal".to_owned() }.into()),
    }
}

/// `POST /plan/cancel`
pub(crate) async fn cancel(ask: Ask, Form(NoFields {}): Form<NoFields>) -> Answer {
    match ask.portal.cancel_subscription().await {
        Ok(()) => Ok(see_other(PLAN)),
        Err(error) => plan_again(&ask, &error).await,
    }
}

/// `POST /plan/provider`
pub(crate) async fn provider(ask: Ask, Form(NoFields {}): Form<NoFields>) -> Answer {
    match ask.portal.provider_page().await {
        Ok(page) => Ok(see_other(&page)),
        Err(error) => plan_again(&ask, &error).await,
    }
}

async fn plan_again(ask: &Ask, error: &PortalError) -> Answer {
    let form = again(error, [])?;
    let view = ask.portal.billing().await?;
    let forms = forms_of(&view);
    Ok(leading(refused(error, Billing::Plan { view, form }), forms))
}

/// `GET /plan/invoices/{invoice}?back=`
pub(crate) async fn invoice(
    ask: Ask,
    Path(invoice): Path<String>,
    returned: Result<Query<Returned>, QueryRejection>,
) -> Answer {
    // An address that somebody else wrote still leads to the invoice.
    let back = returned.is_ok_and(|Query(it)| it.back.as_deref() == Some("1"));
    let view = ask.portal.get_invoice(&invoice).await?;
    Ok(shown(Billing::Invoice { view, back, form: FormState::default() }))
}

/// `POST /plan/invoices/{invoice}/pay`
pub(crate) async fn pay(
    ask: Ask,
    Path(invoice): Path<String>,
    Form(Method { method }): Form<Method>,
) -> Answer {
    match ask.portal.begin_checkout(&invoice, &method).await {
        // The invoice's page shows the step: a form may lead to no other site.
        Ok(_step) => Ok(see_other(&page_of(&invoice))),
        Err(error) => invoice_again(&ask, &invoice, &error).await,
    }
}

/// `POST /plan/invoices/{invoice}/check`
pub(crate) async fn check(
    ask: Ask,
    Path(invoice): Path<String>,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    match ask.portal.check_payment(&invoice).await {
        Ok(()) => Ok(see_other(&format!("{}?back=1", page_of(&invoice)))),
        Err(error) => invoice_again(&ask, &invoice, &error).await,
    }
}

async fn invoice_again(ask: &Ask, invoice: &str, error: &PortalError) -> Answer {
    let form = again(error, [])?;
    let view = ask.portal.get_invoice(invoice).await?;
    Ok(refused(error, Billing::Invoice { view, back: false, form }))
}

/// `GET /operator/payments?after=`
pub(crate) async fn payments(ask: Ask, turn: Result<Query<Turn>, QueryRejection>) -> Answer {
    let Ok(Query(Turn { after })) = turn else {
        return Err(PortalError::invalid("after", "this list has no such place").into());
    };
    let payments = ask.portal.list_payments(after.as_deref()).await?;
    // Those that are awaited stand on the first page alone.
    let awaited = match after {
        None => ask.portal.list_awaited().await?,
        Some(_) => Vec::new(),
    };
    Ok(shown(Billing::Payments { awaited, payments }))
}

/// `GET /operator/invoices/{invoice}`
pub(crate) async fn operator_invoice(ask: Ask, Path(invoice): Path<String>) -> Answer {
    let view = ask.portal.get_invoice(&invoice).await?;
    Ok(shown(Billing::OperatorInvoice { view, form: FormState::default() }))
}

/// `POST /operator/invoices/{invoice}/paid`
pub(crate) async fn mark_paid(
    ask: Ask,
    Path(invoice): Path<String>,
    Form(input): Form<MarkPaid>,
) -> Answer {
    let typed = [("amount", input.amount.clone()), ("reference", input.reference.clone())];
    match ask.portal.mark_paid(&invoice, input).await {
        Ok(()) => Ok(see_other(&format!("/operator/invoices/{invoice}"))),
        Err(error) => {
            let form = again(&error, typed)?;
            let view = ask.portal.get_invoice(&invoice).await?;
            Ok(refused(&error, Billing::OperatorInvoice { view, form }))
        }
    }
}

/// `GET /operator/payments/{payment}/refund`
pub(crate) async fn refund_page(ask: Ask, Path(payment): Path<String>) -> Answer {
    let payment = ask.portal.get_payment(&payment).await?;
    Ok(shown(Billing::Refund { payment, form: FormState::default() }))
}

/// `POST /operator/payments/{payment}/refund`
pub(crate) async fn refund(
    ask: Ask,
    Path(payment): Path<String>,
    Form(input): Form<RefundPayment>,
) -> Answer {
    let typed = [("amount", input.amount.clone()), ("reason", input.reason.clone())];
    match ask.portal.refund_payment(&payment, input).await {
        Ok(()) => Ok(see_other(&format!("{PAYMENTS}/{payment}/refund"))),
        Err(error) => {
            let form = again(&error, typed)?;
            let payment = ask.portal.get_payment(&payment).await?;
            Ok(refused(&error, Billing::Refund { payment, form }))
        }
    }
}

/// `GET /operator/accounts/{account}/end-subscription`
pub(crate) async fn end_page(ask: Ask, Path(account): Path<String>) -> Answer {
    let row = ask.portal.get_account(&account).await?;
    let subscription = ask.portal.account_billing(&account).await?.subscription;
    let Some(subscription) = subscription else {
        return Err(Fault::from(PortalError::NotFound { what: "subscription".to_owned() }));
    };
    Ok(shown(Billing::EndSubscription { account: row, subscription }))
}

/// `POST /operator/accounts/{account}/end-subscription`
pub(crate) async fn end(
    ask: Ask,
    Path(account): Path<String>,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    ask.portal.end_subscription(&account).await?;
    Ok(see_other(&format!("/operator/accounts/{account}")))
}

/// `POST /operator/plans/{plan}/withdraw`
pub(crate) async fn withdraw(
    ask: Ask,
    Path(plan): Path<String>,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    ask.portal.withdraw_plan(&plan).await?;
    Ok(see_other(PLANS))
}
