//! What a pod's owner switches on and off.

use serde_json::json;

use super::{get_own, mark_changed, store};
use crate::{
    Result,
    context::{Caller, Context},
    outbox::{self, Event},
};

/// Pauses a pod or lets it go on. A paused pod keeps its key, its addresses and its devices, and
/// its node has none of the devices. Twice is fine.
pub async fn set_paused(context: &Context, caller: Caller, pod: &str, paused: bool) -> Result<()> {
    let account = caller.account()?;
    let mut tx = context.database.write().await?;
    let facts = get_own(&mut tx, account, pod).await?;
    if facts.paused == paused {
        return Ok(());
    }
    let changed = mark_changed(&mut tx, &facts).await?;
    store::set_paused(&mut tx, facts.id, paused.then(|| context.now())).await?;
    let event = if paused { Event::PodPaused } else { Event::PodResumed };
    outbox::record(context, &mut tx, event, Some(account), json!({ "pod": facts.id })).await?;
    tx.commit().await?;
    changed.tell(context);
    Ok(())
}

/// Lets a pod's devices reach each other, or no longer. Twice is fine.
pub async fn set_devices_meet(
    context: &Context,
    caller: Caller,
    pod: &str,
    meet: bool,
) -> Result<()> {
    let account = caller.account()?;
    let mut tx = context.database.write().await?;
    let facts = get_own(&mut tx, account, pod).await?;
    if facts.devices_meet == meet {
        return Ok(());
    }
    let changed = mark_changed(&mut tx, &facts).await?;
    store::set_devices_meet(&mut tx, facts.id, meet.then(|| context.now())).await?;
    let payload = json!({ "pod": facts.id, "devices_meet": meet });
    outbox::record(context, &mut tx, Event::PodChanged, Some(account), payload).await?;
    tx.commit().await?;
    changed.tell(context);
    Ok(())
}
