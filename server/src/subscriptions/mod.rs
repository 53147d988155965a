//! Subscriptions: an account's holding of a plan over time, and the invoices of its periods.
//!
//! A subscription is chosen, begins with its first paid invoice, and is paid until the end of a
//! period; each paid invoice adds one. An account has one at most that runs, and one at most that
//! waits for its first payment. What the money does is the payments' to say.

mod periods;
mod store;
mod unpaid;
mod views;

use myrelay_app::contract::{InvoiceRow, InvoiceState};
use myrelay_domain::{
    ids::{AccountId, InstallationId, InvoiceId, PlanId, SubscriptionId},
    money::{Interval, Money, Price},
};
use serde_json::json;

pub(crate) use self::{
    unpaid::{set_answered, set_asked, unasked, unpaid, unpaid_of},
    views::{Held, held, invoices, plan_row},
};
use crate::{
    Error, Result, accounts,
    context::{Caller, Context},
    database::Write,
    outbox::{self, Event},
    plans,
};

const DAY_MS: i64 = 24 * 3_600_000;
/// How long an account keeps its plan after what it paid is over, in milliseconds.
const GRACE_MS: i64 = 3 * DAY_MS;
/// How much longer it does where whoever collects does not say whether it was paid, in milliseconds.
const SILENCE_MS: i64 = 3 * DAY_MS;
/// How long after the paid time is over a provider that collects by itself may not have done it yet,
/// in milliseconds. Stripe collects an hour after the period began, or an hour after the last of its
/// reports arrived (<https://docs.stripe.com/api/invoices>): three leave room for a report that is
/// sent again. Others collect sooner.
const PATIENCE_MS: i64 = 3 * 3_600_000;
/// How long before its end a period can be paid for again, in milliseconds.
const EARLY_MS: i64 = 14 * DAY_MS;
/// How long before its end a customer is told, in milliseconds.
const TOLD_MS: i64 = 3 * DAY_MS;
/// How long a choice waits for its first payment, in milliseconds.
const CHOSEN_MS: i64 = 30 * DAY_MS;

/// A subscription at its provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) plugin: InstallationId,
    /// What the provider calls it.
    pub(crate) provider_id: String,
}

/// An account's holding of a plan.
#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub(crate) id: SubscriptionId,
    pub(crate) account: AccountId,
    pub(crate) plan: PlanId,
    plan_name: String,
    price: Price,
    began_at: Option<i64>,
    pub(crate) paid_until: Option<i64>,
    /// Who collects.
    pub(crate) link: Option<Link>,
    observed_at: Option<i64>,
    cancelled_at: Option<i64>,
    /// Since when it counts as past due, and that was told.
    past_due_at: Option<i64>,
    ended_at: Option<i64>,
}

impl Subscription {
    /// Whether it ended.
    pub(crate) fn is_over(&self) -> bool {
        self.ended_at.is_some()
    }

    /// What a period costs.
    pub(crate) fn price(&self) -> Money {
        self.price.amount
    }

    /// Whether somebody collects the next period without being asked.
    fn renews(&self) -> bool {
        self.link.is_some() && self.cancelled_at.is_none()
    }

    /// Whether it ran out: its paid time is over, and so is the time in which whoever collects may
    /// still do it.
    fn is_past_due(&self, now: i64) -> bool {
        let waits = self.renews() && self.past_due_at.is_none();
        let patience = if waits { PATIENCE_MS } else { 0 };
        self.paid_until.is_some_and(|until| until + patience <= now)
    }

    /// Whether what is paid for it now comes too late to go on from the last period.
    fn is_lapsed(&self, now: i64) -> bool {
        let silence = if self.link.is_some() { SILENCE_MS } else { 0 };
        self.paid_until.is_some_and(|until| until + GRACE_MS + silence <= now)
    }

    /// Whether the next period can be paid for now.
    fn can_renew(&self, now: i64) -> bool {
        let Some(until) = self.paid_until else { return false };
        let early = !self.renews() && until - EARLY_MS <= now;
        self.ended_at.is_none() && (early || self.is_past_due(now))
    }
}

/// What an account owes for one period.
#[derive(Clone, Debug)]
pub(crate) struct Invoice {
    pub(crate) id: InvoiceId,
    pub(crate) account: AccountId,
    pub(crate) subscription: SubscriptionId,
    pub(crate) plan: PlanId,
    pub(crate) plan_name: String,
    pub(crate) interval: Interval,
    pub(crate) total: Money,
    pub(crate) period: Option<(i64, i64)>,
    pub(crate) failure: Option<String>,
    pub(crate) paid_at: Option<i64>,
    void_at: Option<i64>,
    created_at: i64,
}

