//! One invoice: what it is for, how it can be paid, and how far that is.

mod checkout;
mod texts;

use checkout::Checkout;
use leptos::prelude::*;

use crate::{
    components::{
        Badge, ButtonLink, ErrorSummary, Heading, Look, Notice, StateWord, Submit, Time, Tone,
        day_words,
    },
    contract::{InvoiceState, InvoiceView, Millis, PayerAway, PaymentMethodRow},
    pages::FormState,
    texts as shared,
};

/// After how many seconds a page that waits is loaded again.
pub(crate) const AGAIN_AFTER_S: u8 = 5;

pub(crate) fn title(view: &InvoiceView) -> String {
    texts::title(&view.row.plan)
}

/// Whether something may arrive any moment: they come back, and a provider has yet to say so. What
/// an operator has to look for takes days.
pub(crate) fn waits(view: &InvoiceView, back: bool) -> bool {
    let begun = view.checkout.is_some() || view.row.state == InvoiceState::Pending;
    let open = matches!(view.row.state, InvoiceState::Open | InvoiceState::Pending);
    let by_hand = view.checkout.as_ref().is_some_and(|it| it.step.is_by_hand());
    back && open && begun && !by_hand
}

#[component]
pub fn Invoice(view: InvoiceView, back: bool, form: FormState, now: Millis) -> impl IntoView {
    let path = format!("/plan/invoices/{}", view.row.id);
    let waiting = waits(&view, back).then(|| {
        let method = view.checkout.as_ref().map(|it| it.method.clone());
        view! { <Waiting path=path.clone() method /> }
    });
    let title = title(&view);
    let state = view.row.state;
    let open = state == InvoiceState::Open;
    let begun = view.checkout.is_some();
    view! {
        <ErrorSummary error=form.error />
        <Heading title=title up=("/plan".to_owned(), shared::NAV_PLAN.to_owned())>
            <Badge state=StateWord::from(state) />
        </Heading>
        {waiting}
        <Outcome state failure=view.failure.clone() />
        <Facts view=view.clone() now />
        {view
            .checkout
            .filter(|_| matches!(state, InvoiceState::Open | InvoiceState::Pending))
            .map(|checkout| {
                view! { <Checkout checkout path=path.clone() now /> }
            })}
        {open
            .then(|| {
                let away = view.away;
                view! { <Methods methods=view.methods away path begun /> }
            })}
    }
}

/// They came back, and nothing is known yet.
#[component]
fn Waiting(path: String, method: Option<String>) -> impl IntoView {
    view! {
        <div role="status">
            <Notice
                tone=Tone::Plain
                title=texts::waiting(method.as_deref())
                text=texts::WAITING
            >
                <p>
                    <a href=format!("{path}?back=1")>{texts::LOOK_AGAIN}</a>
                </p>
            </Notice>
        </div>
    }
}

/// What came of it, where that has to be said.
#[component]
fn Outcome(state: InvoiceState, failure: Option<String>) -> impl IntoView {
    match (state, failure) {
        (InvoiceState::Paid, _) => {
            view! { <Notice tone=Tone::Good title=texts::PAID text=texts::PAID_TEXT /> }.into_any()
        }
        (InvoiceState::Void, _) => {
            view! { <Notice tone=Tone::Plain title=texts::VOID text=texts::VOID_TEXT /> }.into_any()
        }
        (InvoiceState::Open, Some(failure)) => view! {
            <Notice tone=Tone::Bad title=texts::FAILED text=texts::failed(&failure) />
        }
        .into_any(),
        (InvoiceState::Open | InvoiceState::Pending, _) => ().into_any(),
    }
}

/// What it says. While it is open that is little: people came to pay it.
#[component]
fn Facts(view: InvoiceView, now: Millis) -> impl IntoView {
    let row = view.row;
    let is_open = matches!(row.state, InvoiceState::Open | InvoiceState::Pending);
    let partly = is_open && view.due != row.total;
    view! {
        <dl class="facts">
            {(!is_open)
                .then(|| {
                    view! {
                        <dt>{texts::PLAN}</dt>
                        <dd>{row.plan}</dd>
                    }
                })}
            <dt>{texts::AMOUNT}</dt>
            <dd>{row.total.to_string()}</dd>
            {partly
                .then(|| {
                    view! {
                        <dt>{texts::DUE}</dt>
                        <dd>
                            <strong>{view.due.to_string()}</strong>
                            " "
                            {texts::AFTER_CREDIT}
                        </dd>
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
            <dd>{day_words(row.created_at)}" ("<Time at=row.created_at now />")"</dd>
            {row
                .paid_at
                .map(|at| {
                    view! {
                        <dt>{texts::PAID_ON}</dt>
                        <dd>{day_words(at)}" ("<Time at=at now />")"</dd>
                    }
                })}
            {(!is_open)
                .then(|| {
                    view! {
                        <dt>{texts::ACCOUNT}</dt>
                        <dd>{view.email}</dd>
                        <dt>{texts::NUMBER}</dt>
                        <dd><code>{row.id.to_string()}</code></dd>
                    }
                })}
        </dl>
    }
}

/// The ways to pay, a button each: a button is all it needs.
#[component]
fn Methods(
    methods: Vec<PaymentMethodRow>,
    away: Option<PayerAway>,
    path: String,
    begun: bool,
) -> impl IntoView {
    let title = if begun { texts::OTHER_WAYS } else { texts::WAYS };
    if methods.is_empty() && begun {
        return ().into_any();
    }
    if methods.is_empty() {
        return view! {
            <Notice tone=Tone::Warn title=texts::NO_WAY text=texts::no_way(away)>
                <div class="actions">
                    <ButtonLink href="/plan" label=texts::TO_PLAN look=Look::Secondary />
                </div>
            </Notice>
        }
        .into_any();
    }
    let look = if begun || 1 < methods.len() { Look::Secondary } else { Look::Primary };
    view! {
        <section class="part">
            <h2>{title}</h2>
            {begun.then(|| view! { <p class="muted">{texts::OTHER_WAYS_HINT}</p> })}
            <ul class="rows">
                {methods
                    .into_iter()
                    .map(|method| view! { <Method method path=path.clone() look /> })
                    .collect_view()}
            </ul>
        </section>
    }
    .into_any()
}

#[component]
fn Method(method: PaymentMethodRow, path: String, look: Look) -> impl IntoView {
    let about = if method.renews { texts::RENEWS } else { texts::ONCE };
    view! {
        <li class="row">
            <div class="row-words">
                <strong class="breakable">{method.name.clone()}</strong>
                <span class="muted">{about}</span>
            </div>
            <form method="post" action=format!("{path}/pay")>
                <input type="hidden" name="method" value=method.id.to_string() />
                <button
                    type="submit"
                    class=look.class()
                    aria-label=texts::pay_with(&method.name)
                >
                    {texts::PAY}
                </button>
            </form>
        </li>
    }
}

/// Asks the provider now.
#[component]
pub fn Check(path: String) -> impl IntoView {
    view! {
        <form method="post" action=format!("{path}/check") class="inline-form">
            <Submit label=texts::CHECK look=Look::Secondary />
            <p class="muted">{texts::CHECK_HINT}</p>
        </form>
    }
}
