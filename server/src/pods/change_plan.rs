//! Giving an account another plan: its pods get the new limits at once.

use myrelay_domain::ids::AccountId;
use serde_json::json;

use super::{Changed, count_change, store};
use crate::{
    Error, Result, accounts,
    context::{Caller, Context},
    database::Write,
    outbox::{self, Event},
    plans,
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
    if !accounts::set_plan(&mut tx, account, plan).await? {
        return Ok(());
    }
    let changed = mark_all(&mut tx, account).await?;
    let payload = json!({ "account": account, "plan": plan });
    outbox::record(context, &mut tx, Event::AccountPlanChanged, Some(account), payload).await?;
    tx.commit().await?;
    changed.tell(context);
    Ok(())
}

/// Marks all pods of an account as changed, wherever they are served.
async fn mark_all(tx: &mut Write, account: AccountId) -> Result<Changed> {
    let nodes = store::nodes_of_account(tx, account).await?;
    let changed = count_change(tx, nodes.clone()).await?;
    for node in nodes {
        store::set_changed_of_account(tx, account, node, changed.of(node)).await?;
    }
    Ok(changed)
}
