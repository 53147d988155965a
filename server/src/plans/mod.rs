//! Plans: what an account may have.

mod store;

use myrelay_domain::{
    ids::{AccountId, PlanId},
    plan::PlanLimits,
};

use crate::{Result, context::Context, database::Write};

/// An account's plan.
pub(crate) struct Plan {
    pub(crate) name: String,
    pub(crate) limits: PlanLimits,
}

/// The plan of new accounts; the first time it is asked for, it is made.
pub(crate) async fn default_plan(context: &Context, tx: &mut Write) -> Result<PlanId> {
    if let Some(plan) = store::find_default(tx).await? {
        return Ok(plan);
    }
    let plan = context.new_id();
    store::insert_default(tx, plan, "Free", PlanLimits::FREE, context.now()).await?;
    Ok(plan)
}

/// The plan an account has, for a rule in the same transaction.
pub(crate) async fn plan_of(tx: &mut Write, account: AccountId) -> Result<Plan> {
    Ok(store::get_of_account(&mut **tx, account).await?)
}

/// The plan an account has, to show it.
pub(crate) async fn view_plan_of(context: &Context, account: AccountId) -> Result<Plan> {
    Ok(store::get_of_account(context.database.read(), account).await?)
}
