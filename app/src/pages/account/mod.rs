//! One account, for operators: its plan, and what it used.

mod money;
mod texts;

use leptos::prelude::*;
use money::AccountMoney;

use super::{FormState, plans, usage};
use crate::{
    components::{Badge, Chart, Choice, ErrorSummary, Heading, Look, Span, Submit, Time},
    contract::{
        AccountBillingView, AccountRow, AccountState, LocationUsageView, Millis, PlanRow,
        SubscriptionState,
    },
    texts as shared,
};

pub(crate) fn title(account: &AccountRow) -> String {
    account.email.clone()
}

#[component]
pub fn Account(
    account: AccountRow,
    plans: Vec<PlanRow>,
    usage: Vec<LocationUsageView>,
    billing: AccountBillingView,
    form: FormState,
    now: Millis,
) -> impl IntoView {
    let path = format!("/operator/accounts/{}", account.id);
    let can_end =
        billing.subscription.as_ref().is_some_and(|it| it.state != SubscriptionState::Ended);
    view! {
        <ErrorSummary error=form.error fields=&["plan"] />
        <Heading
            title=account.email.clone()
            up=("/operator/accounts".to_owned(), shared::NAV_ACCOUNTS.to_owned())
        >
            <Badge state=account.state />
        </Heading>
        <dl class="facts">
            <dt>{texts::PLAN}</dt>
            <dd>{account.plan.clone()}</dd>
            <dt>{texts::PODS}</dt>
            <dd>{account.pods.to_string()}</dd>
            <dt>{texts::CREATED}</dt>
            <dd><Time at=account.created_at now /></dd>
        </dl>
        <section class="part">
            <h2>{texts::CHANGE}</h2>
            <p class="muted">{texts::CHANGE_HINT}</p>
            <ChangePlan action=format!("{path}/plan") now_has=account.plan plans />
        </section>
        <AccountMoney billing now />
        {if usage.is_empty() {
            view! {
                <section class="part">
                    <h2>{texts::USAGE}</h2>
                    <p class="muted">{texts::NO_USAGE}</p>
                </section>
            }
                .into_any()
        } else {
            usage
                .into_iter()
                .enumerate()
                .map(|(at, location)| view! { <Location at location now /> })
                .collect_view()
                .into_any()
        }}
        <Suspension path state=account.state can_end />
    }
}

#[component]
fn ChangePlan(action: String, now_has: String, plans: Vec<PlanRow>) -> impl IntoView {
    let chosen = plans.iter().find(|it| it.name == now_has).map(|it| it.id.to_string());
    let options = plans.iter().map(|it| (it.id.to_string(), plans::limits(it))).collect();
    view! {
        <form method="post" action=action class="form">
            <Choice
                name="plan"
                label=texts::PLAN
                chosen=chosen.unwrap_or_default()
                options=options
            />
            <Submit label=texts::CHANGE look=Look::Secondary />
        </form>
    }
}

#[component]
fn Location(at: usize, location: LocationUsageView, now: Millis) -> impl IntoView {
    view! {
        <usage::UsageSummary
            summary=location.summary
            now
            title=texts::data_in(&location.location)
        />
        <Chart
            id=format!("days-{at}")
            title=usage::LAST_DAYS
            span=Span::Days
            points=location.days
        />
    }
}

/// What stops an account, and what brings it back.
#[component]
fn Suspension(path: String, state: AccountState, can_end: bool) -> impl IntoView {
    let end = format!("{path}/end-subscription");
    let end = can_end.then(|| view! { <a href=end>{texts::END_SUBSCRIPTION}</a> });
    match state {
        AccountState::Active => view! {
            <p class="danger-link">
                {end} <a href=format!("{path}/suspend")>{texts::SUSPEND}</a>
            </p>
        }
        .into_any(),
        AccountState::Suspended => view! {
            <section class="part">
                <form method="post" action=format!("{path}/resume")>
                    <Submit label=texts::RESUME look=Look::Secondary />
                </form>
            </section>
            {end.map(|end| view! { <p class="danger-link">{end}</p> })}
        }
        .into_any(),
    }
}
