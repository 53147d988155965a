//! One of a few things to choose: label, hint, what was wrong with it, and the list.

use leptos::prelude::*;

use super::field::field_id;
use crate::texts;

/// A labelled list of which one is taken.
#[component]
pub fn Choice(
    /// What the door calls it.
    name: &'static str,
    #[prop(into)] label: String,
    #[prop(optional, into)] hint: Option<String>,
    /// What is wrong with what was chosen.
    #[prop(optional_no_strip)]
    error: Option<String>,
    /// The value that is chosen at first.
    #[prop(into)]
    chosen: String,
    /// Each value, and what people read.
    options: Vec<(String, String)>,
) -> impl IntoView {
    let id = field_id(name);
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
            <select
                id=id
                name=name
                aria-describedby=described
                aria-invalid=invalid.then_some("true")
            >
                {options
                    .into_iter()
                    .map(|(value, words)| {
                        let selected = value == chosen;
                        view! { <option value=value selected=selected>{words}</option> }
                    })
                    .collect_view()}
            </select>
        </div>
    }
}
