//! Operators: forms about plugins.

use axum::{
    extract::{
        Multipart, Path,
        multipart::{MultipartError, MultipartRejection},
    },
    http::StatusCode,
    response::IntoResponse,
};
use myrelay_app::{
    Content, FormState, PluginForm,
    contract::{
        InstallOutcome, LimitsChange, PortalError, SettingsChange, TypedFields, UploadPlugin,
    },
};
use tower_sessions::Session;

use super::{Answer, Ask, again};
use crate::{
    http::{
        answer::{Fault, Screen, screen_with, see_other},
        form::{Form, NoFields},
        routes::UPLOAD,
    },
    sessions,
};

/// `GET /operator/plugins/{plugin}/settings`
pub(crate) async fn settings_page(ask: Ask, Path(plugin): Path<String>) -> Answer {
    let view = ask.portal.plugin_settings(&plugin).await?;
    Ok(Screen(Content::PluginForm(PluginForm::Settings(view))).into_response())
}

/// `POST /operator/plugins/{plugin}/settings`
pub(crate) async fn settings(
    ask: Ask,
    Path(plugin): Path<String>,
    Form(typed): Form<Vec<(String, String)>>,
) -> Answer {
    match ask.portal.change_plugin_settings(&plugin, TypedFields(typed)).await? {
        SettingsChange::Saved => Ok(see_other(&format!("/operator/plugins/{plugin}"))),
        SettingsChange::Refused(view) => {
            let error = view.error.clone();
            let error = error.unwrap_or_else(|| PortalError::invalid("settings", "see the form"));
            Ok(screen_with(&error, Content::PluginForm(PluginForm::Settings(*view))))
        }
    }
}

/// `GET /operator/plugins/{plugin}/limits`
pub(crate) async fn limits_page(ask: Ask, Path(plugin): Path<String>) -> Answer {
    let view = ask.portal.plugin_limits(&plugin).await?;
    Ok(Screen(Content::PluginForm(PluginForm::Limits(view))).into_response())
}

/// `POST /operator/plugins/{plugin}/limits`
pub(crate) async fn limits(
    ask: Ask,
    Path(plugin): Path<String>,
    Form(typed): Form<Vec<(String, String)>>,
) -> Answer {
    match ask.portal.change_plugin_limits(&plugin, TypedFields(typed)).await? {
        LimitsChange::Saved => Ok(see_other(&format!("/operator/plugins/{plugin}"))),
        LimitsChange::Refused(view) => {
            let error = view.error.clone();
            let error = error.unwrap_or_else(|| PortalError::invalid("limits", "see the form"));
            Ok(screen_with(&error, Content::PluginForm(PluginForm::Limits(*view))))
        }
    }
}

/// `GET /operator/plugins/install`
pub(crate) async fn upload_page(ask: Ask) -> Answer {
    let takes_unsigned = ask.portal.takes_unsigned_plugins().await?;
    let page = PluginForm::Upload { takes_unsigned, form: FormState::default() };
    Ok(Screen(Content::PluginForm(page)).into_response())
}

/// `POST /operator/plugins/install`
pub(crate) async fn upload(
    ask: Ask,
    session: Session,
    parts: Result<Multipart, MultipartRejection>,
) -> Answer {
    let parts = parts.map_err(|_rejection| {
        Fault::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, "a file is sent as multipart/form-data")
    })?;
    let input = read_upload(parts, mark(&ask, &session)?).await?;
    let publisher = input.publisher.clone();
    match ask.portal.upload_plugin(input).await {
        Ok(upload) => Ok(see_other(&format!("{UPLOAD}/{upload}"))),
        Err(error) => {
            let form = again(&error, [("publisher", publisher)])?;
            let takes_unsigned = ask.portal.takes_unsigned_plugins().await?;
            let page = PluginForm::Upload { takes_unsigned, form };
            Ok(screen_with(&error, Content::PluginForm(page)))
        }
    }
}

/// The parts of the form, each once; a file that was not chosen is empty.
async fn read_upload(mut parts: Multipart, session: String) -> Result<UploadPlugin, Fault> {
    let (mut package, mut signature, mut publisher) = (None, None, None);
    while let Some(part) = parts.next_field().await.map_err(|it| broken(&it))? {
        let name = part.name().unwrap_or_default().to_owned();
        let place = match name.as_str() {
            "package" => &mut package,
            "signature" => &mut signature,
            "publisher" => &mut publisher,
            _ => return Err(PortalError::invalid("form", "nobody asked for this part").into()),
        };
        let bytes = part.bytes().await.map_err(|it| broken(&it))?;
        if place.replace(bytes).is_some() {
            return Err(PortalError::invalid("form", format!("{name} is there twice")).into());
        }
    }
    let text = |it: Option<axum::body::Bytes>| {
        it.map(|it| String::from_utf8_lossy(&it).into_owned()).unwrap_or_default()
    };
    Ok(UploadPlugin {
        session,
        package: package.map(Vec::from).unwrap_or_default(),
        signature: Some(text(signature)).filter(|it| !it.trim().is_empty()),
        publisher: text(publisher),
    })
}

fn broken(error: &MultipartError) -> Fault {
    PortalError::invalid("form", format!("the form does not fit: {error}")).into()
}

/// What finds again what this browser sent.
pub(super) fn mark(ask: &Ask, session: &Session) -> Result<String, Fault> {
    sessions::mark(session).map_err(|error| error.into_portal_error(&ask.visit.id).into())
}

/// `GET /operator/plugins/install/{upload}`
pub(crate) async fn install_page(ask: Ask, session: Session, Path(upload): Path<String>) -> Answer {
    let view = ask.portal.plugin_upload(&mark(&ask, &session)?, &upload).await?;
    let page = PluginForm::Install(Box::new(view));
    Ok(Screen(Content::PluginForm(page)).into_response())
}

/// `POST /operator/plugins/install/{upload}`
pub(crate) async fn install(
    ask: Ask,
    session: Session,
    Path(upload): Path<String>,
    Form(typed): Form<Vec<(String, String)>>,
) -> Answer {
    let session = mark(&ask, &session)?;
    match ask.portal.install_upload(&session, &upload, TypedFields(typed)).await? {
        InstallOutcome::Installed(id) => Ok(see_other(&format!("/operator/plugins/{id}"))),
        InstallOutcome::Refused(view) => {
            let error = view.error.clone();
            let error = error.unwrap_or_else(|| PortalError::invalid("settings", "see the form"));
            Ok(screen_with(&error, Content::PluginForm(PluginForm::Install(view))))
        }
    }
}

/// `POST /operator/plugins/install/{upload}/discard`
pub(crate) async fn discard(
    ask: Ask,
    session: Session,
    Path(upload): Path<String>,
    Form(NoFields {}): Form<NoFields>,
) -> Answer {
    ask.portal.discard_upload(&mark(&ask, &session)?, &upload).await?;
    Ok(see_other("/operator/plugins"))
}
