//! Plans: what an account may have.

mod input;
mod store;
#[cfg(test)]
mod tests;

use myrelay_app::contract::{AddPlan, PlanRow};
use myrelay_domain::{
    ids::{AccountId, PlanId},
    money::Price,
    plan::PlanLimits,
};
use serde_json::json;

use crate::{
    Error, Result,
    context::{Caller, Context},
    database::{Write, is_taken},
    outbox::{self, Event},
};

/// The most plans there are.
const MAX_PLANS: usize = 100;

/// An account's plan.
pub(crate) struct Plan {
    pub(crate) name: String,
    pub(crate) limits: PlanLimits,
}

/// A plan that customers can buy, or bought.
pub(crate) struct Sold {
    pub(crate) id: PlanId,
    pub(crate) name: String,
    pub(crate) price: Price,
    /// Nobody can choose it any more.
    pub(crate) is_withdrawn: bool,
}

/// The plan of new accounts, and whether it costs anything; the first time it is asked for, it is
/// made.
pub(crate) async fn default_plan(context: &Context, tx: &mut Write) -> Result<(PlanId, bool)> {
    if let Some(plan) = store::find_default(tx).await? {
        return Ok((plan, store::find_sold(tx, plan).await?.is_some()));
    }
    let (plan, now) = (context.new_id(), context.now());
    store::insert(tx, plan, "Free", (PlanLimits::FREE, None), Some(now), now).await?;
    Ok((plan, false))
}

/// A plan that costs something, held until the commit.
pub(crate) async fn hold_sold(tx: &mut Write, plan: &str) -> Result<Sold> {
    let plan = hold(tx, plan).await?;
    store::find_sold(tx, plan).await?.ok_or(Error::NotFound("plan"))
}

/// What customers can choose, cheapest first.
pub(crate) async fn offered(context: &Context) -> Result<Vec<PlanRow>> {
    let mut plans = store::list(context.database.read()).await?;
    plans.retain(|it| it.price.is_some() && !it.is_withdrawn);
    plans.sort_by_key(|it| it.price.map(|price| price.amount.minor));
    Ok(plans)
}

/// For operators: a plan is offered to nobody from now on. Twice is fine.
pub(crate) async fn withdraw(context: &Context, caller: Caller, plan: &str) -> Result<()> {
    caller.operator()?;
    let mut tx = context.database.write().await?;
    let plan = hold_sold(&mut tx, plan).await?;
    if plan.is_withdrawn {
        return Ok(());
    }
    store::withdraw(&mut tx, plan.id, context.now()).await?;
    let payload = json!({ "plan": plan.id });
    outbox::record(context, &mut tx, Event::PlanWithdrawn, None, payload).await?;
    tx.commit().await?;
    Ok(())
}

/// The plan an account has, for a rule in the same transaction.
pub(crate) async fn plan_of(tx: &mut Write, account: AccountId) -> Result<Plan> {
    Ok(store::get_of_account(&mut **tx, account).await?)
}

/// The plan an account has, to show it.
pub(crate) async fn view_plan_of(context: &Context, account: AccountId) -> Result<Plan> {
    Ok(store::get_of_account(context.database.read(), account).await?)
}

/// Holds a plan until the commit, so that it is not removed while an account gets it.
pub(crate) async fn hold(tx: &mut Write, plan: &str) -> Result<PlanId> {
    let plan = parse_id(plan)?;
    if store::hold(tx, plan).await? { Ok(plan) } else { Err(Error::NotFound("plan")) }
}

/// For operators: all plans, oldest first.
pub(crate) async fn list(context: &Context, caller: Caller) -> Result<Vec<PlanRow>> {
    caller.operator()?;
    let default = store::view_default(context.database.read()).await?;
    let mut plans = store::list(context.database.read()).await?;
    for plan in &mut plans {
        plan.is_default = default == Some(plan.id);
    }
    Ok(plans)
}

/// For operators: adds a plan.
pub(crate) async fn add(context: &Context, caller: Caller, input: AddPlan) -> Result<()> {
    caller.operator()?;
    let (name, limits, price) = input::read(&input)?;
    let mut tx = context.database.write().await?;
    if MAX_PLANS <= store::count(&mut tx).await? {
        return Err(Error::Limit(format!("there are {MAX_PLANS} plans: remove one first")));
    }
    let plan: PlanId = context.new_id();
    let inserted =
        store::insert(&mut tx, plan, name.as_str(), (limits, price), None, context.now()).await;
    if inserted.as_ref().is_err_and(is_taken) {
        return Err(Error::invalid("name", "another plan has this name"));
    }
    inserted?;
    outbox::record(context, &mut tx, Event::PlanAdded, None, json!({ "plan": plan })).await?;
    tx.commit().await?;
    Ok(())
}

/// For operators: new accounts get this plan from now on. Twice is fine.
pub(crate) async fn make_default(context: &Context, caller: Caller, plan: &str) -> Result<()> {
    caller.operator()?;
    let mut tx = context.database.write().await?;
    let plan = hold(&mut tx, plan).await?;
    if store::find_default(&mut tx).await? == Some(plan) {
        return Ok(());
    }
    store::set_default(&mut tx, plan, context.now()).await?;
    let payload = json!({ "plan": plan });
    outbox::record(context, &mut tx, Event::PlanMadeDefault, None, payload).await?;
    tx.commit().await?;
    Ok(())
}

/// For operators: removes a plan that no account has.
pub(crate) async fn remove(context: &Context, caller: Caller, plan: &str) -> Result<()> {
    caller.operator()?;
    let mut tx = context.database.write().await?;
    let plan = hold(&mut tx, plan).await?;
    if store::find_default(&mut tx).await? == Some(plan) {
        let message = "new accounts get this plan: make another one the default first";
        return Err(Error::Limit(message.to_owned()));
    }
    let accounts = store::count_accounts(&mut tx, plan).await?;
    if 0 < accounts {
        let message = format!("accounts have this plan ({accounts}): give them another one first");
        return Err(Error::Limit(message));
    }
    if store::was_sold(&mut tx, plan).await? {
        let message = "accounts bought this plan, and their invoices name it: withdraw it instead";
        return Err(Error::Limit(message.to_owned()));
    }
    store::delete(&mut tx, plan).await?;
    outbox::record(context, &mut tx, Event::PlanRemoved, None, json!({ "plan": plan })).await?;
    tx.commit().await?;
    Ok(())
}

fn parse_id(plan: &str) -> Result<PlanId> {
    plan.parse().map_err(|_no_id| Error::NotFound("plan"))
}
