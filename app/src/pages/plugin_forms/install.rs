//! A package that waits: who made it, what it asks for, and what it is to be set to.

use leptos::prelude::*;

use super::{
    fields::{Fields, Lines, Secrets, Tick},
    limit_texts,
    summary::Summary,
    texts,
};
use crate::{
    components::{Heading, Look, Notice, Submit, Tone},
    contract::{AskedRow, CapabilityChange, HostBar, InstallView},
    texts as shared,
};

pub(crate) fn title(view: &InstallView) -> String {
    texts::install(&view.name, view.replaces.is_some())
}

#[component]
pub fn Install(view: InstallView) -> impl IntoView {
    let title = title(&view);
    let action = format!("/operator/plugins/install/{}", view.upload);
    let discard = format!("{action}/discard");
    let unsigned = view.publisher.is_none();
    let readme = view.readme.clone();
    let asked = view.asked.clone();
    let grows = view.grows;
    let kept = (!view.kept_limits.is_empty()).then(|| limit_texts::kept(&view.kept_limits));
    view! {
        <Summary form=view.form.clone() error=view.error.clone() others=others(&view) />
        <Heading
            title=title
            up=("/operator/plugins".to_owned(), shared::NAV_PLUGINS.to_owned())
        />
        <p class="lede">{texts::INSTALL_LEDE}</p>
        {unsigned
            .then(|| {
                view! { <Notice tone=Tone::Bad title=texts::UNSIGNED text=texts::UNSIGNED_TEXT /> }
            })}
        <Facts view=view.clone() />
        {readme
            .map(|text| {
                view! {
                    <details class="part">
                        <summary>{texts::README}</summary>
                        <pre class="code" tabindex="0">{text}</pre>
                    </details>
                }
            })}
        <section class="part">
            <h2>{texts::ASKS}</h2>
            {grows
                .then(|| {
                    view! { <Notice tone=Tone::Warn title=texts::GROWS text=texts::GROWS_TEXT /> }
                })}
            <Asked asked />
            {kept
                .map(|text| {
                    view! { <Notice tone=Tone::Warn title=limit_texts::KEPT text=text /> }
                })}
        </section>
        <Form view action />
        <form method="post" action=discard class="actions">
            <Submit label=texts::DISCARD look=Look::Quiet />
        </form>
    }
    .into_any()
}

/// What is wrong beside settings and secrets: each with the id of its input.
fn others(view: &InstallView) -> Vec<(String, String)> {
    let label = |name: &str| match name {
        "hosts" => texts::HOSTS,
        "private" => texts::PRIVATE,
        "without" => texts::WITHOUT,
        _ => texts::GROWTH,
    };
    let line = |(name, error): (&String, &String)| {
        (format!("field-{name}"), format!("{}: {error}", label(name)))
    };
    view.errors.iter().map(line).collect()
}

#[component]
fn Facts(view: InstallView) -> impl IntoView {
    let version = texts::version(&view.version, view.replaces.as_deref());
    let optional = [(texts::LICENSE, view.license), (texts::HOMEPAGE, view.homepage)];
    view! {
        <section class="part">
            <h2>{texts::ABOUT}</h2>
            <dl class="facts">
                <dt>{texts::ID}</dt>
                <dd><code>{view.plugin}</code></dd>
                <dt>{texts::VERSION}</dt>
                <dd>{version}</dd>
                {view
                    .publisher
                    .map(|key| {
                        view! {
                            <dt>{texts::SIGNED_BY}</dt>
                            <dd>
                                <code class="breakable">{key}</code>
                                <p class="muted">{texts::known(view.is_pinned)}</p>
                            </dd>
                        }
                    })}
                <dt>{texts::DIGEST}</dt>
                <dd><code class="breakable">{view.digest}</code></dd>
                {optional
                    .into_iter()
                    .filter_map(|(name, text)| {
                        text.map(|text| {
                            view! {
                                <dt>{name}</dt>
                                <dd class="breakable">{text}</dd>
                            }
                        })
                    })
                    .collect_view()}
            </dl>
        </section>
    }
}

