//! Providers to try plugins against: they speak like Stripe, BTCPay, mail services, mail servers and Telegram, on
//! loopback only, and misbehave when they are told to.
//!
//! Every server takes [`Fault`]s for its next requests, and remembers what it was asked.

mod btcpay;
mod deliver;
mod faults;
mod mail;
mod receiver;
mod serve;
mod smtp;
mod stripe;
mod telegram;

pub use btcpay::{Btcpay, BtcpayOptions};
pub use deliver::post;
pub use faults::{Asked, Fault};
pub use mail::{Mail, Mailed};
pub use receiver::Receiver;
pub use serve::{Fake, Server};
pub use smtp::{Smtp, SmtpFault, SmtpMail, SmtpOptions, SmtpSecurity};
pub use stripe::{Event, Flaw, Stripe, StripeOptions};
pub use telegram::{Sent, Telegram};
