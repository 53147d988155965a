//! Says what a refund does, and asks how much of a payment goes back.

mod texts;

use leptos::prelude::*;

use super::parts::rest_of;
use crate::{
    components::{
        Badge, ButtonLink, ErrorSummary, Field, Heading, Look, Notice, StateWord, Submit, Time,
        Tone,
    },
    contract::{Millis, PaymentRow},
    pages::FormState,
    texts as shared,
};

const UP: &str = "/operator/payments";

pub(crate) fn title(payment: &PaymentRow) -> String {
    texts::title(&payment.email)
}

#[component]
pub fn Refund(payment: PaymentRow, form: FormState, now: Millis) -> impl IntoView {
    let rest = rest_of(&payment);
    let everything_went = rest.minor == 0;
    let disputed = StateWord { word: texts::DISPUTED, tone: Tone::Bad };
    view! {
        <ErrorSummary error=form.error.clone() fields=&["amount", "reason"] />
        <Heading title=title(&payment) up=(UP.to_owned(), shared::NAV_PAYMENTS.to_owned())>
            {payment.disputed.then(|| view! { <Badge state=disputed /> })}
        </Heading>
        <dl class="facts">
            <dt>{texts::ACCOUNT}</dt>
            <dd>
                <a href=format!("/operator/accounts/{}", payment.account)>{payment.email.clone()}</a>
            </dd>
            <dt>{texts::METHOD}</dt>
            <dd>{payment.method.clone()}</dd>
            <dt>{texts::REFERENCE}</dt>
            <dd><code>{payment.reference.clone()}</code></dd>
            <dt>{texts::WHEN}</dt>
            <dd><Time at=payment.at now /></dd>
            <dt>{texts::AMOUNT}</dt>
            <dd>{payment.amount.to_string()}</dd>
            <dt>{texts::REFUNDED}</dt>
            <dd>{payment.refunded.to_string()}</dd>
            <dt>{texts::REST}</dt>
            <dd><strong>{rest.to_string()}</strong></dd>
        </dl>
        {if everything_went {
            view! { <Notice tone=Tone::Plain title=texts::ALL_TITLE text=texts::ALL_TEXT /> }
                .into_any()
        } else if payment.can_refund {
            view! { <Ask payment form /> }.into_any()
        } else {
            view! { <Cannot payment /> }.into_any()
        }}
    }
}

/// Why it cannot be given back, and the page of the plugin where that can be changed.
#[component]
fn Cannot(payment: PaymentRow) -> impl IntoView {
    let (title, text) = texts::cannot(&payment);
    view! {
        <Notice tone=Tone::Warn title=title text=text>
            {payment
                .away
                .map(|(plugin, _)| {
                    view! {
                        <div class="actions">
                            <ButtonLink
                                href=format!("/operator/plugins/{plugin}")
                                label=texts::to_plugin(&payment.method)
                                look=Look::Secondary
                            />
                        </div>
                    }
                })}
        </Notice>
    }
}

#[component]
fn Ask(payment: PaymentRow, form: FormState) -> impl IntoView {
    let rest = rest_of(&payment);
    let amount = match form.value("amount") {
        it if it.is_empty() && form.error.is_none() => rest.number(),
        it => it,
    };
    let consequences = texts::consequences(&payment.method, payment.disputed);
    view! {
        <section class="part">
            <h2>{texts::WHAT_HAPPENS}</h2>
            <ul class="consequences">
                {consequences.into_iter().map(|it| view! { <li>{it}</li> }).collect_view()}
            </ul>
            <form
                method="post"
                action=format!("{UP}/{}/refund", payment.id)
                class="form"
                novalidate
            >
                <Field
                    name="amount"
                    label=texts::AMOUNT_FIELD
                    hint=texts::amount_hint(&rest)
                    value=amount
                    error=form.error_of("amount")
                    max=24
                />
                <Field
                    name="reason"
                    label=texts::REASON
                    hint=texts::REASON_HINT
                    value=form.value("reason")
                    error=form.error_of("reason")
                    required=false
                    max=200
                />
                <div class="actions">
                    <Submit label=texts::REFUND look=Look::Danger />
                    <ButtonLink href=UP label=shared::CANCEL look=Look::Quiet />
                </div>
            </form>
        </section>
    }
}
