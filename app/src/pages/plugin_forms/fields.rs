//! A plugin's settings and secrets, each with what it is asked for with.

use leptos::prelude::*;

use super::texts;
use crate::{
    contract::{SecretField, SettingField, SettingInput},
    pages::device_routes::escaped,
    texts as shared,
};

/// The HTML id of a field's input.
pub(super) fn id(name: &str) -> String {
    format!("field-{name}")
}

/// The settings.
#[component]
pub fn Fields(fields: Vec<SettingField>) -> impl IntoView {
    fields.into_iter().map(one).collect_view()
}

fn one(field: SettingField) -> AnyView {
    match field.input.clone() {
        SettingInput::Group(inside) => view! { <Group field inside /> }.into_any(),
        SettingInput::Check => view! { <Check field /> }.into_any(),
        _ => view! { <Labelled field /> }.into_any(),
    }
}

/// Settings that belong together.
#[component]
fn Group(field: SettingField, inside: Vec<SettingField>) -> impl IntoView {
    let words = About::of(&field);
    let invalid = field.error.is_some();
    view! {
        <fieldset class="settings-group" class:field-invalid=invalid id=id(&field.name)>
            <legend>{field.label.clone()}</legend>
            {words.hints()}
            {words.error()}
            {inside.into_iter().map(one).collect_view()}
        </fieldset>
    }
}

/// A box to tick.
#[component]
fn Check(field: SettingField) -> impl IntoView {
    let words = About::of(&field);
    let invalid = field.error.is_some();
    view! {
        <div class="choice" class:field-invalid=invalid>
            <input
                type="checkbox"
                id=id(&field.name)
                name=field.name.clone()
                checked=!field.value.is_empty()
                aria-describedby=words.ids()
                aria-invalid=invalid.then_some("true")
            />
            <div>
                <label for=id(&field.name)>{field.label}</label>
                {words.hints()}
                {words.error()}
            </div>
        </div>
    }
}

/// Everything that is typed or chosen.
#[component]
fn Labelled(field: SettingField) -> impl IntoView {
    let words = About::of(&field);
    let invalid = field.error.is_some();
    let label = texts::label(&field);
    let is_chosen = matches!(field.input, SettingInput::Choice(_)) && field.default.is_some();
    let may_be_empty = !field.required && !is_chosen;
    view! {
        <div class="field settings-field" class:field-invalid=invalid>
            <label for=id(&field.name)>
                {label}
                {may_be_empty.then(|| view! { <span class="optional">{texts::OPTIONAL}</span> })}
            </label>
            {words.hints()}
            {words.error()}
            {input(field, words.ids())}
        </div>
    }
}

fn input(field: SettingField, described: Option<String>) -> AnyView {
    let invalid = field.error.is_some().then_some("true");
    let (kind, mode) = match field.input {
        SettingInput::Choice(options) => {
            let no_choice = !field.required || field.value.is_empty();
            let empty = (no_choice && field.default.is_none()).then(|| {
                view! { <option value="" selected=field.value.is_empty()>{texts::NO_CHOICE}</option> }
            });
            return view! {
                <select
                    id=id(&field.name)
                    name=field.name
                    aria-describedby=described
                    aria-invalid=invalid
                >
                    {empty}
                    {options
                        .into_iter()
                        .map(|(value, words)| {
                            let selected = value == field.value;
                            view! { <option value=value selected=selected>{words}</option> }
                        })
                        .collect_view()}
                </select>
            }
            .into_any();
        }
        SettingInput::Long
        | SettingInput::Lines
        | SettingInput::Json
        | SettingInput::Rest
        | SettingInput::Group(_) => {
            let lines = field.value.lines().count().clamp(3, 11) + 1;
            // The first line break in it is the browser's.
            let text = format!("\n{}", escaped(&field.value));
            return view! {
                <textarea
                    id=id(&field.name)
                    name=field.name
                    rows=lines.to_string()
                    spellcheck="false"
                    autocapitalize="none"
                    autocomplete="off"
                    aria-describedby=described
                    aria-invalid=invalid
                >
                    {text}
                </textarea>
            }
            .into_any();
        }
        SettingInput::Text(kind) => (kind, None),
        SettingInput::Number => ("text".to_owned(), Some("decimal")),
        SettingInput::Check => ("checkbox".to_owned(), None),
    };
    view! {
        <input
            id=id(&field.name)
            name=field.name
            type=kind
            inputmode=mode
            value=field.value
            autocomplete="off"
            spellcheck="false"
            autocapitalize="none"
            aria-describedby=described
            aria-invalid=invalid
        />
    }
    .into_any()
}

