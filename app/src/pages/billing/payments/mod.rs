//! What arrived, and the transfers that somebody has to look for.

mod texts;

use leptos::prelude::*;

use super::parts::PaymentsTable;
use crate::{
    components::{Cell, Empty, Heading, IconShape, Look, Submit, Table, Time},
    contract::{CheckoutStep, InvoiceView, Millis, Page, PaymentRow},
    texts as shared,
};

pub(crate) fn title() -> String {
    texts::TITLE.to_owned()
}

#[component]
pub fn Payments(
    awaited: Vec<InvoiceView>,
    payments: Page<PaymentRow>,
    now: Millis,
) -> impl IntoView {
    let none_awaited = awaited.is_empty();
    view! {
        <Heading title=texts::TITLE />
        {(!none_awaited).then(|| view! { <Awaited awaited now /> })}
        {if payments.rows.is_empty() {
            view! {
                <Empty shape=IconShape::Card title=texts::EMPTY_TITLE text=texts::EMPTY_TEXT />
            }
                .into_any()
        } else {
            view! {
                <section class="part">
                    <h2>{texts::ARRIVED}</h2>
                    <PaymentsTable payments=payments.rows with_account=true now />
                </section>
            }
                .into_any()
        }}
        {payments
            .next
            .map(|next| {
                view! {
                    <form method="get" action="/operator/payments" class="actions">
                        <input type="hidden" name="after" value=next />
                        <Submit label=shared::NEXT_PAGE look=Look::Secondary />
                    </form>
                }
            })}
    }
}

#[component]
fn Awaited(awaited: Vec<InvoiceView>, now: Millis) -> impl IntoView {
    view! {
        <section class="part">
            <h2>{texts::AWAITED}</h2>
            <p class="muted">{texts::AWAITED_HINT}</p>
            <Table caption=texts::AWAITED columns=texts::AWAITED_COLUMNS>
                {awaited
                    .into_iter()
                    .map(|invoice| view! { <AwaitedRow invoice now /> })
                    .collect_view()}
            </Table>
        </section>
    }
}

#[component]
fn AwaitedRow(invoice: InvoiceView, now: Millis) -> impl IntoView {
    let path = format!("/operator/invoices/{}", invoice.row.id);
    let reference = reference(&invoice);
    view! {
        <tr role="row" class="row-linked">
            <Cell column=texts::REFERENCE>
                <a class="card-link" href=path>
                    <code>{reference.unwrap_or_else(|| shared::NO_VALUE.to_owned())}</code>
                </a>
            </Cell>
            <Cell column=texts::ACCOUNT><span class="breakable">{invoice.email}</span></Cell>
            <Cell column=texts::PLAN><span class="breakable">{invoice.row.plan}</span></Cell>
            <Cell column=texts::MADE><Time at=invoice.row.created_at now /></Cell>
            <Cell column=texts::DUE>
                <span>{invoice.due.to_string()}</span>
            </Cell>
        </tr>
    }
}

/// What has to stand in the transfer for an invoice.
pub(super) fn reference(invoice: &InvoiceView) -> Option<String> {
    match &invoice.checkout.as_ref()?.step {
        CheckoutStep::Instructions { reference, .. } => Some(reference.clone()),
        _ => None,
    }
}
