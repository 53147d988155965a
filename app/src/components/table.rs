//! Rows of facts: a table where there is room, a card for each row where there is not.
//!
//! The roles are written out because `display: block` takes them from a table in some browsers.

use leptos::prelude::*;

/// A column's name, and whether it holds numbers.
pub type Column = (&'static str, bool);

/// The table; its rows are the children.
#[component]
pub fn Table(
    /// What the rows are, for those who do not see the page.
    #[prop(into)]
    caption: String,
    columns: &'static [Column],
    children: Children,
) -> impl IntoView {
    view! {
        <table class="table" role="table">
            <caption class="visually-hidden">{caption}</caption>
            <thead role="rowgroup">
                <tr role="row">
                    {columns
                        .iter()
                        .map(|(name, number)| {
                            view! {
                                <th role="columnheader" scope="col" class:number=*number>
                                    {*name}
                                </th>
                            }
                        })
                        .collect_view()}
                </tr>
            </thead>
            <tbody role="rowgroup">{children()}</tbody>
        </table>
    }
}

/// One fact of a row. On a card its column's name stands before it.
#[component]
pub fn Cell(column: Column, children: Children) -> impl IntoView {
    view! {
        <td role="cell" data-label=column.0 class:number=column.1>
            {children()}
        </td>
    }
}
