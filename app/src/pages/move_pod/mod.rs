//! Moves a pod to another node of its location.

mod texts;

use leptos::prelude::*;

use super::FormState;
use crate::{
    components::{ButtonLink, Choice, ErrorSummary, Heading, Look, Notice, Submit, Tone},
    contract::MoveView,
    texts as shared,
};

pub(crate) fn title(view: &MoveView) -> String {
    texts::title(&view.pod.interface)
}

#[component]
pub fn MovePod(view: MoveView, form: FormState) -> impl IntoView {
    let title = title(&view);
    let MoveView { pod, location, targets } = view;
    let targets: Vec<_> = targets
        .into_iter()
        .map(|it| (it.id.to_string(), texts::target(&it.name, it.pods)))
        .collect();
    let overlap = match form.value("overlap") {
        it if it.is_empty() => "week".to_owned(),
        it => it,
    };
    let options = texts::OVERLAPS.map(|(sent, read)| (sent.to_owned(), read.to_owned())).to_vec();
    view! {
        <ErrorSummary error=form.error.clone() fields=&["node", "overlap"] />
        <Heading
            title=title
            up=("/operator/pods".to_owned(), shared::NAV_PODS.to_owned())
        />
        <p>{texts::now(&pod.account_email, &pod.node, &location)}</p>
        {if targets.is_empty() {
            view! {
                <Notice tone=Tone::Warn title=texts::NOWHERE text=texts::nowhere(&location)>
                    <p>
                        <a href="/operator/nodes/new">{texts::ADD_NODE}</a>
                    </p>
                </Notice>
            }
                .into_any()
        } else {
            view! {
                <ul class="consequences">
                    {texts::consequences().into_iter().map(|it| view! { <li>{it}</li> }).collect_view()}
                </ul>
                <form
                    method="post"
                    action=format!("/operator/pods/{}/move", pod.id)
                    class="form"
                    novalidate
                >
                    <Choice
                        name="node"
                        label=texts::NODE
                        options=targets
                        chosen=form.value("node")
                        error=form.error_of("node")
                    />
                    <Choice
                        name="overlap"
                        label=texts::OVERLAP
                        hint=texts::OVERLAP_HINT
                        options=options
                        chosen=overlap
                        error=form.error_of("overlap")
                    />
                    <div class="actions">
                        <Submit label=texts::MOVE />
                        <ButtonLink href="/operator/pods" label=shared::CANCEL look=Look::Quiet />
                    </div>
                </form>
            }
                .into_any()
        }}
    }
}
