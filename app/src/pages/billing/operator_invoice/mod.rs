//! One invoice, for operators, who may say that it was paid.

mod texts;

use leptos::prelude::*;

use super::payments::reference;
use crate::{
    components::{
        Badge, ErrorSummary, Field, Heading, Notice, StateWord, Submit, Time, Tone, day_words,
    },
    contract::{InvoiceState, InvoiceView, Millis},
    pages::FormState,
    texts as shared,
};

pub(crate) fn title(view: &InvoiceView) -> String {
    texts::title(&view.email)
}

#[component]
pub fn OperatorInvoice(view: InvoiceView, form: FormState, now: Millis) -> impl IntoView {
    let state = view.row.state;
    let is_open = matches!(state, InvoiceState::Open | InvoiceState::Pending);
    let by_hand = view.by_hand && is_open;
    let elsewhere = !view.by_hand && is_open;
    let action = format!("/operator/invoices/{}/paid", view.row.id);
    let amount = match form.value("amount") {
        it if it.is_empty() && form.error.is_none() => view.due.number(),
        it => it,
    };
    let hint = texts::amount_hint(&view.due);
    view! {
        <ErrorSummary error=form.error.clone() fields=&["amount", "reference"] />
        <Heading
            title=title(&view)
            up=("/operator/payments".to_owned(), shared::NAV_PAYMENTS.to_owned())
        >
            <Badge state=StateWord::from(state) />
        </Heading>
        <Facts view now />
        {elsewhere.then(|| view! { <p class="muted">{texts::ELSEWHERE}</p> })}
        {by_hand
            .then(|| {
                view! {
                    <section class="part">
                        <h2>{texts::MARK}</h2>
                        <p class="muted">{texts::MARK_HINT}</p>
                        <form method="post" action=action class="form" novalidate>
                            <Field
                                name="amount"
                                label=texts::AMOUNT_FIELD
                                hint=hint
                                value=amount
                                error=form.error_of("amount")
                                max=24
                            />
                            <Field
                                name="reference"
                                label=texts::REFERENCE_FIELD
                                hint=texts::REFERENCE_HINT
                                value=form.value("reference")
                                error=form.error_of("reference")
                                max=128
                            />
                            <Submit label=texts::MARK />
                        </form>
                    </section>
                }
            })}
    }
}

#[component]
fn Facts(view: InvoiceView, now: Millis) -> impl IntoView {
    let reference = reference(&view);
    let account = format!("/operator/accounts/{}", view.account);
    let row = view.row;
    let pending = view.checkout.and_then(|it| it.pending);
    view! {
        {view
            .failure
            .filter(|_| row.state == InvoiceState::Open)
            .map(|why| {
                let why = shared::capital(why);
                view! { <Notice tone=Tone::Warn title=texts::FAILED text=why /> }
            })}
        <dl class="facts">
            <dt>{texts::ACCOUNT}</dt>
            <dd><a href=account>{view.email}</a></dd>
            <dt>{texts::PLAN}</dt>
            <dd>{row.plan}</dd>
            <dt>{texts::AMOUNT}</dt>
            <dd>{row.total.to_string()}</dd>
            {(row.paid_at.is_none())
                .then(|| {
                    view! {
                        <dt>{texts::DUE}</dt>
                        <dd>{view.due.to_string()}</dd>
                    }
                })}
            {reference
                .map(|it| {
                    view! {
                        <dt>{texts::REFERENCE}</dt>
                        <dd><code class="copied">{it}</code></dd>
                    }
                })}
            {pending
                .map(|it| {
                    view! {
                        <dt>{texts::SEEN}</dt>
                        <dd>{it}</dd>
                    }
                })}
            {view
                .period
                .map(|(from, until)| {
                    view! {
                        <dt>{texts::PERIOD}</dt>
                        <dd>{texts::period(from, until)}</dd>
                    }
                })}
            <dt>{texts::MADE}</dt>
            <dd><Time at=row.created_at now /></dd>
            {row
                .paid_at
                .map(|at| {
                    view! {
                        <dt>{texts::PAID_ON}</dt>
                        <dd>{day_words(at)}</dd>
                    }
                })}
            <dt>{texts::NUMBER}</dt>
            <dd><code>{row.id.to_string()}</code></dd>
        </dl>
    }
}
