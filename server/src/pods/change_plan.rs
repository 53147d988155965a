//! Giving an account another plan: its pods get the new limits at once.

use myrelay_domain::ids::AccountId;
use serde_json::json;

use super::access::mark_all;
use crate::{
    Error, Result, accounts,
    context::{Caller, Context},
    outbox::{self, Event},
    plans, subscriptions,
};

/// For operators: gives an account another plan. Pods and devices beyond the new limits stay; the
/// nodes hear of the new speed and quota. Twice is fine.
pub async fn change_plan(
    context: &Context,
    caller: Caller,
    account: &str,
    plan: &str,
) -> Result<()> {
    caller.operator()?;
    let account: AccountId = account.parse().map_err(|_no_id| Error::NotFound("account"))?;
    let mut tx = context.database.write().await?;
    let plan = plans::hold(&mut tx, plan).await?;
    accounts::hold(&mut tx, account).await?;
    if subscriptions::active(&mut tx, account).await?.is_some() {
        let message = "the account pays for a subscription: end it first";
        return Err(Error::Limit(message.to_owned()));
    }
    let is_other = accounts::set_plan(&mut tx, account, plan).await?;
    // What an operator gives is not to be paid for.
    let was_unpaid = accounts::set_unpaid(&mut tx, account, None).await?;
    if !is_other && !was_unpaid {
        return Ok(());
    }
    let changed = mark_all(&mut tx, account).await?;
    let payload = json!({ "account": account, "plan": plan });
    outbox::record(context, &mut tx, Event::AccountPlanChanged, Some(account), payload).await?;
    tx.commit().await?;
    changed.tell(context);
    Ok(())
}
