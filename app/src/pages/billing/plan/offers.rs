//! The plans that a customer can choose, side by side.

use leptos::prelude::*;

use super::texts;
use crate::{
    components::{Badge, Empty, IconShape, Look, StateWord, Tone},
    contract::OfferRow,
};

#[component]
pub fn Offers(offers: Vec<OfferRow>) -> impl IntoView {
    if offers.is_empty() {
        return view! {
            <Empty shape=IconShape::Tag title=texts::NOTHING_TITLE text=texts::NOTHING_TEXT />
        }
        .into_any();
    }
    let left = offers.iter().any(|it| it.is_current).then_some(texts::LEFT_HINT);
    view! {
        <p class="muted">{texts::OFFERS_HINT}{left}</p>
        <ul class="offers">
            {offers.into_iter().map(|offer| view! { <Offer offer /> }).collect_view()}
        </ul>
    }
    .into_any()
}

#[component]
fn Offer(offer: OfferRow) -> impl IntoView {
    let current = StateWord { word: texts::CURRENT, tone: Tone::Good };
    let limits = texts::limits(&offer);
    let choose = (!offer.is_current).then(|| (offer.id.to_string(), texts::choose(&offer.name)));
    let (amount, interval) = texts::price(offer.price);
    view! {
        <li class="offer">
            <h3 class="breakable">{offer.name}</h3>
            <p class="offer-price">
                <strong>{amount}</strong>
                " "
                <span class="muted">{interval}</span>
            </p>
            <ul class="offer-limits">
                {limits.into_iter().map(|it| view! { <li>{it}</li> }).collect_view()}
            </ul>
            {match choose {
                Some((id, label)) => {
                    view! {
                        <form method="post" action="/plan/choose">
                            <input type="hidden" name="plan" value=id />
                            <button
                                type="submit"
                                class=Look::Secondary.class()
                                aria-label=label
                            >
                                {texts::CHOOSE}
                            </button>
                        </form>
                    }
                        .into_any()
                }
                None => view! { <p><Badge state=current /></p> }.into_any(),
            }}
        </li>
    }
}
