//! Lists in pages.

use myrelay_app::contract::{PAGE_ROWS, Page};

/// Cuts rows that were read with one too many to a page.
pub(crate) fn page<T>(mut rows: Vec<T>, key: impl Fn(&T) -> String) -> Page<T> {
    let more = PAGE_ROWS < rows.len();
    rows.truncate(PAGE_ROWS);
    let next = if more { rows.last().map(key) } else { None };
    Page { rows, next }
}
