//! A new plan is put together.

mod texts;

use leptos::prelude::*;
use myrelay_domain::money::Currency;

use super::FormState;
use crate::{
    components::{Choice, ErrorSummary, Field, Heading, Submit},
    texts as shared,
};

const FIELDS: &[&str] = &[
    "name",
    "pods",
    "devices_per_pod",
    "price",
    "currency",
    "interval",
    "speed_down",
    "speed_up",
    "quota",
    "then",
    "throttle",
];

pub(crate) fn title() -> String {
    texts::TITLE.to_owned()
}

#[component]
pub fn AddPlan(form: FormState) -> impl IntoView {
    view! {
        <ErrorSummary error=form.error.clone() fields=FIELDS />
        <Heading
            title=texts::TITLE
            up=("/operator/plans".to_owned(), shared::NAV_PLANS.to_owned())
        />
        <p class="lede">{texts::LEDE}</p>
        <form method="post" action="/operator/plans/new" class="form" novalidate>
            <Field
                name="name"
                label=texts::NAME
                hint=texts::NAME_HINT
                value=form.value("name")
                error=form.error_of("name")
                max=64
            />
            <Field
                name="pods"
                label=texts::PODS
                hint=texts::PODS_HINT
                value=form.value("pods")
                error=form.error_of("pods")
                max=3
            />
            <Field
                name="devices_per_pod"
                label=texts::DEVICES
                hint=texts::DEVICES_HINT
                value=form.value("devices_per_pod")
                error=form.error_of("devices_per_pod")
                max=4
            />
            <PriceFields form=form.clone() />
            <h2>{texts::SPEED}</h2>
            <p class="muted">{texts::SPEED_HINT}</p>
            <Amount name="speed_down" label=texts::SPEED_DOWN hint="" form=form.clone() />
            <Amount name="speed_up" label=texts::SPEED_UP hint="" form=form.clone() />
            <h2>{texts::DATA}</h2>
            <Amount name="quota" label=texts::QUOTA hint=texts::QUOTA_HINT form=form.clone() />
            <Choice
                name="then"
                label=texts::THEN
                error=form.error_of("then")
                chosen=form.value("then")
                options=texts::ENDS.map(|(value, words)| (value.to_owned(), words.to_owned())).to_vec()
            />
            <Amount
                name="throttle"
                label=texts::THROTTLE
                hint=texts::THROTTLE_HINT
                form=form.clone()
            />
            <Submit label=texts::SUBMIT />
        </form>
    }
}

/// What it costs, if anything.
#[component]
fn PriceFields(form: FormState) -> impl IntoView {
    let currency = match form.value("currency") {
        it if it.is_empty() => texts::USUAL_CURRENCY.to_owned(),
        it => it,
    };
    let intervals = texts::INTERVALS.map(|(it, words)| (it.name().to_owned(), words.to_owned()));
    view! {
        <h2>{texts::PRICE_PART}</h2>
        <p class="muted">{texts::PRICE_PART_HINT}</p>
        <Amount name="price" label=texts::PRICE hint=texts::PRICE_HINT form=form.clone() />
        <Choice
            name="currency"
            label=texts::CURRENCY
            error=form.error_of("currency")
            chosen=currency
            options=Currency::all().map(|it| (it.to_owned(), it.to_owned())).collect()
        />
        <Choice
            name="interval"
            label=texts::INTERVAL
            error=form.error_of("interval")
            chosen=form.value("interval")
            options=intervals.to_vec()
        />
    }
}

/// A number that may be left out.
#[component]
fn Amount(
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    form: FormState,
) -> impl IntoView {
    view! {
        <Field
            name=name
            label=label
            hint=hint
            value=form.value(name)
            error=form.error_of(name)
            required=false
            max=13
        />
    }
}
