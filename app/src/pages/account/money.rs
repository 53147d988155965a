//! What an account pays for, owes and paid.

use leptos::prelude::*;

use super::texts;
use crate::{
    components::{Badge, Notice, Tone},
    contract::{AccountBillingView, Millis},
    pages::billing::parts::{Credit, Invoices, PaymentsTable, Subscription},
};

#[component]
pub fn AccountMoney(billing: AccountBillingView, now: Millis) -> impl IntoView {
    let AccountBillingView { subscription, unpaid, invoices, payments, credit } = billing;
    let none = subscription.is_none() && invoices.is_empty() && payments.is_empty();
    view! {
        <section class="part">
            <h2>{texts::BILLING}</h2>
            {unpaid
                .then(|| {
                    view! {
                        <Notice tone=Tone::Warn title=texts::UNPAID_TITLE text=texts::UNPAID />
                    }
                })}
            {none.then(|| view! { <p class="muted">{texts::NO_BILLING}</p> })}
            {subscription
                .map(|it| {
                    view! {
                        <div class="heading-row subscription-name">
                            <h3 class="breakable">{it.plan.clone()}</h3>
                            <Badge state=it.state />
                        </div>
                        <Subscription subscription=it />
                    }
                })}
        </section>
        <Credit credit text=texts::CREDIT />
        {(!invoices.is_empty())
            .then(|| {
                view! {
                    <section class="part">
                        <h2>{texts::INVOICES}</h2>
                        <Invoices invoices below="/operator/invoices" now />
                    </section>
                }
            })}
        {(!payments.is_empty())
            .then(|| {
                view! {
                    <section class="part">
                        <h2>{texts::PAYMENTS}</h2>
                        <PaymentsTable payments now />
                    </section>
                }
            })}
    }
}
