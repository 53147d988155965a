//! The HTML around a page: head, boot script, navigation.

use leptos::prelude::*;

use crate::pages::{Content, Frame};

/// A file the browser loads, named by its content.
#[derive(Clone, Debug)]
pub struct Asset {
    /// Path on this site, such as `/assets/app.0123abcd.css`.
    pub path: String,
    /// `sha384-…`, as Subresource Integrity writes it.
    pub integrity: String,
}

/// What the site build made.
#[derive(Clone, Debug)]
pub struct Assets {
    pub css: Asset,
    /// Starts the islands: imports `glue`, fetches `wasm`.
    pub boot: Asset,
    pub glue: Asset,
    pub wasm: Asset,
    pub icon: Asset,
}

/// A whole page. `nonce` is the one of the answer's Content-Security-Policy.
#[component]
pub fn Document(content: Content, frame: Frame, assets: Assets, nonce: String) -> impl IntoView {
    let _ = (content, frame, assets, nonce);
}
