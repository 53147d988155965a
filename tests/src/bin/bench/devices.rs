//! Adding devices: how long the portal takes, how long until a node has them, and how long until
//! a person sees the code to scan.

use std::time::Duration;

use anyhow::{Context as _, Result};
use myrelay_tests::{
    browser::{Browser, Scripts},
    program::until,
    story::PASSWORD,
};
use serde_json::json;

use crate::{
    cores::Cores,
    measure::{Effort, Metric},
    ping::provision_ping,
    place::{Customer, DEVICES, FAR, NEAR, Place},
    real::RealPlace,
};

/// Each adds [`DEVICES`] devices.
const ROUNDS: usize = 40;
const QR_ROUNDS: usize = 4;

/// `peer_create` with few and with many devices in the database.
pub(crate) async fn peer_create(
    place: &mut Place,
    cores: &Cores,
    effort: Effort,
) -> Result<Vec<Metric>> {
    let (rounds, on) = (effort.times(ROUNDS), cores.words());
    let how = |existing: &str| {
        format!(
            "POST /call/add_device one at a time, to the whole answer: the device is on disk \
             (synchronous=FULL) and its node, with the fake backend, has said that it has it; \
             {existing}; {on}"
        )
    };
    let mut near = place.customer(NEAR).await?;
    place.fill(10).await?;
    let few = near.measure_adding(rounds).await?;
    place.fill(1000).await?;
    near.connection = near.connection.another().await?;
    let many = near.measure_adding(rounds).await?;
    let mut far = place.customer(FAR).await?;
    let crowded = far.measure_adding(rounds).await?;
    Ok(vec![
        Metric::of_times("peer_create_10", &few, how("10 other devices, on another node")),
        Metric::of_times("peer_create_1000", &many, how("1,000 other devices, on another node")),
        Metric::of_times(
            "peer_create_1000_same_node",
            &crowded,
            how("1,000 other devices, in 200 pods of the same node"),
        ),
    ])
}

/// `provision`: from the request until a real node has the device; `provision_ping`.
pub(crate) async fn provision(
    real: &mut RealPlace,
    cores: &Cores,
    effort: Effort,
) -> Result<Vec<Metric>> {
    let rounds = effort.times(ROUNDS);
    let mut customer = real.customer().await?;
    let times = customer.measure_adding(rounds).await?;
    let setup = format!(
        "POST /call/add_device one at a time, to the whole answer, which says that the node has \
         the device: its agent has put it into WireGuard ({} backend) and has reported so; node \
         in a namespace behind a veth; pods: {}; {}",
        real.backend().await?,
        real.pods(),
        cores.words()
    );
    Ok(vec![Metric::of_times("provision", &times, setup), provision_ping(real, effort).await?])
}

/// `keygen_to_qr`: from the click until the QR code is in the page.
pub(crate) async fn keygen_to_qr(
    place: &mut Place,
    cores: &Cores,
    effort: Effort,
) -> Result<Vec<Metric>> {
    let mut customer = place.customer(NEAR).await?;
    let pictures = crate::place::folder()?;
    let start = async || Browser::start(Scripts::On, pictures.path()).await;
    let browser = cores.on_all(start).await?;
    let url = place.options.public_url.clone();
    browser.open(&format!("{url}/sign-in")).await?;
    let fields = [("email", &*customer.email), ("password", PASSWORD)];
    browser.submit("/sign-in", &fields).await?;
    browser.wait_text("Locations").await?;
    let mut samples = Vec::new();
    for _ in 0..effort.times(QR_ROUNDS) {
        for _ in 0..DEVICES {
            samples.push(click_to_qr(&browser, &url, &customer).await?);
        }
        // The browser took long: the connection has been closed.
        customer.connection = customer.connection.another().await?;
        let devices = customer.devices().await?;
        customer.clear(devices).await?;
    }
    browser.close().await?;
    let setup = format!(
        "headless Chromium with its CPU slowed 4 times (Emulation.setCPUThrottlingRate), \
         performance.now() from the click on \"Make the key\" until the SVG is in the document, on \
         a page that was just loaded; with the round trip to the portal, which waits for the \
         node (fake backend); {}",
        cores.words()
    );
    Ok(vec![Metric::of_samples("keygen_to_qr", "ms", samples, setup)])
}

async fn click_to_qr(browser: &Browser, url: &str, customer: &Customer) -> Result<f64> {
    browser.open(&format!("{url}/pods/{}/devices/new", customer.pod)).await?;
    browser.find("#make-key:enabled").await?;
    browser.fill("#device-name", "Laptop").await?;
    browser.devtools("Emulation.setCPUThrottlingRate", json!({ "rate": 4 })).await?;
    browser
        .execute(
            "const shown = () => document.querySelector('svg.qr-code');
             let start = 0;
             const observer = new MutationObserver(() => {
                 if (shown()) {
                     window.myrelayTook = performance.now() - start;
                     observer.disconnect();
                 }
             });
             observer.observe(document.body, { childList: true, subtree: true });
             start = performance.now();
             document.querySelector('#make-key').click();",
        )
        .await?;
    let took = until("the QR code", Duration::from_secs(20), async || {
        Ok(browser.execute("return window.myrelayTook ?? null").await?.as_f64())
    })
    .await?;
    browser.devtools("Emulation.setCPUThrottlingRate", json!({ "rate": 1 })).await?;
    Ok(took)
}

impl Customer {
    /// The ids of the pod's devices, from its page.
    async fn devices(&mut self) -> Result<Vec<String>> {
        let page = self.connection.get(&format!("/pods/{}", self.pod)).await?.text();
        let links = page.split("href=\"/devices/").skip(1);
        let mut ids: Vec<String> =
            links.filter_map(|it| it.split(['"', '/']).next()).map(str::to_owned).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.first().context("the page shows no device")?;
        Ok(ids)
    }
}
