//! Says what removing a plugin does, and asks for it.

mod texts;

use leptos::prelude::*;

use crate::{
    components::{ButtonLink, Confirm, ErrorSummary, Heading, Look, Submit},
    contract::PluginView,
    pages::FormState,
    texts as shared,
};

pub(crate) fn title(plugin: &PluginView) -> String {
    texts::title(&plugin.row.name)
}

#[component]
pub fn RemovePlugin(plugin: PluginView, form: FormState) -> impl IntoView {
    let up = format!("/operator/plugins/{}", plugin.row.id);
    let name = plugin.row.name.clone();
    let action = format!("{up}/remove");
    let consequences =
        texts::consequences(plugin.row.waiting + plugin.row.dead, plugin.carries_messages);
    view! {
        <ErrorSummary error=form.error.clone() fields=&["leave"] />
        <Heading title=title(&plugin) up=(up.clone(), name) />
        <p>
            <a href=format!("{up}/memory.json") download="">{texts::EXPORT}</a>
            " "
            {texts::ABOUT_EXPORT}
        </p>
        {match plugin.collecting.words() {
            None => {
                view! { <Confirm action label=texts::REMOVE back=up consequences /> }.into_any()
            }
            Some(what) => view! { <Collecting what action up consequences form /> }.into_any(),
        }}
    }
}

/// For a plugin whose provider goes on collecting: that is said, and has to be ticked.
#[component]
fn Collecting(
    what: String,
    action: String,
    up: String,
    consequences: Vec<String>,
    form: FormState,
) -> impl IntoView {
    let error = form.error_of("leave");
    let invalid = error.is_some();
    let described = if invalid { "field-leave-hint field-leave-error" } else { "field-leave-hint" };
    view! {
        <ul class="consequences">
            {consequences.into_iter().map(|it| view! { <li>{it}</li> }).collect_view()}
        </ul>
        <form method="post" action=action class="form">
            <div class="choice" class:field-invalid=invalid>
                <input
                    type="checkbox"
                    id="field-leave"
                    name="leave"
                    value="on"
                    aria-describedby=described
                    aria-invalid=invalid.then_some("true")
                />
                <div>
                    <label for="field-leave">{texts::LEAVE}</label>
                    <p class="field-hint" id="field-leave-hint">{texts::collecting(what)}</p>
                    {error
                        .map(|error| {
                            view! {
                                <p class="field-error" id="field-leave-error">
                                    <span class="visually-hidden">{shared::ERROR_PREFIX}</span>
                                    {error}
                                </p>
                            }
                        })}
                </div>
            </div>
            <div class="actions">
                <Submit label=texts::REMOVE look=Look::Danger />
                <ButtonLink href=up label=shared::CANCEL look=Look::Quiet />
            </div>
        </form>
    }
}
