//! The gallery in every state.

use myrelay_app::{
    Content, FormState, Frame, PluginForm,
    contract::{
        GalleryRow, GalleryView, PackageBar, PackageCard, PackageSigner, PackageStanding,
        PluginKind, PortalError,
    },
};

use super::{HOSTILE, id, operator, refused};

const KEY: &str = "E7620F1842B4E81F";
const FOLDER: &str = "/var/lib/myrelay-packages";

fn card(number: u8, name: &str, kind: PluginKind, standing: PackageStanding) -> PackageCard {
    let word = name.to_lowercase();
    PackageCard {
        digest: format!("{number:02x}").repeat(32),
        file: format!("dev.myrelay.{word}-1.4.0.pplug"),
        plugin: format!("dev.myrelay.{word}"),
        name: name.to_owned(),
        version: "1.4.0".to_owned(),
        summary: Some(
            "Customers pay on the provider's own pages, once or as a subscription; refunds, \
             disputes and the end of subscriptions come back by webhook."
                .to_owned(),
        ),
        kinds: vec![kind],
        has_icon: false,
        signer: PackageSigner::Known(KEY.to_owned()),
        standing,
        bar: None,
    }
}

fn row(card: PackageCard) -> GalleryRow {
    GalleryRow::Package(Box::new(card))
}

fn rows() -> Vec<GalleryRow> {
    use PluginKind::{Billing, Event, Notification};
    let earlier = || "1.3.2".to_owned();
    let new = card(1, "BTCPay", Billing, PackageStanding::New);
    let manual = card(2, "Manual", Billing, PackageStanding::Same(id(1)));
    let stripe = card(3, "Stripe", Billing, PackageStanding::Newer(id(2), earlier()));
    let telegram = card(4, "Telegram", Notification, PackageStanding::New);
    let webhook = card(5, "Webhook", Event, PackageStanding::Older(id(3), "2.0.0".to_owned()));
    let build = card(6, "Desk", Event, PackageStanding::OtherBuild(id(4)));
    let mail = card(7, "Mail", Notification, PackageStanding::New);
    let chat = card(8, "Chat", Notification, PackageStanding::New);
    let invoices = card(9, "Invoices", PluginKind::Invoicing, PackageStanding::New);
    vec![
        row(PackageCard { has_icon: true, ..new }),
        row(PackageCard {
            signer: PackageSigner::Other("0011223344556677".to_owned()),
            bar: Some(PackageBar::OtherKey),
            ..chat
        }),
        row(build),
        row(PackageCard {
            signer: PackageSigner::Nobody,
            bar: Some(PackageBar::Unsigned),
            summary: None,
            ..invoices
        }),
        row(PackageCard {
            bar: Some(PackageBar::Revoked("its key was stolen".to_owned())),
            ..mail
        }),
        row(manual),
        row(stripe),
        row(PackageCard {
            signer: PackageSigner::New(KEY.to_owned()),
            kinds: vec![Notification, Event],
            ..telegram
        }),
        row(webhook),
        GalleryRow::Unreadable {
            file: "desk-0.9.0.pplug".to_owned(),
            why: "it is damaged: Data corruption detected".to_owned(),
        },
        GalleryRow::Unreadable {
            file: "latest.pplug".to_owned(),
            why: "it is a link, and only files that lie in the folder are read".to_owned(),
        },
    ]
}

pub(crate) fn all() -> Vec<(&'static str, Content, Frame)> {
    let at = || operator("/operator/plugins/gallery");
    let show = |view| Content::PluginForm(PluginForm::Gallery(view));
    let open = |rows, has_more| GalleryView::Open { folder: FOLDER.to_owned(), rows, has_more };
    let choose =
        |card, form| Content::PluginForm(PluginForm::Choose { card: Box::new(card), form });
    let new = || PackageCard {
        signer: PackageSigner::New(KEY.to_owned()),
        has_icon: true,
        ..card(4, "Telegram", PluginKind::Notification, PackageStanding::New)
    };
    let long = PackageCard {
        name: HOSTILE.repeat(2),
        file: format!("{}.pplug", "x".repeat(200)),
        plugin: format!("dev.{}", "long".repeat(20)),
        version: "10.20.30-alpha.20261129.0123456789".to_owned(),
        summary: Some("Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbau".repeat(3)),
        bar: Some(PackageBar::Revoked(HOSTILE.repeat(7))),
        kinds: vec![PluginKind::Billing, PluginKind::Notification, PluginKind::Event],
        ..new()
    };
    let broken = GalleryRow::Unreadable { file: "y".repeat(200), why: HOSTILE.repeat(5) };
    let away = GalleryView::Unreadable {
        folder: FOLDER.to_owned(),
        why: "Permission denied (os error 13)".to_owned(),
    };
    let typed = [("publisher", HOSTILE)];
    let error = PortalError::invalid("publisher", "it is no public key of minisign");
    vec![
        ("gallery-off", show(GalleryView::Off), at()),
        ("gallery-empty", show(open(Vec::new(), false)), at()),
        ("gallery-away", show(away), at()),
        ("gallery", show(open(rows(), false)), at()),
        ("gallery-long", show(open(vec![row(long.clone()), broken], true)), at()),
        ("gallery-choose", choose(new(), FormState::default()), at()),
        ("gallery-choose-refused", choose(new(), refused(&typed, error)), at()),
        ("gallery-choose-barred", choose(long, FormState::default()), at()),
    ]
}
