//! Chooses what a device sends through its tunnel.

mod texts;

use leptos::prelude::*;
use myrelay_domain::routes::Routes;

use super::FormState;
use crate::{
    components::{ButtonLink, ErrorSummary, Heading, Look, Notice, Submit, Tone},
    contract::AddedPeer,
    texts as shared,
};

/// What the form's first field may say, what it means, and a line on it.
const MODES: [(&str, &str, &str); 4] = [
    ("everything", texts::EVERYTHING, texts::EVERYTHING_HINT),
    ("except-local", texts::EXCEPT_LOCAL, texts::EXCEPT_LOCAL_HINT),
    ("except", texts::EXCEPT, ""),
    ("only", texts::ONLY, texts::ONLY_HINT),
];

pub(crate) fn title(device: &AddedPeer) -> String {
    texts::title(&device.peer.name)
}

#[component]
pub fn DeviceRoutes(device: AddedPeer, form: FormState) -> impl IntoView {
    let up = format!("/devices/{}", device.peer.id);
    let action = format!("{up}/routes");
    let (mode, networks) = if form.error.is_some() {
        (form.value("mode"), form.value("networks"))
    } else {
        stored(&device.peer.routes)
    };
    view! {
        <ErrorSummary error=form.error.clone() fields=&["mode", "networks"] />
        <Heading title=title(&device) up=(up.clone(), device.peer.name.clone()) />
        <p class="lede">{texts::LEDE}</p>
        <form method="post" action=action class="form" novalidate>
            <Modes chosen=mode error=form.error_of("mode") />
            <Networks value=networks error=form.error_of("networks") />
            <p class="muted">{texts::INSIDE}</p>
            <Notice tone=Tone::Plain title=texts::BLOCK_TITLE text=texts::BLOCK />
            <div class="actions">
                <Submit label=texts::SUBMIT />
                <ButtonLink href=up label=shared::CANCEL look=Look::Quiet />
            </div>
        </form>
    }
}

/// The form's fields as the stored choice fills them.
fn stored(routes: &Routes) -> (String, String) {
    let mode = match routes {
        Routes::Everything => "everything",
        routes if *routes == Routes::except_local() => "except-local",
        Routes::Except(_) => "except",
        Routes::Only(_) => "only",
    };
    let networks = routes.networks().filter(|_| mode != "except-local");
    let lines = networks.map(|list| list.to_string().replace(' ', "\n"));
    (mode.to_owned(), lines.unwrap_or_default())
}

/// One choice of four. The first has the id that an error's link leads to.
#[component]
fn Modes(chosen: String, error: Option<String>) -> impl IntoView {
    let invalid = error.is_some();
    let choice =
        |(index, (value, label, hint)): (usize, (&'static str, &'static str, &'static str))| {
            let id =
                if index == 0 { "field-mode".to_owned() } else { format!("field-mode-{value}") };
            view! {
                <div class="choice">
                    <input
                        type="radio"
                        id=id.clone()
                        name="mode"
                        value=value
                        checked=chosen == value
                    />
                    <div>
                        <label for=id>{label}</label>
                        <p class="field-hint">{hint}</p>
                    </div>
                </div>
            }
        };
    let choices = MODES.into_iter().enumerate().map(choice).collect_view();
    view! {
        <fieldset class="choices" class:field-invalid=invalid>
            <legend>{texts::MODE}</legend>
            {message("field-mode-error", error)}
            {choices}
        </fieldset>
    }
}

#[component]
fn Networks(value: String, error: Option<String>) -> impl IntoView {
    let invalid = error.is_some();
    let described =
        if invalid { "field-networks-hint field-networks-error" } else { "field-networks-hint" };
    view! {
        <div class="field" class:field-invalid=invalid>
            <label for="field-networks">{texts::NETWORKS}</label>
            <p class="field-hint" id="field-networks-hint">
                {texts::NETWORKS_HINT}
            </p>
            {message("field-networks-error", error)}
            <textarea
                id="field-networks"
                name="networks"
                rows="6"
                spellcheck="false"
                autocapitalize="none"
                autocomplete="off"
                aria-describedby=described
                aria-invalid=invalid.then_some("true")
            >
                {escaped(&value)}
            </textarea>
        </div>
    }
}

/// Text as HTML. Leptos escapes what stands in every element but this one (and scripts and styles),
/// and a browser reads character references in it like everywhere.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What is wrong with a field.
fn message(id: &'static str, error: Option<String>) -> impl IntoView {
    error.map(|error| {
        view! {
            <p class="field-error" id=id>
                <span class="visually-hidden">{shared::ERROR_PREFIX}</span>
                {error}
            </p>
        }
    })
}
