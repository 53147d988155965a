//! Operators: plugins.

use axum::{
    extract::{Path, Query, rejection::QueryRejection},
    http::header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    response::IntoResponse,
};
use myrelay_app::{
    Content, FormState,
    contract::{CallsWanted, PortalError},
};
use serde::Deserialize;

use super::{Answer, Ask, again};
use crate::http::{
    answer::{Screen, screen_with, see_other},
    form::{Form, NoFields},
};

const PLUGINS: &str = "/operator/plugins";

fn page(plugin: &str) -> String {
    format!("{PLUGINS}/{plugin}")
}

/// `GET /operator/plugins`
pub(crate) async fn list(ask: Ask) -> Answer {
    let plugins = ask.portal.list_plugins().await?;
    Ok(Screen(Content::Plugins(plugins)).into_response())
}

/// `GET /operator/plugins/{plugin}`
pub(crate) async fn plugin(ask: Ask, Path(plugin): Path<String>) -> Answer {
    let plugin = ask.portal.get_plugin(&plugin).await?;
    Ok(Screen(Content::Plugin { plugin, form: FormState::default() }).into_response())
}

/// Which calls are looked for, and where the list goes on.
#[derive(Deserialize)]
pub(crate) struct Turn {
    #[serde(default)]
    failed: String,
    #[serde(default)]
    delivery: String,
    after: Option<String>,
}

/// `GET /operator/plugins/{plugin}/calls?failed=&delivery=&after=`
pub(crate) async fn calls(
    ask: Ask,
    Path(plugin): Path<String>,
    turn: Result<Query<Turn>, QueryRejection>,
) -> Answer {
    let Ok(Query(Turn { failed, delivery, after })) = turn else {
        return Err(PortalError::invalid("after", "this list has no such place").into());
    };
    let delivery = Some(delivery).filter(|it| !it.is_empty());
    let wanted = CallsWanted { failed: failed == "1", delivery };
    let calls = ask.portal.plugin_calls(&plugin, wanted, after.as_deref()).await?;
    Ok(Screen(Content::PluginCalls(calls)).into_response())
}

/// `POST /operator/plugins/{plugin}/enable`
pub(crate) async fn enable(
    ask: Ask,
    Path(plugin): Path<String>,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    match ask.portal.enable_plugin(&plugin).await {
        Ok(()) => Ok(see_other(&page(&plugin))),
        Err(error) => refused(&ask, &plugin, &error).await,
    }
}

/// `POST /operator/plugins/{plugin}/health`
pub(crate) async fn ask(
    ask: Ask,
    Path(plugin): Path<String>,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    match ask.portal.ask_plugin(&plugin).await {
        Ok(()) => Ok(see_other(&page(&plugin))),
        Err(error) => refused(&ask, &plugin, &error).await,
    }
}

/// `POST /operator/plugins/{plugin}/disable`
pub(crate) async fn disable(
    ask: Ask,
    Path(plugin): Path<String>,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    ask.portal.disable_plugin(&plugin).await?;
    Ok(see_other(&page(&plugin)))
}

/// `POST /operator/plugins/{plugin}/replay`
pub(crate) async fn replay_all(
    ask: Ask,
    Path(plugin): Path<String>,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    ask.portal.replay_deliveries(&plugin, None).await?;
    Ok(see_other(&page(&plugin)))
}

/// `POST /operator/plugins/{plugin}/deliveries/{delivery}/replay`
pub(crate) async fn replay(
    ask: Ask,
    Path((plugin, delivery)): Path<(String, String)>,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    ask.portal.replay_deliveries(&plugin, Some(&delivery)).await?;
    Ok(see_other(&page(&plugin)))
}

/// `POST /operator/plugins/{plugin}/deliveries/{delivery}/replay-from`
pub(crate) async fn replay_from(
    ask: Ask,
    Path((plugin, delivery)): Path<(String, String)>,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    ask.portal.replay_deliveries_from(&plugin, &delivery).await?;
    Ok(see_other(&page(&plugin)))
}

/// `POST /operator/plugins/{plugin}/jobs/{job}/run`
pub(crate) async fn run_job(
    ask: Ask,
    Path((plugin, job)): Path<(String, String)>,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    match ask.portal.run_plugin_job(&plugin, &job).await {
        Ok(()) => Ok(see_other(&page(&plugin))),
        Err(error) => refused(&ask, &plugin, &error).await,
    }
}

/// Which version to go back to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rollback {
    version: i64,
}

/// `POST /operator/plugins/{plugin}/rollback`
pub(crate) async fn rollback(
    ask: Ask,
    Path(plugin): Path<String>,
    Form(Rollback { version }): Form<Rollback>,
) -> Answer {
    match ask.portal.rollback_plugin(&plugin, version).await {
        Ok(()) => Ok(see_other(&page(&plugin))),
        Err(error) => refused(&ask, &plugin, &error).await,
    }
}

/// `POST /operator/plugins/{plugin}/calls/{call}/try`
pub(crate) async fn try_call(
    ask: Ask,
    Path((plugin, call)): Path<(String, String)>,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    match ask.portal.try_call(&plugin, &call).await {
        Ok(trial) => Ok(Screen(Content::PluginTrial(Box::new(trial))).into_response()),
        Err(error) => refused(&ask, &plugin, &error).await,
    }
}

/// `GET /operator/plugins/{plugin}/memory.json`
pub(crate) async fn memory(ask: Ask, Path(plugin): Path<String>) -> Answer {
    let memory = ask.portal.plugin_memory(&plugin).await?;
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CONTENT_DISPOSITION, "attachment; filename=\"memory.json\""),
    ];
    Ok((headers, memory).into_response())
}

/// What an operator ticks who removes a plugin.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Removal {
    /// What its provider collects goes on.
    leave: Option<String>,
}

/// `GET /operator/plugins/{plugin}/remove`
pub(crate) async fn remove_page(ask: Ask, Path(plugin): Path<String>) -> Answer {
    let (plugin, form) = (ask.portal.get_plugin(&plugin).await?, FormState::default());
    Ok(Screen(Content::RemovePlugin { plugin, form }).into_response())
}

/// `POST /operator/plugins/{plugin}/remove`
pub(crate) async fn remove(
    ask: Ask,
    Path(plugin): Path<String>,
    Form(Removal { leave }): Form<Removal>,
) -> Answer {
    let Err(error) = ask.portal.remove_plugin(&plugin, leave.is_some()).await else {
        return Ok(see_other(PLUGINS));
    };
    let form = again(&error, [])?;
    let plugin = ask.portal.get_plugin(&plugin).await?;
    Ok(screen_with(&error, Content::RemovePlugin { plugin, form }))
}

async fn refused(ask: &Ask, plugin: &str, error: &PortalError) -> Answer {
    let form = again(error, [])?;
    let plugin = ask.portal.get_plugin(plugin).await?;
    Ok(screen_with(error, Content::Plugin { plugin, form }))
}
