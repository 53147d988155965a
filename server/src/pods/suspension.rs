//! Suspending an account: its devices leave the nodes and come back with the same keys and addresses.

use myrelay_domain::ids::AccountId;
use serde_json::json;

use super::store;
use crate::{
    Error, Result, accounts,
    context::{Caller, Context},
    nodes,
    outbox::{self, Event},
    sessions,
};

/// Ends the account's sessions and takes its devices off the nodes; the pods' keys stay, so that
/// they can come back as they were. Twice is fine.
pub async fn suspend_account(context: &Context, caller: Caller, account: &str) -> Result<()> {
    set(context, caller, account, Some(context.now()), Event::AccountSuspended).await
}

/// Lets the account in again and puts its devices back. Twice is fine.
pub async fn resume_account(context: &Context, caller: Caller, account: &str) -> Result<()> {
    set(context, caller, account, None, Event::AccountResumed).await
}

async fn set(
    context: &Context,
    caller: Caller,
    account: &str,
    suspended_at: Option<i64>,
    event: Event,
) -> Result<()> {
    caller.operator()?;
    let account: AccountId = account.parse().map_err(|_no_id| Error::NotFound("account"))?;
    let mut tx = context.database.write().await?;
    if !accounts::set_suspended(&mut tx, account, suspended_at).await? {
        return Ok(());
    }
    sessions::end_all(&mut tx, account).await?;
    let mut woken = Vec::new();
    // In the order of the nodes, so that two of these never wait for one another.
    for node in store::nodes_of_account(&mut tx, account).await? {
        let generation = nodes::bump(&mut tx, node).await?;
        store::set_changed_of_account(&mut tx, account, node, generation).await?;
        woken.push((node, generation));
    }
    outbox::record(context, &mut tx, event, Some(account), json!({ "account": account })).await?;
    tx.commit().await?;
    for (node, generation) in woken {
        context.connections.wake(node, generation);
    }
    Ok(())
}
