//! A package of the gallery, before it is looked at: by whose key it has to be signed.

use leptos::prelude::*;

use super::{gallery::Picture, gallery_texts as texts, texts as forms};
use crate::{
    components::{ButtonLink, ErrorSummary, Field, Heading, Look, Notice, Submit, Tone},
    contract::{PackageCard, PackageSigner},
    pages::FormState,
    texts as shared,
};

const FIELDS: &[&str] = &["publisher"];

pub(crate) fn title(card: &PackageCard) -> String {
    texts::choose(&card.name)
}

#[component]
pub fn Choose(card: PackageCard, form: FormState) -> impl IntoView {
    let title = title(&card);
    let action = texts::address(&card.digest);
    let asks = matches!(card.signer, PackageSigner::New(_)) || form.error_of("publisher").is_some();
    let body = match card.bar.clone() {
        Some(bar) => {
            view! { <Notice tone=Tone::Bad title=texts::BARRED text=texts::bar(&bar) /> }.into_any()
        }
        None => view! {
            <form method="post" action=action class="form" novalidate>
                {asks
                    .then(|| {
                        view! {
                            <Field
                                name="publisher"
                                label=forms::PUBLISHER
                                hint=texts::PUBLISHER_HINT
                                value=form.value("publisher")
                                error=form.error_of("publisher")
                            />
                        }
                    })}
                <div class="actions">
                    <Submit label=forms::LOOK />
                    <ButtonLink href=texts::AT label=shared::LEAVE look=Look::Quiet />
                </div>
            </form>
        }
        .into_any(),
    };
    let picture = card.clone();
    view! {
        <ErrorSummary error=form.error.clone() fields=FIELDS />
        <Heading title=title up=(texts::AT.to_owned(), texts::TITLE.to_owned())>
            <Picture card=picture />
        </Heading>
        <p class="lede">{texts::CHOOSE_LEDE}</p>
        <Facts card />
        {body}
    }
}

#[component]
fn Facts(card: PackageCard) -> impl IntoView {
    let rows = [
        (forms::ID, card.plugin),
        (forms::VERSION, texts::line(&card.version, &card.kinds)),
        (texts::FILE, card.file),
        (forms::SIGNED_BY, texts::key(&card.signer)),
        (forms::DIGEST, card.digest),
    ];
    view! {
        <dl class="facts">
            {rows
                .into_iter()
                .map(|(name, text)| {
                    view! {
                        <dt>{name}</dt>
                        <dd class="breakable">{text}</dd>
                    }
                })
                .collect_view()}
        </dl>
    }
}
