//! How subscriptions and invoices look.

use myrelay_app::contract::{OfferRow, PlanRow, SubscriptionState, SubscriptionView};
use myrelay_domain::{
    ids::{AccountId, InstallationId, PlanId},
    money::Price,
};

use super::{GRACE_MS, Invoice, Subscription, store};
use crate::{Result, context::Context};

/// How many invoices a page shows.
const INVOICES_SHOWN: i64 = 50;

/// What an account holds, or held last.
pub(crate) struct Held {
    /// `renews_by` is still to be filled in.
    pub(crate) view: SubscriptionView,
    pub(crate) plan: PlanId,
    /// It waits for its first payment, or runs.
    pub(crate) is_live: bool,
    /// Who collects.
    pub(crate) collector: Option<InstallationId>,
    /// Whose provider has it while it runs, also where nobody collects any more.
    pub(crate) linked: Option<InstallationId>,
}

/// What an account holds: what runs, or what was chosen, or what it had last.
pub(crate) async fn held(context: &Context, account: AccountId) -> Result<Option<Held>> {
    let found = store::view_held(context.database.read(), account).await?;
    Ok(found.map(|it| view(&it, context.now())))
}

/// An account's invoices, newest first, at most a page of them.
pub(crate) async fn invoices(context: &Context, account: AccountId) -> Result<Vec<Invoice>> {
    Ok(store::list_invoices(context.database.read(), account, INVOICES_SHOWN).await?)
}

fn view(it: &Subscription, now: i64) -> Held {
    let state = match (it.ended_at, it.began_at, it.paid_until) {
        (Some(_), _, _) => SubscriptionState::Ended,
        (None, None, _) | (None, _, None) => SubscriptionState::Pending,
        (None, Some(_), Some(_)) if !it.is_past_due(now) => SubscriptionState::Active,
        _ => SubscriptionState::PastDue,
    };
    let runs = matches!(state, SubscriptionState::Active | SubscriptionState::PastDue);
    Held {
        view: SubscriptionView {
            plan: it.plan_name.clone(),
            price: it.price,
            state,
            // What was ended early is over since then.
            paid_until: it.paid_until.map(|until| it.ended_at.map_or(until, |end| end.min(until))),
            stops_at: it.paid_until.filter(|_| runs).map(|until| until + GRACE_MS),
            renews_by: None,
            ends: runs && it.cancelled_at.is_some(),
            can_renew: state == SubscriptionState::Ended || it.can_renew(now),
        },
        plan: it.plan,
        is_live: it.ended_at.is_none(),
        collector: it.link.as_ref().filter(|_| it.renews() && runs).map(|it| it.plugin),
        linked: it.link.as_ref().filter(|_| runs).map(|it| it.plugin),
    }
}

/// A plan as customers choose it.
pub(crate) fn plan_row(plan: PlanRow, price: Price, current: Option<PlanId>) -> OfferRow {
    OfferRow {
        id: plan.id,
        name: plan.name,
        pods: plan.pods,
        devices_per_pod: plan.devices_per_pod,
        traffic: plan.traffic,
        price,
        is_current: current == Some(plan.id),
    }
}
