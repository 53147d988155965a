//! The package and its signature are sent.

use leptos::prelude::*;

use super::texts;
use crate::{
    components::{ButtonLink, ErrorSummary, Field, Heading, Look, Notice, Submit, Tone},
    pages::FormState,
    texts as shared,
};

const FIELDS: &[&str] = &["package", "signature", "publisher"];

pub(crate) fn title() -> String {
    texts::UPLOAD.to_owned()
}

#[component]
pub fn Upload(takes_unsigned: bool, form: FormState) -> impl IntoView {
    let up = "/operator/plugins";
    view! {
        <ErrorSummary error=form.error.clone() fields=FIELDS />
        <Heading title=texts::UPLOAD up=(up.to_owned(), shared::NAV_PLUGINS.to_owned()) />
        <p class="lede">{texts::UPLOAD_LEDE}</p>
        {takes_unsigned
            .then(|| {
                view! {
                    <Notice
                        tone=Tone::Bad
                        title=texts::UNSIGNED_ALLOWED
                        text=texts::UNSIGNED_ALLOWED_TEXT
                    />
                }
            })}
        <form
            method="post"
            action="/operator/plugins/install"
            enctype="multipart/form-data"
            class="form"
            novalidate
        >
            <File
                name="package"
                label=texts::PACKAGE
                hint=texts::PACKAGE_HINT
                accept=".pplug"
                error=form.error_of("package")
            />
            <File
                name="signature"
                label=texts::SIGNATURE
                hint=texts::SIGNATURE_HINT
                accept=".minisig"
                error=form.error_of("signature")
            />
            <Field
                name="publisher"
                label=texts::PUBLISHER
                hint=texts::PUBLISHER_HINT
                value=form.value("publisher")
                error=form.error_of("publisher")
                required=false
            />
            {form.error.is_some().then(|| view! { <p class="muted">{texts::FILES_AGAIN}</p> })}
            <div class="actions">
                <Submit label=texts::LOOK />
                <ButtonLink href=up label=shared::LEAVE look=Look::Quiet />
            </div>
        </form>
    }
}

/// A file to choose.
#[component]
fn File(
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    accept: &'static str,
    error: Option<String>,
) -> impl IntoView {
    let id = format!("field-{name}");
    let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
    let invalid = error.is_some();
    let described = if invalid { format!("{hint_id} {error_id}") } else { hint_id.clone() };
    view! {
        <div class="field settings-field" class:field-invalid=invalid>
            <label for=id.clone()>{label}</label>
            <p class="field-hint" id=hint_id>
                {hint}
            </p>
            {error
                .map(|error| {
                    view! {
                        <p class="field-error breakable" id=error_id>
                            <span class="visually-hidden">{shared::ERROR_PREFIX}</span>
                            {error}
                        </p>
                    }
                })}
            <input
                id=id
                name=name
                type="file"
                accept=accept
                aria-describedby=described
                aria-invalid=invalid.then_some("true")
            />
        </div>
    }
}
