//! The front page: what this is, what it promises, how to begin.

mod texts;

use leptos::prelude::*;

use crate::{
    components::{ButtonLink, Icon, IconShape, Look},
    texts as shared,
};

pub(crate) fn title() -> String {
    texts::TITLE.to_owned()
}

#[component]
pub fn Front() -> impl IntoView {
    let icons = [IconShape::Key, IconShape::Layers, IconShape::Shield];
    view! {
        <section class="hero">
            <h1>{texts::TITLE}</h1>
            <p class="lede">{texts::LEDE}</p>
            <div class="actions">
                <ButtonLink href="/sign-up" label=shared::SIGN_UP />
                <ButtonLink href="/sign-in" label=texts::SIGN_IN look=Look::Quiet />
            </div>
            <Picture />
        </section>
        <section class="front-part">
            <h2>{texts::PROMISES}</h2>
            <ul class="promises">
                {icons
                    .into_iter()
                    .zip(texts::PROMISE)
                    .map(|(shape, (title, text))| {
                        view! {
                            <li>
                                <Icon shape=shape />
                                <h3>{title}</h3>
                                <p>{text}</p>
                            </li>
                        }
                    })
                    .collect_view()}
            </ul>
        </section>
        <section class="front-part">
            <h2>{texts::STEPS}</h2>
            <ol class="steps-list">
                {texts::STEP
                    .into_iter()
                    .map(|(title, text)| {
                        view! {
                            <li>
                                <h3>{title}</h3>
                                <p>{text}</p>
                            </li>
                        }
                    })
                    .collect_view()}
            </ol>
        </section>
        <section class="front-part">
            <h2>{texts::PRICE}</h2>
            <p>{texts::price()}</p>
            <div class="actions">
                <ButtonLink href="/sign-up" label=shared::SIGN_UP look=Look::Secondary />
            </div>
        </section>
    }
}

/// Who holds which half of the key.
#[component]
fn Picture() -> impl IntoView {
    view! {
        <div class="front-picture">
            <div class="front-end">
                <Icon shape=IconShape::Device />
                <strong>{texts::PICTURE_DEVICE}</strong>
                <span>{texts::PICTURE_DEVICE_HOLDS}</span>
            </div>
            <svg class="front-tunnel" viewBox="0 0 120 24" aria-hidden="true" focusable="false">
                <path d="M2 12h116" />
                <circle cx="2" cy="12" r="2" />
                <circle cx="118" cy="12" r="2" />
            </svg>
            <div class="front-end">
                <Icon shape=IconShape::Server />
                <strong>{texts::PICTURE_NODE}</strong>
                <span>{texts::PICTURE_NODE_HOLDS}</span>
            </div>
        </div>
    }
}