impl Invoice {
    /// Whether it is still to be paid.
    pub(crate) fn is_open(&self) -> bool {
        self.paid_at.is_none() && self.void_at.is_none()
    }

    /// In a row; whether money is on its way is not known here.
    pub(crate) fn row(&self) -> InvoiceRow {
        let state = match (self.paid_at, self.void_at) {
            (Some(_), _) => InvoiceState::Paid,
            (None, Some(_)) => InvoiceState::Void,
            (None, None) => InvoiceState::Open,
        };
        InvoiceRow {
            id: self.id,
            plan: self.plan_name.clone(),
            total: self.total,
            state,
            created_at: self.created_at,
            paid_at: self.paid_at,
        }
    }
}

/// Chooses a plan; answers the invoice to pay. Twice it is the same one, and another choice takes
/// the place of one that was not paid.
pub(crate) async fn choose(context: &Context, caller: Caller, plan: &str) -> Result<InvoiceId> {
    let account = caller.account()?;
    let mut tx = context.database.write().await?;
    let plan = plans::hold_sold(&mut tx, plan).await?;
    accounts::hold(&mut tx, account).await?;
    if plan.is_withdrawn {
        return Err(Error::NotFound("plan"));
    }
    if let Some(active) = store::find_active(&mut tx, account).await?
        && active.plan == plan.id
    {
        let message = format!("you have {} already: it can be renewed near its end", plan.name);
        return Err(Error::Limit(message));
    }
    let waiting = store::find_pending(&mut tx, account).await?;
    let same = waiting.as_ref().filter(|it| it.plan == plan.id);
    let subscription = match (same, &waiting) {
        (Some(same), _) => same.id,
        (None, other) => {
            if let Some(other) = other {
                end(context, &mut tx, other, "another plan was chosen").await?;
            }
            let id: SubscriptionId = context.new_id();
            store::insert(&mut tx, id, (account, plan.id), context.now()).await?;
            id
        }
    };
    let invoice = open_invoice(context, &mut tx, (subscription, account), plan.price).await?;
    tx.commit().await?;
    Ok(invoice)
}

/// Pays for the next period, or for a plan that was over again; answers the invoice to pay.
pub(crate) async fn renew(context: &Context, caller: Caller) -> Result<InvoiceId> {
    let account = caller.account()?;
    let mut tx = context.database.write().await?;
    accounts::hold(&mut tx, account).await?;
    let Some(active) = store::find_active(&mut tx, account).await? else {
        if let Some(waiting) = store::find_pending(&mut tx, account).await? {
            let invoice = next_invoice(context, &mut tx, &waiting).await?;
            tx.commit().await?;
            return Ok(invoice);
        }
        let last = store::find_last(&mut tx, account).await?;
        tx.rollback().await?;
        let last = last.ok_or_else(|| Error::Limit("choose a plan first".to_owned()))?;
        return choose(context, caller, &last.plan.to_string()).await.map_err(
            |error| match error {
                Error::NotFound(_) => Error::Limit(format!(
                    "{} is not offered any more: choose another",
                    last.plan_name
                )),
                error => error,
            },
        );
    };
    if !active.can_renew(context.now()) {
        let message = if active.renews() {
            "the next period is collected by itself: you can pay for it here where that fails"
        } else {
            "your plan is paid for: it can be renewed in the last two weeks of its period"
        };
        return Err(Error::Limit(message.to_owned()));
    }
    let invoice = next_invoice(context, &mut tx, &active).await?;
    tx.commit().await?;
    Ok(invoice)
}

/// The open invoice of a subscription's next period; there is one afterwards.
pub(crate) async fn next_invoice(
    context: &Context,
    tx: &mut Write,
    subscription: &Subscription,
) -> Result<InvoiceId> {
    let of = (subscription.id, subscription.account);
    open_invoice(context, tx, of, subscription.price).await
}

async fn open_invoice(
    context: &Context,
    tx: &mut Write,
    (subscription, account): (SubscriptionId, AccountId),
    price: Price,
) -> Result<InvoiceId> {
    if let Some(open) = store::find_open(tx, subscription).await? {
        return Ok(open);
    }
    let id: InvoiceId = context.new_id();
    store::insert_invoice(tx, id, (account, subscription), price.amount, context.now()).await?;
    let Money { minor, currency } = price.amount;
    let payload = json!({
        "invoice": id, "subscription": subscription, "amount": minor, "currency": currency.code(),
    });
    outbox::record(context, tx, Event::InvoiceOpened, Some(account), payload).await?;
    Ok(id)
}

