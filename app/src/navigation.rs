//! What stands around every screen: the header, the operators' rail, the footer.

use leptos::prelude::*;

use crate::{
    components::{ButtonLink, Icon, IconShape, Look},
    pages::{Frame, Viewer},
    texts,
};

/// The mark: a relay, two ends and what is between them.
#[component]
fn Mark() -> impl IntoView {
    view! {
        <svg class="mark" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <path d="M7 12h10" />
            <circle cx="5" cy="12" r="3" />
            <circle class="mark-end" cx="19" cy="12" r="3" />
        </svg>
    }
}

/// A form with one button: signing out changes something, so it is not a link.
#[component]
fn SignOut(action: &'static str) -> impl IntoView {
    view! {
        <form method="post" action=action>
            <button type="submit" class="nav-button">{texts::SIGN_OUT}</button>
        </form>
    }
}

/// For visitors and customers.
#[component]
pub fn Header(frame: Frame) -> impl IntoView {
    let for_operators = frame.path.starts_with("/operator");
    let home = match &frame.viewer {
        Viewer::Visitor if for_operators => "/operator/sign-in",
        Viewer::Visitor => "/",
        Viewer::Account { .. } => "/home",
        Viewer::Operator { .. } => "/operator",
    };
    let plan = match frame.path.as_str() {
        "/plan" => Some("page"),
        path => path.starts_with("/plan/").then_some("true"),
    };
    let nav = match frame.viewer {
        Viewer::Account { email } => view! {
            <nav class="nav" aria-label=texts::NAV_ACCOUNT>
                <a href="/home" aria-current=(frame.path == "/home").then_some("page")>
                    {texts::NAV_HOME}
                </a>
                <a href="/plan" aria-current=plan>
                    {texts::NAV_PLAN}
                </a>
                <a
                    href="/notifications"
                    aria-current=(frame.path == "/notifications").then_some("page")
                >
                    {texts::NAV_NOTIFICATIONS}
                </a>
                <span class="nav-who">{email}</span>
                <SignOut action="/sign-out" />
            </nav>
        }
        .into_any(),
        Viewer::Visitor if !for_operators => view! {
            <nav class="nav" aria-label=texts::NAV_ACCOUNT>
                <a href="/sign-in" aria-current=(frame.path == "/sign-in").then_some("page")>
                    {texts::SIGN_IN}
                </a>
                {(frame.path == "/")
                    .then(|| {
                        view! {
                            <ButtonLink
                                href="/sign-up"
                                label=texts::SIGN_UP
                                look=Look::Secondary
                            />
                        }
                    })}
            </nav>
        }
        .into_any(),
        _ => ().into_any(),
    };
    view! {
        <header class="header">
            <div class="header-row">
                <a class="brand" href=home><Mark />{texts::PRODUCT}</a>
                {nav}
            </div>
        </header>
    }
}

/// For operators: a rail beside the list, a row above it where there is no room.
#[component]
pub fn Rail(email: String, path: String) -> impl IntoView {
    let links = [
        ("/operator", texts::NAV_OVERVIEW, IconShape::Shield),
        ("/operator/nodes", texts::NAV_NODES, IconShape::Server),
        ("/operator/pods", texts::NAV_PODS, IconShape::Layers),
        ("/operator/accounts", texts::NAV_ACCOUNTS, IconShape::Users),
        ("/operator/plans", texts::NAV_PLANS, IconShape::Tag),
        ("/operator/payments", texts::NAV_PAYMENTS, IconShape::Card),
        ("/operator/plugins", texts::NAV_PLUGINS, IconShape::Plug),
    ];
    let here = move |href: &str| {
        if path == href {
            Some("page")
        } else {
            let below = href != "/operator" && path.starts_with(&format!("{href}/"));
            below.then_some("true")
        }
    };
    view! {
        <header class="rail">
            <a class="brand" href="/operator">
                <Mark />{texts::PRODUCT}<span class="brand-mark">{texts::OPERATOR_MARK}</span>
            </a>
            <nav class="rail-nav" aria-label=texts::NAV_OPERATOR>
                {links
                    .into_iter()
                    .map(|(href, label, shape)| {
                        view! {
                            <a href=href aria-current=here(href)>
                                <Icon shape=shape />
                                {label}
                            </a>
                        }
                    })
                    .collect_view()}
            </nav>
            <div class="rail-end">
                <span class="nav-who">{email}</span>
                <SignOut action="/operator/sign-out" />
            </div>
        </header>
    }
}

/// The one promise, on every page.
#[component]
pub fn Footer() -> impl IntoView {
    view! {
        <footer class="footer">
            <p>{texts::FOOTER}</p>
        </footer>
    }
}
