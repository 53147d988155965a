//! The pages: what people see, and the contract by which the pages ask the portal.

pub mod contract;
#[cfg(feature = "ssr")]
mod document;
pub mod pages;

#[cfg(feature = "ssr")]
pub use document::{Asset, Assets, Document};
pub use pages::{Content, FormState, Frame, Viewer};
