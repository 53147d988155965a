//! What stands around the island, and the form that needs no JavaScript.

use leptos::prelude::*;

use super::{island::AddDevice, texts};
use crate::{
    components::{ButtonLink, ErrorSummary, Field, Heading, Look, Notice, Submit, Tone},
    contract::PodView,
    pages::FormState,
};

pub(crate) fn title(_: &PodView) -> String {
    texts::TITLE.to_owned()
}

/// Whether one more device fits into the pod.
pub(crate) fn has_room(pod: &PodView) -> bool {
    u32::try_from(pod.devices.len()).is_ok_and(|devices| devices < pod.device_limit)
}

#[component]
pub fn AddDevicePage(pod: PodView, form: FormState) -> impl IntoView {
    let up = format!("/pods/{}", pod.id);
    let room = has_room(&pod);
    view! {
        <ErrorSummary error=form.error.clone() fields=&["name", "public_key"] />
        <Heading title=texts::TITLE up=(up.clone(), pod.location.clone()) />
        {if room {
            view! {
                <p class="lede">{texts::lede(&pod.location)}</p>
                <noscript>
                    <Notice
                        tone=Tone::Warn
                        title=texts::NO_SCRIPT_TITLE
                        text=texts::NO_SCRIPT
                    />
                </noscript>
                <div id="boot-failed" role="alert" hidden>
                    <Notice tone=Tone::Bad title=texts::BROKEN_TITLE text=texts::BROKEN />
                </div>
                <AddDevice pod=pod.id.to_string() />
                <Platforms />
                <OwnKey action=format!("{up}/devices/new") form />
            }
                .into_any()
        } else {
            view! {
                <Notice
                    tone=Tone::Warn
                    title=texts::FULL_TITLE
                    text=texts::full(pod.device_limit)
                />
                <div class="actions">
                    <ButtonLink href=up label=texts::FULL_BACK look=Look::Secondary />
                </div>
            }
                .into_any()
        }}
    }
}

/// How the stock apps take a configuration. The style sheet shows it beside one.
#[component]
fn Platforms() -> impl IntoView {
    view! {
        <section class="part how">
            <h2>{texts::HOW}</h2>
            <div class="platforms">
                {texts::PLATFORMS
                    .into_iter()
                    .map(|(system, text)| {
                        view! {
                            <details>
                                <summary>{system}</summary>
                                <p>{text}</p>
                            </details>
                        }
                    })
                    .collect_view()}
            </div>
        </section>
    }
}

/// Open when something was typed into it.
#[component]
fn OwnKey(action: String, form: FormState) -> impl IntoView {
    let open = form.error.is_some() || !form.values.is_empty();
    view! {
        <details class="own-key" open=open>
            <summary>{texts::OWN_TITLE}</summary>
            <p class="muted">{texts::OWN_LEDE}</p>
            <form method="post" action=action class="form" novalidate>
                <Field
                    name="name"
                    label=texts::NAME
                    value=form.value("name")
                    error=form.error_of("name")
                    max=64
                />
                <Field
                    name="public_key"
                    label=texts::OWN_KEY
                    hint=texts::OWN_KEY_HINT
                    value=form.value("public_key")
                    error=form.error_of("public_key")
                />
                <Submit label=texts::OWN_SUBMIT look=Look::Secondary />
            </form>
        </details>
    }
}
