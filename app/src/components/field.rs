//! One thing to type: label, hint, what was wrong with it, and the input, in this order
//! (<https://design-system.service.gov.uk/components/text-input/>).

use leptos::prelude::*;

use crate::texts;

/// The HTML id of a field's input: error summaries link to it.
pub(crate) fn field_id(name: &str) -> String {
    format!("field-{name}")
}

/// A labelled input.
#[component]
pub fn Field(
    /// What the door calls it.
    name: &'static str,
    #[prop(into)] label: String,
    #[prop(default = "text")] kind: &'static str,
    /// What was typed before; never given for a password.
    #[prop(optional, into)]
    value: String,
    #[prop(optional, into)] hint: Option<String>,
    /// What is wrong with what was typed.
    error: Option<String>,
    #[prop(default = "off")] autocomplete: &'static str,
    /// Whether nothing is no answer.
    #[prop(default = true)]
    required: bool,
    /// The most characters; the portal checks again.
    #[prop(default = 256)]
    max: u16,
) -> impl IntoView {
    let id = field_id(name);
    let hint = hint.filter(|it| !it.is_empty());
    let hint_id = hint.is_some().then(|| format!("{id}-hint"));
    let error_id = error.is_some().then(|| format!("{id}-error"));
    let described: Vec<String> =
        [hint_id.clone(), error_id.clone()].into_iter().flatten().collect();
    let described = (!described.is_empty()).then(|| described.join(" "));
    let invalid = error.is_some();
    view! {
        <div class="field" class:field-invalid=invalid>
            <label for=id.clone()>{label}</label>
            {hint.map(|hint| view! { <p class="field-hint" id=hint_id>{hint}</p> })}
            {error
                .map(|error| {
                    view! {
                        <p class="field-error" id=error_id>
                            <span class="visually-hidden">{texts::ERROR_PREFIX}</span>
                            {error}
                        </p>
                    }
                })}
            <input
                id=id
                name=name
                type=kind
                value=value
                autocomplete=autocomplete
                maxlength=max
                required=required
                spellcheck="false"
                autocapitalize="none"
                aria-describedby=described
                aria-invalid=invalid.then_some("true")
            />
        </div>
    }
}
