//! The pages: what people see, and the contract by which the pages ask the portal.

#![recursion_limit = "512"]
#![cfg_attr(
    any(feature = "ssr", feature = "browser"),
    expect(unreachable_pub, reason = "Leptos makes every component public")
)]
#![cfg_attr(
    feature = "browser",
    expect(dead_code, unused_imports, reason = "the browser draws one part of one screen")
)]

#[cfg(feature = "browser")]
mod browser;
#[cfg(any(feature = "ssr", feature = "browser"))]
pub mod client_config;
#[cfg(any(feature = "ssr", feature = "browser"))]
mod components;
pub mod contract;
#[cfg(any(test, feature = "browser"))]
mod device_key;
#[cfg(feature = "ssr")]
mod document;
#[cfg(feature = "ssr")]
mod navigation;
pub mod pages;
#[cfg(feature = "ssr")]
mod quantities;
#[cfg(feature = "ssr")]
mod server_calls;
mod texts;

#[cfg(feature = "ssr")]
pub use document::{Asset, Assets, Document, render};
pub use pages::{Billing, Content, FormState, Frame, PluginForm, Viewer};
