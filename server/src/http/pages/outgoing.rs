//! Operators: messages that did not arrive.

use axum::{
    extract::{Path, Query, rejection::QueryRejection},
    response::IntoResponse,
};
use myrelay_app::{
    Content,
    contract::{OutgoingWanted, PortalError},
};
use myrelay_domain::ids::InstallationId;
use serde::Deserialize;

use super::{Answer, Ask};
use crate::http::{
    answer::{Screen, see_other},
    form::Form,
};

const MESSAGES: &str = "/operator/plugins/messages";

/// Which messages are looked for, and where the list goes on.
#[derive(Deserialize)]
pub(crate) struct Turn {
    #[serde(default)]
    given_up: String,
    #[serde(default)]
    plugin: String,
    after: Option<String>,
}

/// `GET /operator/plugins/messages?given_up=&plugin=&after=`
pub(crate) async fn list(ask: Ask, turn: Result<Query<Turn>, QueryRejection>) -> Answer {
    let Ok(Query(Turn { given_up, plugin, after })) = turn else {
        return Err(PortalError::invalid("after", "this list has no such place").into());
    };
    let plugin = Some(plugin).filter(|it| !it.is_empty());
    let wanted = OutgoingWanted { given_up: given_up == "1", plugin };
    let view = ask.portal.outgoing(wanted, after.as_deref()).await?;
    Ok(Screen(Content::Outgoing(view)).into_response())
}

/// The plugin whose messages alone were shown.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shown {
    #[serde(default)]
    plugin: String,
}

impl Shown {
    fn plugin(&self) -> Option<&str> {
        Some(self.plugin.as_str()).filter(|it| !it.is_empty())
    }

    /// Where whoever pressed a button was.
    fn page(&self) -> String {
        match self.plugin.parse::<InstallationId>() {
            Ok(plugin) => format!("{MESSAGES}?given_up=1&plugin={plugin}"),
            Err(_all) => format!("{MESSAGES}?given_up=1"),
        }
    }
}

/// `POST /operator/plugins/messages/again`
pub(crate) async fn send_all_again(ask: Ask, Form(shown): Form<Shown>) -> Answer {
    ask.portal.send_all_again(shown.plugin()).await?;
    Ok(see_other(&shown.page()))
}

/// `POST /operator/plugins/messages/{delivery}/again`
pub(crate) async fn send_again(
    ask: Ask,
    Path(message): Path<String>,
    Form(shown): Form<Shown>,
) -> Answer {
    ask.portal.send_again(&message).await?;
    Ok(see_other(&shown.page()))
}
