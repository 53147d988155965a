//! What several screens about money show alike: a subscription, invoices, payments, credit.

use leptos::prelude::*;
use myrelay_domain::money::Money;

use super::texts;
use crate::{
    components::{Badge, Cell, StateWord, Table, Time, Tone, day_words},
    contract::{InvoiceRow, Millis, PaymentRow, SubscriptionView},
    quantities,
};

/// What a subscription is, as facts.
#[component]
pub fn Subscription(subscription: SubscriptionView) -> impl IntoView {
    let renewal = texts::renewal(&subscription);
    view! {
        <dl class="facts">
            <dt>{texts::PRICE}</dt>
            <dd>{quantities::price(subscription.price)}</dd>
            {subscription
                .paid_until
                .map(|until| {
                    view! {
                        <dt>{texts::PAID_UNTIL}</dt>
                        <dd>{day_words(until)}</dd>
                    }
                })}
            {renewal
                .map(|renewal| {
                    view! {
                        <dt>{texts::RENEWAL}</dt>
                        <dd class="breakable">{renewal}</dd>
                    }
                })}
        </dl>
    }
}

/// A table of invoices; each row leads to `below` and its id.
#[component]
pub fn Invoices(invoices: Vec<InvoiceRow>, below: &'static str, now: Millis) -> impl IntoView {
    let rows = invoices.into_iter();
    view! {
        <Table caption=texts::INVOICES columns=texts::INVOICE_COLUMNS>
            {rows
                .map(|invoice| {
                    view! {
                        <tr role="row" class="row-linked">
                            <Cell column=texts::FOR>
                                <a class="card-link" href=format!("{below}/{}", invoice.id)>
                                    {invoice.plan}
                                </a>
                            </Cell>
                            <Cell column=texts::STATE><Badge state=invoice.state /></Cell>
                            <Cell column=texts::MADE><Time at=invoice.created_at now /></Cell>
                            <Cell column=texts::PAID>
                                <span class="unbroken">{texts::day_or_dash(invoice.paid_at)}</span>
                            </Cell>
                            <Cell column=texts::AMOUNT>
                                <span>{invoice.total.to_string()}</span>
                            </Cell>
                        </tr>
                    }
                })
                .collect_view()}
        </Table>
    }
}

/// A table of payments; with the account where they are of several.
#[component]
pub fn PaymentsTable(
    payments: Vec<PaymentRow>,
    #[prop(optional)] with_account: bool,
    now: Millis,
) -> impl IntoView {
    let columns = if with_account { texts::PAYMENT_COLUMNS } else { texts::PAYMENT_COLUMNS_OF_ONE };
    let rows = payments.into_iter();
    view! {
        <Table caption=texts::PAYMENTS columns=columns>
            {rows.map(|payment| view! { <Payment payment with_account now /> }).collect_view()}
        </Table>
    }
}

#[component]
fn Payment(payment: PaymentRow, with_account: bool, now: Millis) -> impl IntoView {
    let disputed = StateWord { word: texts::DISPUTED, tone: Tone::Bad };
    let rest = rest_of(&payment);
    let refund = format!("/operator/payments/{}/refund", payment.id);
    let label = texts::refund(&payment.reference);
    view! {
        <tr role="row">
            <Cell column=texts::WHEN><Time at=payment.at now /></Cell>
            {with_account
                .then(|| {
                    let account = format!("/operator/accounts/{}", payment.account);
                    view! {
                        <Cell column=texts::ACCOUNT>
                            <a class="payer" href=account>{payment.email}</a>
                        </Cell>
                    }
                })}
            <Cell column=texts::METHOD><span class="paid-by">{payment.method}</span></Cell>
            <Cell column=texts::REFERENCE><code class="breakable">{payment.reference}</code></Cell>
            <Cell column=texts::AMOUNT>
                <span>{payment.amount.to_string()}</span>
            </Cell>
            <Cell column=texts::REFUNDED>
                <span>{texts::some_money(payment.refunded)}</span>
            </Cell>
            <Cell column=texts::ACTION>
                <span class="row-actions">
                    {payment.disputed.then(|| view! { <Badge state=disputed /> })}
                    {((payment.can_refund || payment.away.is_some()) && 0 < rest.minor)
                        .then(|| {
                            view! {
                                <a class="row-action" href=refund aria-label=label>
                                    {texts::REFUND}
                                </a>
                            }
                        })}
                </span>
            </Cell>
        </tr>
    }
}

/// What an account paid and was not used; nothing where there is none.
#[component]
pub fn Credit(credit: Vec<Money>, text: &'static str) -> impl IntoView {
    (!credit.is_empty()).then(|| {
        view! {
            <section class="part">
                <h2>{texts::CREDIT}</h2>
                <p>
                    <strong>{texts::sums(&credit)}</strong>
                    " "
                    {text}
                </p>
            </section>
        }
    })
}

/// What of a payment has not gone back.
pub(crate) fn rest_of(payment: &PaymentRow) -> Money {
    let minor = payment.amount.minor.saturating_sub(payment.refunded.minor).max(0);
    Money { minor, ..payment.amount }
}
