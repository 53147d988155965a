//! A customer's plan: how it stands, what else is offered, and the invoices.

mod offers;
mod texts;

use leptos::prelude::*;
use offers::Offers;

use super::parts::{Credit, Invoices, Subscription};
use crate::{
    components::{Badge, ButtonLink, ErrorSummary, Heading, Look, Notice, StateWord, Submit, Tone},
    contract::{BillingView, InvoiceRow, InvoiceState, Millis, SubscriptionView},
    pages::FormState,
    texts as shared,
};

pub(crate) fn title() -> String {
    texts::TITLE.to_owned()
}

#[component]
pub fn Plan(view: BillingView, form: FormState, now: Millis) -> impl IntoView {
    let BillingView { plan, unpaid, subscription, offers, invoices, credit, provider_page } = view;
    let is_new = subscription.is_none() && invoices.iter().all(|it| it.paid_at.is_none());
    let due = invoices
        .iter()
        .find(|it| matches!(it.state, InvoiceState::Open | InvoiceState::Pending))
        .cloned();
    let has_due = due.is_some();
    let heads_offers = if subscription.is_some() { texts::OTHERS } else { texts::OFFERS };
    view! {
        <ErrorSummary error=form.error />
        <Heading title=texts::TITLE />
        {unpaid
            .then(|| {
                let (title, text) = shared::unpaid(is_new);
                view! { <Notice tone=Tone::Warn title=title text=text /> }
            })}
        {due.map(|invoice| view! { <Due invoice /> })}
        {match subscription {
            Some(subscription) => {
                let change = provider_page.map(|it| it.name);
                view! { <Held subscription now_has=plan has_due change /> }.into_any()
            }
            None => view! { <p class="lede breakable">{texts::none(&plan, unpaid)}</p> }.into_any(),
        }}
        <section class="part">
            <h2>{heads_offers}</h2>
            <Offers offers />
        </section>
        <Credit credit text=texts::CREDIT />
        <section class="part">
            <h2>{texts::INVOICES}</h2>
            {if invoices.is_empty() {
                view! { <p class="muted">{texts::NO_INVOICES}</p> }.into_any()
            } else {
                view! { <Invoices invoices below="/plan/invoices" now /> }.into_any()
            }}
        </section>
    }
}

/// An invoice that waits to be paid: most people come for it.
#[component]
fn Due(invoice: InvoiceRow) -> impl IntoView {
    let path = format!("/plan/invoices/{}", invoice.id);
    let (text, label) = if invoice.state == InvoiceState::Pending {
        (texts::on_its_way(&invoice), texts::SEE)
    } else {
        (texts::due(&invoice), texts::PAY)
    };
    view! {
        <Notice tone=Tone::Plain title=texts::DUE text=text>
            <div class="actions">
                <ButtonLink href=path label=label />
            </div>
        </Notice>
    }
}

/// The subscription, what its state means, and what can be done about it. `now_has` is the plan
/// whose limits count, which is another one where an operator gave it; `change` is at whose page
/// they change how they pay.
#[component]
fn Held(
    subscription: SubscriptionView,
    now_has: String,
    has_due: bool,
    change: Option<String>,
) -> impl IntoView {
    let state = StateWord::from(subscription.state);
    // Where an invoice is open already, that one is to be paid.
    let renew = subscription.can_renew && !has_due;
    let renew = renew.then(|| texts::renew(subscription.state));
    let stop = subscription.renews_by.is_some() && !subscription.ends;
    let other = (subscription.plan != now_has).then(|| texts::given(&now_has));
    view! {
        <section class="part held">
            <div class="heading-row">
                <h2 class="breakable">{subscription.plan.clone()}</h2>
                <Badge state=state />
            </div>
            <p>{texts::explain(&subscription)}</p>
            {other.map(|text| view! { <p class="muted">{text}</p> })}
            <Subscription subscription />
            {change.as_ref().map(|name| view! { <p class="muted">{texts::change_at(name)}</p> })}
            {(renew.is_some() || stop || change.is_some())
                .then(|| {
                    view! {
                        <div class="actions">
                            {renew.map(|label| view! { <Renew label /> })}
                            {change.is_some().then(|| view! { <Change /> })}
                            {stop
                                .then(|| {
                                    view! {
                                        <ButtonLink
                                            href="/plan/cancel"
                                            label=texts::STOP
                                            look=Look::Quiet
                                        />
                                    }
                                })}
                        </div>
                    }
                })}
        </section>
    }
}

#[component]
fn Change() -> impl IntoView {
    view! {
        <form method="post" action="/plan/provider">
            <Submit label=texts::CHANGE look=Look::Secondary />
        </form>
    }
}

#[component]
fn Renew(label: &'static str) -> impl IntoView {
    view! {
        <form method="post" action="/plan/renew">
            <Submit label=label />
        </form>
    }
}
