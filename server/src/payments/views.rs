//! How money looks to customers and operators.

use std::collections::BTreeMap;

use myrelay_app::contract::{
    AccountBillingView, BillingView, CheckoutView, InvoiceRow, InvoiceState, InvoiceView,
    PAGE_ROWS, Page, PayerAway, PaymentMethodRow, PaymentRow, SubscriptionView,
};
use myrelay_domain::ids::{AccountId, InstallationId, PaymentId};
use myrelay_plugin_host::billing::Capabilities;

use super::{checkout, payers, provider_page, store};
use crate::{
    Error, Result, accounts,
    context::{Caller, Context},
    error::InField,
    ledger,
    paging::page,
    plans,
    plugins::{self, Installed, State},
    subscriptions::{self, Held, Invoice},
};

/// For customers: their plan, what is offered, and what was paid.
pub(crate) async fn billing(context: &Context, caller: Caller) -> Result<BillingView> {
    let account = caller.account()?;
    let held = subscriptions::held(context, account).await?;
    let current = held.as_ref().filter(|it| it.is_live).map(|it| it.plan);
    let provider_page = match held.as_ref().and_then(|it| it.linked) {
        Some(plugin) => provider_page::offered(context, plugin).await?,
        None => None,
    };
    let offers = plans::offered(context).await?;
    let offers = offers.into_iter().filter_map(|plan| {
        let price = plan.price?;
        Some(subscriptions::plan_row(plan, price, current))
    });
    Ok(BillingView {
        plan: plans::view_plan_of(context, account).await?.name,
        unpaid: accounts::view_is_unpaid(context, account).await?,
        offers: offers.collect(),
        invoices: invoice_rows(context, account).await?,
        credit: ledger::view_credit(context, account).await?,
        subscription: named(context, held).await?,
        provider_page,
    })
}

/// For operators: one account's money.
pub(crate) async fn account_billing(
    context: &Context,
    caller: Caller,
    account: &str,
) -> Result<AccountBillingView> {
    caller.operator()?;
    let account = accounts::get(context, caller, account).await?.id;
    let payments = store::payments::list_of(context.database.read(), account, PAGE_ROWS).await?;
    Ok(AccountBillingView {
        unpaid: accounts::view_is_unpaid(context, account).await?,
        invoices: invoice_rows(context, account).await?,
        payments: refundable(context, payments).await?,
        credit: ledger::view_credit(context, account).await?,
        subscription: named(context, subscriptions::held(context, account).await?).await?,
    })
}

/// One invoice of one's own; for operators any.
pub(crate) async fn get_invoice(
    context: &Context,
    caller: Caller,
    invoice: &str,
) -> Result<InvoiceView> {
    let invoice = subscriptions::get_invoice(context, caller, invoice).await?;
    view(context, &invoice).await
}

/// For operators: invoices that wait for a transfer, oldest first, at most a page of them.
pub(crate) async fn list_awaited(context: &Context, caller: Caller) -> Result<Vec<InvoiceView>> {
    caller.operator()?;
    let mut found = Vec::new();
    for id in store::checkouts::awaited(context.database.read(), PAGE_ROWS).await? {
        let invoice = subscriptions::get_invoice(context, caller, &id.to_string()).await?;
        found.push(view(context, &invoice).await?);
    }
    Ok(found)
}

/// For operators: what arrived, newest first.
pub(crate) async fn list_payments(
    context: &Context,
    caller: Caller,
    after: Option<&str>,
) -> Result<Page<PaymentRow>> {
    caller.operator()?;
    let after = after.map(str::parse::<PaymentId>).transpose().in_field("after")?;
    let rows = store::payments::list(context.database.read(), after, PAGE_ROWS + 1).await?;
    Ok(page(refundable(context, rows).await?, |row| row.id.to_string()))
}

/// For operators: one payment.
pub(crate) async fn get_payment(
    context: &Context,
    caller: Caller,
    payment: &str,
) -> Result<PaymentRow> {
    caller.operator()?;
    let id: PaymentId = payment.parse().map_err(|_no_id| Error::NotFound("payment"))?;
    let row = store::payments::find_row(context.database.read(), id).await?;
    let rows = refundable(context, row.into_iter().collect()).await?;
    rows.into_iter().next().ok_or(Error::NotFound("payment"))
}

