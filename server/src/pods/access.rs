//! Whether an account's pods are served, by whether its plan is paid for.

use myrelay_domain::ids::{AccountId, PlanId};
use serde_json::json;

use super::{Changed, count_change, store};
use crate::{
    Result, accounts,
    context::Context,
    database::Write,
    outbox::{self, Event},
};

/// An account paid for a plan: it has that plan, and its devices are on the nodes with the keys and
/// addresses that they had. The nodes are told after the commit.
pub(crate) async fn give_access(
    context: &Context,
    tx: &mut Write,
    account: AccountId,
    plan: PlanId,
) -> Result<Changed> {
    if accounts::set_plan(tx, account, plan).await? {
        let payload = json!({ "account": account, "plan": plan });
        outbox::record(context, tx, Event::AccountPlanChanged, Some(account), payload).await?;
    }
    accounts::set_unpaid(tx, account, None).await?;
    mark_all(tx, account).await
}

/// Nobody pays for an account's plan any more: its devices leave the nodes. The nodes are told after
/// the commit.
pub(crate) async fn take_access(
    context: &Context,
    tx: &mut Write,
    account: AccountId,
) -> Result<Changed> {
    accounts::set_unpaid(tx, account, Some(context.now())).await?;
    mark_all(tx, account).await
}

/// Marks all pods of an account as changed, wherever they are served.
pub(super) async fn mark_all(tx: &mut Write, account: AccountId) -> Result<Changed> {
    let nodes = store::nodes_of_account(tx, account).await?;
    let changed = count_change(tx, nodes.clone()).await?;
    for node in nodes {
        store::set_changed_of_account(tx, account, node, changed.of(node)).await?;
    }
    Ok(changed)
}
