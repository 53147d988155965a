//! What a plugin says happened: checked first, since nobody believes a plugin, then written.

use myrelay_domain::{
    ids::{AccountId, InvoiceId},
    money::Money,
};
use myrelay_plugin_host::{
    billing_types::{
        Dispute, DisputeState, Effect, Failure, Payment, Payout, PendingPayment, Refund,
        RefundFailure, SubscriptionState, SubscriptionUpdate,
    },
    types,
};
use serde_json::json;

use super::{
    books::{self, Arrived, Returned},
    refused, store,
};
use crate::{
    Result, accounts,
    context::Context,
    database::{Write, is_only_writer},
    ledger::{self, Book, Kind},
    outbox::{self, Event},
    plugins::Installed,
    pods::Changed,
    subscriptions::{self, Invoice, Link},
};

/// The most effects of one call.
const MOST: usize = 100;
/// The longest text of a provider's that is kept, in characters.
const TEXT: usize = 200;

/// Checks effects and writes them. Where one is refused nothing may be committed.
pub(super) async fn apply(
    context: &Context,
    tx: &mut Write,
    plugin: &Installed,
    effects: &[Effect],
) -> Result<Vec<Changed>> {
    if MOST < effects.len() {
        return Err(refused(format!("{} effects, and {MOST} are allowed", effects.len())));
    }
    let mut changed = Vec::new();
    for effect in effects {
        let on = On { context, plugin };
        changed.extend(match effect {
            Effect::PaymentSucceeded(it) => on.paid(tx, it).await?,
            Effect::PaymentRefunded(it) => on.refunded(tx, it).await?,
            Effect::PaymentDisputed(it) => on.disputed(tx, it).await?,
            effect => {
                on.told(tx, effect).await?;
                Vec::new()
            }
        });
    }
    Ok(changed)
}

/// What every effect is applied with.
struct On<'a> {
    context: &'a Context,
    plugin: &'a Installed,
}

/// What a payment is for.
struct Purpose {
    account: AccountId,
    invoice: Option<Invoice>,
}

