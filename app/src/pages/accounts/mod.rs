//! The list of accounts.

mod texts;

use leptos::prelude::*;

use crate::{
    components::{Badge, Cell, Empty, Heading, IconShape, Look, Submit, Table, Time},
    contract::{AccountRow, AccountState, Millis, Page},
    texts as shared,
};

pub(crate) fn title() -> String {
    texts::TITLE.to_owned()
}

#[component]
pub fn Accounts(search: String, accounts: Page<AccountRow>, now: Millis) -> impl IntoView {
    let searched = search.clone();
    let none = accounts.rows.is_empty();
    view! {
        <Heading title=texts::TITLE />
        <form method="get" action="/operator/accounts" class="search" role="search">
            <label for="field-search">{texts::SEARCH}</label>
            <div class="search-row">
                <input
                    id="field-search"
                    name="search"
                    type="search"
                    value=search.clone()
                    autocomplete="off"
                    spellcheck="false"
                    maxlength="254"
                />
                <Submit label=texts::SEARCH_BUTTON look=Look::Secondary />
            </div>
        </form>
        {if none && search.is_empty() {
            view! {
                <Empty shape=IconShape::Users title=texts::EMPTY_TITLE text=texts::EMPTY_TEXT />
            }
                .into_any()
        } else if none {
            view! { <p role="status">{texts::nobody(&search)}</p> }.into_any()
        } else {
            view! {
                <Table caption=texts::TITLE columns=texts::COLUMNS>
                    {accounts
                        .rows
                        .into_iter()
                        .map(|account| view! { <Row account now /> })
                        .collect_view()}
                </Table>
            }
                .into_any()
        }}
        {accounts
            .next
            .map(|next| {
                view! {
                    <form method="get" action="/operator/accounts" class="actions">
                        <input type="hidden" name="search" value=searched />
                        <input type="hidden" name="after" value=next />
                        <Submit label=shared::NEXT_PAGE look=Look::Secondary />
                    </form>
                }
            })}
    }
}

#[component]
fn Row(account: AccountRow, now: Millis) -> impl IntoView {
    let path = format!("/operator/accounts/{}", account.id);
    let (email, page) = (account.email.clone(), path.clone());
    view! {
        <tr role="row" class="row-linked">
            <Cell column=texts::EMAIL>
                <a class="card-link" href=page>{email}</a>
            </Cell>
            <Cell column=texts::STATE><Badge state=account.state /></Cell>
            <Cell column=texts::PLAN>{account.plan}</Cell>
            <Cell column=texts::PODS>{account.pods.to_string()}</Cell>
            <Cell column=texts::CREATED><Time at=account.created_at now /></Cell>
            <Cell column=texts::ACTION>
                {match account.state {
                    AccountState::Active => {
                        view! {
                            <a
                                class="row-action"
                                href=format!("{path}/suspend")
                                aria-label=texts::on(texts::SUSPEND, &account.email)
                            >
                                {texts::SUSPEND}
                            </a>
                        }
                            .into_any()
                    }
                    AccountState::Suspended => {
                        view! {
                            <form method="post" action=format!("{path}/resume")>
                                <button
                                    type="submit"
                                    class="row-action"
                                    aria-label=texts::on(texts::RESUME, &account.email)
                                >
                                    {texts::RESUME}
                                </button>
                            </form>
                        }
                            .into_any()
                    }
                }}
            </Cell>
        </tr>
    }
}
