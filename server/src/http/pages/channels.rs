//! How a customer is reached, and what the links in messages lead to.

use axum::{extract::Path, response::IntoResponse};
use myrelay_app::{
    Content, FormState,
    contract::{AddChannel, MessageKind, SetQuiet},
};
use serde::Deserialize;

use super::{Answer, Ask, again};
use crate::http::{
    answer::{Screen, screen_with, see_other},
    form::{Form, NoFields, OneClick},
};

const NOTIFICATIONS: &str = "/notifications";

fn page(channel: &str) -> String {
    format!("{NOTIFICATIONS}/channels/{channel}")
}

/// What the form for a new channel sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewChannel {
    plugin: String,
    address: String,
}

/// What the form for quiet hours sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Quiet {
    begins: String,
    ends: String,
    zone: String,
}

/// What the form for a code sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Code {
    code: String,
}

/// What the form for kinds sends: those whose boxes are ticked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Kinds {
    usage: Option<String>,
    service: Option<String>,
    billing: Option<String>,
}

/// `GET /notifications`
pub(crate) async fn list(ask: Ask) -> Answer {
    let view = ask.portal.notifications().await?;
    Ok(Screen(Content::Notifications { view, form: FormState::default() }).into_response())
}

/// `POST /notifications/channels`
pub(crate) async fn add(
    ask: Ask,
    Form(NewChannel { plugin, address }): Form<NewChannel>,
) -> Answer {
    let typed = [("plugin", plugin.clone()), ("address", address.clone())];
    match ask.portal.add_channel(AddChannel { plugin, address }).await {
        Ok(channel) => Ok(see_other(&page(&channel.to_string()))),
        Err(error) => {
            let form = again(&error, typed)?;
            let view = ask.portal.notifications().await?;
            Ok(screen_with(&error, Content::Notifications { view, form }))
        }
    }
}

/// `POST /notifications/quiet`
pub(crate) async fn quiet(ask: Ask, Form(Quiet { begins, ends, zone }): Form<Quiet>) -> Answer {
    let typed = [("begins", begins.clone()), ("ends", ends.clone()), ("zone", zone.clone())];
    match ask.portal.set_quiet(SetQuiet { begins, ends, zone }).await {
        Ok(()) => Ok(see_other(NOTIFICATIONS)),
        Err(error) => {
            let form = again(&error, typed)?;
            let view = ask.portal.notifications().await?;
            Ok(screen_with(&error, Content::Notifications { view, form }))
        }
    }
}

/// `GET /notifications/channels/{channel}`
pub(crate) async fn channel(ask: Ask, Path(channel): Path<String>) -> Answer {
    let view = ask.portal.get_channel(&channel).await?;
    Ok(Screen(Content::Channel { view, form: FormState::default() }).into_response())
}

/// `GET /notifications/channels/{channel}/verify/{code}`: the code is filled in, and nothing is
/// done: mail programs follow links by themselves.
pub(crate) async fn verify_page(ask: Ask, Path((channel, code)): Path<(String, String)>) -> Answer {
    let view = ask.portal.get_channel(&channel).await?;
    let values = [("code".to_owned(), code)].into();
    let form = FormState { values, error: None };
    Ok(Screen(Content::Channel { view, form }).into_response())
}

/// `POST /notifications/channels/{channel}/verify`
pub(crate) async fn verify(
    ask: Ask,
    Path(channel): Path<String>,
    Form(Code { code }): Form<Code>,
) -> Answer {
    match ask.portal.verify_channel(&channel, &code).await {
        Ok(()) => Ok(see_other(&page(&channel))),
        Err(error) => {
            let form = again(&error, [("code", code)])?;
            let view = ask.portal.get_channel(&channel).await?;
            Ok(screen_with(&error, Content::Channel { view, form }))
        }
    }
}

/// `POST /notifications/channels/{channel}/code`
pub(crate) async fn code(
    ask: Ask,
    Path(channel): Path<String>,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    match ask.portal.send_code(&channel).await {
        Ok(()) => Ok(see_other(&page(&channel))),
        Err(error) => {
            let form = again(&error, [])?;
            let view = ask.portal.get_channel(&channel).await?;
            Ok(screen_with(&error, Content::Channel { view, form }))
        }
    }
}

/// `POST /notifications/channels/{channel}/kinds`
pub(crate) async fn kinds(
    ask: Ask,
    Path(channel): Path<String>,
    Form(Kinds { usage, service, billing }): Form<Kinds>,
) -> Answer {
    let ticked = [
        (MessageKind::Usage, usage),
        (MessageKind::Service, service),
        (MessageKind::Billing, billing),
    ];
    let kinds = ticked.into_iter().filter_map(|(kind, it)| it.map(|_| kind)).collect();
    ask.portal.set_kinds(&channel, kinds).await?;
    Ok(see_other(&page(&channel)))
}

/// `GET /notifications/channels/{channel}/remove`
pub(crate) async fn remove_page(ask: Ask, Path(channel): Path<String>) -> Answer {
    let view = ask.portal.get_channel(&channel).await?;
    Ok(Screen(Content::RemoveChannel(view)).into_response())
}

/// `POST /notifications/channels/{channel}/remove`
pub(crate) async fn remove(
    ask: Ask,
    Path(channel): Path<String>,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    ask.portal.remove_channel(&channel).await?;
    Ok(see_other(NOTIFICATIONS))
}

/// `GET /unsubscribe/{link}`
pub(crate) async fn unsubscribe_page(ask: Ask, Path(link): Path<String>) -> Answer {
    let view = ask.portal.get_unsubscribe(&link).await?;
    Ok(Screen(Content::Unsubscribe(view)).into_response())
}

/// `POST /unsubscribe/{link}`: the button of that page, or one of a mail program's own, which sends
/// `List-Unsubscribe=One-Click` in one of two encodings and follows no redirect (RFC 8058).
pub(crate) async fn unsubscribe(
    ask: Ask,
    Path(link): Path<String>,
    OneClick(by_program): OneClick,
) -> Answer {
    ask.portal.unsubscribe(&link).await?;
    if !by_program {
        return Ok(see_other(&format!("/unsubscribe/{link}")));
    }
    let view = ask.portal.get_unsubscribe(&link).await?;
    Ok(Screen(Content::Unsubscribe(view)).into_response())
}
