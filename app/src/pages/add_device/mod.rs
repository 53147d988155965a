//! A device is added: its key made in the browser, or brought along.

pub mod calls;
#[cfg(feature = "browser")]
mod finished;
#[cfg(feature = "browser")]
mod flow;
mod island;
#[cfg(feature = "ssr")]
mod page;
mod texts;

pub use island::AddDevice;
#[cfg(feature = "ssr")]
pub(crate) use page::{AddDevicePage, has_room, title};
