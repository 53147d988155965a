//! The run log of a plugin: its calls that are kept, newest first, in pages.

use myrelay_app::contract::{CallsWanted, PAGE_ROWS, PluginCallRow, PluginCallsView};
use myrelay_domain::ids::{CallId, InstallationId};

use super::{recording, store, views};
use crate::{
    Result,
    context::{Caller, Context},
    error::InField,
    paging::page,
};

/// For operators: a page of the calls that are looked for.
pub(crate) async fn plugin_calls(
    context: &Context,
    caller: Caller,
    plugin: &str,
    wanted: CallsWanted,
    after: Option<&str>,
) -> Result<PluginCallsView> {
    caller.operator()?;
    let plugin = super::get(context, plugin).await?;
    let after = after.map(str::parse::<CallId>).transpose().in_field("after")?;
    // No delivery is called so, and PostgreSQL takes no such text.
    let is_none = wanted.delivery.as_ref().is_some_and(|it| it.contains('\0'));
    let rows = if is_none {
        Vec::new()
    } else {
        calls(context, plugin.id, (&wanted, after), PAGE_ROWS + 1).await?
    };
    Ok(PluginCallsView {
        plugin: views::row(context, &plugin, &[]).await,
        wanted,
        calls: page(rows, |it| it.id.to_string()),
    })
}

/// The last calls, with what is kept of them; none but those before `after`.
pub(super) async fn calls(
    context: &Context,
    plugin: InstallationId,
    (wanted, after): (&CallsWanted, Option<CallId>),
    most: usize,
) -> Result<Vec<PluginCallRow>> {
    let pool = context.database.read();
    let stored = store::calls::list(pool, plugin, wanted, after, most).await?;
    let mut rows = Vec::with_capacity(stored.len());
    for stored in stored {
        let mut row = stored.row.clone();
        if let Some(kept) = recording::open(context, plugin, stored)? {
            row.input = kept.recorded.shown_input();
            row.answer = kept.recorded.shown_answer();
        }
        rows.push(row);
    }
    Ok(rows)
}