/// The words around an input.
struct About {
    id: String,
    hints: Vec<String>,
    error: Option<String>,
}

impl About {
    fn of(field: &SettingField) -> Self {
        let error = field.error.clone().map(shared::capital);
        Self { id: id(&field.name), hints: texts::hints(field), error }
    }

    fn of_secret(secret: &SecretField) -> Self {
        let error = secret.error.clone().map(shared::capital);
        Self { id: id(&secret.name), hints: texts::secret_hints(secret), error }
    }

    /// The ids of what describes the input.
    fn ids(&self) -> Option<String> {
        let hint = (!self.hints.is_empty()).then(|| format!("{}-hint", self.id));
        let error = self.error.is_some().then(|| format!("{}-error", self.id));
        let ids: Vec<String> = hint.into_iter().chain(error).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }

    fn hints(&self) -> impl IntoView + use<> {
        let text = self.hints.join(" ");
        let id = format!("{}-hint", self.id);
        (!text.is_empty()).then(|| view! { <p class="field-hint breakable" id=id>{text}</p> })
    }

    fn error(&self) -> impl IntoView + use<> {
        let id = format!("{}-error", self.id);
        self.error.clone().map(|error| {
            view! {
                <p class="field-error breakable" id=id>
                    <span class="visually-hidden">{shared::ERROR_PREFIX}</span>
                    {error}
                </p>
            }
        })
    }
}

/// The secrets: what they are is never shown.
#[component]
pub fn Secrets(secrets: Vec<SecretField>) -> impl IntoView {
    if secrets.is_empty() {
        return ().into_any();
    }
    view! {
        <h2>{texts::SECRETS}</h2>
        <p class="muted">{texts::SECRETS_HINT}</p>
        {secrets
            .into_iter()
            .map(|secret| {
                if secret.generated {
                    view! { <Generated secret /> }.into_any()
                } else {
                    view! { <Secret secret /> }.into_any()
                }
            })
            .collect_view()}
    }
    .into_any()
}

#[component]
fn Secret(secret: SecretField) -> impl IntoView {
    let words = About::of_secret(&secret);
    let invalid = secret.error.is_some();
    view! {
        <div class="field settings-field" class:field-invalid=invalid>
            <label for=id(&secret.name)>
                {texts::secret_label(&secret)}
                {secret.optional.then(|| view! { <span class="optional">{texts::OPTIONAL}</span> })}
            </label>
            {words.hints()}
            {words.error()}
            <input
                id=id(&secret.name)
                name=secret.name.clone()
                type="password"
                autocomplete="new-password"
                spellcheck="false"
                autocapitalize="none"
                aria-describedby=words.ids()
                aria-invalid=invalid.then_some("true")
            />
        </div>
    }
}

/// A secret that nobody types.
#[component]
fn Generated(secret: SecretField) -> impl IntoView {
    view! {
        <div class="field">
            <p class="field-name">{texts::secret_label(&secret)}</p>
            <p class="field-hint">{texts::generated(secret.given)}</p>
        </div>
    }
}

/// A field of the screen's own as the others are.
fn own(name: &str, hint: &str, error: Option<String>) -> About {
    let hints = [hint.to_owned()].into_iter().filter(|it| !it.is_empty()).collect();
    About { id: id(name), hints, error: error.map(shared::capital) }
}

/// A box of the screen's own.
#[component]
pub fn Tick(
    name: &'static str,
    label: &'static str,
    #[prop(into)] hint: String,
    checked: bool,
    error: Option<String>,
) -> impl IntoView {
    let invalid = error.is_some();
    let words = own(name, &hint, error);
    view! {
        <div class="choice settings-field" class:field-invalid=invalid>
            <input
                type="checkbox"
                id=id(name)
                name=name
                checked=checked
                aria-describedby=words.ids()
                aria-invalid=invalid.then_some("true")
            />
            <div>
                <label for=id(name)>{label}</label>
                {words.hints()}
                {words.error()}
            </div>
        </div>
    }
}

/// A list of the screen's own, one in each line.
#[component]
pub fn Lines(
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    value: String,
    error: Option<String>,
) -> impl IntoView {
    let invalid = error.is_some();
    let words = own(name, hint, error);
    let text = format!("\n{}", escaped(&value));
    view! {
        <div class="field settings-field" class:field-invalid=invalid>
            <label for=id(name)>{label}</label>
            {words.hints()}
            {words.error()}
            <textarea
                id=id(name)
                name=name
                rows="3"
                spellcheck="false"
                autocapitalize="none"
                autocomplete="off"
                aria-describedby=words.ids()
                aria-invalid=invalid.then_some("true")
            >
                {text}
            </textarea>
        </div>
    }
}
