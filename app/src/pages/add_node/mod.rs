//! A new node is named.

mod texts;

use leptos::prelude::*;

use super::FormState;
use crate::{
    components::{ErrorSummary, Field, Heading, Submit},
    texts as shared,
};

pub(crate) fn title() -> String {
    texts::TITLE.to_owned()
}

#[component]
pub fn AddNode(form: FormState) -> impl IntoView {
    view! {
        <ErrorSummary error=form.error.clone() fields=&["name", "location", "endpoint"] />
        <Heading
            title=texts::TITLE
            up=("/operator/nodes".to_owned(), shared::NAV_NODES.to_owned())
        />
        <p class="lede">{texts::LEDE}</p>
        <form method="post" action="/operator/nodes/new" class="form" novalidate>
            <Field
                name="name"
                label=texts::NAME
                hint=texts::NAME_HINT
                value=form.value("name")
                error=form.error_of("name")
                max=64
            />
            <Field
                name="location"
                label=texts::LOCATION
                hint=texts::LOCATION_HINT
                value=form.value("location")
                error=form.error_of("location")
                max=64
            />
            <Field
                name="endpoint"
                label=texts::ENDPOINT
                hint=texts::ENDPOINT_HINT
                value=form.value("endpoint")
                error=form.error_of("endpoint")
            />
            <Submit label=texts::SUBMIT />
        </form>
    }
}
