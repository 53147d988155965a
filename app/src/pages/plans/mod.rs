//! The list of plans.

mod texts;

use leptos::prelude::*;

use crate::{
    components::{
        Badge, ButtonLink, Cell, Empty, ErrorSummary, Heading, IconShape, StateWord, Table, Tone,
    },
    contract::PlanRow,
    pages::FormState,
};

pub(crate) use self::texts::{limits, quota, speed};

pub(crate) fn title() -> String {
    texts::TITLE.to_owned()
}

#[component]
pub fn Plans(plans: Vec<PlanRow>, form: FormState) -> impl IntoView {
    view! {
        <ErrorSummary error=form.error />
        <Heading title=texts::TITLE>
            <ButtonLink href="/operator/plans/new" label=texts::ADD />
        </Heading>
        <p class="lede">{texts::LEDE}</p>
        {if plans.is_empty() {
            view! {
                <Empty shape=IconShape::Tag title=texts::EMPTY_TITLE text=texts::EMPTY_TEXT />
            }
                .into_any()
        } else {
            view! {
                <Table caption=texts::TITLE columns=texts::COLUMNS>
                    {plans.into_iter().map(|plan| view! { <Row plan /> }).collect_view()}
                </Table>
            }
                .into_any()
        }}
    }
}

#[component]
fn Row(plan: PlanRow) -> impl IntoView {
    let path = format!("/operator/plans/{}", plan.id);
    let is_default = StateWord { word: texts::IS_DEFAULT, tone: Tone::Good };
    let is_withdrawn = StateWord { word: texts::IS_WITHDRAWN, tone: Tone::Plain };
    let can_be_default = !plan.is_default && !plan.is_withdrawn;
    let can_be_withdrawn = plan.price.is_some() && !plan.is_withdrawn;
    let name = plan.name.clone();
    let can_go = plan.accounts == 0 && !plan.is_default;
    view! {
        <tr role="row">
            <Cell column=texts::NAME>
                <span class="plan-name breakable">
                    {name}
                    {plan.is_default.then(|| view! { <Badge state=is_default /> })}
                    {plan.is_withdrawn.then(|| view! { <Badge state=is_withdrawn /> })}
                </span>
            </Cell>
            <Cell column=texts::PRICE>
                <span>{texts::price(plan.price)}</span>
            </Cell>
            <Cell column=texts::PODS>{plan.pods.to_string()}</Cell>
            <Cell column=texts::DEVICES>{plan.devices_per_pod.to_string()}</Cell>
            <Cell column=texts::SPEED>{texts::speed(plan.traffic.speed)}</Cell>
            <Cell column=texts::QUOTA>{texts::quota(plan.traffic.quota)}</Cell>
            <Cell column=texts::ACCOUNTS>{plan.accounts.to_string()}</Cell>
            <Cell column=texts::ACTION>
                <span class="row-actions">
                    {can_be_default
                        .then(|| {
                            view! {
                                <Act
                                    path=format!("{path}/default")
                                    label=texts::MAKE_DEFAULT
                                    name=plan.name.clone()
                                />
                            }
                        })}
                    {can_be_withdrawn
                        .then(|| {
                            view! {
                                <Act
                                    path=format!("{path}/withdraw")
                                    label=texts::WITHDRAW
                                    name=plan.name.clone()
                                />
                            }
                        })}
                    {can_go
                        .then(|| {
                            view! {
                                <Act
                                    path=format!("{path}/remove")
                                    label=texts::REMOVE
                                    name=plan.name.clone()
                                />
                            }
                        })}
                </span>
            </Cell>
        </tr>
    }
}

#[component]
fn Act(path: String, label: &'static str, name: String) -> impl IntoView {
    view! {
        <form method="post" action=path>
            <button type="submit" class="row-action" aria-label=texts::of(label, &name)>
                {label}
            </button>
        </form>
    }
}
