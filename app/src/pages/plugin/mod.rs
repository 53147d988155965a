//! One plugin: how it does, what it may do, what it did, and what did not reach it.

mod calls;
mod health;
mod jobs;
mod limits;
mod texts;
mod versions;

use calls::Calls;
pub(crate) use calls::{Call, CallRows};
use health::Health;
use jobs::Jobs;
use leptos::prelude::*;
use limits::Limits;
pub(crate) use texts::may_have_arrived;
use versions::Versions;

use crate::{
    components::{
        Badge, ButtonLink, Cell, ErrorSummary, Heading, Look, Notice, StateWord, Submit, Table,
        Time, Tone,
    },
    contract::{CapabilityRow, DeadDeliveryRow, Millis, PluginRow, PluginState, PluginView},
    pages::FormState,
    texts as shared,
};

pub(crate) fn title(plugin: &PluginView) -> String {
    plugin.row.name.clone()
}

#[component]
pub fn Plugin(plugin: PluginView, form: FormState, now: Millis) -> impl IntoView {
    let PluginView {
        row,
        why,
        revoked,
        carries_messages,
        collecting: _,
        publisher,
        versions,
        installed_at,
        health,
        capabilities,
        limits,
        events: _,
        hook_url,
        settings,
        secrets,
        missing,
        jobs,
        calls,
        dead,
    } = plugin;
    let path = format!("/operator/plugins/{}", row.id);
    let stands = row.state;
    let missing = (!missing.is_empty()).then_some(missing);
    view! {
        <ErrorSummary error=form.error />
        <Heading
            title=row.name.clone()
            up=("/operator/plugins".to_owned(), shared::NAV_PLUGINS.to_owned())
        >
            <Badge state=row.state />
        </Heading>
        <Standing state=stands why revoked />
        {missing
            .map(|all| {
                view! {
                    <Notice
                        tone=Tone::Warn
                        title=texts::NO_SECRET
                        text=texts::no_secret(&all)
                    />
                }
            })}
        <Switch path=path.clone() state=row.state revoked />
        <Facts row carries_messages publisher installed_at hook_url now />
        <Health path=path.clone() state=stands revoked health now />
        <Capabilities capabilities revoked />
        <Settings path=path.clone() settings secrets />
        <Limits path=path.clone() limits />
        <Versions path=path.clone() versions now />
        <Dead path=path.clone() dead now />
        <Jobs path=path.clone() jobs now />
        <Calls path=path.clone() calls now />
        <p class="danger-link">
            <a href=format!("{path}/remove")>{texts::REMOVE}</a>
        </p>
    }
}

/// What its state means and the reason for it, with the way to its grants where it lacks one.
#[component]
fn Standing(state: PluginState, why: Option<String>, revoked: bool) -> impl IntoView {
    let word = StateWord::from(state);
    let lacks = !revoked && why.as_deref().is_some_and(texts::lacks_a_grant);
    texts::explain(state, revoked).map(|text| {
        let text = why.map_or_else(|| text.to_owned(), |why| format!("{text} {why}"));
        view! {
            <Notice tone=word.tone title=word.word text=text>
                {lacks
                    .then(|| {
                        view! {
                            <p>
                                <a href=texts::GRANT_AT>{texts::GRANT}</a>
                            </p>
                        }
                    })}
            </Notice>
        }
    })
}

/// Who it is, and what is on its way to it.
#[component]
fn Facts(
    row: PluginRow,
    carries_messages: bool,
    publisher: Option<String>,
    installed_at: Millis,
    hook_url: Option<String>,
    now: Millis,
) -> impl IntoView {
    view! {
        <section class="part">
            <h2>{texts::FACTS}</h2>
            <dl class="facts">
                <dt>{texts::ID}</dt>
                <dd><code>{row.plugin}</code></dd>
                <dt>{texts::VERSION}</dt>
                <dd>{row.version}</dd>
                <dt>{texts::PUBLISHER}</dt>
                <dd>
                    {publisher
                        .map_or_else(
                            || texts::NOBODY.into_any(),
                            |key| view! { <code class="breakable">{key}</code> }.into_any(),
                        )}
                </dd>
                <dt>{texts::INSTALLED}</dt>
                <dd><Time at=installed_at now /></dd>
                <dt>{texts::ON_THEIR_WAY}</dt>
                <dd>
                    {texts::waiting(row.waiting, row.dead)}
                    {carries_messages
                        .then(|| {
                            view! { " "<a href=texts::messages(&row.id)>{texts::ITS_MESSAGES}</a> }
                        })}
                </dd>
                {hook_url
                    .map(|url| {
                        view! {
                            <dt>{texts::HOOK}</dt>
                            <dd><code class="breakable">{url}</code></dd>
                        }
                    })}
            </dl>
        </section>
    }
}

