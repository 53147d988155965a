//! One device: what we know about it, its configuration without the key, its connection.

mod texts;

use leptos::prelude::*;
use myrelay_domain::routes::Routes;

use crate::{
    client_config,
    components::{Badge, ButtonLink, Heading, Look, Notice, StateWord, Submit, Time, Tone},
    contract::{AddedPeer, ClientConfig, ConnectionView, Millis, PeerView, PodState},
    pages::pod::Moved,
    texts as shared,
};

pub(crate) fn title(device: &AddedPeer) -> String {
    device.peer.name.clone()
}

#[component]
pub fn Device(device: AddedPeer, connection: Option<ConnectionView>, now: Millis) -> impl IntoView {
    let AddedPeer { peer, location, config, state, moved } = device;
    let id = peer.id;
    let applied = peer.applied;
    view! {
        <Heading title=peer.name.clone() up=(format!("/pods/{}", peer.pod), location.clone())>
            <Badge state=StateWord::of_device(applied, state) />
        </Heading>
        {(!applied && !matches!(state, PodState::Paused | PodState::Unpaid))
            .then(|| {
                view! {
                    <Notice
                        tone=Tone::Warn
                        title=texts::NOT_READY_TITLE
                        text=texts::NOT_READY
                    />
                }
            })}
        {texts::explain(state)
            .map(|(title, text)| view! { <Notice tone=Tone::Warn title=title text=text /> })}
        <Moved moved />
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
        <Through peer=peer.clone() config=config.clone() />
        <Configuration config />
        <Facts peer location now />
        <p class="danger-link">
            <a href=format!("/devices/{id}/remove")>{texts::REMOVE}</a>
        </p>
    }
}

/// What goes through the tunnel, and what that means for this device.
#[component]
fn Through(peer: PeerView, config: Option<ClientConfig>) -> impl IntoView {
    let split = peer.routes != Routes::Everything;
    let problem = config.as_ref().and_then(|it| client_config::allowed(it).err());
    let by_name =
        config.filter(|it| split && client_config::endpoint_address(&it.endpoint).is_none());
    let networks = peer.routes.networks().filter(|_| peer.routes != Routes::except_local());
    view! {
        <section class="part">
            <h2>{texts::THROUGH}</h2>
            <p>{texts::routes(&peer.routes)}</p>
            {networks
                .map(|list| {
                    let lines = list.to_string().replace(' ', "\n");
                    view! { <pre class="code" tabindex="0">{lines}</pre> }
                })}
            {problem
                .map(|problem| {
                    view! {
                        <Notice
                            tone=Tone::Bad
                            title=texts::NOTHING_TITLE
                            text=texts::nothing(&problem)
                        />
                    }
                })}
            {split.then(|| view! { <p class="muted">{texts::NO_BLOCKING}</p> })}
            {by_name
                .map(|config| {
                    view! {
                        <Notice
                            tone=Tone::Warn
                            title=texts::BY_NAME_TITLE
                            text=texts::by_name(&config.endpoint)
                        />
                    }
                })}
            <div class="actions">
                <ButtonLink
                    href=format!("/devices/{}/routes", peer.id)
                    label=texts::CHANGE_ROUTES
                    look=Look::Secondary
                />
            </div>
        </section>
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