/// What it asks for, with the reasons its author gives.
#[component]
fn Asked(asked: Vec<AskedRow>) -> impl IntoView {
    let same = |one: &AskedRow, next: &AskedRow| {
        (one.change, &one.reason, &one.bar) == (next.change, &next.reason, &next.bar)
    };
    let groups: Vec<AnyView> = asked.chunk_by(same).map(group).collect();
    view! { <dl class="facts facts-halves">{groups}</dl> }
}

/// What is asked for one after another for one reason, which is said once.
fn group(rows: &[AskedRow]) -> AnyView {
    let Some(AskedRow { reason, change, bar, .. }) = rows.first().cloned() else {
        return ().into_any();
    };
    let what = match rows {
        [one] => one.what.clone().into_any(),
        all => {
            let all = all.iter().map(|it| view! { <li>{it.what.clone()}</li> });
            view! { <ul class="asked">{all.collect_view()}</ul> }.into_any()
        }
    };
    let mark = change.map(|change| {
        let class = match change {
            CapabilityChange::Added => "badge badge-warn",
            CapabilityChange::Same | CapabilityChange::Removed => "badge",
        };
        view! { <span class=class>{texts::change(change)}</span>" " }
    });
    view! {
        <dt class="breakable">{what}</dt>
        <dd>{mark}{reason}{bar.map(|bar| view! { <Barred bar /> })}</dd>
    }
    .into_any()
}

/// That a host is not reached, and what can be done about it.
#[component]
fn Barred(bar: HostBar) -> impl IntoView {
    let link = matches!(bar, HostBar::Private { .. })
        .then(|| view! { " "<a href="#field-private">{texts::NAME_PRIVATE}</a> });
    view! {
        <p class="asked-bar">
            <span class="badge badge-warn">{texts::barred(&bar)}</span>
            " "
            {format!("{}.", bar.words())}
            {link}
        </p>
    }
}

/// What the operator says to it.
#[component]
fn Form(view: InstallView, action: String) -> impl IntoView {
    let error = |name: &str| view.errors.get(name).cloned();
    let submit = texts::submit(view.replaces.is_some());
    let growth = view.grows.then(|| {
        let error = error("growth");
        view! {
            <Tick name="growth" label=texts::GROWTH hint="" checked=view.agreed error />
        }
    });
    let hosts = view.names_hosts.then(|| {
        view! {
            <Lines
                name="hosts"
                label=texts::HOSTS
                hint=texts::HOSTS_HINT
                value=view.hosts.clone()
                error=error("hosts")
            />
            <Tick
                name="any_host"
                label=texts::ANY_HOST
                hint=texts::ANY_HOST_HINT
                checked=view.any_host
                error=None
            />
        }
    });
    let private = view.makes_requests.then(|| {
        view! {
            <Lines
                name="private"
                label=texts::PRIVATE
                hint=texts::PRIVATE_HINT
                value=view.private.clone()
                error=error("private")
            />
        }
    });
    let without = (!view.missing.is_empty()).then(|| {
        let (hint, error) = (texts::without(&view.missing), error("without"));
        view! { <Tick name="without" label=texts::WITHOUT hint checked=view.without error /> }
    });
    let has_settings = !view.form.fields.is_empty();
    view! {
        <form method="post" action=action class="form" autocomplete="off" novalidate>
            <input type="hidden" name="before" value=view.before />
            {growth}
            {hosts}
            {private}
            {view
                .takes_payments
                .then(|| {
                    view! {
                        <Tick
                            name="test_mode"
                            label=texts::TEST_MODE
                            hint=texts::TEST_MODE_HINT
                            checked=view.test_mode
                            error=None
                        />
                    }
                })}
            {has_settings.then(|| view! { <h2>{texts::SETTINGS}</h2> })}
            <Fields fields=view.form.fields />
            <Secrets secrets=view.form.secrets />
            {without}
            <div class="actions">
                <Submit label=submit />
            </div>
        </form>
    }
    .into_any()
}