impl On<'_> {
    /// Effects that move no money of a customer's.
    async fn told(&self, tx: &mut Write, effect: &Effect) -> Result<()> {
        match effect {
            Effect::PaymentPending(it) => self.pending(tx, it).await,
            Effect::PaymentFailed(it) => self.failed(tx, it).await,
            Effect::RefundFailed(it) => self.refund_failed(tx, it).await,
            Effect::PayoutPaid(it) => self.paid_out(tx, it).await,
            Effect::SubscriptionChanged(it) => self.subscription_changed(tx, it).await,
            Effect::CheckoutExpired(id) => {
                let now = self.context.now();
                Ok(store::checkouts::expire(tx, (self.plugin.id, id), now).await?)
            }
            Effect::NeedsReconcile(id) => self.ask_later(tx, id).await,
            // The plugin remembers it, and the portal has no use for it.
            Effect::CustomerLinked(_) => Ok(()),
            Effect::PaymentSucceeded(_)
            | Effect::PaymentRefunded(_)
            | Effect::PaymentDisputed(_) => Ok(()),
        }
    }

    async fn ask_later(&self, tx: &mut Write, id: &str) -> Result<()> {
        let (id, now) = (sound_id(id)?, self.context.now());
        let task = (self.plugin.id, store::tasks::RECONCILE, id);
        Ok(store::tasks::add(tx, task, now, now).await?)
    }

    async fn paid(&self, tx: &mut Write, it: &Payment) -> Result<Vec<Changed>> {
        let (plugin, provider_id) = (self.plugin.id, sound_id(&it.provider_id)?);
        let amount = reported(&it.amount)?;
        let fee = it.fee.as_ref().map_or(Ok(0), |fee| within(fee, amount))?;
        if store::payments::find_by_provider(tx, (plugin, provider_id)).await?.is_some() {
            return Ok(Vec::new());
        }
        let purpose = self.purpose(tx, it).await?;
        accounts::hold(tx, purpose.account).await?;
        // Where others write, what was before the account was held may have changed since.
        if !is_only_writer(tx)
            && store::payments::find_by_provider(tx, (plugin, provider_id)).await?.is_some()
        {
            return Ok(Vec::new());
        }
        if let Some(invoice) = &purpose.invoice {
            same_currency(amount, invoice.total)?;
            if let Some(subscription) = &it.subscription {
                self.link(tx, invoice, sound_id(subscription)?).await?;
            }
        }
        let arrived = Arrived {
            account: purpose.account,
            invoice: purpose.invoice.map(|it| it.id),
            plugin,
            method: self.plugin.name(),
            provider_id,
            amount,
            fee,
            occurred_at: time(it.occurred_at),
        };
        books::receive(self.context, tx, &arrived).await
    }

    /// Whose payment it is and what it is for. A plugin can only speak of what was begun with it.
    async fn purpose(&self, tx: &mut Write, it: &Payment) -> Result<Purpose> {
        let account = it.account.as_deref().map(account).transpose()?;
        let ours = |owner: AccountId| match account {
            Some(account) if account != owner => {
                Err(refused("a payment for another account's invoice"))
            }
            _ => Ok(owner),
        };
        if let Some(id) = &it.invoice {
            let invoice = self.invoice(tx, id).await?;
            return Ok(Purpose { account: ours(invoice.account)?, invoice: Some(invoice) });
        }
        let linked = match &it.subscription {
            Some(id) => subscriptions::linked(tx, self.plugin.id, id).await?,
            None => None,
        };
        if let Some(linked) = linked {
            let owner = ours(linked.account)?;
            accounts::hold(tx, owner).await?;
            let invoice = match subscriptions::running(tx, linked.id).await? {
                Some(runs) => Some(subscriptions::next_invoice(self.context, tx, &runs).await?),
                // It is over: what came all the same is credit, and nothing more is to come.
                None => {
                    if linked.is_over()
                        && let Some(link) = &linked.link
                    {
                        books::stop_collecting(self.context, tx, link).await?;
                    }
                    None
                }
            };
            let invoice = match invoice {
                Some(id) => subscriptions::find_invoice(tx, id).await?,
                None => None,
            };
            return Ok(Purpose { account: owner, invoice });
        }
        let account = account.ok_or_else(|| refused("a payment of nobody, for nothing of ours"))?;
        self.ensure_customer(tx, account).await?;
        Ok(Purpose { account, invoice: None })
    }

    /// An invoice that was begun to be paid with this plugin.
    async fn invoice(&self, tx: &mut Write, id: &str) -> Result<Invoice> {
        let unknown = || refused("an invoice that was not begun to be paid with this plugin");
        let id: InvoiceId = id.parse().map_err(|_no_id| unknown())?;
        if !store::checkouts::is_begun(tx, (id, self.plugin.id)).await? {
            return Err(unknown());
        }
        subscriptions::find_invoice(tx, id).await?.ok_or_else(unknown)
    }

    /// An account that began to pay with this plugin.
    async fn ensure_customer(&self, tx: &mut Write, account: AccountId) -> Result<()> {
        if store::checkouts::is_customer(tx, (account, self.plugin.id)).await? {
            return Ok(());
        }
        Err(refused("an account that never paid with this plugin"))
    }

    /// The provider collects for the invoice's subscription from now on.
    async fn link(&self, tx: &mut Write, invoice: &Invoice, provider_id: &str) -> Result<()> {
        let link = Link { plugin: self.plugin.id, provider_id: provider_id.to_owned() };
        if let Some(other) = subscriptions::linked(tx, link.plugin, provider_id).await? {
            let same = other.id == invoice.subscription;
            let own = other.account == invoice.account;
            return if same || own {
                Ok(())
            } else {
                Err(refused("a subscription that is another account's"))
            };
        }
        let (before, is_over) = subscriptions::link(tx, invoice.subscription, &link).await?;
        if let Some(before) = before {
            books::stop_collecting(self.context, tx, &before).await?;
        }
        if is_over {
            // It was ended before its provider had a name for it.
            books::stop_collecting(self.context, tx, &link).await?;
        }
        Ok(())
    }

    async fn pending(&self, tx: &mut Write, it: &PendingPayment) -> Result<()> {
        let Some(id) = &it.invoice else { return Ok(()) };
        let invoice = self.invoice(tx, id).await?;
        let mut seen = match &it.received {
            Some(amount) => format!("{} seen", shown(amount)),
            None => "on its way".to_owned(),
        };
        if let Some(of) = &it.confirmations {
            seen += &format!(", {} of {} confirmations", of.seen, of.required);
        }
        Ok(store::checkouts::set_pending(tx, (invoice.id, self.plugin.id), &seen).await?)
    }

    async fn failed(&self, tx: &mut Write, it: &Failure) -> Result<()> {
        let (account, invoice) = match (&it.invoice, &it.account) {
            (Some(id), _) => {
                let invoice = self.invoice(tx, id).await?;
                (invoice.account, Some(invoice))
            }
            (None, Some(id)) => {
                let account = account(id)?;
                self.ensure_customer(tx, account).await?;
                (account, None)
            }
            (None, None) => return Ok(()),
        };
        let why: String = it.message.chars().take(TEXT).collect();
        if invoice.as_ref().is_some_and(|it| !it.is_open())
            || self.is_told(tx, it, (invoice.as_ref(), &why)).await?
        {
            return Ok(());
        }
        accounts::hold(tx, account).await?;
        if let Some(invoice) = &invoice {
            subscriptions::set_failure(tx, invoice.id, Some(&why)).await?;
            // Who tries again begins anew. A payment that failed before is of a checkout of before.
            if self.is_first(tx, it).await? {
                let now = self.context.now();
                store::checkouts::fail(tx, (invoice.id, self.plugin.id), now).await?;
            }
        }
        let code: String = it.code.chars().take(TEXT).collect();
        let mut payload = json!({ "code": code });
        if let Some(invoice) = &invoice {
            payload["invoice"] = json!(invoice.id);
        }
        outbox::record(self.context, tx, Event::PaymentFailed, Some(account), payload).await?;
        let of = (account, self.plugin.id);
        subscriptions::not_collected(self.context, tx, of, invoice.as_ref()).await
    }

    /// Whether this payment did not fail before.
    async fn is_first(&self, tx: &mut Write, it: &Failure) -> Result<bool> {
        let Some(id) = &it.provider_id else { return Ok(true) };
        let what = format!("failed-first/{}", sound_id(id)?);
        Ok(store::hooks::insert(tx, self.plugin.id, &what, self.context.now()).await?)
    }

    /// Whether a failure was told of before: it is told again whenever somebody asks, and counts
    /// once. A payment that is tried again and fails again is told of again.
    async fn is_told(
        &self,
        tx: &mut Write,
        it: &Failure,
        (invoice, why): (Option<&Invoice>, &str),
    ) -> Result<bool> {
        let Some(id) = &it.provider_id else {
            return Ok(invoice.is_some_and(|it| it.failure.as_deref() == Some(why)));
        };
        let next = it.next_attempt_at.unwrap_or_default();
        let what = format!("failed/{}/{next}", sound_id(id)?);
        Ok(!store::hooks::insert(tx, self.plugin.id, &what, self.context.now()).await?)
    }

    async fn refunded(&self, tx: &mut Write, it: &Refund) -> Result<Vec<Changed>> {
        self.back(tx, (&it.payment, &it.provider_id), (&it.amount, it.occurred_at)).await
    }

    /// Money that went back, by a refund or by a dispute that was lost.
    async fn back(
        &self,
        tx: &mut Write,
        (payment, provider_id): (&str, &str),
        (amount, occurred_at): (&types::Money, u64),
    ) -> Result<Vec<Changed>> {
        let (plugin, provider_id) = (self.plugin.id, sound_id(provider_id)?);
        let amount = reported(amount)?;
        let known = (plugin, sound_id(payment)?);
        let Some(found) = store::payments::find_by_provider(tx, known).await? else {
            // It came before its payment: both are asked for.
            self.ask_later(tx, payment).await?;
            return Ok(Vec::new());
        };
        books::hold(tx, &found).await?;
        let found = store::payments::find_by_provider(tx, known).await?.unwrap_or(found);
        if store::refunds::find(tx, (plugin, provider_id)).await? {
            return Ok(Vec::new());
        }
        same_currency(amount, found.amount)?;
        if found.amount.minor - found.refunded < amount.minor {
            return Err(refused("more than is left of the payment goes back"));
        }
        let occurred_at = time(occurred_at);
        let returned = Returned { plugin, provider_id, minor: amount.minor, occurred_at };
        books::give_back(self.context, tx, &found, &returned).await
    }

    async fn refund_failed(&self, tx: &mut Write, it: &RefundFailure) -> Result<()> {
        let (plugin, provider_id) = (self.plugin.id, sound_id(&it.provider_id)?);
        let known = (plugin, sound_id(&it.payment)?);
        let Some(found) = store::payments::find_by_provider(tx, known).await? else {
            return self.ask_later(tx, &it.payment).await;
        };
        books::hold(tx, &found).await?;
        let occurred_at = time(it.occurred_at);
        let returned = Returned { plugin, provider_id, minor: it.amount.minor, occurred_at };
        books::keep_after_all(self.context, tx, &found, &returned).await
    }

    async fn disputed(&self, tx: &mut Write, it: &Dispute) -> Result<Vec<Changed>> {
        let known = (self.plugin.id, sound_id(&it.payment)?);
        let Some(found) = store::payments::find_by_provider(tx, known).await? else {
            self.ask_later(tx, &it.payment).await?;
            return Ok(Vec::new());
        };
        books::hold(tx, &found).await?;
        let now = self.context.now();
        match it.state {
            DisputeState::Inquiry => Ok(Vec::new()),
            DisputeState::Won => {
                store::payments::set_disputed(tx, found.id, None).await?;
                Ok(Vec::new())
            }
            DisputeState::Open => {
                if store::payments::set_disputed(tx, found.id, Some(now)).await? {
                    let payload = json!({ "payment": found.id });
                    let account = Some(found.account);
                    outbox::record(self.context, tx, Event::PaymentDisputed, account, payload)
                        .await?;
                }
                Ok(Vec::new())
            }
            DisputeState::Lost => {
                store::payments::set_disputed(tx, found.id, Some(now)).await?;
                self.dispute_fee(tx, it, found.amount).await?;
                // What was given back before cannot be lost once more.
                let left = found.amount.minor - found.refunded;
                let minor = reported(&it.amount)?.minor.min(left);
                if minor == 0 {
                    return Ok(Vec::new());
                }
                let amount = types::Money { minor, currency: it.amount.currency.clone() };
                self.back(tx, (&it.payment, &it.provider_id), (&amount, it.occurred_at)).await
            }
        }
    }

    /// What the provider charges for a dispute that was lost.
    async fn dispute_fee(&self, tx: &mut Write, it: &Dispute, of: Money) -> Result<()> {
        let Some(fee) = &it.fee else { return Ok(()) };
        let fee = within(fee, of)?;
        let lines = [(Book::Provider(self.plugin.id), -fee), (Book::Fees, fee)];
        let about = format!("{}/{}", self.plugin.id, sound_id(&it.provider_id)?);
        ledger::record(self.context, tx, (Kind::Dispute, &about), of.currency, &lines).await?;
        Ok(())
    }

    async fn paid_out(&self, tx: &mut Write, it: &Payout) -> Result<()> {
        let amount = reported(&it.amount)?;
        let fee = it.fee.as_ref().map_or(Ok(0), |fee| within(fee, amount))?;
        let lines = [
            (Book::Provider(self.plugin.id), -(amount.minor + fee)),
            (Book::Fees, fee),
            (Book::Bank, amount.minor),
        ];
        let about = format!("{}/{}", self.plugin.id, sound_id(&it.provider_id)?);
        ledger::record(self.context, tx, (Kind::Payout, &about), amount.currency, &lines).await?;
        Ok(())
    }

    /// Whether the provider goes on collecting. How long the account has its plan, payments say.
    async fn subscription_changed(&self, tx: &mut Write, it: &SubscriptionUpdate) -> Result<()> {
        let linked = subscriptions::linked(tx, self.plugin.id, &it.provider_id).await?;
        // One that nothing was paid for yet is nobody's.
        let Some(linked) = linked else { return Ok(()) };
        if account(&it.account)? != linked.account {
            return Err(refused("another account's subscription"));
        }
        accounts::hold(tx, linked.account).await?;
        let again = subscriptions::linked(tx, self.plugin.id, &it.provider_id).await?;
        let linked = again.unwrap_or(linked);
        let collects = matches!(
            it.state,
            SubscriptionState::Pending
                | SubscriptionState::Trialing
                | SubscriptionState::Active
                | SubscriptionState::PastDue
        );
        let goes_on = collects && !it.cancel_at_period_end;
        let told = (goes_on, time(it.observed_at));
        subscriptions::observe(tx, &linked, told, self.context.now()).await
    }
}