/// What an operator does about it.
#[component]
fn Switch(path: String, state: PluginState, revoked: bool) -> impl IntoView {
    let enables = state != PluginState::Enabled && !revoked;
    let disables = state != PluginState::Disabled;
    let enable = match state {
        PluginState::Disabled => texts::ENABLE,
        PluginState::Failing => texts::TRY_NOW,
        _ => texts::TRY_AGAIN,
    };
    view! {
        <div class="actions">
            {enables
                .then(|| {
                    view! {
                        <form method="post" action=format!("{path}/enable")>
                            <Submit label=enable />
                        </form>
                    }
                })}
            {disables
                .then(|| {
                    view! {
                        <form method="post" action=format!("{path}/disable")>
                            <Submit label=texts::DISABLE look=Look::Secondary />
                        </form>
                    }
                })}
        </div>
    }
}

/// What it was granted, and where it is granted more or less.
#[component]
fn Capabilities(capabilities: Vec<CapabilityRow>, revoked: bool) -> impl IntoView {
    // What is revoked is not installed once more.
    let grants = (!revoked).then(|| {
        view! {
            <p class="muted">{texts::ABOUT_GRANTS}</p>
            <div class="actions">
                <ButtonLink
                    href=texts::GRANT_AT
                    label=texts::GRANT_AGAIN
                    look=Look::Secondary
                />
            </div>
        }
    });
    view! {
        <section class="part">
            <h2>{texts::CAPABILITIES}</h2>
            <dl class="facts facts-halves">
                {capabilities
                    .into_iter()
                    .map(|it| {
                        view! {
                            <dt class="breakable">{it.what}</dt>
                            <dd>{it.reason}</dd>
                        }
                    })
                    .collect_view()}
            </dl>
            {grants}
        </section>
    }
}

#[component]
fn Settings(path: String, settings: String, secrets: Vec<(String, bool)>) -> impl IntoView {
    let none = settings == "{}";
    view! {
        <section class="part">
            <h2>{texts::SETTINGS}</h2>
            {if none {
                view! { <p class="muted">{texts::NO_SETTINGS}</p> }.into_any()
            } else {
                view! { <pre class="code" tabindex="0">{settings}</pre> }.into_any()
            }}
            <dl class="facts">
                {secrets
                    .into_iter()
                    .map(|(name, given)| {
                        view! {
                            <dt><code>{name}</code></dt>
                            <dd>{if given { texts::GIVEN } else { texts::MISSING }}</dd>
                        }
                    })
                    .collect_view()}
            </dl>
            <div class="actions">
                <ButtonLink
                    href=format!("{path}/settings")
                    label=texts::CHANGE
                    look=Look::Secondary
                />
            </div>
        </section>
    }
}

/// What was given up, and may be tried again.
#[component]
fn Dead(path: String, dead: Vec<DeadDeliveryRow>, now: Millis) -> impl IntoView {
    if dead.is_empty() {
        return ().into_any();
    }
    let all = format!("{path}/replay");
    view! {
        <section class="part">
            <div class="part-head">
                <h2>{texts::DEAD}</h2>
                <form method="post" action=all>
                    <Submit label=texts::REPLAY_ALL look=Look::Secondary />
                </form>
            </div>
            <Table caption=texts::DEAD columns=texts::DEAD_COLUMNS>
                {dead
                    .into_iter()
                    .map(|it| {
                        let one = format!("{path}/deliveries/{}/replay", it.id);
                        let from = format!("{path}/deliveries/{}/replay-from", it.id);
                        let label_from = texts::replay_from(&it.event);
                        let tries = texts::tries(&path, &it.id.to_string());
                        let label = texts::replay(&it.event);
                        let its = texts::its_calls(&it.event);
                        view! {
                            <tr role="row">
                                <Cell column=texts::EVENT><code>{it.event}</code></Cell>
                                <Cell column=texts::FAILURE>
                                    <span class="said breakable">
                                        {texts::may_have_arrived(&it.failure)}{it.failure}
                                    </span>
                                </Cell>
                                <Cell column=texts::TRIES>{it.attempts.to_string()}</Cell>
                                <Cell column=texts::WHEN><Time at=it.at now /></Cell>
                                <Cell column=texts::ACTION>
                                    <span class="row-actions">
                                        <form method="post" action=one>
                                            <button
                                                type="submit"
                                                class="row-action"
                                                aria-label=label
                                            >
                                                {texts::REPLAY}
                                            </button>
                                        </form>
                                        <form method="post" action=from>
                                            <button
                                                type="submit"
                                                class="row-action"
                                                aria-label=label_from
                                            >
                                                {texts::REPLAY_FROM}
                                            </button>
                                        </form>
                                        <a class="row-action" href=tries aria-label=its>
                                            {texts::ITS_CALLS}
                                        </a>
                                    </span>
                                </Cell>
                            </tr>
                        }
                    })
                    .collect_view()}
            </Table>
        </section>
    }
    .into_any()
}
