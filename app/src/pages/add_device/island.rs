//! The three steps. The portal draws the first; the browser does the rest.

use leptos::{ev::SubmitEvent, html, prelude::*};

#[cfg(feature = "browser")]
use super::finished;
use super::{
    stage::{Flow, Stage},
    texts,
};
use crate::{components::Look, contract::PortalError, texts as shared};

/// Adds a device to a pod, with a key that is made here.
#[island]
pub fn AddDevice(pod: String) -> impl IntoView {
    let flow = Flow::new(pod);
    Effect::new(move |_| flow.awake.set(true));
    view! {
        <ol class="steps">
            <li class="step" class:step-done=move || !flow.is_naming()>
                <h2>{texts::NAME_TITLE}</h2>
                {naming(flow)}
                {move || first_done(flow)}
            </li>
            <li class="step" class:step-done=move || !flow.is_naming()>
                <h2>{texts::KEY_TITLE}</h2>
                <p class="muted">{texts::KEY_LEDE}</p>
                {move || second_done(flow)}
            </li>
            <li class="step" class:step-now=move || !flow.is_naming()>
                <h2 id="step-save" tabindex="-1">{texts::SAVE_TITLE}</h2>
                {move || third(flow)}
            </li>
        </ol>
    }
}

/// The form of the first step. It stays in the page, so that what was typed stays too.
fn naming(flow: Flow) -> impl IntoView {
    let input = NodeRef::<html::Input>::new();
    let make = move |event: SubmitEvent| {
        event.prevent_default();
        #[cfg(feature = "browser")]
        if let Some(input) = input.get_untracked() {
            flow.make(input);
        }
    };
    let invalid = move || name_error(flow).is_some();
    view! {
        <form class="form" novalidate hidden=move || !flow.is_naming() on:submit=make>
            <div class="field" class:field-invalid=invalid>
                <label for="device-name">{texts::NAME}</label>
                <p class="field-hint" id="device-name-hint">{texts::NAME_HINT}</p>
                <div id="device-name-error" role="alert">{move || problem(flow)}</div>
                <input
                    id="device-name"
                    type="text"
                    autocomplete="off"
                    spellcheck="false"
                    maxlength="64"
                    required
                    aria-describedby="device-name-hint device-name-error"
                    aria-invalid=move || invalid().then_some("true")
                    node_ref=input
                />
            </div>
            <button
                id="make-key"
                type="submit"
                class=Look::Primary.class()
                disabled=move || !flow.awake.get() || flow.busy.get()
            >
                {move || if flow.busy.get() { texts::MAKING } else { texts::MAKE }}
            </button>
        </form>
    }
}

fn name_error(flow: Flow) -> Option<PortalError> {
    flow.error
        .get()
        .filter(|it| matches!(it, PortalError::Invalid { field, .. } if field == "name"))
}

/// What went wrong while the device was being added.
fn problem(flow: Flow) -> impl IntoView {
    flow.error.get().filter(|_| flow.is_naming()).map(|error| {
        let after = match (&error, name_error(flow)) {
            (_, Some(_)) => None,
            (PortalError::Unreachable, None) => Some(texts::MAYBE_ADDED),
            (error, None) => Some(shared::after(error)),
        };
        view! {
            <p class="field-error">{shared::sentence(&error)}</p>
            {after.map(|after| view! { <p class="muted">{after}</p> })}
        }
    })
}

fn first_done(flow: Flow) -> AnyView {
    match flow.stage.get() {
        Stage::Naming => ().into_any(),
        #[cfg(feature = "browser")]
        Stage::Waiting(added) | Stage::Ready(added, _) => {
            view! { <p>{texts::named(&added.peer.name)}</p> }.into_any()
        }
    }
}

fn second_done(flow: Flow) -> AnyView {
    match flow.stage.get() {
        Stage::Naming => ().into_any(),
        #[cfg(feature = "browser")]
        Stage::Waiting(added) | Stage::Ready(added, _) => finished::sent(&added).into_any(),
    }
}

fn third(flow: Flow) -> AnyView {
    match flow.stage.get() {
        Stage::Naming => view! { <p class="muted">{texts::SAVE_LEDE}</p> }.into_any(),
        #[cfg(feature = "browser")]
        Stage::Waiting(_) => finished::waiting(flow).into_any(),
        #[cfg(feature = "browser")]
        Stage::Ready(added, finished) => finished::ready(flow, &added, finished).into_any(),
    }
}
