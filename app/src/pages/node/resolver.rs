//! Which resolvers a node asks for its devices.

use leptos::prelude::*;

use super::texts;
use crate::{
    components::{Field, Look, Submit},
    contract::NodeView,
    pages::FormState,
};

#[component]
pub fn Resolver(node: NodeView, form: FormState) -> impl IntoView {
    let value = match form.error {
        Some(_) => form.value("upstreams"),
        None => node.resolver.clone(),
    };
    view! {
        <section class="part">
            <h2>{texts::RESOLVER}</h2>
            <p class="muted">{texts::resolver(&node.resolver, &node.deployment_resolver)}</p>
            <form
                method="post"
                action=format!("/operator/nodes/{}/resolver", node.id)
                class="form"
                novalidate
            >
                <Field
                    name="upstreams"
                    label=texts::UPSTREAMS
                    hint=texts::UPSTREAMS_HINT
                    value=value
                    error=form.error_of("upstreams")
                    required=false
                    max=1024
                />
                <Submit label=texts::SET_RESOLVER look=Look::Secondary />
            </form>
        </section>
    }
}
