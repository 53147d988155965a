//! A payment provider like Stripe: checkouts with a page to pay on, refunds, subscriptions, and
//! signed events.

mod api;
mod book;
mod checks;
mod pages;
mod signed;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::{
    deliver,
    serve::{Fake, Server, bind},
    stripe::book::Book,
};

pub use signed::{Event, Flaw};

/// How the provider is set up.
#[derive(Clone)]
pub struct StripeOptions {
    /// The key that requests log in with.
    pub api_key: String,
    /// The secret that events are signed with.
    pub webhook_secret: String,
    /// Where events go by themselves, as `http://…`; nowhere where it is none.
    pub webhook_url: Option<String>,
    /// The port of the API, and the one after it for the pages; any free ones where it is 0.
    pub port: u16,
    /// The time, in seconds since 1970.
    pub now: fn() -> u64,
}

/// The provider.
pub struct Stripe {
    api: Server,
    pages: Server,
    shared: Arc<Shared>,
}

/// What the API and the pages share.
struct Shared {
    options: StripeOptions,
    book: Mutex<Book>,
    /// Where the pages are.
    pages: String,
    webhook_url: Mutex<Option<String>>,
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends events to where they go by themselves.
    async fn tell(&self, events: &[Event]) {
        let url = self.webhook_url.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(url) = url else { return };
        for event in events {
            let (headers, body) = self.sign(event, Flaw::None);
            // The real one tries again for days; whoever wants that sends it again.
            let _answer = deliver::post(&url, &headers, body).await;
        }
    }
}

impl Fake for Stripe {
    fn server(&self) -> &Server {
        &self.api
    }
}

impl Stripe {
    /// Starts the API in clear and the pages with TLS.
    ///
    /// # Errors
    /// When a port is taken.
    pub async fn start(options: StripeOptions) -> Result<Self> {
        let port = options.port;
        let listener =
            bind(if port == 0 { 0 } else { port.checked_add(1).context("a lower port")? });
        let listener = listener.await?;
        let shared = Arc::new(Shared {
            book: Mutex::new(Book::default()),
            pages: format!("https://{}", listener.local_addr()?),
            webhook_url: Mutex::new(options.webhook_url.clone()),
            options,
        });
        let pages = Server::start_pages(listener, pages::router(shared.clone()))?;
        let router = api::router(shared.clone()).merge(pages::router(shared.clone()));
        let api = Server::start(bind(port).await?, router)?;
        Ok(Self { api, pages, shared })
    }

    /// Where customers are sent to: with TLS, by a certificate that nobody knows.
    #[must_use]
    pub fn pages_url(&self) -> String {
        format!("https://{}", self.pages.address)
    }

    /// Sends events here from now on.
    pub fn send_to(&self, url: &str) {
        let mut place = self.shared.webhook_url.lock().unwrap_or_else(PoisonError::into_inner);
        *place = Some(url.to_owned());
    }

    /// One of its objects as it is now; null where there is none of this id.
    #[must_use]
    pub fn object(&self, id: &str) -> Value {
        self.shared.book().get(id)
    }

    /// Every event so far, the oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.shared.book().events.clone()
    }

    fn change(&self, change: impl FnOnce(&mut Book, u64)) -> Vec<Event> {
        let mut book = self.shared.book();
        let before = book.events.len();
        change(&mut book, (self.shared.options.now)());
        book.events
            .split_off(before)
            .into_iter()
            .inspect(|it| book.events.push(it.clone()))
            .collect()
    }

    /// The customer pays, and what that makes happen is answered. Nothing is sent by itself.
    pub fn pay(&self, session: &str) -> Vec<Event> {
        self.change(|book, now| book.pay(session, now))
    }

    /// The customer pays by a method that takes days.
    pub fn pay_slowly(&self, session: &str) -> Vec<Event> {
        self.change(|book, now| book.pay_slowly(session, now))
    }

    /// What takes days arrives, or does not.
    pub fn settle(&self, session: &str, arrives: bool) -> Vec<Event> {
        self.change(|book, now| book.settle(session, arrives, now))
    }

    /// The customer never comes back.
    pub fn expire(&self, session: &str) -> Vec<Event> {
        self.change(|book, now| book.expire(session, now))
    }

    /// The next period of a subscription is paid, or its method is refused.
    pub fn renew(&self, subscription: &str, paid: bool) -> Vec<Event> {
        self.change(|book, now| book.renew(subscription, paid, now))
    }

    /// Somebody disputes a payment.
    pub fn dispute(&self, payment: &str, status: &str) -> Vec<Event> {
        self.change(|book, now| book.dispute(payment, status, now))
    }

    /// A refund that was taken for done does not arrive.
    pub fn bounce_refund(&self, refund: &str) -> Vec<Event> {
        self.change(|book, now| book.bounce_refund(refund, now))
    }

    /// A request with an event, signed.
    #[must_use]
    pub fn sign(&self, event: &Event, flaw: Flaw) -> (Vec<(String, String)>, Vec<u8>) {
        self.shared.sign(event, flaw)
    }

    /// Sends an event to an `http://` address, once more if it was sent already, and gives back the
    /// status of the answer.
    ///
    /// # Errors
    /// When nobody is there.
    pub async fn send(&self, url: &str, event: &Event, flaw: Flaw) -> Result<u16> {
        let (headers, body) = self.sign(event, flaw);
        Ok(deliver::post(url, &headers, body).await?.0)
    }
}
