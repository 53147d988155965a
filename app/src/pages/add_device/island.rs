//! The three steps. The portal draws the first and the places of the others; the browser fills
//! them when it has something to show.

use leptos::{ev::SubmitEvent, html, prelude::*};

use super::texts;
use crate::{components::Look, contract::PortalError, texts as shared};

/// Where what is known after the first step goes.
pub(super) const PLACE_NAMED: &str = "step-named";
pub(super) const PLACE_SENT: &str = "step-sent";
pub(super) const PLACE_READY: &str = "step-ready";
/// The heading of the last step.
pub(super) const LAST_STEP: &str = "step-save";

/// What the steps share.
#[derive(Clone, Copy)]
pub(super) struct Flow {
    pub(super) pod: StoredValue<String>,
    /// Whether the browser runs this: until then nothing can be pressed.
    pub(super) awake: RwSignal<bool>,
    /// Whether an answer is awaited: until then nothing can be pressed twice.
    pub(super) busy: RwSignal<bool>,
    /// Whether the device was added.
    pub(super) added: RwSignal<bool>,
    /// Whether leaving the page would lose the private key.
    pub(super) unsaved: StoredValue<bool>,
    pub(super) error: RwSignal<Option<PortalError>>,
}

/// Adds a device to a pod, with a key that is made here.
#[island]
pub fn AddDevice(pod: String) -> impl IntoView {
    let flow = Flow {
        pod: StoredValue::new(pod),
        awake: RwSignal::new(false),
        busy: RwSignal::new(false),
        added: RwSignal::new(false),
        unsaved: StoredValue::new(false),
        error: RwSignal::new(None),
    };
    Effect::new(move |_| flow.awake.set(true));
    let added = move || flow.added.get();
    view! {
        <ol class="steps">
            <li class="step" class:step-done=added>
                <h2>{texts::NAME_TITLE}</h2>
                <Naming flow />
                <div id=PLACE_NAMED></div>
            </li>
            <li class="step" class:step-done=added>
                <h2>{texts::KEY_TITLE}</h2>
                <p class="muted">{texts::KEY_LEDE}</p>
                <div id=PLACE_SENT></div>
            </li>
            <li class="step" class:step-now=added>
                <h2 id=LAST_STEP tabindex="-1">
                    {texts::SAVE_TITLE}
                </h2>
                <p class="muted" hidden=added>
                    {texts::SAVE_LEDE}
                </p>
                <div id=PLACE_READY></div>
            </li>
        </ol>
    }
}

/// The form of the first step. It stays in the page, so that what was typed stays too.
#[component]
fn Naming(flow: Flow) -> impl IntoView {
    let input = NodeRef::<html::Input>::new();
    let make = move |event: SubmitEvent| {
        event.prevent_default();
        #[cfg(feature = "browser")]
        if let Some(input) = input.get_untracked() {
            flow.make(input);
        }
    };
    let invalid = move || flow.error.with(|it| it.as_ref().is_some_and(is_about_name));
    let message = move || flow.error.with(|it| it.as_ref().map(shared::sentence));
    let advice = move || flow.error.with(|it| it.as_ref().map(advice));
    let label = move || if flow.busy.get() { texts::MAKING } else { texts::MAKE };
    view! {
        <form class="form" novalidate hidden=move || flow.added.get() on:submit=make>
            <div class="field" class:field-invalid=invalid>
                <label for="device-name">{texts::NAME}</label>
                <p class="field-hint" id="device-name-hint">
                    {texts::NAME_HINT}
                </p>
                <div id="device-name-error" role="alert">
                    <p class="field-error">{message}</p>
                    <p class="muted">{advice}</p>
                </div>
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
                {label}
            </button>
            <p class="muted starting" hidden=move || flow.awake.get()>
                {texts::STARTING}
            </p>
        </form>
    }
}

fn is_about_name(error: &PortalError) -> bool {
    matches!(error, PortalError::Invalid { field, .. } if field == "name")
}

/// What to do after an error; nothing where the message says it all.
fn advice(error: &PortalError) -> &'static str {
    match error {
        error if is_about_name(error) => "",
        PortalError::Unreachable => texts::MAYBE_ADDED,
        error => shared::after(error),
    }
}
