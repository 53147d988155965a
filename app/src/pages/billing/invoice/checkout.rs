//! What is to be done to pay, in the way that was begun.

use leptos::prelude::*;

use super::{Check, texts};
use crate::{
    components::{Look, Notice, QrSquares, Time, Tone, exact_words},
    contract::{CheckoutStep, CheckoutView, Millis},
    pages::billing::addresses::{site_of, wallet_link},
};

#[component]
pub fn Checkout(checkout: CheckoutView, path: String, now: Millis) -> impl IntoView {
    let CheckoutView { method, step, expires_at, pending } = checkout;
    let seen = pending.is_some();
    let (is_done, by_hand) = (step == CheckoutStep::Done, step.is_by_hand());
    view! {
        <section class="part checkout">
            <h2 class="breakable">{texts::pay_with(&method)}</h2>
            {pending
                .map(|words| {
                    view! {
                        <div role="status">
                            <Notice tone=Tone::Good title=texts::SEEN text=texts::seen(&words) />
                        </div>
                    }
                })}
            {match step {
                CheckoutStep::Redirect(url) => view! { <Elsewhere url method seen /> }.into_any(),
                // Who sees where to pay pays again.
                _ if seen => ().into_any(),
                CheckoutStep::Instructions { fields, reference } => {
                    view! { <Instructions fields reference /> }.into_any()
                }
                CheckoutStep::Coins { address, amount, uri } => {
                    view! { <Coins address amount uri /> }.into_any()
                }
                CheckoutStep::Done => {
                    view! { <p>{texts::charged(&method)}</p> }.into_any()
                }
            }}
            {(!is_done && !seen)
                .then(|| {
                    view! {
                        <p class="muted">
                            {texts::EXPIRES}
                            {exact_words(expires_at)}
                            " ("
                            <Time at=expires_at now />
                            ")."
                        </p>
                    }
                })}
            {if by_hand {
                view! { <p class="muted">{texts::BY_HAND}</p> }.into_any()
            } else {
                view! { <Check path /> }.into_any()
            }}
        </section>
    }
}

/// The page of the provider. A link and not a redirect: people see first where they go.
#[component]
fn Elsewhere(url: String, method: String, seen: bool) -> impl IntoView {
    let look = if seen { Look::Quiet } else { Look::Primary };
    match site_of(&url).map(str::to_owned) {
        Some(site) => view! {
            <p>{texts::elsewhere(&site)}</p>
            <div class="actions">
                <a class=look.class() href=url rel="noreferrer">
                    {texts::go_on(&method)}
                </a>
            </div>
        }
        .into_any(),
        None => view! {
            <Notice tone=Tone::Bad title=texts::NO_SITE text=texts::NO_SITE_TEXT />
        }
        .into_any(),
    }
}

#[component]
fn Instructions(fields: Vec<(String, String)>, reference: String) -> impl IntoView {
    view! {
        <p>{texts::TRANSFER}</p>
        <dl class="facts">
            {fields
                .into_iter()
                .map(|(name, value)| {
                    view! {
                        <dt class="breakable">{name}</dt>
                        <dd><span class="copied">{value}</span></dd>
                    }
                })
                .collect_view()}
            <dt>{texts::REFERENCE}</dt>
            <dd><code class="copied">{reference}</code></dd>
        </dl>
        <p class="muted">{texts::REFERENCE_HINT}</p>
    }
}

#[component]
fn Coins(address: String, amount: String, uri: String) -> impl IntoView {
    let code = QrSquares::of(&uri).map(|it| it.draw(texts::qr_label(&amount)));
    let link = wallet_link(&uri).then_some(uri);
    view! {
        <p>{texts::COINS}</p>
        <div class="coins">
            {code.map(|code| view! { <div class="coins-code">{code}</div> })}
            <dl class="facts">
                <dt>{texts::COIN_AMOUNT}</dt>
                <dd><code class="copied">{amount}</code></dd>
                <dt>{texts::ADDRESS}</dt>
                <dd><code class="copied">{address}</code></dd>
            </dl>
        </div>
        {link
            .map(|uri| {
                view! {
                    <div class="actions">
                        <a class=Look::Secondary.class() href=uri rel="noreferrer">
                            {texts::OPEN_WALLET}
                        </a>
                    </div>
                }
            })}
    }
}
