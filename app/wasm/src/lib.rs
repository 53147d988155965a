//! What the browser loads: the islands of the pages, and the function that makes ready for them.

// Brings the islands along: each exports a function that the boot script calls.
use myrelay_app as _;
use wasm_bindgen::prelude::wasm_bindgen;

/// To be called once, before the first island.
#[wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
