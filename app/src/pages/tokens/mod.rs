//! The tokens of a pod, and the form for another one.

mod texts;

use leptos::prelude::*;

use super::FormState;
use crate::{
    components::{
        Badge, Cell, Choice, Empty, ErrorSummary, Field, Heading, IconShape, StateWord, Submit,
        Table, Time, Tone, day_words,
    },
    contract::{Millis, TokenRow, TokensView},
};

/// How long a day is, in milliseconds.
const DAY: Millis = 24 * 60 * 60 * 1000;

pub(crate) fn title(view: &TokensView) -> String {
    texts::title(&view.location)
}

#[component]
pub fn Tokens(view: TokensView, form: FormState, now: Millis) -> impl IntoView {
    let pod = format!("/pods/{}", view.pod);
    let tokens = format!("{pod}/tokens");
    let used = u32::try_from(view.tokens.len()).unwrap_or(u32::MAX);
    let has_room = used < view.limit;
    view! {
        <ErrorSummary error=form.error.clone() fields=&["name", "expiry"] />
        <Heading title=title(&view) up=(pod, view.location.clone()) />
        <p class="lede">{texts::LEDE}</p>
        {if view.tokens.is_empty() {
            view! {
                <Empty shape=IconShape::Key title=texts::EMPTY_TITLE text=texts::EMPTY_TEXT />
            }
                .into_any()
        } else {
            let rows = view.tokens.into_iter();
            let path = tokens.clone();
            view! {
                <Table caption=texts::CAPTION columns=texts::COLUMNS>
                    {rows
                        .map(|token| view! { <Row token path=path.clone() now /> })
                        .collect_view()}
                </Table>
            }
                .into_any()
        }}
        <section class="part">
            <h2>{texts::MAKE}</h2>
            {if has_room {
                view! { <Make action=tokens form /> }.into_any()
            } else {
                view! { <p class="muted">{texts::full(view.limit)}</p> }.into_any()
            }}
        </section>
        <section class="part">
            <h2>{texts::USE}</h2>
            <p class="muted">{texts::USE_TEXT}</p>
            <pre class="code" tabindex="0">{format!("/api/v1/pods/{}", view.pod)}</pre>
        </section>
    }
}

#[component]
fn Row(token: TokenRow, path: String, now: Millis) -> impl IntoView {
    let over = token.expires_at.is_some_and(|it| it <= now);
    let revoke = format!("{path}/{}/revoke", token.id);
    let label = texts::revoke(&token.name);
    view! {
        <tr role="row">
            <Cell column=texts::NAME>
                <strong class="breakable">{token.name}</strong>
            </Cell>
            <Cell column=texts::MADE>
                <Time at=token.created_at now />
            </Cell>
            <Cell column=texts::USED>
                <span class="unbroken">{used(token.used_at, now)}</span>
            </Cell>
            <Cell column=texts::ENDS>
                {match token.expires_at {
                    Some(_) if over => {
                        let state = StateWord { word: texts::OVER, tone: Tone::Bad };
                        view! { <Badge state=state /> }.into_any()
                    }
                    Some(at) => view! { <Time at=at now /> }.into_any(),
                    None => view! { <span>{texts::NEVER}</span> }.into_any(),
                }}
            </Cell>
            <Cell column=texts::ACTION>
                <a class="row-action" href=revoke aria-label=label>
                    {texts::REVOKE}
                </a>
            </Cell>
        </tr>
    }
}

#[component]
fn Make(action: String, form: FormState) -> impl IntoView {
    let chosen = if form.error.is_some() { form.value("expiry") } else { texts::YEAR.to_owned() };
    view! {
        <form method="post" action=action class="form" novalidate>
            <Field
                name="name"
                label=texts::NAME.0
                hint=texts::NAME_HINT
                value=form.value("name")
                error=form.error_of("name")
                max=64
            />
            <Choice
                name="expiry"
                label=texts::EXPIRY
                hint=texts::EXPIRY_HINT
                error=form.error_of("expiry")
                chosen=chosen
                options=texts::EXPIRIES
                    .map(|(value, words)| (value.to_owned(), words.to_owned()))
                    .to_vec()
            />
            <Submit label=texts::SUBMIT />
        </form>
    }
}

/// The day of the last use: nothing finer is known.
fn used(at: Option<Millis>, now: Millis) -> String {
    match at {
        None => texts::UNUSED.to_owned(),
        Some(day) if now < day + DAY => texts::TODAY.to_owned(),
        Some(day) => day_words(day),
    }
}
