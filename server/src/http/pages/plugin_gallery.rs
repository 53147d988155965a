//! Operators: packages in a folder of the portal's machine, to choose from.

use axum::{
    extract::Path,
    http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    response::IntoResponse,
};
use myrelay_app::{Content, FormState, PluginForm, contract::ChoosePackage};
use serde::Deserialize;
use tower_sessions::Session;

use super::{Answer, Ask, again, plugin_forms::mark};
use crate::http::{
    answer::{Screen, screen_with, see_other},
    form::Form,
    routes::UPLOAD,
};

/// `GET /operator/plugins/gallery`
pub(crate) async fn gallery(ask: Ask) -> Answer {
    let view = ask.portal.plugin_gallery().await?;
    Ok(Screen(Content::PluginForm(PluginForm::Gallery(view))).into_response())
}

/// `GET /operator/plugins/gallery/{package}`
pub(crate) async fn package(ask: Ask, Path(package): Path<String>) -> Answer {
    let card = Box::new(ask.portal.gallery_package(&package).await?);
    let page = PluginForm::Choose { card, form: FormState::default() };
    Ok(Screen(Content::PluginForm(page)).into_response())
}

/// The publisher's key, where it is not known yet.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Chosen {
    #[serde(default)]
    publisher: String,
}

/// `POST /operator/plugins/gallery/{package}`
pub(crate) async fn choose(
    ask: Ask,
    session: Session,
    Path(package): Path<String>,
    Form(Chosen { publisher }): Form<Chosen>,
) -> Answer {
    let input = ChoosePackage {
        session: mark(&ask, &session)?,
        digest: package.clone(),
        publisher: publisher.clone(),
    };
    match ask.portal.choose_package(input).await {
        Ok(upload) => Ok(see_other(&format!("{UPLOAD}/{upload}"))),
        Err(error) => {
            let form = again(&error, [("publisher", publisher)])?;
            // It may be another file by now, of which nothing was said yet: the error says so.
            let Ok(card) = ask.portal.gallery_package(&package).await else {
                return Err(error.into());
            };
            let card = Box::new(card);
            Ok(screen_with(&error, Content::PluginForm(PluginForm::Choose { card, form })))
        }
    }
}

/// `GET /operator/plugins/gallery/{package}/icon.png`: whatever is in it, it is a picture and
/// nothing else. Its address names its content.
pub(crate) async fn icon(ask: Ask, Path(package): Path<String>) -> Answer {
    let png = ask.portal.gallery_icon(&package).await?;
    let headers = [
        (CONTENT_TYPE, "image/png"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox; frame-ancestors 'none'"),
        (CACHE_CONTROL, "private, max-age=86400, immutable"),
    ];
    Ok((headers, png).into_response())
}
