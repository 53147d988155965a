//! The packages in the folder of the portal's machine, a card for each.

use leptos::prelude::*;

use super::{gallery_texts as texts, texts as forms};
use crate::{
    components::{
        Badge, ButtonLink, Empty, Heading, Icon, IconShape, Look, Notice, StateWord, Tone,
    },
    contract::{GalleryRow, GalleryView, PackageBar, PackageCard, PackageSigner, PackageStanding},
    texts as shared,
};

pub(crate) fn title() -> String {
    texts::TITLE.to_owned()
}

#[component]
pub fn Gallery(view: GalleryView) -> impl IntoView {
    view! {
        <Heading
            title=texts::TITLE
            up=("/operator/plugins".to_owned(), shared::NAV_PLUGINS.to_owned())
        />
        {match view {
            GalleryView::Off => {
                view! {
                    <Empty shape=IconShape::Plug title=texts::OFF text=texts::OFF_TEXT>
                        <Send look=Look::Primary />
                    </Empty>
                }
                    .into_any()
            }
            GalleryView::Unreadable { folder, why } => {
                view! {
                    <Notice tone=Tone::Bad title=texts::CLOSED text=texts::closed(&folder, &why) />
                    <div class="actions">
                        <Send look=Look::Secondary />
                    </div>
                }
                    .into_any()
            }
            GalleryView::Open { folder, rows, .. } if rows.is_empty() => {
                view! {
                    <Empty shape=IconShape::Plug title=texts::EMPTY text=texts::empty(&folder)>
                        <Send look=Look::Primary />
                    </Empty>
                }
                    .into_any()
            }
            GalleryView::Open { folder, rows, has_more } => {
                view! { <Packages folder rows has_more /> }.into_any()
            }
        }}
    }
}

/// The other way to have a plugin.
#[component]
fn Send(look: Look) -> impl IntoView {
    view! { <ButtonLink href="/operator/plugins/install" label=texts::SEND look /> }
}

#[component]
fn Packages(folder: String, rows: Vec<GalleryRow>, has_more: bool) -> impl IntoView {
    let cards = rows.into_iter().map(|row| match row {
        GalleryRow::Package(card) => view! { <Package card=*card /> }.into_any(),
        GalleryRow::Unreadable { file, why } => view! { <Broken file why /> }.into_any(),
    });
    view! {
        <p class="lede breakable">{texts::lede(&folder)}</p>
        {has_more
            .then(|| {
                view! { <Notice tone=Tone::Warn title=texts::MORE text=texts::MORE_TEXT /> }
            })}
        <ul class="cards">{cards.collect_view()}</ul>
        <div class="actions">
            <Send look=Look::Secondary />
        </div>
    }
}

#[component]
fn Package(card: PackageCard) -> impl IntoView {
    let state = state(&card);
    let barred = card.bar.as_ref().map(texts::bar);
    let installed = installed(&card.standing);
    let href = texts::address(&card.digest);
    let is_new = matches!(card.signer, PackageSigner::New(_));
    let named = format!(": {} {}", card.name, card.version);
    let action = match (&card.bar, is_new) {
        (Some(_), _) => ().into_any(),
        // The publisher's key is typed first.
        (None, true) => view! {
            <a class=Look::Secondary.class() href=href>
                {forms::LOOK}
                <span class="visually-hidden">{named}</span>
            </a>
        }
        .into_any(),
        (None, false) => view! {
            <form method="post" action=href>
                <button type="submit" class=Look::Secondary.class()>
                    {forms::LOOK}
                    <span class="visually-hidden">{named}</span>
                </button>
            </form>
        }
        .into_any(),
    };
    view! {
        <li class="card package">
            <Picture card=card.clone() />
            <div class="card-words">
                <h2 class="package-name breakable">{card.name}</h2>
                <p class="muted breakable">{texts::line(&card.version, &card.kinds)}</p>
                {card.summary.map(|it| view! { <p class="package-summary breakable">{it}</p> })}
                <p class="muted breakable">{texts::signer(&card.signer)}</p>
                {barred.map(|it| view! { <p class="package-bar breakable">{it}</p> })}
                {installed
                    .map(|(href, words)| {
                        view! {
                            <p class="muted">
                                <a href=href>{words}</a>
                            </p>
                        }
                    })}
            </div>
            <div class="package-side">{state.map(|state| view! { <Badge state /> })} {action}</div>
        </li>
    }
    .into_any()
}

/// The package's own picture, or ours. It says nothing that the name beside it does not.
#[component]
pub(crate) fn Picture(card: PackageCard) -> impl IntoView {
    if card.has_icon {
        let src = format!("{}/icon.png", texts::address(&card.digest));
        view! {
            <img class="package-picture" src=src alt="" width="40" height="40" loading="lazy" />
        }
        .into_any()
    } else {
        view! { <span class="card-picture"><Icon shape=IconShape::Plug /></span> }.into_any()
    }
}

/// A file that could not be read.
#[component]
fn Broken(file: String, why: String) -> impl IntoView {
    let state = StateWord { word: texts::UNREADABLE, tone: Tone::Bad };
    view! {
        <li class="card package">
            <span class="card-picture"><Icon shape=IconShape::Plug /></span>
            <div class="card-words">
                <h2 class="package-name breakable">{file}</h2>
                <p class="package-summary breakable">{shared::capital(why)}</p>
            </div>
            <div class="package-side"><Badge state /></div>
        </li>
    }
}

/// What stands on a card in a word.
fn state(card: &PackageCard) -> Option<StateWord> {
    let bad = |word| Some(StateWord { word, tone: Tone::Bad });
    let plain = |word| Some(StateWord { word, tone: Tone::Plain });
    match (&card.bar, &card.standing) {
        (Some(PackageBar::Revoked(_)), _) => bad(texts::REVOKED),
        (Some(PackageBar::OtherKey), _) => bad(texts::OTHER_KEY),
        (Some(PackageBar::Unsigned), _) => bad(texts::UNSIGNED),
        (None, PackageStanding::New) => None,
        (None, PackageStanding::Same(_)) => {
            Some(StateWord { word: texts::INSTALLED, tone: Tone::Good })
        }
        (None, PackageStanding::Newer(..)) => {
            Some(StateWord { word: texts::UPGRADE, tone: Tone::Warn })
        }
        (None, PackageStanding::Older(..)) => plain(texts::OLDER),
        (None, PackageStanding::OtherBuild(_)) => plain(texts::OTHER_BUILD),
    }
}

/// Where what is installed of it is, and what that is.
fn installed(standing: &PackageStanding) -> Option<(String, String)> {
    let (id, words) = match standing {
        PackageStanding::New => return None,
        PackageStanding::Same(id) => (id, texts::SAME.to_owned()),
        PackageStanding::OtherBuild(id) => (id, texts::OTHER_BUILD_TEXT.to_owned()),
        PackageStanding::Newer(id, version) | PackageStanding::Older(id, version) => {
            (id, texts::installed(version))
        }
    };
    Some((format!("/operator/plugins/{id}"), words))
}
