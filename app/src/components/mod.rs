//! Looks without data: what every screen is put together from.

mod badge;
mod button;
#[cfg(feature = "ssr")]
mod chart;
#[cfg(feature = "ssr")]
mod choice;
mod confirm;
#[cfg(feature = "ssr")]
mod credentials;
mod empty;
mod error_summary;
mod field;
mod heading;
mod icon;
mod notice;
#[cfg(feature = "ssr")]
mod progress;
mod qr_code;
mod table;
#[cfg(feature = "ssr")]
mod time;

pub(crate) use badge::{Badge, StateWord, Tone};
pub(crate) use button::{ButtonLink, Look, Submit};
#[cfg(feature = "ssr")]
pub(crate) use chart::{Chart, Span};
#[cfg(feature = "ssr")]
pub(crate) use choice::Choice;
pub(crate) use confirm::Confirm;
#[cfg(feature = "ssr")]
pub(crate) use credentials::Credentials;
pub(crate) use empty::Empty;
pub(crate) use error_summary::ErrorSummary;
pub(crate) use field::Field;
pub(crate) use heading::Heading;
pub(crate) use icon::{Icon, IconShape};
pub(crate) use notice::Notice;
#[cfg(feature = "ssr")]
pub(crate) use progress::Progress;
pub(crate) use qr_code::QrSquares;
pub(crate) use table::{Cell, Column, Table};
#[cfg(feature = "ssr")]
pub(crate) use time::{Time, day_words, exact_words};