/// One invoice, in a transaction.
pub(crate) async fn find_invoice(tx: &mut Write, id: InvoiceId) -> Result<Option<Invoice>> {
    Ok(store::find_invoice(&mut **tx, id).await?)
}

/// One invoice of the account that asks; for operators any.
pub(crate) async fn get_invoice(context: &Context, caller: Caller, id: &str) -> Result<Invoice> {
    let id: InvoiceId = id.parse().map_err(|_no_id| Error::NotFound("invoice"))?;
    let invoice = store::find_invoice(context.database.read(), id).await?;
    let its = |it: &Invoice| match caller {
        Caller::Operator(_) => Ok(true),
        caller => caller.account().map(|account| it.account == account),
    };
    match invoice {
        Some(invoice) if its(&invoice)? => Ok(invoice),
        Some(_) => Err(Error::NotFound("invoice")),
        None => {
            // Whoever is not signed in is told so, whatever there is.
            if !matches!(caller, Caller::Operator(_)) {
                caller.account()?;
            }
            Err(Error::NotFound("invoice"))
        }
    }
}

/// What a paid invoice changed.
pub(crate) struct PaidInvoice {
    pub(crate) account: AccountId,
    pub(crate) plan: PlanId,
    /// What collected for the plan before this one, and shall not any more.
    pub(crate) replaced: Option<Link>,
}

/// An invoice is paid: its subscription runs for one period more. To be called with the account
/// held, for an invoice that is open.
pub(crate) async fn pay(
    context: &Context,
    tx: &mut Write,
    invoice: &Invoice,
) -> Result<PaidInvoice> {
    let now = context.now();
    let subscription = store::find(tx, invoice.subscription).await?;
    let subscription = subscription.ok_or(Error::NotFound("subscription"))?;
    let (account, plan) = (subscription.account, subscription.plan);
    // What nobody paid for in time begins anew, though it did not end yet.
    let paid_until = subscription.paid_until.filter(|_| !subscription.is_lapsed(now));
    let began = subscription.began_at.filter(|_| paid_until.is_some()).unwrap_or(now);
    let from = paid_until.unwrap_or(now);
    let until = periods::end_of(began, from, subscription.price.interval);
    let mut replaced = None;
    if subscription.began_at.is_none()
        && let Some(other) = store::find_active(tx, account).await?
    {
        replaced = end(context, tx, &other, "another plan was paid for").await?;
    }
    store::set_paid(tx, subscription.id, (began, until)).await?;
    store::set_invoice_paid(tx, invoice.id, (from, until), now).await?;
    let event = match subscription.began_at {
        None => Event::SubscriptionStarted,
        Some(_) => Event::SubscriptionRenewed,
    };
    let payload = json!({
        "subscription": subscription.id, "plan": plan, "invoice": invoice.id, "paid_until": until,
    });
    outbox::record(context, tx, event, Some(account), payload).await?;
    let payload = json!({ "invoice": invoice.id, "subscription": subscription.id });
    outbox::record(context, tx, Event::InvoicePaid, Some(account), payload).await?;
    Ok(PaidInvoice { account, plan, replaced })
}

/// Ends a subscription: nothing is collected for it any more, and its open invoice is void. Answers
/// what the provider calls it, where it has to be told.
pub(crate) async fn end(
    context: &Context,
    tx: &mut Write,
    subscription: &Subscription,
    why: &str,
) -> Result<Option<Link>> {
    let now = context.now();
    store::set_ended(tx, subscription.id, why, now).await?;
    store::void_open(tx, subscription.id, now).await?;
    if subscription.began_at.is_some() {
        let payload = json!({ "subscription": subscription.id, "plan": subscription.plan });
        let event = Event::SubscriptionEnded;
        outbox::record(context, tx, event, Some(subscription.account), payload).await?;
    }
    // Also where it is to end by itself: nobody knows whether it does.
    Ok(subscription.link.clone())
}

/// The subscription that runs for an account.
pub(crate) async fn active(tx: &mut Write, account: AccountId) -> Result<Option<Subscription>> {
    Ok(store::find_active(tx, account).await?)
}

/// The subscription of an invoice, if it runs.
pub(crate) async fn running(tx: &mut Write, id: SubscriptionId) -> Result<Option<Subscription>> {
    let found = store::find(tx, id).await?;
    Ok(found.filter(|it| it.ended_at.is_none() && it.began_at.is_some()))
}

/// The subscription that a provider calls so.
pub(crate) async fn linked(
    tx: &mut Write,
    plugin: InstallationId,
    provider_id: &str,
) -> Result<Option<Subscription>> {
    Ok(store::find_linked(tx, plugin, provider_id).await?)
}

