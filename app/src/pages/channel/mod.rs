//! One channel: confirming it, and what goes there.

mod texts;

use leptos::prelude::*;

use super::{FormState, notifications};
use crate::{
    components::{
        Badge, ErrorSummary, Field, Heading, Look, Notice, StateWord, Submit, exact_words,
    },
    contract::{ChannelGuide, ChannelState, ChannelView, MessageKind, Millis},
};

pub(crate) fn title(view: &ChannelView) -> String {
    view.row.name.clone()
}

#[component]
pub fn Channel(view: ChannelView, form: FormState) -> impl IntoView {
    let ChannelView { row, guide, code_ends_at, unreachable, added_at: _ } = view;
    let path = format!("/notifications/channels/{}", row.id);
    let waits = matches!(row.state, ChannelState::Unverified | ChannelState::Unreachable);
    let state = StateWord::from(row.state);
    let away = notifications::away();
    view! {
        <ErrorSummary error=form.error.clone() fields=&["code"] />
        <Heading
            title=row.name.clone()
            up=("/notifications".to_owned(), notifications::title())
        >
            <Badge state=row.state />
        </Heading>
        {row.address.map(|it| view! { <p class="lede breakable">{it}</p> })}
        {row.away.then(|| view! { <Notice tone=away.tone title=away.word text=texts::AWAY /> })}
        {texts::explain(row.state, unreachable)
            .map(|text| view! { <Notice tone=state.tone title=state.word text=text /> })}
        {waits.then(|| view! { <Confirming path=path.clone() guide code_ends_at form /> })}
        <section class="part">
            <h2>{texts::KINDS}</h2>
            <Kinds path=path.clone() chosen=row.kinds />
        </section>
        <p class="danger-link">
            <a href=format!("{path}/remove")>{texts::REMOVE}</a>
        </p>
    }
}

/// What the customer does until the channel is confirmed.
#[component]
fn Confirming(
    path: String,
    guide: Option<ChannelGuide>,
    code_ends_at: Option<Millis>,
    form: FormState,
) -> impl IntoView {
    let waits = code_ends_at.is_some();
    let has_link = guide.as_ref().is_some_and(|it| it.link.is_some());
    let (send, look) = if waits {
        (texts::SEND_AGAIN, Look::Secondary)
    } else if has_link {
        (texts::SEND_AFTER, Look::Primary)
    } else {
        (texts::SEND, Look::Primary)
    };
    let guide = guide.filter(|it| it.link.is_some());
    view! {
        <section class="part">
            <h2>{texts::CONFIRM}</h2>
            {guide
                .map(|ChannelGuide { text, link }| {
                    view! {
                        <p class="breakable">{text}</p>
                        {link
                            .map(|it| {
                                let href = it.clone();
                                view! {
                                    <p>
                                        <a
                                            class="breakable"
                                            href=href
                                            rel="noreferrer"
                                        >
                                            {it}
                                        </a>
                                    </p>
                                }
                            })}
                    }
                })}
            {code_ends_at
                .map(|at| {
                    view! {
                        <p class="muted">{texts::good_until(&exact_words(at))}</p>
                        <form method="post" action=format!("{path}/verify") class="form" novalidate>
                            <Field
                                name="code"
                                label=texts::CODE
                                hint=texts::CODE_HINT
                                value=form.value("code")
                                error=form.error_of("code")
                                autocomplete="one-time-code"
                                max=32
                            />
                            <Submit label=texts::CONFIRM_BUTTON />
                        </form>
                    }
                })}
            <form method="post" action=format!("{path}/code") class="form">
                <Submit label=send look=look />
            </form>
        </section>
    }
}

#[component]
fn Kinds(path: String, chosen: Vec<MessageKind>) -> impl IntoView {
    let boxes = MessageKind::CHOSEN.map(|kind| {
        let id = format!("field-{}", kind.name());
        view! {
            <div class="choice">
                <input
                    type="checkbox"
                    id=id.clone()
                    name=kind.name()
                    value="on"
                    checked=chosen.contains(&kind)
                />
                <label for=id>{notifications::kind_words(kind)}</label>
            </div>
        }
    });
    view! {
        <form method="post" action=format!("{path}/kinds") class="form">
            <fieldset class="choices">
                <legend>{texts::KINDS_LEGEND}</legend>
                {boxes.collect_view()}
            </fieldset>
            <p class="muted">{texts::SECURITY}</p>
            <Submit label=texts::SAVE look=Look::Secondary />
        </form>
    }
}
