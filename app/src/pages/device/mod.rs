//! One device: what we know about it, its configuration without the key, its connection.

mod texts;

use leptos::prelude::*;

use crate::{
    client_config,
    components::{Badge, Heading, Look, Notice, StateWord, Submit, Time, Tone},
    contract::{AddedPeer, ClientConfig, ConnectionView, Millis, PeerView},
    texts as shared,
};

pub(crate) fn title(device: &AddedPeer) -> String {
    device.peer.name.clone()
}

#[component]
pub fn Device(device: AddedPeer, connection: Option<ConnectionView>, now: Millis) -> impl IntoView {
    let AddedPeer { peer, location, config } = device;
    let id = peer.id;
    let applied = peer.applied;
    view! {
        <Heading title=peer.name.clone() up=(format!("/pods/{}", peer.pod), location.clone())>
            <Badge state=StateWord::of_device(applied) />
        </Heading>
        {(!applied)
            .then(|| {
                view! {
                    <Notice
                        tone=Tone::Warn
                        title=texts::NOT_READY_TITLE
                        text=texts::NOT_READY
                    />
                }
            })}
        <section class="part">
            <h2>{texts::CHECK_TITLE}</h2>
            {connection
                .map(|connection| {
                    let state = StateWord::from(connection);
                    view! {
                        <div role="status">
                            <Notice
                                tone=state.tone
                                title=state.word
                                text=shared::explain_connection(connection)
                            />
                        </div>
                    }
                })}
            <form method="post" action=format!("/devices/{id}/check") class="inline-form">
                <Submit label=shared::CHECK look=Look::Secondary />
                <p class="muted">{shared::CHECK_HINT}</p>
            </form>
        </section>
        <Configuration config />
        <Facts peer location now />
        <p class="danger-link">
            <a href=format!("/devices/{id}/remove")>{texts::REMOVE}</a>
        </p>
    }
}

/// The text that lacks the private key.
#[component]
fn Configuration(config: Option<ClientConfig>) -> impl IntoView {
    let text = config
        .and_then(|config| client_config::render(&config, None).ok())
        .map(|it| it.to_string());
    view! {
        <section class="part">
            <h2>{texts::CONFIGURATION}</h2>
            {match text {
                None => view! { <p class="muted">{texts::NO_CONFIGURATION}</p> }.into_any(),
                Some(text) => {
                    view! {
                        <p class="muted">{texts::CONFIGURATION_LEDE}</p>
                        <pre class="code" tabindex="0">{text}</pre>
                        <p class="muted">{texts::LOST}</p>
                    }
                        .into_any()
                }
            }}
        </section>
    }
}

#[component]
fn Facts(peer: PeerView, location: String, now: Millis) -> impl IntoView {
    view! {
        <section class="part">
            <h2>{texts::FACTS}</h2>
            <p class="muted">{texts::FACTS_LEDE}</p>
            <dl class="facts">
                <dt>{texts::PUBLIC_KEY}</dt>
                <dd><code>{peer.public_key.to_string()}</code></dd>
                <dt>{texts::ADDRESSES}</dt>
                <dd>
                    <code>{peer.addresses.v4.to_string()}</code>
                    <br />
                    <code>{peer.addresses.v6.to_string()}</code>
                </dd>
                <dt>{texts::LOCATION}</dt>
                <dd>{location}</dd>
                <dt>{texts::ADDED}</dt>
                <dd><Time at=peer.created_at now /></dd>
            </dl>
        </section>
    }
}