/// Remembers what a provider calls a subscription that it collects for from now on. Answers the one
/// that collected before, and whether the subscription is over.
pub(crate) async fn link(
    tx: &mut Write,
    subscription: SubscriptionId,
    link: &Link,
) -> Result<(Option<Link>, bool)> {
    let found = store::find(tx, subscription).await?;
    let is_over = found.as_ref().is_some_and(Subscription::is_over);
    let before = found.and_then(|it| it.link);
    if before.as_ref() == Some(link) {
        return Ok((None, is_over));
    }
    store::set_link(tx, subscription, link.plugin, &link.provider_id).await?;
    Ok((before, is_over))
}

/// The open invoice of what runs for an account.
pub(crate) async fn open_of_active(
    tx: &mut Write,
    account: AccountId,
) -> Result<Option<InvoiceId>> {
    match store::find_active(tx, account).await? {
        Some(active) => Ok(store::find_open(tx, active.id).await?),
        None => Ok(None),
    }
}

/// How a provider's subscription stands, told at a time of the provider's. What is older than what
/// is known changes nothing.
pub(crate) async fn observe(
    tx: &mut Write,
    subscription: &Subscription,
    (goes_on, observed_at): (bool, i64),
    now: i64,
) -> Result<()> {
    if subscription.observed_at.is_some_and(|known| observed_at < known) {
        return Ok(());
    }
    let cancelled = if goes_on { None } else { subscription.cancelled_at.or(Some(now)) };
    Ok(store::set_observed(tx, subscription.id, observed_at, cancelled).await?)
}

/// Nobody is to collect for it any more.
pub(crate) async fn cancel(tx: &mut Write, id: SubscriptionId, now: i64) -> Result<()> {
    Ok(store::set_cancelled(tx, id, now).await?)
}

/// Why an invoice was not paid, for whom it is for; none: it is as it was.
pub(crate) async fn set_failure(
    tx: &mut Write,
    invoice: InvoiceId,
    failure: Option<&str>,
) -> Result<()> {
    Ok(store::set_failure(tx, invoice, failure).await?)
}

/// Tells of what is about to run out, once for each period, and forgets choices that nobody paid
/// for.
pub(crate) async fn tell(context: &Context) -> Result<()> {
    let now = context.now();
    let mut tx = context.database.write().await?;
    for it in store::expiring(&mut tx, (now, now + TOLD_MS)).await? {
        // Another portal may have told it in the same moment.
        if store::set_expiry_told(&mut tx, it.id, now).await? {
            record_end(context, &mut tx, Event::SubscriptionExpiring, &it).await?;
        }
    }
    store::set_over(&mut tx, now).await?;
    tx.commit().await?;
    for it in store::chosen_before(context.database.read(), now - CHOSEN_MS).await? {
        let mut tx = context.database.write().await?;
        accounts::hold(&mut tx, it.account).await?;
        // It may have been paid for since it was read.
        let waiting = store::find_pending(&mut tx, it.account).await?;
        if let Some(waiting) = waiting.filter(|now| now.id == it.id) {
            end(context, &mut tx, &waiting, "it was never paid for").await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

/// Tells of what ran out, once for each period. To be called after whoever collects was asked.
pub(crate) async fn tell_past_due(context: &Context) -> Result<()> {
    let now = context.now();
    let mut tx = context.database.write().await?;
    for it in store::past_due(&mut tx, now, now - PATIENCE_MS).await? {
        set_past_due(context, &mut tx, &it).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// A payment failed at whoever collects for an account: where the paid time is over, nobody waits
/// for it any longer. One for the invoice of something else says nothing of that.
pub(crate) async fn not_collected(
    context: &Context,
    tx: &mut Write,
    (account, plugin): (AccountId, InstallationId),
    invoice: Option<&Invoice>,
) -> Result<()> {
    let Some(active) = store::find_active(tx, account).await? else { return Ok(()) };
    let collects = active.link.as_ref().is_some_and(|it| it.plugin == plugin);
    if collects && invoice.is_none_or(|it| it.subscription == active.id) {
        set_past_due(context, tx, &active).await?;
    }
    Ok(())
}

async fn set_past_due(context: &Context, tx: &mut Write, it: &Subscription) -> Result<()> {
    // Another portal may have told it, or it may have been paid, in the same moment.
    if store::set_past_due(tx, it.id, context.now()).await? {
        record_end(context, tx, Event::SubscriptionPastDue, it).await?;
    }
    Ok(())
}

async fn record_end(
    context: &Context,
    tx: &mut Write,
    event: Event,
    it: &Subscription,
) -> Result<()> {
    let payload = json!({ "subscription": it.id, "plan": it.plan, "paid_until": it.paid_until });
    outbox::record(context, tx, event, Some(it.account), payload).await
}
