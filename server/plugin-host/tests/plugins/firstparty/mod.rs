//! Our own plugins, each against its provider's double, and against all that its kind has to stand.

mod btcpay;
mod email;
mod manual;
mod stripe;
mod telegram;
mod webhook;