fn sound_id(id: &str) -> Result<&str> {
    if (1..=255).contains(&id.len()) {
        Ok(id)
    } else {
        Err(refused("a provider's id of 1 to 255 bytes"))
    }
}

fn account(id: &str) -> Result<AccountId> {
    id.parse().map_err(|_no_id| refused("an account that is none of ours"))
}

/// An amount above nothing in a currency that is sold in.
fn reported(money: &types::Money) -> Result<Money> {
    Money::reported(money.minor, &money.currency).map_err(refused)
}

/// A fee, in the smallest unit: no more than what it is taken from, and nothing at least.
fn within(fee: &types::Money, amount: Money) -> Result<i64> {
    let sound = fee.currency == amount.currency.code() && (0..=amount.minor).contains(&fee.minor);
    if sound {
        Ok(fee.minor)
    } else {
        Err(refused("a fee of more than the amount, or of another currency"))
    }
}

fn same_currency(amount: Money, other: Money) -> Result<()> {
    if amount.currency == other.currency {
        return Ok(());
    }
    Err(refused(format!("{} for what is in {}", amount.currency, other.currency)))
}

/// An amount of whatever the provider counts.
fn shown(money: &types::Money) -> String {
    match Money::reported(money.minor, &money.currency) {
        Ok(money) => money.to_string(),
        Err(_) => "a part".to_owned(),
    }
}

fn time(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}
