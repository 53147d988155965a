//! How a customer is reached: channels, quiet hours, and what was told of late.

mod texts;

use leptos::prelude::*;

use super::FormState;
use crate::{
    components::{
        Badge, Cell, Choice, Empty, ErrorSummary, Field, Heading, IconShape, Look, StateWord,
        Submit, Table, Time, Tone,
    },
    contract::{ChannelRow, MessageRow, Millis, NotificationsView, QuietView},
};

pub(crate) use texts::kind as kind_words;

pub(crate) fn title() -> String {
    texts::TITLE.to_owned()
}

#[component]
pub fn Notifications(view: NotificationsView, form: FormState, now: Millis) -> impl IntoView {
    let used = u32::try_from(view.channels.len()).unwrap_or(u32::MAX);
    let has_room = used < view.limit;
    let none = view.channels.is_empty();
    let carriers: Vec<_> =
        view.carriers.into_iter().map(|it| (it.id.to_string(), it.name)).collect();
    let nothing_carries = carriers.is_empty();
    let (no_title, no_text) = texts::no_carrier(view.stopped);
    view! {
        <ErrorSummary
            error=form.error.clone()
            fields=&["plugin", "address", "begins", "ends", "zone"]
        />
        <Heading title=texts::TITLE />
        <p class="lede">{texts::LEDE}</p>
        {if none && nothing_carries {
            view! {
                <Empty shape=IconShape::Plug title=no_title text=no_text />
            }
                .into_any()
        } else if none {
            view! { <Empty shape=IconShape::Plug title=texts::EMPTY_TITLE text=texts::EMPTY /> }
                .into_any()
        } else {
            view! {
                <ul class="rows">
                    {view.channels.into_iter().map(|it| view! { <Row channel=it /> }).collect_view()}
                </ul>
            }
                .into_any()
        }}
        {(!nothing_carries)
            .then(|| {
                view! {
                    <section class="part">
                        <h2>{texts::ADD}</h2>
                        {if has_room {
                            view! { <Add carriers email=view.email form=form.clone() /> }.into_any()
                        } else {
                            view! { <p class="muted">{texts::full(view.limit)}</p> }.into_any()
                        }}
                    </section>
                }
            })}
        <section class="part">
            <h2>{texts::QUIET}</h2>
            <p class="muted">{texts::QUIET_TEXT}</p>
            <Quiet quiet=view.quiet form />
        </section>
        <Messages messages=view.messages now />
    }
}

/// What carries a channel does not work now.
pub(crate) fn away() -> StateWord {
    StateWord { word: texts::AWAY, tone: Tone::Warn }
}

#[component]
fn Row(channel: ChannelRow) -> impl IntoView {
    let kinds = texts::kinds(&channel.kinds);
    let path = format!("/notifications/channels/{}", channel.id);
    view! {
        <li class="row">
            <div class="row-words">
                <a class="breakable" href=path>{channel.name}</a>
                {channel.address.map(|it| view! { <span class="breakable">{it}</span> })}
                <span class="muted">{kinds}</span>
            </div>
            {channel.away.then(|| view! { <Badge state=away() /> })}
            <Badge state=channel.state />
        </li>
    }
}

#[component]
fn Add(carriers: Vec<(String, String)>, email: String, form: FormState) -> impl IntoView {
    let typed = form.values.contains_key("plugin");
    let first = carriers.first().map(|it| it.0.clone()).unwrap_or_default();
    let (plugin, address) =
        if typed { (form.value("plugin"), form.value("address")) } else { (first, email) };
    view! {
        <form method="post" action="/notifications/channels" class="form" novalidate>
            <Choice
                name="plugin"
                label=texts::CARRIER
                error=form.error_of("plugin")
                chosen=plugin
                options=carriers
            />
            <Field
                name="address"
                label=texts::ADDRESS
                hint=texts::ADDRESS_HINT
                value=address
                error=form.error_of("address")
                required=false
                max=1024
            />
            <Submit label=texts::ADD_BUTTON />
        </form>
    }
}

#[component]
fn Quiet(quiet: Option<QuietView>, form: FormState) -> impl IntoView {
    let typed = form.values.contains_key("zone");
    let stored = quiet.unwrap_or_else(|| QuietView {
        begins: String::new(),
        ends: String::new(),
        zone: String::new(),
    });
    let value = |name: &str, stored: String| if typed { form.value(name) } else { stored };
    view! {
        <form method="post" action="/notifications/quiet" class="form" novalidate>
            <Field
                name="begins"
                label=texts::BEGINS
                hint=texts::BEGINS_HINT
                value=value("begins", stored.begins)
                error=form.error_of("begins")
                required=false
                max=5
            />
            <Field
                name="ends"
                label=texts::ENDS
                value=value("ends", stored.ends)
                error=form.error_of("ends")
                required=false
                max=5
            />
            <Field
                name="zone"
                label=texts::ZONE
                hint=texts::ZONE_HINT
                value=value("zone", stored.zone)
                error=form.error_of("zone")
                required=false
                max=64
            />
            <Submit label=texts::QUIET_BUTTON look=Look::Secondary />
        </form>
    }
}

#[component]
fn Messages(messages: Vec<MessageRow>, now: Millis) -> impl IntoView {
    let none = messages.is_empty();
    view! {
        <section class="part">
            <h2>{texts::MESSAGES}</h2>
            {if none {
                view! { <p class="muted">{texts::NO_MESSAGES}</p> }.into_any()
            } else {
                view! {
                    <Table caption=texts::MESSAGES columns=texts::COLUMNS>
                        {messages
                            .into_iter()
                            .map(|it| {
                                view! {
                                    <tr role="row">
                                        <Cell column=texts::WHAT>{it.subject}</Cell>
                                        <Cell column=texts::BY>
                                            <span>{it.channel}</span>
                                        </Cell>
                                        <Cell column=texts::KIND>{texts::kind(it.kind)}</Cell>
                                        <Cell column=texts::WHEN><Time at=it.at now /></Cell>
                                        <Cell column=texts::STATE>
                                            <Badge state=StateWord::from(it.state) />
                                        </Cell>
                                    </tr>
                                }
                            })
                            .collect_view()}
                    </Table>
                }
                    .into_any()
            }}
        </section>
    }
}