async fn view(context: &Context, invoice: &Invoice) -> Result<InvoiceView> {
    let pool = context.database.read();
    let last = store::checkouts::last(pool, invoice.id).await?;
    let by_hand = store::checkouts::last_transfer(pool, invoice.id).await?.is_some();
    let shown = last.filter(|it| invoice.is_open() && it.can_be_paid(context.now()));
    let checkout = shown.and_then(|it| {
        let (method, step, expires_at, pending) = (it.method, it.step?, it.expires_at, it.pending);
        Some(CheckoutView { method, step, expires_at, pending })
    });
    let mut row = invoice.row();
    if row.state == InvoiceState::Open && checkout.as_ref().is_some_and(|it| it.pending.is_some()) {
        row.state = InvoiceState::Pending;
    }
    let (methods, away) =
        if invoice.is_open() { methods(context, invoice).await? } else { (Vec::new(), None) };
    Ok(InvoiceView {
        row,
        account: invoice.account,
        email: store::checkouts::email(pool, invoice.account).await?,
        due: checkout::due(context, invoice).await?,
        period: invoice.period,
        methods,
        away,
        checkout,
        failure: invoice.failure.clone(),
        by_hand: by_hand && invoice.is_open(),
    })
}

/// The ways to pay an invoice: those that take its currency. One that does not answer is none; and
/// why there is none, where there would be one.
async fn methods(
    context: &Context,
    invoice: &Invoice,
) -> Result<(Vec<PaymentMethodRow>, Option<PayerAway>)> {
    let payers = payers(context).await?;
    let able = answering(context, &payers).await;
    let code = invoice.total.currency.code();
    let row = |plugin: &Installed| {
        let able = able.get(&plugin.id)?;
        let takes = able.currencies.is_empty() || able.currencies.iter().any(|it| it == code);
        let (id, name) = (plugin.id, plugin.name().to_owned());
        takes.then_some(PaymentMethodRow { id, name, renews: able.subscriptions })
    };
    let found: Vec<_> = payers.iter().filter_map(row).collect();
    if !found.is_empty() {
        return Ok((found, None));
    }
    let away: Vec<_> = payers.iter().filter(|it| !able.contains_key(&it.id)).map(away).collect();
    let soonest = [PayerAway::Silent, PayerAway::Stopped, PayerAway::Disabled];
    Ok((found, soonest.into_iter().find(|it| away.contains(it))))
}

/// Why a plugin that takes payments does not say what it can do.
fn away(plugin: &Installed) -> PayerAway {
    match plugin.state {
        State::Enabled => PayerAway::Silent,
        State::Stopped(_) => PayerAway::Stopped,
        State::Disabled => PayerAway::Disabled,
    }
}

/// What those of these can do that serve now, and say so in time.
pub(super) async fn answering(
    context: &Context,
    plugins: &[Installed],
) -> BTreeMap<InstallationId, Capabilities> {
    let now = context.now();
    let serve: Vec<_> = plugins.iter().filter(|it| it.serves(now)).cloned().collect();
    plugins::abilities(context, &serve).await
}

async fn invoice_rows(context: &Context, account: AccountId) -> Result<Vec<InvoiceRow>> {
    let pending = store::checkouts::pending(context.database.read(), account).await?;
    let rows = subscriptions::invoices(context, account).await?;
    Ok(rows
        .iter()
        .map(|it| {
            let mut row = it.row();
            if row.state == InvoiceState::Open && pending.contains(&row.id) {
                row.state = InvoiceState::Pending;
            }
            row
        })
        .collect())
}

/// With the name of who collects.
async fn named(context: &Context, held: Option<Held>) -> Result<Option<SubscriptionView>> {
    let Some(held) = held else { return Ok(None) };
    let name =
        match held.collector {
            Some(collector) => {
                let installed = plugins::all(context).await?;
                let found = installed.iter().find(|it| it.id == collector);
                // Whoever collects still does when the plugin is gone.
                Some(found.map_or_else(
                    || "a plugin that was removed".to_owned(),
                    |it| it.name().to_owned(),
                ))
            }
            None => None,
        };
    Ok(Some(SubscriptionView { renews_by: name, ..held.view }))
}

/// With whether each can be given back.
async fn refundable(
    context: &Context,
    mut rows: Vec<(InstallationId, PaymentRow)>,
) -> Result<Vec<PaymentRow>> {
    let mut payers = if rows.is_empty() { Vec::new() } else { payers(context).await? };
    payers.retain(|it| rows.iter().any(|(id, _)| *id == it.id));
    let able = answering(context, &payers).await;
    for (plugin, row) in &mut rows {
        let left = row.refunded.minor < row.amount.minor;
        row.can_refund = left && able.get(plugin).is_some_and(|it| it.refunds);
        let silent =
            payers.iter().find(|it| left && it.id == *plugin && !able.contains_key(plugin));
        row.away = silent.map(|it| (it.id, away(it)));
    }
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}
