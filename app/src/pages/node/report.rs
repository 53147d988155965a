//! What a node's agent says of its host: faults, interfaces that are not ours, hardening.

use leptos::prelude::*;

use super::texts;
use crate::{
    components::{Badge, Cell, StateWord, Table, Tone},
    contract::{HardeningRow, HardeningVerdict},
};

/// What is wrong with the node as a whole; nothing where nothing is.
#[component]
pub fn Faults(faults: Vec<String>) -> impl IntoView {
    (!faults.is_empty()).then(|| {
        view! {
            <section class="part">
                <h2>{texts::FAULTS}</h2>
                <p class="muted">{texts::FAULTS_LEDE}</p>
                <ul class="consequences">
                    {faults
                        .into_iter()
                        .map(|it| view! { <li class="breakable">{it}</li> })
                        .collect_view()}
                </ul>
            </section>
        }
    })
}

/// How the host is guarded, and which interfaces are not ours.
#[component]
pub fn Report(foreign: Vec<String>, hardening: Vec<HardeningRow>) -> impl IntoView {
    view! {
        <section class="part">
            <h2>{texts::HARDENING}</h2>
            {if hardening.is_empty() {
                view! { <p class="muted">{texts::HARDENING_UNKNOWN}</p> }.into_any()
            } else {
                view! {
                    <Table caption=texts::HARDENING columns=texts::HARDENING_COLUMNS>
                        {hardening
                            .into_iter()
                            .map(|row| view! { <Item row /> })
                            .collect_view()}
                    </Table>
                }
                    .into_any()
            }}
        </section>
        {(!foreign.is_empty())
            .then(|| {
                view! {
                    <section class="part">
                        <h2>{texts::FOREIGN}</h2>
                        <p>
                            {foreign
                                .into_iter()
                                .map(|it| view! { <code>{it}</code>" " })
                                .collect_view()}
                        </p>
                        <p class="muted">{texts::FOREIGN_LEDE}</p>
                    </section>
                }
            })}
    }
}

#[component]
fn Item(row: HardeningRow) -> impl IntoView {
    let state = match row.verdict {
        HardeningVerdict::Ok => StateWord { word: texts::OK, tone: Tone::Good },
        HardeningVerdict::Weak => StateWord { word: texts::WEAK, tone: Tone::Bad },
        HardeningVerdict::Missing => StateWord { word: texts::MISSING, tone: Tone::Bad },
        HardeningVerdict::Unknown => StateWord { word: texts::UNKNOWN, tone: Tone::Plain },
    };
    let todo = (row.verdict != HardeningVerdict::Ok).then(|| texts::todo(row.item));
    view! {
        <tr role="row">
            <Cell column=texts::ITEM>{texts::item(row.item)}</Cell>
            <Cell column=texts::VERDICT>
                <Badge state />
            </Cell>
            <Cell column=texts::FOUND>
                <span class="breakable">{row.detail}</span>
                {todo.map(|it| view! { <span class="muted todo">{it}</span> })}
            </Cell>
        </tr>
    }
}
