//! The last step, drawn in the browser: the configuration in every form a device takes it.

use std::sync::Arc;

use leptos::{prelude::*, task::spawn_local};

use super::{calls, flow::Finished, island::Flow, texts};
use crate::{
    browser,
    components::{Icon, IconShape, Look, Notice, QrSquares, StateWord, Tone},
    contract::{ConnectionView, PortalError},
    texts as shared,
};

/// What was sent, word for word.
pub(super) fn sent(body: String) -> impl IntoView {
    view! {
        <details class="sent">
            <summary>{texts::SENT_TITLE}</summary>
            <p class="muted">{texts::SENT_LEDE}</p>
            <pre class="code" id="sent" tabindex="0">{body}</pre>
        </details>
    }
}

/// The node has not made the pod's key yet.
pub(super) fn waiting(flow: Flow) -> impl IntoView {
    view! {
        <div role="status">
            <Notice tone=Tone::Warn title=texts::WAITING_TITLE text=texts::WAITING />
        </div>
        <div role="alert">
            {move || flow.error.get().map(|it| view! { <p>{shared::sentence(&it)}</p> })}
        </div>
    }
}

/// The configuration, and whether it works.
pub(super) fn ready(flow: Flow, finished: Finished) -> impl IntoView {
    let peer = finished.peer.clone();
    view! {
        <Notice tone=Tone::Warn title=texts::ONCE_TITLE text=texts::ONCE />
        {(!peer.applied)
            .then(|| {
                view! {
                    <Notice
                        tone=Tone::Plain
                        title=texts::WAITING_TITLE
                        text=texts::NOT_APPLIED
                    />
                }
            })}
        {configuration(flow, finished)}
        <h3>{texts::CHECK_TITLE}</h3>
        {connection(peer.id.to_string())}
        <div class="actions">
            <a
                class=Look::Primary.class()
                href=format!("/devices/{}", peer.id)
                on:click=move |_| flow.saved()
            >
                {texts::FINISH}
            </a>
        </div>
    }
}

/// QR code, file and text.
fn configuration(flow: Flow, finished: Finished) -> impl IntoView {
    let Finished { peer, text, file } = finished;
    let said = RwSignal::new("");
    let squares = QrSquares::of(&text).map(|it| it.draw(texts::qr_label(&peer.name)));
    let caption = if squares.is_some() { texts::SCAN } else { texts::NO_QR };
    let shown = text.to_string();
    let label = texts::download(&file);
    let download = {
        let text = Arc::clone(&text);
        move |_| {
            if browser::download(&file, &text).is_ok() {
                flow.saved();
                said.set(texts::DOWNLOADED);
            }
        }
    };
    let copy = move |_| {
        let text = Arc::clone(&text);
        spawn_local(async move {
            let copied = browser::copy(&text).await.is_ok();
            if copied {
                flow.saved();
            }
            said.set(if copied { texts::COPIED } else { texts::NOT_COPIED });
        });
    };
    view! {
        <div class="configuration">
            <figure class="qr">
                {squares}
                <figcaption>{caption}</figcaption>
            </figure>
            <div class="configuration-text">
                <div class="actions">
                    <button id="download" class=Look::Secondary.class() on:click=download>
                        <Icon shape=IconShape::Download />
                        {label}
                    </button>
                    <button id="copy" class=Look::Secondary.class() on:click=copy>
                        <Icon shape=IconShape::Copy />
                        {texts::COPY}
                    </button>
                </div>
                <p class="muted" role="status">{move || said.get()}</p>
                <pre
                    class="code"
                    id="configuration"
                    tabindex="0"
                    aria-label=texts::CONFIGURATION
                >
                    {shown}
                </pre>
            </div>
        </div>
    }
}

/// Asks the node when it is pressed.
fn connection(peer: String) -> impl IntoView {
    let busy = RwSignal::new(false);
    let answer = RwSignal::new(None::<Result<ConnectionView, PortalError>>);
    let check = move |_| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        let peer = peer.clone();
        spawn_local(async move {
            answer.set(Some(calls::check_connection(peer).await));
            busy.set(false);
        });
    };
    let said = move || {
        answer.get().map(|answer| {
            let (state, text) = match answer {
                Ok(connection) => {
                    (StateWord::from(connection), shared::explain_connection(connection).to_owned())
                }
                Err(error) => (
                    StateWord { word: shared::ERROR_TITLE, tone: Tone::Bad },
                    shared::sentence(&error),
                ),
            };
            view! { <Notice tone=state.tone title=state.word text=text /> }
        })
    };
    view! {
        <div id="connection" role="status">{said}</div>
        <div class="inline-form">
            <button
                id="check"
                class=Look::Secondary.class()
                disabled=move || busy.get()
                on:click=check
            >
                {move || if busy.get() { texts::CHECKING } else { shared::CHECK }}
            </button>
            <p class="muted">{shared::CHECK_HINT}</p>
        </div>
    }
}
